"""The kinds of values in YAML files: what each may look like, and the JSON Schema of it.

Every scalar arrives as the string that was written; a kind gives it a type, or says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from packaging.specifiers import SpecifierSet
from pydantic import AfterValidator, BeforeValidator, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from index_builder.model.environment import Environment
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word, one_line

#: What a URL has percent-encoded: all but visible ASCII, and some of that.
_ENCODED_SLASH = re.compile(r"%(2f|5c)", re.IGNORECASE)
_ODD_IN_URL = re.compile(r"""[^!-~]|[<>"{}|\\^`]""")
#: The URLs that nearly all manifests have, of which nothing below could complain: that is faster to see than to take them apart.
_PLAIN_URL = re.compile(r"https://[a-z0-9]+(?:[.-][a-z0-9]+)*/[A-Za-z0-9/._~%+!=&?-]*", re.ASCII)


def _spelled(kind: Callable[[str], str]) -> AfterValidator:
    def parse(text: str) -> str:
        try:
            return kind(text)
        except ValueError as error:
            kind_of_problem, message = "invalid-value", "'{text}' is not right here: {reason}"
            raise PydanticCustomError(kind_of_problem, message, {"text": text, "reason": str(error)}) from error

    return AfterValidator(parse)


def https_url(text: str) -> str:
    """Return an https URL as a manifest may hold it; raises ValueError for any other."""
    if _PLAIN_URL.fullmatch(text) and "/." not in text and "%" not in text:
        return text
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname:
        msg = "an https:// URL is needed"
        raise ValueError(msg)
    if _ODD_IN_URL.search(text):
        msg = "a URL has ASCII characters only, others are percent-encoded"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = "a URL in a manifest holds no credentials"
        raise ValueError(msg)
    if "#" in text:
        msg = "the URL has a #fragment: delete it, the digest stands in sha256"
        raise ValueError(msg)
    if any(unquote(part) in (".", "..") for part in parts.path.split("/")) or _ENCODED_SLASH.search(parts.path):
        msg = "a URL has no '.' or '..' between slashes and no encoded slash: clients would look elsewhere than it says"
        raise ValueError(msg)
    if parts.port is not None and not parts.port > 0:
        msg = "the port is not a port"
        raise ValueError(msg)
    return text


def _base(text: str) -> str:
    if not text.endswith("/"):
        msg = "it must end with a slash"
        raise ValueError(msg)
    return text


def _files(text: str) -> str:
    _base(text)
    if "://" in text:
        return https_url(text)
    folder = _folder(text.removesuffix("/"))
    if folder.partition("/")[0] != "packages":
        msg = "a relative folder for files is packages/ or one inside it: other names are those of pages"
        raise ValueError(msg)
    return f"{folder}/"


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
    return https_url(text)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _specifiers(text: str) -> str:
    SpecifierSet(text)
    return text


Digest = Annotated[str, _spelled(Sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
Time = Annotated[str, _spelled(Timestamp), WithJsonSchema({"type": "string", "format": "date-time"})]
Name = Annotated[str, _spelled(ProjectName)]
Normalized = Annotated[str, _spelled(NormalizedName.of)]
Key = Annotated[str, _spelled(Word)]
Https = Annotated[str, _spelled(https_url), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https://"})]
Line = Annotated[str, _spelled(one_line)]
#: An editor's YAML parser reads 1.10 as a number; here it stays a version.
VersionText = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
Specifiers = Annotated[str, _spelled(_specifiers)]
Python = Annotated[str, _spelled(lambda text: Environment.of(text, "linux_x86_64").python), WithJsonSchema({"type": ["string", "number"]})]
Platform = Annotated[str, _spelled(lambda text: Environment.of("3.11", text).platform)]
Base = Annotated[str, _spelled(lambda text: https_url(_base(text)))]
Files = Annotated[str, _spelled(_files)]
Folder = Annotated[str, _spelled(_folder)]
Upstream = Annotated[str, _spelled(_upstream)]
True_ = Annotated[
    bool,
    BeforeValidator(lambda v: True if v == "true" else _refuse(v, "only `stored: true` makes sense; leave it out otherwise")),
    WithJsonSchema({"const": True}),
]


def _count(value: object) -> object:
    plain = not isinstance(value, str) or re.fullmatch("-?(0|[1-9][0-9]{0,18})", value)
    return value if plain else _refuse(value, "a whole number is expected here")


#: pydantic alone would take 1_000, +1 and " 1 " too, and YAML readers differ over 010.
PLAIN_NUMBER = BeforeValidator(_count)


def _refuse(value: object, reason: str) -> Any:
    kind, message = "invalid-value", "'{text}' is not right here: {reason}"
    raise PydanticCustomError(kind, message, {"text": str(value), "reason": reason})


class One:
    """The number that `schema:` is followed by; `number` is the one that a kind of file has today."""

    number = 1

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        """Accept exactly this number."""
        return core_schema.no_info_plain_validator_function(cls._check)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say the same in JSON Schema."""
        return {"const": cls.number}

    @classmethod
    def _check(cls, value: object) -> int:
        if value != str(cls.number):
            kind, message = "schema-version", "this builder reads schema {number}, the file says '{value}'"
            raise PydanticCustomError(kind, message, {"number": cls.number, "value": str(value)})
        return cls.number


class Two(One):
    """The second form of a kind of file."""

    number = 2
