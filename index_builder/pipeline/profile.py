"""What a manifest, the policies and the newest core metadata tell people of a project."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache

from index_builder.model.names import Sha256
from index_builder.model.profile import Event, Profile
from index_builder.model.project import File, IndexOrigin, Project, Publisher, Source, State, UrlOrigin
from index_builder.model.snapshot import ListedProject
from index_builder.policy.rules import Policies
from index_builder.policy.words import in_words
from index_builder.ports.pool import Pool
from index_builder.render.web.card import metadata_of, newest_of
from index_builder.render.web.readme import EDITION, render_readme, source_of, tamed


def profile_of(project: Project, listed: ListedProject, policies: Policies, pool: Pool) -> Profile:
    """Return a project's profile; a README that was rendered before comes from the pool. Raises StorageError."""
    shown = dict.fromkeys(file.filename for file in listed.files)
    return Profile(
        manifest=project.place.path,
        owners=tuple(map(str, project.owners)),
        hosting=project.hosting.value,
        events=tuple(sorted(_events(project, shown))),
        origins=tuple(map({file.name.text: _origin(file) for file in project.files}.__getitem__, shown)),
        looked_for=_source(project.source) if project.source else "",
        publishers=tuple(map(_publisher, project.publishers)),
        grants=in_words(policies, project.normalized),
        readme=_readme(listed, pool),
    )


def _events(project: Project, shown: Iterable[str]) -> Iterator[Event]:
    """Yield what happened to what the pages show, and what was taken away for good."""
    for release in project.releases:
        files = [file for file in release.files if file.name.text in shown]
        if not files:
            continue
        version = str(release.version)
        yield Event(min(file.uploaded for file in files), "release", version)
        marks = [release.yanked] if release.yanked else [file.yanked for file in files if file.yanked]
        if mark := min((mark for mark in marks if mark), key=lambda mark: mark.at, default=None):
            yield Event(mark.at, "yanked", version, mark.reason)
    gone = {(str(t.version), str(t.at), t.reason) for t in project.removed}
    yield from (Event(at, "removed", version, reason) for version, at, reason in gone)
    if project.status and project.status.state is not State.ACTIVE:
        yield Event(project.status.at, project.status.state.value, "", project.status.reason)


def _origin(file: File) -> str:
    if isinstance(file.origin, UrlOrigin):
        return file.origin.url
    if isinstance(file.origin, IndexOrigin):
        same = file.origin.project == file.name.project
        return f"the index {file.origin.index}" + ("" if same else f", as {file.origin.project}")
    return "handed in by its owners"


def _source(source: Source) -> str:
    where = f"releases of {source.github} on GitHub" if source.github else source.page or f"the index {source.index}"
    project = f", as {source.project}" if source.project else ""
    return f"{where}{project}" + (f", versions {source.versions}" if source.versions else "")


def _publisher(publisher: Publisher) -> str:
    more = f", environment {publisher.environment}" if publisher.environment else ""
    return f"{publisher.github}, workflow {publisher.workflow}{more}"


def _readme(listed: ListedProject, pool: Pool) -> str:
    """Return the newest release's README as HTML.

    What the pool has of it is made harmless once more: others may have written to a cache.
    """
    if not listed.metadata:
        return ""
    text, kind = source_of(metadata_of(listed, newest_of(listed.files)))
    if not text:
        return ""
    key = Sha256(hashlib.sha256(f"{EDITION}\0{_libraries()}\0{kind}\0{text}".encode("utf-8", "replace")).hexdigest())
    if (known := pool.note("readmes", key)) is not None:
        return tamed(known.replace(_NEW_LINE, "\n"))
    made = render_readme(text, kind)
    pool.set_note("readmes", key, made.replace("\n", _NEW_LINE))
    return made.strip()


#: A note is one line; sanitised HTML has no control characters of its own.
_NEW_LINE = "\x1e"


@cache
def _libraries() -> str:
    """Return which libraries render READMEs: another one may do it otherwise."""
    from importlib.metadata import version  # noqa: PLC0415 - for pages for people only

    return " ".join(f"{name} {version(name)}" for name in ("readme_renderer", "comrak", "docutils", "nh3", "pygments"))
