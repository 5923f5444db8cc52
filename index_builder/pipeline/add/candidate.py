"""A file that should be listed, and the manifest that it goes into."""

from __future__ import annotations

from dataclasses import dataclass

from index_builder.errors import EditError, SourceError, UsageError
from index_builder.model.environment import Environment
from index_builder.model.filename import FileName, parse_filename
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word
from index_builder.model.problem import Place
from index_builder.model.project import File, Hosting, Origin, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a manifest that does not exist yet is made with, and how files are chosen.

    `only` holds glob patterns of file names, `environments` those that wheels must fit (none: any wheel);
    `now` is the time of adding.
    """

    owners: tuple[Word, ...]
    audiences: tuple[Word, ...]
    hosting: Hosting | None
    only: tuple[str, ...] = ()
    environments: tuple[Environment, ...] = ()
    all_versions: bool = False
    pre: bool = False
    now: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that should be listed, before its bytes were seen."""

    project: Project
    file: File


def new_file(name: FileName, digest: Sha256, size: int, origin: Origin, defaults: Defaults, metadata: Sha256 | None) -> File:
    """Return a file that nobody told us anything about: uploaded now."""
    place = Place(path="")
    return File(name=name, sha256=digest, size=size, uploaded=defaults.now, origin=origin, metadata=metadata, place=place)


def file_name(text: str, where: str) -> FileName:
    """Return a parsed file name; raises SourceError, saying `where` it was found."""
    try:
        return parse_filename(text)
    except ValueError as error:
        msg = f"{where}: {error}"
        raise SourceError(msg) from error


def project_of(index: Index, name: str, defaults: Defaults, hosting: Hosting) -> Project:
    """Return the project as its manifest has it, or as a new one would; raises EditError where the two would not agree."""
    normalized = NormalizedName.of(name)
    known = index.projects.get(normalized)
    wanted = defaults.hosting or hosting
    if known is None:
        _check_defaults(index, name, defaults)
        return Project(
            name=ProjectName(name), normalized=normalized, owners=defaults.owners, audiences=defaults.audiences,
            hosting=wanted, releases=(), place=Place(path=f"packages.d/{normalized}.yaml"),
        )  # fmt: skip
    if (defaults.hosting and known.hosting is not defaults.hosting) or (known.hosting is Hosting.HOSTED) != (wanted is Hosting.HOSTED):
        msg = f"{known.name} has `hosting: {known.hosting}` in {known.place.path}, and this would be {wanted}"
        fix = "hosted files are added with --dist, others with --pypi, --index or --url"
        raise EditError(msg, fix=fix)
    return known


def _check_defaults(index: Index, name: str, defaults: Defaults) -> None:
    """Refuse a new manifest that would not say who owns the project, or who may see it: there is no default to fall into."""
    known = index.configuration.audiences
    if not defaults.owners:
        msg = f"{name} is new here, and nobody is said to own it"
        fix = "say who with --owner, of the people and groups in policies.d/; a group is declared there by `groups: {NAME: []}`"
        raise UsageError(msg, fix=fix)
    if not defaults.audiences and len(known) > 1:
        msg = f"{name} is new here, and the index has several audiences"
        raise UsageError(msg, fix=f"say who may see it with --audience, of: {', '.join(known)}")
