"""The shape of a manifest: packages.d/<normalized-name>.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from index_builder.manifests.kinds import (
    PLAIN_NUMBER,
    Digest,
    Duration,
    Https,
    Key,
    Line,
    Name,
    Normalized,
    One,
    Slug,
    Specifiers,
    Time,
    True_,
    VersionText,
)
from index_builder.manifests.schema.shape import Shape, key
from index_builder.model.project import Hosting, State

_SHA256 = "4f1c0b1e6bb0d39b2d7a4c6b1b6c1f0a2f3d4e5c6b7a8990a1b2c3d4e5f60718"
_TIME = "2026-11-21T09:30:00Z"


class YankedModel(Shape):
    """Why and since when installers pass over it."""

    reason: Line = key("Why; pages and installers show it.", "broken on Windows")
    at: Time = key("Since when, in UTC.", _TIME)


class FileModel(Shape):
    """One wheel or sdist, with exactly one origin: url, index or stored."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [origin]} for origin in ("url", "index", "stored")]})

    name: str = key("The file's name, of this project and version.", "acme_utils-1.2.0-py3-none-any.whl")
    sha256: Digest = key("The digest that the bytes must have.", _SHA256)
    size: Annotated[int, Field(ge=0, le=1 << 40), PLAIN_NUMBER] = key("The number of bytes.", "12345")
    uploaded: Time = key("The upstream index's own upload time where there is one, else the time of adding.", _TIME)
    requires_python: str = key("What the core metadata says under Requires-Python.", '">=3.9"', default="")
    metadata: Digest | None = key("The digest of the wheel's core metadata, where that is served beside it.", _SHA256, default=None)
    provenance: Digest | None = key("The digest of the file's PEP 740 object, if there is one.", _SHA256, default=None)
    yanked: YankedModel | None = key(
        "Marks this file as yanked (PEP 592); it wins over the release's mark.",
        f"{{reason: wrong platform tag, at: {_TIME}}}",
        default=None,
    )
    url: Https | None = key(
        "Origin: the bytes are at this https URL, which ends with the file's name.",
        "https://files.example.org/acme_utils-1.2.0-py3-none-any.whl", default=None,
    )  # fmt: skip
    index: Key | None = key("Origin: the bytes are on this index of `upstreams:`, found by name and digest.", "pypi", default=None)
    project: Normalized | None = key("The project's name on that index, where it differs.", "acme-utils-ng", default=None)
    stored: True_ | None = key(
        "Origin: the pool is the only place that has the bytes. For `hosting: hosted`, and for nothing else.", "true", default=None
    )


class ReleaseModel(Shape):
    """One version's files."""

    yanked: YankedModel | None = key(
        "Marks every file of the release as yanked (PEP 592).", f"{{reason: broken on Windows, at: {_TIME}}}", default=None
    )
    files: Annotated[list[FileModel], Field(min_length=1)] = key(
        "The release's wheels and sdists.",
        f"[{{name: acme_utils-1.2.0-py3-none-any.whl, sha256: {_SHA256}, size: 12345, uploaded: {_TIME}, index: pypi}}]",
    )


class TombstoneModel(Shape):
    """A file that was taken away: its name never comes back with other bytes."""

    version: VersionText = key("The version that it was a file of.", "1.1.0")
    sha256: Digest = key("The digest that it had.", _SHA256)
    provenance: Digest | None = key(
        "The digest of its PEP 740 object, where it had one: the project's next releases are to have them too.", _SHA256, default=None
    )
    reason: Line = key("Why it was taken away.", "leaked a key")
    at: Time = key("When, in UTC.", _TIME)


class StatusModel(Shape):
    """The project's status marker (PEP 792)."""

    state: State = key("`active`, `archived`, `deprecated` or `quarantined`; a quarantined project lists no file.", "deprecated")
    reason: Line = key("Why; pages show it.", "use acme-core", default="")
    at: Time = key("Since when, in UTC.", _TIME)


