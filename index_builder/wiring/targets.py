"""Targets meet the hosts that serve them, and trees the folders that they are made in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_site import DirectorySite, exclusive
from index_builder.adapters.overlay_site import OverlaySite
from index_builder.adapters.storage import storage
from index_builder.errors import GateError, RemoteError, StorageError, UsageError
from index_builder.model.names import Word
from index_builder.pipeline.publish.order import Gate, Place, Relation, Tried

if TYPE_CHECKING:
    from index_builder.fetch.stage import Fetcher
    from index_builder.model.index import Audience, Configuration, Target
    from index_builder.model.releases import Releases
    from index_builder.pipeline.publish.gate import Machine
    from index_builder.pipeline.publish.make import Room
    from index_builder.ports.machine import Progress
    from index_builder.ports.places import Depot, Host, Site

# ruff: noqa: PLC0415 - each kind of host needs other libraries, and most indexes have one kind.

#: What publishing keeps on this machine, all of which can be thrown away.
FOLDER: Final = ".publish"
#: Seconds to wait for another publication of this machine.
_PATIENCE: Final = 600.0
#: Seconds until GitHub counts anew.
_AN_HOUR: Final = 3700.0


@contextmanager
def open_places(
    root: Path, configuration: Configuration, targets: Sequence[Target], fetcher: Fetcher, *, opened: Collection[Word] = (),
    dry_run: bool = False,
) -> Iterator[list[Place]]:  # fmt: skip
    """Yield each target with its host; folders are locked against other publications.

    A target that cannot be opened says why when it is asked for anything. `opened` are the audiences that are for everybody: of the
    others, shared caches keep nothing.
    """
    with ExitStack() as stack:
        depots = {
            audience.name: stack.enter_context(_open_depot(audience.releases, fetcher.downloader.progress))
            for audience in configuration.audiences.values() if audience.releases
        }  # fmt: skip

        def host(target: Target) -> Host:
            audience = configuration.audiences[target.audience]
            opening = _open(root, audience, target, fetcher, is_open=audience.name in opened, dry_run=dry_run)
            return _opened(stack, opening)

        yield [
            Place(target=target, host=host(target), depot=depots.get(target.audience), own=_own(target, configuration))
            for target in targets
        ]  # fmt: skip


def _own(target: Target, configuration: Configuration) -> dict[str, bytes]:
    """Return what the host that deploys a target is told by."""
    if not target.edge:
        return {}
    from index_builder.hostconfig.pages import render_edge
    from index_builder.hostconfig.render import environment
    from index_builder.wiring import shipped

    templates = environment(shipped.host_templates())
    files = render_edge(target.edge, configuration.title, target.audience, templates, serves_json=target.edge_form == "json")
    return {file.name: file.text.encode() for file in files}


def _opened(stack: ExitStack, opening: AbstractContextManager[Host]) -> Host:
    from index_builder.adapters.hosts.closed import ClosedHost

    try:
        return stack.enter_context(opening)
    except (StorageError, RemoteError, UsageError) as error:
        return ClosedHost(error)


@contextmanager
def _open_depot(releases: Releases, progress: Progress) -> Iterator[Depot]:
    from index_builder.adapters.github.releases import ReleaseDepot
    from index_builder.wiring.github import open_api

    with open_api(progress, patience=_AN_HOUR) as api:
        yield ReleaseDepot(releases, api)


@contextmanager
def _open(root: Path, audience: Audience, target: Target, fetcher: Fetcher, *, is_open: bool, dry_run: bool) -> Iterator[Host]:
    if target.kind == "directory":
        from index_builder.adapters.hosts.directory import DirectoryHost

        host = DirectoryHost(root / target.path, audience.name)
        with ExitStack() as stack:
            if not dry_run:
                stack.enter_context(exclusive(host.trees, patience=_PATIENCE))
            yield host
    elif target.kind == "pages-artifact":
        from index_builder.adapters.hosts.artifact import ArtifactHost

        with ExitStack() as stack:
            live = stack.enter_context(_published(audience.url, fetcher)) if audience.url else None
            yield ArtifactHost(root / (target.path or f"{FOLDER}/{target.name}.tar"), live)
    elif target.kind == "pages-branch":
        from index_builder.adapters.hosts.branch import Branch, BranchHost

        branch = Branch(url=_repository(root, target), name=target.branch, history=target.history)
        cache = root / FOLDER / f"{target.name}.git"
        with exclusive(root / FOLDER / f"{target.name}.lock", patience=_PATIENCE):
            yield BranchHost(branch, cache, SystemClock().now())
    else:
        from index_builder.adapters.hosts.bucket import open_host

        life = os.environ.get("INDEX_BUILDER_LEASE_SECONDS")
        with open_host(target, SystemClock(), is_open=is_open, **({"life": timedelta(seconds=float(life))} if life else {})) as bucket:
            yield bucket


@contextmanager
def _published(url: str, fetcher: Fetcher) -> Iterator[Site]:
    from tempfile import TemporaryDirectory

    from index_builder.adapters.published_site import KeptSite

    with TemporaryDirectory(prefix="index-builder-live-") as folder:
        yield KeptSite(url, fetcher.downloader, Path(folder))


def _repository(root: Path, target: Target) -> str:
    """Return whose branch it is: as index.yaml says, or that of the index's own remote."""
    if target.repository:
        return target.repository if "://" in target.repository or ":" in target.repository else str((root / target.repository).resolve())
    from index_builder.adapters import git

    if url := git.remote_of(root):
        return url
    msg = f"target '{target.name}' is a branch of this repository's origin, and it has none"
    raise UsageError(msg, fix="say whose branch it is with `repository:`, or: git remote add origin URL")


