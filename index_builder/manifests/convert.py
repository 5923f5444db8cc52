"""A manifest's shape becomes a Project: what versions, file names and origins mean, and what is wrong with them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from index_builder.manifests.kinds import duration_of
from index_builder.model.filename import FileName, parse_filename
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word, parse_version
from index_builder.model.problem import Problem
from index_builder.model.project import (
    File,
    Hosting,
    IndexOrigin,
    Origin,
    Project,
    Publisher,
    Release,
    Source,
    Status,
    StoredOrigin,
    Tombstone,
    UrlOrigin,
    Yanked,
)

if TYPE_CHECKING:
    from index_builder.manifests.loader import Document, Path
    from index_builder.manifests.schema.manifest import (
        FileModel,
        ManifestModel,
        ReleaseModel,
        SourceModel,
        StatusModel,
        YankedModel,
    )


#: Python refuses to compare numbers of thousands of digits; no version has one of twenty.
_HUGE_NUMBER = re.compile(r"\d{20}")


class _Conversion:
    """One manifest on its way: the document for places, and the problems so far."""

    def __init__(self, document: Document, model: ManifestModel) -> None:
        self.document = document
        self.model = model
        self.normalized = NormalizedName.of(model.name)
        self.problems: list[Problem] = []
        self.names: dict[str, Path] = {}

    def report(self, rule: str, message: str, path: Path, fix: str = "", *, of_key: bool = False) -> None:
        place = self.document.place(path, of_key=of_key)
        self.problems.append(Problem(rule=rule, message=message, place=place, fix=fix))


def to_project(document: Document, model: ManifestModel) -> tuple[Project, list[Problem]]:
    """Return the project and every problem that its own manifest shows."""
    work = _Conversion(document, model)
    _check_path(work)
    releases = _releases(work)
    removed = _removed(work)
    if not model.releases and not model.removed:
        fix = f"add one: index-builder add --pypi {model.name}, or --dist FILE; or delete this manifest if it is new"
        work.report("no-releases", f"{model.name} lists no release and nothing that was removed", ("releases",), fix)
    project = Project(
        name=ProjectName(model.name),
        normalized=work.normalized,
        owners=tuple(Word(owner) for owner in model.owners),
        audiences=tuple(Word(name) for name in model.audiences or ()),
        hosting=model.hosting,
        releases=releases,
        removed=removed,
        status=_status(model.status),
        source=_source(model.source),
        publishers=tuple(
            Publisher(
                github=p.github,
                repository_id=p.repository_id,
                workflow=p.workflow,
                environment=p.environment or "",
                owner_id=p.owner_id or 0,
                ref=p.ref or "",
                runner=p.runner or "",
                signer=p.signer or "",
            )
            for p in model.publishers
        ),
        place=document.place(("name",)),
    )
    return project, work.problems


def _check_path(work: _Conversion) -> None:
    stem = work.document.path.rpartition("/")[2].removesuffix(".yaml")
    if stem != work.normalized:
        folder = work.document.path.rpartition("/")[0]
        message = f"the project {work.model.name} belongs in {work.normalized}.yaml, not {stem}.yaml"
        fix = f"git mv {work.document.path} {folder}/{work.normalized}.yaml"
        work.report("name-file", message, ("name",), fix)


def _releases(work: _Conversion) -> tuple[Release, ...]:
    found: dict[Version, Release] = {}
    for written, model in work.model.releases.items():
        path: Path = ("releases", written)
        version = _version(work, written, path, of_key=True)
        if version is None:
            continue
        if version in found:
            message = f"{written} and {found[version].written} are one version"
            work.report("version-spelling", message, path, "join the two releases", of_key=True)
            continue
        files = _files(work, version, model, (*path, "files"))
        found[version] = Release(version=version, written=written, files=files, yanked=_yanked(model.yanked))
    return tuple(found[version] for version in sorted(found))


def _version(work: _Conversion, written: str, path: Path, *, of_key: bool = False) -> Version | None:
    try:
        # packaging passes over space at both ends and reads the Kelvin sign as k; PEP 440 knows neither.
        return parse_version(written)
    except InvalidVersion:
        work.report("version-invalid", f"{written!r} is not a version (PEP 440)", path, "write it as 1.2.3", of_key=of_key)
        return None


def _files(work: _Conversion, version: Version, release: ReleaseModel, path: Path) -> tuple[File, ...]:
    files: list[File] = []
    for number, model in enumerate(release.files):
        here = (*path, number)
        name = _name(work, model.name, version, here)
        origin = _origin(work, model, here)
        _check_requires_python(work, model, here)
        if name is None or origin is None:
            continue
        files.append(
            File(
                name=name,
                sha256=Sha256(model.sha256),
                size=model.size,
                uploaded=Timestamp(model.uploaded),
                origin=origin,
                requires_python=model.requires_python,
                metadata=Sha256(model.metadata) if model.metadata else None,
                provenance=Sha256(model.provenance) if model.provenance else None,
                yanked=_yanked(model.yanked),
                place=work.document.place(here),
            )
        )
    _check_hosted_sdists(work, files, path)
    return tuple(sorted(files, key=lambda file: file.name.text))


def _name(work: _Conversion, text: str, version: Version, path: Path) -> FileName | None:
    where = (*path, "name")
    try:
        name = parse_filename(text, project=work.normalized)
    except ValueError as error:
        work.report("file-name", f"{text!r}: {error}", where)
        return None
    if name.project != work.normalized:
        work.report("file-name", f"{text} is a file of {name.project}, not of {work.normalized}", where)
        return None
    if name.version != version:
        message = f"{text} is a file of version {name.version}, and stands under {version}"
        work.report("file-name", message, where, f"move it to `{name.version}:`")
        return None
    key = text.casefold()
    if key in work.names:
        line = work.document.place(work.names[key]).line
        work.report("file-unique", f"{text} is already listed on line {line}", where, "delete one of them")
        return None
    work.names[key] = where
    return name


def _origin(work: _Conversion, model: FileModel, path: Path) -> Origin | None:
    given = [key for key in ("url", "index", "stored") if getattr(model, key) is not None]
    if len(given) != 1:
        said = " and ".join(given) if given else "none of them"
        message = f"a file has exactly one of url, index and stored; {model.name} has {said}"
        work.report("file-origin", message, path, "keep the one that says where the bytes are" if given else "add one")
        return None
    if model.project is not None and model.index is None:
        work.report("file-origin", "`project` goes with `index`", (*path, "project"), "delete it", of_key=True)
    hosted = work.model.hosting is Hosting.HOSTED
    if hosted != (given[0] == "stored"):
        message = f"hosting is {work.model.hosting}, but {model.name} has `{given[0]}`"
        fix = "hosted files have `stored: true`" if hosted else "use `hosting: hosted`, or say the file's url or index"
        work.report("hosting-origin", message, (*path, given[0]), fix, of_key=True)
    if model.url is not None:
        _check_url_name(work, model.url, model.name, path)
        return UrlOrigin(url=model.url)
    if model.index is not None:
        return IndexOrigin(index=Word(model.index), project=NormalizedName(model.project or work.normalized))
    return StoredOrigin()


def _check_url_name(work: _Conversion, url: str, name: str, path: Path) -> None:
    if url.endswith(f"/{name}") and "?" not in url:
        return
    last = unquote(urlsplit(url).path.rpartition("/")[2])
    if work.model.hosting is Hosting.LINKED and last != name:
        message = f"the URL ends with {last!r}, and pip would take that for the file name"
        work.report("url-file-name", message, (*path, "url"), "use `hosting: mirrored`, or a URL that ends with the name")


def _check_requires_python(work: _Conversion, model: FileModel, path: Path) -> None:
    if wrong := _wrong_specifiers(model.requires_python):
        work.report("requires-python", wrong, (*path, "requires-python"), 'write it as ">=3.9"')


@lru_cache(maxsize=1024)
def _wrong_specifiers(text: str) -> str:
    """Return what is wrong with version specifiers, or ''; an index repeats a few of them a million times."""
    if _HUGE_NUMBER.search(text):
        return "no version has a number of so many digits"
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        return str(error)
    return ""


def _check_hosted_sdists(work: _Conversion, files: list[File], path: Path) -> None:
    if work.model.hosting is not Hosting.HOSTED:
        return
    sdists = [file for file in files if file.name.kind == "sdist"]
    for file in sdists:
        if file.name.legacy:
            message = f"{file.name.text}: {file.name.legacy}"
            work.problems.append(Problem(rule="sdist-single", message=message, place=file.place, fix="build it again with a current tool"))
    if len(sdists) > 1:
        names = " and ".join(file.name.text for file in sdists)
        work.report("sdist-single", f"a hosted release has one sdist, this one has {names}", path, "keep one", of_key=True)


def _removed(work: _Conversion) -> tuple[Tombstone, ...]:
    found: list[Tombstone] = []
    for name, model in work.model.removed.items():
        path: Path = ("removed", name)
        if name.casefold() in work.names:
            line = work.document.place(work.names[name.casefold()]).line
            message = f"{name} was removed, and is listed again on line {line}"
            work.report("file-unique", message, path, "release a new version instead", of_key=True)
        version = _version(work, model.version, (*path, "version"))
        if version is None:
            continue
        _check_tombstone_name(work, name, version, path)
        provenance = Sha256(model.provenance) if model.provenance else None
        moment = Timestamp(model.at)
        sha256 = Sha256(model.sha256)
        found.append(Tombstone(name=name, version=version, sha256=sha256, reason=model.reason, at=moment, provenance=provenance))
    return tuple(sorted(found, key=lambda tombstone: tombstone.name))


def _check_tombstone_name(work: _Conversion, name: str, version: Version, path: Path) -> None:
    """A tombstone under a name that no file of the project has would protect nothing."""
    try:
        parsed = parse_filename(name, project=work.normalized)
    except ValueError as error:
        work.report("file-name", f"{name!r}: {error}", path, of_key=True)
        return
    if (parsed.project, parsed.version) != (work.normalized, version):
        message = f"{name} is a file of {parsed.project} {parsed.version}, not of {work.normalized} {version}"
        work.report("file-name", message, path, of_key=True)


def _yanked(model: YankedModel | None) -> Yanked | None:
    return Yanked(reason=model.reason, at=Timestamp(model.at)) if model else None


def _status(model: StatusModel | None) -> Status | None:
    return Status(state=model.state, reason=model.reason, at=Timestamp(model.at)) if model else None


def _source(model: SourceModel | None) -> Source | None:
    if model is None:
        return None
    return Source(
        github=model.github or "", index=model.index or "", project=model.project or "",
        page=model.page or "", versions=model.versions, cooldown=duration_of(model.cooldown or "0"), pre=bool(model.pre),
    )  # fmt: skip
