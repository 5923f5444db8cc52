"""Who speaks to GitHub, and on whose behalf: as GitHub's own runners say it in the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pygit2

from index_builder.adapters import git
from index_builder.adapters.clock import SystemClock
from index_builder.adapters.git_remote import TOKEN, Git
from index_builder.adapters.github.api import DEFAULT, Api
from index_builder.adapters.github.artifacts import PreviewArtifacts
from index_builder.adapters.github.feed import GitHubFeed
from index_builder.adapters.github.repository import GitHubRepository
from index_builder.adapters.github.settings import settings_of
from index_builder.errors import UsageError
from index_builder.model.repository import RepositorySettings
from index_builder.ports.machine import Progress
from index_builder.ports.repository import ReleaseFeed


@contextmanager
def open_api(progress: Progress, *, patience: float = 900.0) -> Iterator[Api]:
    """Yield GitHub's API: at GITHUB_API_URL, with GITHUB_TOKEN. No index.yaml names where a token goes. Raises UsageError.

    `patience` is how many seconds a limit is waited for at most.
    """
    url, token = os.environ.get("GITHUB_API_URL") or DEFAULT, os.environ.get("GITHUB_TOKEN", "")
    api = Api(url, token, SystemClock(), progress, patience=patience)
    try:
        yield api
    finally:
        api.close()


@contextmanager
def open_feed(progress: Progress) -> Iterator[ReleaseFeed]:
    """Yield the releases of repositories on GitHub; without a token, 60 questions an hour are answered."""
    with open_api(progress) as api:
        yield GitHubFeed(api)


@contextmanager
def open_repository(progress: Progress, root: Path | None = None) -> Iterator[GitHubRepository]:
    """Yield the repository that GITHUB_REPOSITORY names, or to be read only the one that `root` is a clone of, without a token too.

    Raises UsageError where nothing names it, or GITHUB_TOKEN is missing.
    """
    name = _cloned(root) if root and not os.environ.get("GITHUB_REPOSITORY") else _named(needs_token=root is None)
    with open_api(progress) as api:
        yield GitHubRepository(api, name)


@contextmanager
def open_artifacts(progress: Progress, root: Path) -> Iterator[PreviewArtifacts]:
    """Yield the artifacts of the repository that GITHUB_REPOSITORY names, or that `root` is a clone of.

    Raises UsageError without GITHUB_TOKEN: GitHub gives artifacts to nobody who does not say who he is.
    """
    _check_set("GITHUB_TOKEN")
    name = os.environ.get("GITHUB_REPOSITORY") or _cloned(root)
    with open_api(progress) as api:
        yield PreviewArtifacts(api, name)


@contextmanager
def open_settings(progress: Progress) -> Iterator[RepositorySettings]:
    """Yield the settings of the repository that GITHUB_REPOSITORY names; raises as `open_repository`, RemoteError."""
    name = _named()
    with open_api(progress) as api:
        yield settings_of(api, name)


def _cloned(root: Path) -> str:
    """Return the repository that `origin` is, by the last two parts of its URL; raises UsageError."""
    found = re.search(r"[/:]([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?$", git.remote_of(root) or "")
    return found[1] if found else _named(needs_token=False)


def _named(*, needs_token: bool = True) -> str:
    _check_set("GITHUB_REPOSITORY")
    if needs_token:
        _check_set("GITHUB_TOKEN")
    return os.environ["GITHUB_REPOSITORY"]


def _check_set(name: str) -> None:
    """Raise UsageError where a variable that a runner has is missing."""
    if not os.environ.get(name):
        says, example = _VARIABLES[name]
        msg = f"{name} is not set: it says {says}"
        raise UsageError(msg, fix=f"on a runner of GitHub it is there; elsewhere: export {name}={example}")


_VARIABLES: Final = {
    "GITHUB_REPOSITORY": ("which repository this is", "acme/index"),
    "GITHUB_TOKEN": ("on whose behalf GitHub is asked", "$(gh auth token)"),
}


def _server() -> str:
    return os.environ.get("GITHUB_SERVER_URL") or "https://github.com"


def released_by(url: str) -> str:
    """Return the repository on GitHub in whose releases a URL's file is, as `owner/name`; '' where it is in none."""
    found = re.fullmatch(re.escape(_server()) + r"/(\w[\w.-]*/\w[\w.-]*)/releases/download/[^?#]+", url)
    return found[1] if found else ""


def fetch_pull(root: Path, base: str, number: int) -> None:
    """Fetch a pull request and its base from `origin`, as git objects only, to `BASE` and `HEAD`. Raises RemoteError, UsageError."""
    url = git.remote_of(root)
    if url is None:
        msg = "this repository has no remote `origin` to fetch pull requests from"
        raise UsageError(msg, fix="git remote add origin URL")
    environment = dict(os.environ)
    if urlsplit(url).netloc == urlsplit(_server()).netloc and os.environ.get("GITHUB_TOKEN"):
        environment[TOKEN] = os.environ["GITHUB_TOKEN"]
    repository = Git(Path(pygit2.Repository(str(root)).path), url, environment)
    repository.fetch_refs(f"refs/heads/{base}:{BASE}", f"refs/pull/{number}/head:{HEAD}")


#: What was fetched of a pull request.
BASE: Final = "refs/index-builder/base"
HEAD: Final = "refs/index-builder/head"
