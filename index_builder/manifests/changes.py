"""What commands do to a manifest, as edits of its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from packaging.version import InvalidVersion, Version

from index_builder.errors import EditError, UsageError
from index_builder.manifests.editor import Editor
from index_builder.manifests.loader import Path, Value, at
from index_builder.manifests.scalar import Flow, Plain, block
from index_builder.model.filename import SDIST_SUFFIXES
from index_builder.model.names import Timestamp, Word, parse_version
from index_builder.model.project import File, IndexOrigin, Project, Release, State, Status, StoredOrigin, Tombstone, UrlOrigin

_EDITOR_LINE = "# yaml-language-server: $schema={schema}"


def new_manifest(project: Project, files: Sequence[File]) -> str:
    """Return the text of a first manifest, from the project's own facts and its first files."""
    head: dict[str, Value] = {"schema": "1", "name": project.name, "owners": [*project.owners]}
    if project.audiences:
        head["audiences"] = [*project.audiences]
    head["hosting"] = project.hosting.value
    if project.status:
        head["status"] = _status(project.status)
    releases: dict[str, Value] = {}
    for version, group in _by_version(files):
        releases[str(version)] = {"files": [file_value(file) for file in group]}
    depth = project.place.path.count("/")
    editor_line = _EDITOR_LINE.format(schema="../" * depth + "schemas/manifest.schema.json")
    return "\n".join([editor_line, *block({**head, "releases": releases}, 0)]) + "\n"


def file_value(file: File) -> dict[str, Value]:
    """Return a file as its manifest lists it."""
    value: dict[str, Value] = {"name": file.name.text, "sha256": file.sha256, "size": str(file.size), "uploaded": file.uploaded}
    if file.requires_python:
        value["requires-python"] = file.requires_python
    if file.metadata:
        value["metadata"] = file.metadata
    if file.provenance:
        value["provenance"] = file.provenance
    if file.yanked:
        value["yanked"] = Flow({"reason": file.yanked.reason, "at": file.yanked.at})
    match file.origin:
        case UrlOrigin(url=url):
            value["url"] = url
        case IndexOrigin(index=index, project=project):
            value["index"] = index
            if project != file.name.project:
                value["project"] = project
        case StoredOrigin():
            value["stored"] = Plain("true")
    return value


def add_files(text: str, project: Project, files: Sequence[File]) -> tuple[str, list[File]]:
    """Return the manifest with those of `files` that it does not list yet, and these.

    Raises EditError for a name that is listed with other bytes, or was removed.
    """
    known = {file.name.text.casefold(): file for file in project.files}
    removed = {tombstone.name.casefold(): tombstone for tombstone in project.removed}
    fresh = [file for file in files if _is_fresh(file, known, removed)]
    editor = Editor(project.place.path, text)
    listed = {release.version: release.written for release in project.releases}
    new: dict[str, Value] = {}
    for version, group in _by_version(fresh):
        items: list[Value] = [file_value(file) for file in group]
        if version in listed:
            editor.extend(("releases", listed[version], "files"), items)
        else:
            new[str(version)] = {"files": items}
    if new:
        editor.insert(("releases",), new)
    return editor.text, fresh


def yank(text: str, project: Project, version: str, reason: str, at: Timestamp) -> str:
    """Return the manifest with a release marked as yanked (PEP 592); raises EditError."""
    editor = Editor(project.place.path, text)
    release = find_release(project, version)
    if release.yanked is None or release.yanked.reason != reason:
        editor.set(("releases", release.written, "yanked"), Flow({"reason": reason, "at": at}))
    return editor.text


def unyank(text: str, project: Project, version: str) -> str:
    """Return the manifest with the mark taken off a release; raises EditError where there is none."""
    release = find_release(project, version)
    if release.yanked is None:
        msg = f"{project.name} {release.written} is not yanked"
        raise EditError(msg)
    editor = Editor(project.place.path, text)
    editor.delete(("releases", release.written, "yanked"))
    return editor.text


def remove(text: str, project: Project, what: str, reason: str, at: Timestamp) -> tuple[str, list[File]]:
    """Return the manifest without a version, a file, or ('') anything, and the files that have a tombstone now.

    A removed project keeps its name, owners and tombstones, so that nothing else comes back under these names.
    """
    gone = _selected(project, what)
    if not gone:
        msg = f"{project.name} lists nothing that could be removed"
        raise EditError(msg)
    return _bury(text, project, gone, reason, at), gone


def prune(text: str, project: Project, keep: int, reason: str, at: Timestamp) -> tuple[str, list[File]]:
    """Return the manifest with its newest `keep` pre-releases only, and the files that have a tombstone now.

    Final releases stay: whoever depends on one of them pinned it for a reason.
    """
    early = [release for release in project.releases if release.version.is_prerelease]
    gone = [file for release in early[: max(0, len(early) - keep)] for file in release.files]
    return (_bury(text, project, gone, reason, at) if gone else text), gone


def set_status(text: str, project: Project, state: State, reason: str, at: Timestamp) -> str:
    """Return the manifest with a status marker (PEP 792); `active` takes the marker away."""
    editor = Editor(project.place.path, text)
    now = project.status
    if state is State.ACTIVE:
        if now is not None:
            editor.delete(("status",))
    elif now is None or (now.state, now.reason) != (state, reason):
        editor.set(("status",), _status(Status(state=state, reason=reason, at=at)))
    return editor.text


