"""Each installer: which files it reads, what is set in them, and what else its user should know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from index_builder.clientconfig import environment, ini, toml
from index_builder.clientconfig.wanted import Edited, Wanted
from index_builder.model.address import Address
from index_builder.model.names import Word

Edit = Callable[[str, Wanted], Edited]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`files` are what is edited, by name; `credentials` is how it is told a password besides netrc, with `{…}` of Wanted.

    `cooldown` is how it is told to leave new files out, as its user would write it; '' where it cannot. `variables` of the
    environment name other indexes for it, and with `reads_pip` pip's own files may.
    """

    files: Mapping[str, Edit]
    credentials: str
    cooldown: str
    needs_json: bool = False
    variables: tuple[str, ...] = ()
    reads_pip: bool = False


def _pip(text: str, wanted: Wanted) -> Edited:
    settings = {"index-url": wanted.url} | ({"uploaded-prior-to": f"P{wanted.days}D"} if wanted.days else {})
    return ini.edited(text, settings)


def _uv_in(path: tuple[str, ...], name: str) -> Edit:
    def edit(text: str, wanted: Wanted) -> Edited:
        def change(document: toml.Document) -> list[str]:
            holder = toml.table(document, *path) if path else document
            if wanted.days:
                holder["exclude-newer"] = f"{wanted.days} days"
            secret = {} if wanted.is_open else {"authenticate": "always"}
            others = toml.entry(holder, "index", {"name": wanted.name, "url": wanted.url, "default": True, **secret})
            return [*others, *_set(holder, "index-url", "extra-index-url", "find-links")]

        return toml.edited(text, name, change)

    return edit


def _poetry(text: str, wanted: Wanted) -> Edited:
    values = {"name": wanted.name, "url": wanted.url, "priority": "primary"}
    return toml.edited(text, "pyproject.toml", lambda document: toml.entry(toml.table(document, "tool", "poetry"), "source", values))


def _poetry_settings(text: str, wanted: Wanted) -> Edited:
    def change(document: toml.Document) -> list[str]:
        if wanted.days:
            toml.table(document, "solver")["min-release-age"] = wanted.days
        return []

    return toml.edited(text, "poetry.toml", change)


def _pdm(text: str, wanted: Wanted) -> Edited:
    def change(document: toml.Document) -> list[str]:
        holder = toml.table(document, "tool", "pdm")
        if wanted.days:
            toml.table(holder, "resolution")["exclude-newer"] = f"{wanted.days}d"
        # The name `pypi` replaces PDM's default index.
        return toml.entry(holder, "source", {"name": "pypi", "url": wanted.url, "verify_ssl": True})

    return toml.edited(text, "pyproject.toml", change)


def _pip_tools(text: str, wanted: Wanted) -> Edited:
    def change(document: toml.Document) -> list[str]:
        holder = toml.table(document, "tool", "pip-tools")
        holder["index-url"] = wanted.url
        holder["generate-hashes"] = True
        if wanted.days:
            holder["uploaded-prior-to"] = f"P{wanted.days}D"
        return _set(holder, "extra-index-url", "find-links")

    return toml.edited(text, "pyproject.toml", change)


def _set(holder: Any, *keys: str) -> list[str]:
    return [f"{key} {holder[key]}" for key in keys if key in holder]


_KEYRING: Final = "keyring set {netloc} NAME, and pip's --keyring-provider subprocess"
_OF_PIP: Final = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
_OF_UV: Final = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
TOOLS: Final[Mapping[str, Tool]] = {
    "pip": Tool(
        files={"pip.conf": _pip}, credentials=_KEYRING, cooldown="uploaded-prior-to = P7D", needs_json=True, variables=_OF_PIP,
        reads_pip=True,
    ),
    "uv": Tool(
        files={"pyproject.toml": _uv_in(("tool", "uv"), "pyproject.toml")},
        credentials="UV_INDEX_{variable}_USERNAME and UV_INDEX_{variable}_PASSWORD, or: uv auth login https://{netloc}",
        cooldown='exclude-newer = "7 days"', variables=_OF_UV,
    ),
    "poetry": Tool(
        files={"pyproject.toml": _poetry, "poetry.toml": _poetry_settings}, credentials="poetry config http-basic.{name} NAME",
        cooldown="min-release-age = 7 of [solver] in poetry.toml",
    ),
    "pdm": Tool(
        files={"pyproject.toml": _pdm}, credentials="pdm config pypi.username NAME, pdm config pypi.password",
        cooldown='exclude-newer = "7d"',
    ),
    "pip-tools": Tool(
        files={"pyproject.toml": _pip_tools}, credentials=_KEYRING, cooldown='uploaded-prior-to = "P7D"', needs_json=True,
        variables=_OF_PIP, reads_pip=True,
    ),
    "conda": Tool(
        files={"environment.yml": lambda text, wanted: environment.edited(text, "environment.yml", wanted.url)},
        credentials=_KEYRING, cooldown="", variables=_OF_PIP, reads_pip=True,
    ),
}  # fmt: skip
#: uv reads a file of its own where there is one, and then nothing of pyproject.toml.
UV_TOML: Final = _uv_in((), "uv.toml")


#: What people call those that pages show.
TITLES: Final[Mapping[str, str]] = {"pip": "pip", "uv": "uv", "poetry": "Poetry", "pdm": "PDM", "pip-tools": "pip-tools"}


def shown(root: str, audience: Word, *, is_open: bool) -> tuple[tuple[str, str, str], ...]:
    """Return the settings that pages show: what an installer is called, its file, and what is in it.

    `root` is the URL of the tree, or what stands in its place.
    """
    address = Address(host=root.removeprefix("https://").removesuffix("/"), port="", prefix="")
    wanted = Wanted(audience=audience, address=address, is_open=is_open)
    files = ((title, file, edit("", wanted).text.strip()) for name, title in TITLES.items() for file, edit in TOOLS[name].files.items())
    return tuple(way for way in files if way[2])


def explained(name: str, wanted: Wanted) -> Iterator[str]:
    """Yield what to know of an installer's settings, a line each."""
    tool = TOOLS[name]
    yield f"{name} and the index of '{wanted.audience}', which is its only one: with a second one, pip installs from that without a word"
    yield "where ours refuses, fails or has nothing, and uv where ours has nothing. What is needed must be in ours:"
    yield "index-builder add --with-dependencies"
    if not wanted.is_open:
        yield f"Credentials: in ~/.netrc, for you alone (chmod 600): machine {wanted.address.host} login NAME password PASSWORD"
        yield f"or: {tool.credentials.format(netloc=wanted.address.netloc, name=wanted.name, variable=wanted.variable)}"
    if not tool.cooldown:
        yield f"Cooldown: {name} has none for what pip installs."
    elif tool.needs_json and not wanted.has_json:
        yield f"Cooldown: {name} has none on this host, which serves HTML alone: pip refuses every file there."
    elif not wanted.days:
        yield f"Cooldown, to leave out what is newer than a week: {tool.cooldown}  (--cooldown 7)"
