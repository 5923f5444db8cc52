"""The git command on a repository, with one other side: credentials, proxies and ssh settings are what git is good at."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pygit2

from index_builder.errors import LostRaceError, RemoteError, StorageError

TOKEN: Final = "INDEX_BUILDER_GIT_TOKEN"  # noqa: S105 - the name of one
#: Where what was fetched of a branch is.
LIVE: Final = "refs/publish/live"


class Git:
    """The git command on a bare repository, with one other side."""

    def __init__(self, folder: Path, url: str, environment: Mapping[str, str]) -> None:
        """Take the repository's folder, which is made when it is needed."""
        self._folder, self._url, self._environment = folder, url, environment
        self._opened: pygit2.Repository | None = None

    def repository(self) -> pygit2.Repository:
        """Return the bare repository; raises StorageError."""
        if self._opened is None:
            with self.errors():
                if not (self._folder / "HEAD").exists():
                    pygit2.init_repository(str(self._folder), bare=True)
                self._opened = pygit2.Repository(str(self._folder))
        return self._opened

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what libgit2 raises of this repository, on a full disk say, into StorageError."""
        try:
            yield
        except (pygit2.GitError, OSError) as error:
            text = str(error) if str(error) != "no error" else "it cannot be written or read"  # libgit2 has not always a reason
            msg = f"{self._folder}: {text}"
            raise StorageError(msg, fix="see that there is room, and that it may be written; or delete it: it is made anew") from error

    def tip(self, branch: str) -> str | None:
        """Return the commit that the branch is at on the other side; raises RemoteError."""
        found = self._run("ls-remote", "--", self._url, f"refs/heads/{branch}").decode().split()
        return found[0] if found else None

    def fetch(self, branch: str, history: int) -> None:
        """Fetch the branch's last commits; raises RemoteError."""
        depth = max(1, history)
        self._run("config", "remote.publish.url", self._url)
        self._run("config", "remote.publish.promisor", "true")
        self._run("config", "remote.publish.partialclonefilter", "blob:none")
        self._run("config", "extensions.partialclone", "publish")
        self._run("config", "core.repositoryformatversion", "1")
        self._run("fetch", "--quiet", "--no-tags", f"--depth={depth}", "--filter=blob:none", "publish", f"+refs/heads/{branch}:{LIVE}")

    def fetch_refs(self, *specs: str) -> None:
        """Fetch refs with all that leads to them, as `SOURCE:DESTINATION`; raises RemoteError."""
        self._run("fetch", "--quiet", "--no-tags", "--force", "--", self._url, *specs)

    def content(self, blob: str) -> bytes:
        """Return a blob that was not fetched; raises RemoteError."""
        return self._run("cat-file", "blob", blob)

    def push(self, branch: str, commit: str, expected: str) -> None:
        """Let the branch be at a commit, if it is where it is expected; raises LostRaceError, RemoteError."""
        lease = f"--force-with-lease=refs/heads/{branch}:{expected}"
        try:
            self._run("push", "--quiet", "--porcelain", lease, "--", self._url, f"{commit}:refs/heads/{branch}")
        except RemoteError as error:
            if re.search(r"stale info|fetch first|non-fast-forward|cannot lock ref|reference already exists", error.message):
                msg = f"branch {branch} was pushed to by somebody else meanwhile"
                raise LostRaceError(msg) from error
            raise

    def _run(self, *arguments: str) -> bytes:
        """Run git, again where the other side failed for a moment; raises RemoteError."""
        for pause in _PAUSES:
            try:
                return self._once(*arguments)
            except RemoteError as error:
                if not error.retryable:
                    raise
                time.sleep(pause)
        return self._once(*arguments)

    def _once(self, *arguments: str) -> bytes:
        self.repository()
        try:
            command = ["git", "-C", str(self._folder), *arguments]
            # What comes from index.yaml stands after `--`.
            done = subprocess.run(command, capture_output=True, check=False, env=self._with_token(), timeout=_DEADLINE)  # noqa: S603
        except FileNotFoundError as error:
            msg = "git is not installed"
            raise RemoteError(msg, fix="install git: it fetches and pushes branches") from error
        except subprocess.TimeoutExpired as error:
            msg = f"{self._shown}: git {arguments[0]} took more than {_DEADLINE // 60} minutes"
            raise RemoteError(msg, fix="look at the network, then publish again: what arrived is kept") from error
        if done.returncode:
            told = (done.stderr + done.stdout).decode("utf-8", "replace").replace(self._url, self._shown).strip()
            msg = f"{self._shown}: git {arguments[0]} failed: {' · '.join(line for line in told.splitlines() if line.strip())}"
            raise RemoteError(msg, fix=_fix_of(told), retryable=_FOR_A_MOMENT.search(told) is not None)
        return done.stdout

    def _with_token(self) -> dict[str, str]:
        """Return the environment for git: it asks nobody, and knows the token that it was given, for this URL alone."""
        found = {name: value for name, value in self._environment.items() if not name.startswith("GIT_") or name in _KEPT}
        found["GIT_TERMINAL_PROMPT"] = "0"
        token = found.pop(TOKEN, "")
        if token == self._environment.get("GITHUB_TOKEN") and not self._is_of(self._environment.get("GITHUB_SERVER_URL", "")):
            token = ""  # what a runner gives for its own server, is for no other one
        if token and self._url.startswith("https://"):  # a secret does not travel in the open
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            found |= {
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{self._url}.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }  # fmt: skip
        return found

    def _is_of(self, server: str) -> bool:
        return not server or urlsplit(self._url).netloc == urlsplit(server).netloc

    @property
    def _shown(self) -> str:
        """The URL without what is secret in it."""
        return re.sub(r"(?<=//)[^/@]*@", "", self._url)


_DEADLINE: Final = 1800
#: In seconds, before git is run again.
_PAUSES: Final = (1, 4)
#: What git says of another side that may be well again in a moment. A push that it did after all is a lost race then, and found done.
_FOR_A_MOMENT: Final = re.compile(
    r"returned error: (?:429|5\d\d)|rpc failed|early eof|unexpected disconnect|operation timed out", re.IGNORECASE
)
#: What of git's environment is about how to reach another side, and not about which repository this is.
_KEPT: Final = frozenset({"GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY", "GIT_CONFIG_GLOBAL"})


def _fix_of(told: str) -> str:
    lower = told.lower()
    if "unprotected private key file" in lower:
        return "let nobody else read your key: chmod 600 KEY"
    if any(word in lower for word in ("authentication failed", "could not read username", "permission denied", "403", "401")):
        return f"give a token that may push, as {TOKEN}, or an ssh key to the agent; on GitHub: permissions: contents: write"
    if "refusing to update checked out branch" in lower:
        return "that repository has the branch checked out: publish to a bare one, or to a branch that nobody works on"
    if "host key verification failed" in lower:
        return "add the host's key to known_hosts first: ssh-keyscan HOST >> ~/.ssh/known_hosts, after comparing it"
    if "protected branch" in lower or "pre-receive hook declined" in lower or "gh006" in lower:
        return "the branch's rules refuse it: allow whoever publishes to push, and where history is cut short, to push with force"
    if "not found" in lower or "does not appear to be a git repository" in lower or "does not exist" in lower:
        return "correct `repository:` of the target in index.yaml"
    return "look at what git says; then publish again"
