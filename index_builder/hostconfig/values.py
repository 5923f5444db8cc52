"""What goes into configuration: once one of these exists, no syntax of a host can take it for anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from index_builder.model.address import Address
from index_builder.model.names import Word
from index_builder.policy.readers import Readers

_LISTEN = re.compile(r"((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:]+\]|localhost):(\d{1,5})", re.ASCII)
#: Quotes, escapes, variables, placeholders, blocks, comments and wildcards of any of the hosts.
_ODD_IN_PATH = frozenset("\"'`\\$%{}<>|;#*?[]()^&!~")


class HostPath(str):
    """An absolute path on the host that serves, which every host takes as it is between quotes. Raises ValueError."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text; raises ValueError."""
        if not text.startswith("/") or any(part in ("", ".", "..") for part in text[1:].split("/")):
            msg = f"{text!r} is no absolute path without '.' and '..'"
            raise ValueError(msg)
        if odd := sorted({c for c in text if c in _ODD_IN_PATH or not c.isprintable()}):
            msg = f"{text!r} has {', '.join(map(repr, odd))}, which configuration files of hosts read as something else"
            raise ValueError(msg)
        return super().__new__(cls, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """An address and port to listen on."""

    address: str
    port: str

    @classmethod
    def of(cls, text: str, *, has_tls: bool) -> Self:
        """Take ADDRESS:PORT; raises ValueError where passwords would go over the network in plain: elsewhere, and without TLS."""
        found = _LISTEN.fullmatch(text)
        if found is None or not 0 < int(found[2]) < 65536:  # noqa: PLR2004 - ports have 16 bits
            msg = f"{text!r} is not written as ADDRESS:PORT"
            raise ValueError(msg)
        if not has_tls and not (found[1].startswith("127.") or found[1] in ("localhost", "[::1]")):
            msg = f"{text!r} is not of this machine alone, and without TLS passwords would go over the network in plain"
            raise ValueError(msg)
        return cls(address=found[1], port=found[2])

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files of a TLS certificate with its chain, and of its key."""

    chain: HostPath
    key: HostPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An audience as a host serves it: `root` is the folder of its tree."""

    audience: Word
    address: Address
    root: HostPath
    readers: Readers

    @property
    def variable(self) -> str:
        """The audience's name with letters, digits and '_' only; two names never give the same."""
        return "".join(c if c.isalnum() else f"_{ord(c):02x}" for c in self.audience)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a configuration.

    `folder` is where its files are on the host. TLS is by `certificate`, for each host name where it is None by the host's own
    means; with `listen` alone there is none, because what is in front of it has it.
    """

    title: str
    served: tuple[Served, ...]
    folder: HostPath
    listen: Listen | None = None
    certificate: Certificate | None = None

    @property
    def has_tls(self) -> bool:
        """Say whether the host itself speaks TLS."""
        return self.listen is None or self.certificate is not None

    def hosts(self) -> dict[str, list[Served]]:
        """Return the audiences by host name; the longest path first, so that one in another is found before it."""
        found: dict[str, list[Served]] = {}
        for served in sorted(self.served, key=lambda s: (s.address.host, -len(s.address.prefix), s.audience)):
            found.setdefault(served.address.host, []).append(served)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A generated file: its name in the folder, its text, and whether it holds what only the host may read."""

    name: str
    text: str
    is_secret: bool = False


def comment(text: str) -> str:
    """Return a text that stays in the one line of a comment."""
    return "".join(c if c.isprintable() else " " for c in text)
