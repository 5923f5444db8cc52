"""An order becomes the files that configure a web server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Final

from index_builder.hostconfig.passwords import PasswordHash, write_users
from index_builder.hostconfig.values import ConfigFile, HostPath, Order, comment
from index_builder.model.names import Word
from index_builder.model.page import HTML, JSON, JSON_LINES, SIMPLE_JSON

if TYPE_CHECKING:
    from jinja2 import Environment

SERVERS: Final = {"nginx": "nginx.conf", "apache": "apache.conf", "caddy": "Caddyfile"}
#: Content types by extension, of all that is in a tree besides files to install.
TYPES: Final = {
    f"{HTML}; charset=utf-8": ("html",), "text/plain; charset=utf-8": ("txt", "metadata"), "text/css; charset=utf-8": ("css",),
    "text/javascript; charset=utf-8": ("js", "mjs"), SIMPLE_JSON: ("v1_json",), JSON: ("json",), JSON_LINES: ("jsonl",),
    "application/atom+xml; charset=utf-8": ("atom", "xml"), "image/svg+xml": ("svg",),
    "image/png": ("png",),
    "image/x-icon": ("ico",), "font/woff2": ("woff2",), "application/wasm": ("wasm",), "application/manifest+json": ("webmanifest",),
}  # fmt: skip
#: A project's name as somebody may type it.
_SPELLED: Final = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


def environment(templates: Mapping[str, str]) -> Environment:
    """Return jinja2's environment over template texts by name: nothing is escaped, because every value is parsed for its place."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415 - slow to import, and pure answers need none of it

    return Environment(
        loader=DictLoader(dict(templates)), autoescape=False, undefined=StrictUndefined,  # noqa: S701 - no HTML
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def render(kind: str, order: Order, passwords: Mapping[Word, PasswordHash], templates: Environment) -> list[ConfigFile]:
    """Return the files for `nginx`, `apache` or `caddy`, the main one first.

    A protected audience has a file of its readers, and all have one file of users: who is in that and is no reader is known, and
    refused. So a grant that changes leaves the main file as it is.
    """
    closed = [served for served in order.served if not served.readers.is_open]
    name = SERVERS[kind]
    text = templates.get_template(f"hosts/{name}.jinja").render(
        order=order, served=order.served, closed=closed, title=comment(order.title), types=TYPES, spelled=_SPELLED,
        letters=list(zip(ascii_uppercase, ascii_lowercase, strict=True)),
    )  # fmt: skip
    files = [ConfigFile(name=name, text=text)]
    if closed:
        files.append(ConfigFile(name="users", text=_USERS[kind](passwords), is_secret=True))
    for served in sorted(closed, key=lambda s: s.audience):
        people = [person for person in served.readers.people if person in passwords]
        files.append(ConfigFile(name=f"{served.audience}.readers", text=_READERS[kind](people, served.root)))
    return files


def _spaced(passwords: Mapping[Word, PasswordHash]) -> str:
    return "# A name and a bcrypt hash a line.\n" + write_users(passwords, " ")


def _folders(people: Sequence[Word], root: HostPath) -> str:
    """Nginx looks up where the tree is, for each who may read it."""
    return "".join(f'{person} "{root}";\n' for person in people)


def _group(people: Sequence[Word], _root: HostPath) -> str:
    return f"readers: {' '.join(people)}\n"


def _others(people: Sequence[Word], _root: HostPath) -> str:
    """Caddy is told who is none; `-` is nobody's name."""
    return f"not vars {{http.auth.user.id}} {' '.join(people) or '-'}\n"


_USERS: Final = {"nginx": write_users, "apache": write_users, "caddy": _spaced}
_READERS: Final = {"nginx": _folders, "apache": _group, "caddy": _others}
