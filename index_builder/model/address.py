"""Where an audience is reached, in the words that configuration files of hosts and installers can say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an audience is reached: the host's name, the port ('' for https's own), and the path before the tree, '' or '/a/b'."""

    host: str
    port: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Take an audience's `url`; raises ValueError for what a host's configuration cannot say."""
        parts = urlsplit(url)
        host, prefix = parts.hostname or "", parts.path.removesuffix("/")
        if not _HOST.fullmatch(host):
            msg = f"the host in {url!r} is not written in lower-case letters, digits, '-' and '.'"
            raise ValueError(msg)
        if not _PREFIX.fullmatch(prefix):
            msg = f"the path in {url!r} has other characters than letters, digits, '.', '_', '~' and '-'"
            raise ValueError(msg)
        return cls(host=host, port=str(parts.port or ""), prefix=prefix)

    @property
    def netloc(self) -> str:
        """The host with its port, where it has one of its own."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def root(self) -> str:
        """The URL of the tree, ending in a slash."""
        return f"https://{self.netloc}{self.prefix}/"