def add_owner(text: str, project: Project, who: str) -> str:
    """Return the manifest with one more owner, or as it was where they are one already."""
    editor = Editor(project.place.path, text)
    if who not in project.owners:
        editor.extend(("owners",), [who])
    return editor.text


def remove_owner(text: str, project: Project, who: str) -> str:
    """Return the manifest with one owner less; raises EditError for the last one, and for who is none."""
    if who not in project.owners:
        msg = f"{who} does not own {project.name}"
        raise EditError(msg, fix=f"its owners are: {', '.join(project.owners)}")
    if len(project.owners) == 1:
        msg = f"{who} is the only owner of {project.name}"
        raise EditError(msg, fix="add another one first")
    editor = Editor(project.place.path, text)
    editor.delete(("owners", project.owners.index(Word(who))))
    return editor.text


def stamp(text: str, project: Project, files: Sequence[File], at: Timestamp) -> str:
    """Return the manifest with `at` as the upload time of these files."""
    editor = Editor(project.place.path, text)
    written = {release.version: release.written for release in project.releases}
    for file in files:
        path: Path = ("releases", written[file.name.version], "files")
        editor.set((*path, _number(editor, path, file.name.text), "uploaded"), at)
    return editor.text


def _bury(text: str, project: Project, gone: Sequence[File], reason: str, at: Timestamp) -> str:
    """Return the manifest with tombstones in place of files."""
    editor = Editor(project.place.path, text)
    editor.insert(("removed",), {file.name.text: _tombstone(file, reason, at) for file in gone})
    if len(gone) == len(project.files):
        for key in ("releases", "source", "publishers", "status"):
            if isinstance(editor.value, dict) and key in editor.value:
                editor.delete((key,))
        return editor.text
    for release in project.releases:
        left = [file for file in release.files if file not in gone]
        if not left:
            editor.delete(("releases", release.written))
        elif len(left) < len(release.files):
            for file in release.files:
                if file in gone:
                    path: Path = ("releases", release.written, "files")
                    editor.delete((*path, _number(editor, path, file.name.text)))
    return editor.text


def find_release(project: Project, version: str) -> Release:
    """Return the release of a version, however it is spelled; raises UsageError with near ones."""
    try:
        wanted = parse_version(version)
    except InvalidVersion as error:
        msg = f"{version[:80]!r} is not a version (PEP 440)"
        raise UsageError(msg) from error
    found = next((release for release in project.releases if release.version == wanted), None)
    if found is None:
        listed = [release.written for release in project.releases]
        msg = f"{project.name} has no release {version}"
        near = get_close_matches(version, listed, n=3, cutoff=0.3) or listed[-3:]
        raise UsageError(msg, fix=f"it has: {', '.join(near)}" if near else "it has none at all")
    return found


def _selected(project: Project, what: str) -> list[File]:
    if not what:
        return list(project.files)
    by_name = [file for file in project.files if file.name.text == what]
    if by_name:
        return by_name
    for tombstone in project.removed:
        if what in (tombstone.name, str(tombstone.version)) and not any(str(r.version) == what for r in project.releases):
            msg = f"{what} was removed already, on {tombstone.at} ({tombstone.reason})"
            raise UsageError(msg)
    if what.endswith((".whl", *SDIST_SUFFIXES)):
        names = [file.name.text for file in project.files]
        msg = f"{project.name} lists no file {what}"
        raise UsageError(msg, fix=f"it lists: {', '.join(get_close_matches(what, names, n=3, cutoff=0.3) or names[:3])}")
    return list(find_release(project, what).files)


def _is_fresh(file: File, known: Mapping[str, File], removed: Mapping[str, Tombstone]) -> bool:
    name = file.name.text
    if tombstone := removed.get(name.casefold()):
        msg = f"{name} was removed on {tombstone.at} ({tombstone.reason}), and its name does not come back"
        raise EditError(msg, fix="release a new version")
    listed = known.get(name.casefold())
    if listed is not None and listed.sha256 != file.sha256:
        msg = f"{name} is listed with sha256 {listed.sha256}, and this one has {file.sha256}: a file never changes its bytes"
        raise EditError(msg, fix="release a new version; if the listed one was never published, edit the manifest by hand")
    return listed is None


def _by_version(files: Iterable[File]) -> list[tuple[Version, list[File]]]:
    groups: dict[Version, list[File]] = {}
    for file in sorted(files, key=lambda file: (file.name.version, file.name.text)):
        groups.setdefault(file.name.version, []).append(file)
    return list(groups.items())


def _tombstone(file: File, reason: str, at: Timestamp) -> Flow:
    provenance = {"provenance": file.provenance} if file.provenance else {}
    return Flow({"version": str(file.name.version), "sha256": file.sha256, **provenance, "reason": reason, "at": at})


def _status(status: Status) -> Flow:
    value = Flow({"state": status.state.value})
    if status.reason:
        value["reason"] = status.reason
    if status.state is not State.ACTIVE or status.at:
        value["at"] = status.at
    return value


def _number(editor: Editor, path: Path, name: str) -> int:
    items = at(editor.value, path)
    return next(n for n, item in enumerate(items) if isinstance(item, dict) and item.get("name") == name)