class SourceModel(Shape):
    """Where new releases are looked for; never where a listed file comes from."""

    github: Slug | None = key("The releases of this GitHub repository.", "acme/utils", default=None)
    index: Key | None = key("This index of `upstreams:`.", "pypi", default=None)
    project: Normalized | None = key("The project's name on that index, where it differs.", "acme-utils-ng", default=None)
    page: Https | None = key("The links of this page.", "https://downloads.example.org/acme-utils/", default=None)
    versions: Specifiers = key("Only versions in this set.", '">=1.0"', default="")
    cooldown: Duration | None = key("Only releases that are at least so old.", "3d", default=None)
    pre: True_ | None = key("Pre-releases count too.", "true", default=None)


class PublisherModel(Shape):
    """An identity whose attestations count."""

    github: Slug = key("The repository that publishes.", "acme/utils")
    repository_id: Annotated[int, Field(gt=0), PLAIN_NUMBER] = key(
        "Its numeric id: names change hands, numbers do not.", "4711", alias="repository_id"
    )
    workflow: Line = key("The file name of the workflow that publishes.", "release.yml")
    environment: Line | None = key(
        "The environment that the workflow must run in, as its certificate says; those before 2025 say none.", "pypi",
        default=None,
    )  # fmt: skip
    owner_id: Annotated[int, Field(gt=0), PLAIN_NUMBER] | None = key(
        "The numeric id of the repository's owner.", "2314", default=None, alias="owner_id"
    )
    ref: Line | None = key("A pattern of the refs that it may publish from.", "refs/tags/v*", default=None)
    runner: Literal["github-hosted", "self-hosted"] | None = key("What the workflow must run on.", "github-hosted", default=None)
    signer: Line | None = key(
        "A pattern of the reusable workflow that it calls to sign; without this, it signs itself.",
        "acme/workflows/.github/workflows/release.yml@refs/heads/main", default=None,
    )  # fmt: skip


class ManifestModel(Shape):
    """One project: packages.d/<normalized-name>.yaml, in any subfolder."""

    schema_: One = key("Which form the file has.", "1")
    name: Name = key("The project's name as its owner writes it.", "Acme.Utils")
    owners: Annotated[list[Key], Field(min_length=1)] = key("People or groups of `policies.d/`.", "[team-web]")
    audiences: Annotated[list[Key], Field(min_length=1)] | None = key(
        "Who sees the project; required as soon as `index.yaml` has more than one audience.", "[internal]", default=None
    )
    hosting: Hosting = key(
        "`linked`: our page, their URL. `mirrored`: fetched once, served by us. `hosted`: the bytes only ever came to us.", "mirrored"
    )
    source: SourceModel | None = key("Where new releases are looked for.", '{github: acme/utils, versions: ">=1.0"}', default=None)
    publishers: list[PublisherModel] = key(
        "Identities whose attestations count.",
        "[{github: acme/utils, repository_id: 4711, workflow: release.yml, environment: pypi}]", default=[],
    )  # fmt: skip
    status: StatusModel | None = key(
        "The project's status marker (PEP 792).", f"{{state: deprecated, reason: use acme-core, at: {_TIME}}}", default=None
    )
    releases: dict[VersionText, ReleaseModel] = key(
        "Version, as PEP 440 writes it, to its files.",
        f"{{1.2.0: {{files: [{{name: acme_utils-1.2.0.tar.gz, sha256: {_SHA256}, size: 12345, uploaded: {_TIME}, index: pypi}}]}}}}",
        default={},
    )
    removed: dict[str, TombstoneModel] = key(
        "Tombstones: file name to what was there. These names never come back with other bytes.",
        f"{{acme_utils-1.1.0.tar.gz: {{version: 1.1.0, sha256: {_SHA256}, reason: leaked a key, at: {_TIME}}}}}", default={},
    )  # fmt: skip
