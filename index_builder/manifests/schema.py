"""The YAML files as pydantic models: the shape of each, and the JSON Schemas made from them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from index_builder.manifests.kinds import (
    PLAIN_NUMBER,
    Base,
    Digest,
    Files,
    Folder,
    Https,
    Key,
    Line,
    Name,
    Normalized,
    One,
    Platform,
    Python,
    Specifiers,
    Time,
    True_,
    Two,
    Upstream,
    VersionText,
)
from index_builder.model.project import Hosting, State
from index_builder.policy.rules import Action


def _kebab(name: str) -> str:
    return name.removesuffix("_").replace("_", "-")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab)


class YankedModel(_Strict):
    """Why and since when installers pass over it."""

    reason: Line
    at: Time


class FileModel(_Strict):
    """One wheel or sdist, with exactly one origin: url, index or stored."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in ("url", "index", "stored")]})

    name: str
    sha256: Digest
    size: Annotated[int, Field(ge=0, le=1 << 40), PLAIN_NUMBER]
    uploaded: Time
    requires_python: str = ""
    metadata: Digest | None = None
    provenance: Digest | None = None
    yanked: YankedModel | None = None
    url: Https | None = None
    index: Key | None = None
    project: Normalized | None = None
    stored: True_ | None = None


class ReleaseModel(_Strict):
    """One version's files."""

    yanked: YankedModel | None = None
    files: Annotated[list[FileModel], Field(min_length=1)]


class TombstoneModel(_Strict):
    """A file that was taken away."""

    version: VersionText
    sha256: Digest
    reason: Line
    at: Time


class StatusModel(_Strict):
    """The project's status marker (PEP 792)."""

    state: State
    reason: Line = ""
    at: Time


class SourceModel(_Strict):
    """Where new releases are looked for."""

    github: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")] | None = None
    index: Key | None = None
    project: Normalized | None = None
    page: Https | None = None
    versions: Specifiers = ""


class PublisherModel(_Strict):
    """An identity whose attestations count."""

    github: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")]
    repository_id: Annotated[int, Field(gt=0, alias="repository_id"), PLAIN_NUMBER]
    workflow: Line
    environment: Line | None = None


class ManifestModel(_Strict):
    """One project: packages.d/<normalized-name>.yaml."""

    schema_: One
    name: Name
    owners: Annotated[list[Key], Field(min_length=1)]
    audiences: Annotated[list[Key], Field(min_length=1)] | None = None
    hosting: Hosting
    source: SourceModel | None = None
    publishers: list[PublisherModel] = []
    status: StatusModel | None = None
    releases: dict[VersionText, ReleaseModel] = {}
    removed: dict[str, TombstoneModel] = {}


class AudienceModel(_Strict):
    """One published tree."""

    url: Base | None = None
    files: Files = "packages/"
    includes: list[Key] = []


class StoreModel(_Strict):
    """A folder for bytes."""

    kind: Literal["directory"]
    path: Folder


class TargetModel(_Strict):
    """Where an audience is published."""

    name: Key
    audience: Key
    kind: Literal["pages-artifact", "directory"]
    path: Folder | None = None


class ClientsModel(_Strict):
    """The environments that the index is for: each Python on each platform."""

    python: Annotated[list[Python], Field(min_length=1)]
    platform: Annotated[list[Platform], Field(min_length=1)]


class IndexModel(_Strict):
    """index.yaml."""

    schema_: One
    title: Line
    upstreams: dict[Key, Upstream] = {}
    audiences: Annotated[dict[Key, AudienceModel], Field(min_length=1)]
    pool: StoreModel = StoreModel(kind="directory", path=".pool")
    inbox: StoreModel = StoreModel(kind="directory", path=".inbox")
    publish: list[TargetModel] = []
    clients: ClientsModel | None = None


class AccountModel(_Strict):
    """A GitHub account; the number counts, the login is for readers."""

    login: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,39}$")]
    id: Annotated[int, Field(gt=0), PLAIN_NUMBER]


class PersonModel(_Strict):
    """A human."""

    github: AccountModel


class ApprovalsModel(_Strict):
    """How many of whom."""

    count: Annotated[int, Field(gt=0, le=20), PLAIN_NUMBER]
    from_: Key


class RequirementModel(_Strict):
    """What must hold before the actions that it names."""

    for_: Annotated[list[Action], Field(min_length=1)]
    approvals: ApprovalsModel | None = None
    origins: list[Line] = []
    publisher: Literal["declared"] | None = None


class RuleModel(_Strict):
    """Grants, requirements and denies for projects or audiences."""

    id: Key
    projects: list[Annotated[str, Field(pattern=r"^[a-z0-9*?-]+$")]] = []
    audiences: list[Key] = []
    grant: dict[Key, list[Action]] = {}
    require: list[RequirementModel] = []
    deny: dict[Key, list[Action]] = {}


class PolicyModel(_Strict):
    """policies.d/*.yaml."""

    schema_: Two
    people: dict[Key, PersonModel] = {}
    groups: dict[Key, list[Key]] = {}
    rules: list[RuleModel] = []


#: file name in schemas/ -> model
MODELS: dict[str, type[BaseModel]] = {
    "manifest.schema.json": ManifestModel,
    "index.schema.json": IndexModel,
    "policy.schema.json": PolicyModel,
}


def json_schema(name: str) -> str:
    """Return the JSON Schema file `name` of MODELS, ending in a newline."""
    schema = _without_null(MODELS[name].model_json_schema(by_alias=True))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(head, indent=2, ensure_ascii=False) + "\n"


def _without_null(schema: Any) -> Any:
    """A key that may be left out is None here; in the file it is never null. Made-up titles go too."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    given = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    given = {key: value for key, value in given.items() if not (key == "title" and isinstance(value, str))}
    if isinstance(either := given.pop("anyOf", None), list):
        given |= next(kind for kind in either if kind != {"type": "null"})
    return {key: _without_null(value) for key, value in given.items()}