def relation(root: Path, live: str, commit: str) -> Relation:
    """Say how a commit stands to the one that is live."""
    from index_builder.adapters import git

    if live == commit:
        return Relation.SAME
    if git.is_ancestor(root, live, commit):
        return Relation.NEWER
    return Relation.OLDER if git.is_ancestor(root, commit, live) else Relation.UNRELATED


def whoever(root: Path) -> str:
    """Return who works here: as GitHub's runner says, or as git does."""
    from index_builder.adapters import git

    return os.environ.get("GITHUB_ACTOR") or git.user_of(root)


@contextmanager
def open_rooms(root: Path, output: Path, whole: Collection[Word]) -> Iterator[Room]:
    """Yield what gives an audience's tree a place to be made in: the folder of its last build where it must be whole, else a new one."""
    with ExitStack() as stack:
        trees = root / FOLDER / "trees"
        stack.enter_context(exclusive(trees, patience=_PATIENCE))
        _empty(trees)
        stack.callback(_empty, trees)
        taken: dict[Word, StorageError] = {}
        for audience in sorted(whole):  # all at once, before any work: processes that help have the locks of whoever started them
            try:
                stack.enter_context(exclusive(output / audience, patience=_PATIENCE))
            except StorageError as error:
                taken[audience] = error
        numbers = count(1)

        def room(audience: Word, live: Site | None, *, full: bool) -> tuple[Site, Site, bool]:
            if audience in taken:
                raise taken[audience]
            if audience in whole:
                site = DirectorySite(output / audience, audience)
                stack.callback(site.tidy)
                return site, OverlaySite(live, site, is_whole=True), False
            overlay = OverlaySite(live, DirectorySite(trees / f"{next(numbers)}", audience), is_whole=full)
            return overlay, overlay, live is not None and not full

        yield room


def _empty(folder: Path) -> None:
    with storage(folder):
        for path in folder.iterdir():
            shutil.rmtree(path)


def gate_of(configuration: Configuration) -> Gate:
    """Return what lets pip and uv install a sample of a tree that is about to go live; it raises GateError, UsageError."""

    def gate(audience: Word, wanted: Site, changed: Sequence[str]) -> Tried:
        import platform

        from packaging.tags import sys_tags

        from index_builder.pipeline.publish.gate import Machine

        files, releases = configuration.audiences[audience].files, configuration.audiences[audience].releases
        machine = Machine(
            tags=frozenset(sys_tags()), python=platform.python_version(), base=files if "://" in files else "",
            elsewhere=f"{releases.server}/{releases.repository}/releases/download/" if releases else "",
        )  # fmt: skip
        return _install(audience, wanted, changed, machine)

    return gate


def _install(audience: Word, wanted: Site, changed: Sequence[str], machine: Machine) -> Tried:
    import socket
    from tempfile import TemporaryDirectory

    from index_builder.adapters.installers import INSTALLERS, available, install
    from index_builder.adapters.progress import NoProgress
    from index_builder.gateway.background import running
    from index_builder.gateway.tree import TreeServer
    from index_builder.pipeline.publish.gate import lay_out, samples

    installers = available()
    if not installers:
        msg = "--gate installs with pip and uv, and neither is here"
        raise UsageError(msg, fix="install one: pip install uv; or leave --gate out")
    chosen, untried = samples(wanted, changed, machine)
    with TemporaryDirectory(prefix="index-builder-gate-") as folder, ExitStack() as stack:
        tree = Path(folder) / "tree"
        lay_out(wanted, chosen, DirectorySite(tree), machine, NoProgress())
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.enter_context(running(TreeServer(tree).application(), listener, "gate"))
        index = f"http://127.0.0.1:{listener.getsockname()[1]}/simple/"
        for sample in chosen:
            for name, command in installers.items():
                if told := install(command, index, f"{sample.project}=={sample.version}", Path(folder) / name / sample.project):
                    msg = f"{name} does not get {sample.filename} from what would be published for '{audience}': {told}"
                    raise GateError(msg, fix=f"nothing of '{audience}' was published; look at that file: index-builder check --strict")
    return Tried(count=len(chosen), untried=untried, missing=tuple(name for name in INSTALLERS if name not in installers))
