"""The kinds of values in YAML files: what each may look like, and the JSON Schema of it.

Every scalar arrives as the string that was written; a kind gives it a type, or says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from packaging.specifiers import SpecifierSet
from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from index_builder.model.environment import Environment
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word, one_line
from index_builder.model.releases import FOLDER as RELEASES_FOLDER

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
    if f"{folder}/".startswith(RELEASES_FOLDER):
        msg = "that folder is for what goes to releases"
        raise ValueError(msg)
    return f"{folder}/"


def _folder(text: str) -> str:
    parts = text.split("/")
    if not text or text.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\\" in text:
        msg = "a relative path inside the repository is needed, without '..'"
        raise ValueError(msg)
    return text


def _place(text: str) -> str:
    if ".git" in text.split("/"):
        msg = "nothing is published into git's own folder"
        raise ValueError(msg)
    return "/" + _folder(text[1:]) if text.startswith("/") else _folder(text)


def _remote(text: str) -> str:
    """Check where a git repository is: no option of git, no helper that git would run, no credentials."""
    if text.startswith("-") or "::" in text or _ODD_IN_REMOTE.search(text):
        msg = "a git URL is needed, as https://host/path or git@host:path, or the path of a repository"
        raise ValueError(msg)
    if "://" in text and (urlsplit(text).scheme not in ("https", "ssh", "file") and not _is_local_http(text)):
        msg = "https, ssh and file are the ways to a repository"
        raise ValueError(msg)
    if text.startswith("http") and "@" in urlsplit(text).netloc:
        msg = "index.yaml holds no credentials"
        raise ValueError(msg)
    return text


_ODD_IN_REMOTE = re.compile(r"[\x00-\x20\x7f]")


def _is_local_http(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _branch(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}", text) or ".." in text or "//" in text or text.endswith(("/", ".", ".lock")):
        msg = "that is no name of a branch"
        raise ValueError(msg)
    return text


def _bucket(text: str) -> str:
    found = re.fullmatch(r"(?:s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]{1,254})((?:/[A-Za-z0-9][A-Za-z0-9._-]*)*)/", text)
    if found is None:
        msg = "a bucket is written as s3://NAME/PREFIX/ (or gs://, az://), with a slash at the end"
        raise ValueError(msg)
    return text


def _endpoint(text: str) -> str:
    return text if _is_local_http(text) else https_url(text)


def _duration(text: str) -> str:
    if not re.fullmatch(r"0|[1-9][0-9]{0,3}[mhd]", text):
        msg = "a time is written as 30m, 24h or 7d"
        raise ValueError(msg)
    return text


def duration_of(text: str) -> timedelta:
    """Return the time that `30m`, `24h`, `7d` or `0` stands for."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    return timedelta(**{units[text[-1]]: int(text[:-1])}) if text != "0" else timedelta()


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
Where = Annotated[str, _spelled(_place)]
Remote = Annotated[str, _spelled(_remote)]
Branch = Annotated[str, _spelled(_branch)]
Bucket = Annotated[str, _spelled(_bucket)]
Endpoint = Annotated[str, _spelled(_endpoint)]
#: A GitHub repository: its owner and its name.
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
#: A release that takes what another one has no room for.
Tag = Annotated[str, Field(pattern=r"^pool-[0-9a-f]{2}-[1-9][0-9]{0,2}$")]
Duration = Annotated[str, _spelled(_duration)]
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
