"""The YAML files as pydantic models: the shape of each, and the JSON Schemas made from them.

Every scalar arrives as the string that was written; a model gives it a type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from unicodedata import category
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word
from index_builder.model.project import Hosting, State
from index_builder.policy.rules import Action

#: Embedding, override and isolate marks: what people read would not be what programs read.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _spelled(kind: Callable[[str], str]) -> AfterValidator:
    def parse(text: str) -> str:
        try:
            return kind(text)
        except ValueError as error:
            kind_of_problem, message = "invalid-value", "'{text}' is not right here: {reason}"
            raise PydanticCustomError(kind_of_problem, message, {"text": text, "reason": str(error)}) from error

    return AfterValidator(parse)


def _https(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname:
        msg = "an https:// URL is needed"
        raise ValueError(msg)
    if any(not "!" <= c <= "~" or c in '<>"{}|\\^`' for c in text):
        msg = "a URL has ASCII characters only, others are percent-encoded"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = "a URL in a manifest holds no credentials"
        raise ValueError(msg)
    if "#" in text:
        msg = "the URL has a #fragment: delete it, the digest stands in sha256"
        raise ValueError(msg)
    if parts.port is not None and not parts.port > 0:
        msg = "the port is not a port"
        raise ValueError(msg)
    return text


def _base(text: str) -> str:
    if not text.endswith("/"):
        msg = "it ends with a slash"
        raise ValueError(msg)
    return text


def _files(text: str) -> str:
    _base(text)
    if "://" in text:
        return _https(text)
    return _folder(text.removesuffix("/")) + "/"


def _folder(text: str) -> str:
    parts = text.split("/")
    if not text or text.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\\" in text:
        msg = "a relative path inside the repository is needed, without '..'"
        raise ValueError(msg)
    return text


def _upstream(text: str) -> str:
    parts = urlsplit(text)
    if text == "default" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return text
    return _https(text)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _line(text: str) -> str:
    if not text.strip():
        msg = "say something"
        raise ValueError(msg)
    if len(text) > 1000 or "\n" in text.strip():  # noqa: PLR2004 - one line, as the HTML attribute shows it
        msg = "at most 1,000 characters in one line"
        raise ValueError(msg)
    if any(category(c) in ("Cc", "Cs", "Zp", "Zl") or c in _DIRECTIONS for c in text.strip()):
        msg = "control characters and marks that turn the direction of text are not allowed"
        raise ValueError(msg)
    return text.strip()


def _specifiers(text: str) -> str:
    SpecifierSet(text)
    return text


Digest = Annotated[str, _spelled(Sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
Time = Annotated[str, _spelled(Timestamp), WithJsonSchema({"type": "string", "format": "date-time"})]
Name = Annotated[str, _spelled(ProjectName)]
Normalized = Annotated[str, _spelled(NormalizedName.of)]
Key = Annotated[str, _spelled(Word)]
Https = Annotated[str, _spelled(_https), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https://"})]
Line = Annotated[str, _spelled(_line)]
#: An editor's YAML parser reads 1.10 as a number; here it stays a version.
VersionText = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
True_ = Annotated[
    bool,
    BeforeValidator(lambda v: True if v == "true" else _refuse(v, "only `stored: true` makes sense; leave it out otherwise")),
    WithJsonSchema({"const": True}),
]


def _count(value: object) -> object:
    plain = not isinstance(value, str) or re.fullmatch("-?(0|[1-9][0-9]{0,18})", value)
    return value if plain else _refuse(value, "a whole number is expected here")


#: pydantic alone would take 1_000, +1 and " 1 " too, and YAML readers differ over 010.
_PLAIN_NUMBER = BeforeValidator(_count)


def _refuse(value: object, reason: str) -> Any:
    kind, message = "invalid-value", "'{text}' is not right here: {reason}"
    raise PydanticCustomError(kind, message, {"text": str(value), "reason": reason})


def _kebab(name: str) -> str:
    return name.removesuffix("_").replace("_", "-")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab)


class One:
    """The number 1, as the string or number that `schema:` is followed by."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        """Accept exactly "1"."""
        return core_schema.no_info_plain_validator_function(cls._check)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say the same in JSON Schema."""
        return {"const": 1}

    @staticmethod
    def _check(value: object) -> int:
        if value != "1":
            kind, message = "schema-version", "this builder reads schema 1, the file says '{value}'"
            raise PydanticCustomError(kind, message, {"value": str(value)})
        return 1


class YankedModel(_Strict):
    """Why and since when installers pass over it."""

    reason: Line
    at: Time


class FileModel(_Strict):
    """One wheel or sdist, with exactly one origin: url, index or stored."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in ("url", "index", "stored")]})

    name: str
    sha256: Digest
    size: Annotated[int, Field(ge=0, le=1 << 40), _PLAIN_NUMBER]
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
    versions: Annotated[str, _spelled(_specifiers)] = ""


class PublisherModel(_Strict):
    """An identity whose attestations count."""

    github: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")]
    repository_id: Annotated[int, Field(gt=0, alias="repository_id"), _PLAIN_NUMBER]
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

    url: Annotated[str, _spelled(lambda text: _https(_base(text)))] | None = None
    files: Annotated[str, _spelled(_files)] = "packages/"
    includes: list[Key] = []


class StoreModel(_Strict):
    """A folder for bytes."""

    kind: Literal["directory"]
    path: Annotated[str, _spelled(_folder)]


class TargetModel(_Strict):
    """Where an audience is published."""

    name: Key
    audience: Key
    kind: Literal["pages-artifact", "directory"]
    path: Annotated[str, _spelled(_folder)] | None = None


class IndexModel(_Strict):
    """index.yaml."""

    schema_: One
    title: Line
    upstreams: dict[Key, Annotated[str, _spelled(_upstream)]] = {}
    audiences: Annotated[dict[Key, AudienceModel], Field(min_length=1)]
    pool: StoreModel = StoreModel(kind="directory", path=".pool")
    inbox: StoreModel = StoreModel(kind="directory", path=".inbox")
    publish: list[TargetModel] = []


class AccountModel(_Strict):
    """A GitHub account; the number counts, the login is for readers."""

    login: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,39}$")]
    id: Annotated[int, Field(gt=0), _PLAIN_NUMBER]


class PersonModel(_Strict):
    """A human."""

    github: AccountModel


class ApprovalsModel(_Strict):
    """How many of whom."""

    count: Annotated[int, Field(gt=0, le=20), _PLAIN_NUMBER]
    from_: Key


class RequirementModel(_Strict):
    """What must hold before the actions that it names."""

    for_: Annotated[list[Action], Field(min_length=1)]
    approvals: ApprovalsModel | None = None
    sources: list[Line] = []
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

    schema_: One
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
