"""Files as assets of GitHub releases: what fits there. Source: GitHub's documentation of releases and of its rate limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final
from urllib.parse import quote

from index_builder.model.names import Sha256
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem

#: From this size on, in bytes, GitHub takes no asset.
TOO_LARGE: Final = 2 * 1024**3
#: How many assets a release holds, and how many can be made in an hour.
MOST: Final = 1_000
PER_HOUR: Final = 500
#: Other characters are rewritten, and installers take a file's name from its URL.
_KEPT: Final = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")


#: Where a build has what goes to releases; no target but them gets it.
FOLDER: Final = "packages/releases/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """Releases of a GitHub repository that hold files as assets, by the first two digits of their digests.

    `server` is the address of its pages, without a slash at the end. `overflow` has the tag of each file that does not go
    where its digest says, because that release is full.
    """

    repository: str
    server: str
    overflow: Mapping[Sha256, str]

    def tag(self, digest: Sha256) -> str:
        """Return the tag of the release that a file belongs to."""
        return self.overflow.get(digest) or f"pool-{digest[:2]}"

    def url(self, digest: Sha256, name: str) -> str:
        """Return where a file is downloaded from."""
        return f"{self.server}/{self.repository}/releases/download/{self.tag(digest)}/{quote(name)}"

    def path(self, digest: Sha256, name: str) -> str:
        """Return where a build has a file: another release is another path, so that a change of it shows."""
        return f"{FOLDER}{self.tag(digest)}/{digest[2:]}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file, or its core metadata, as an asset: its release's tag, and its name."""

    tag: str
    name: str


def asset_of(path: str) -> Asset:
    """Return the asset that a path of a build belongs to."""
    tag, _, name = path.removeprefix(FOLDER).split("/")
    return Asset(tag=tag, name=name)


def problems_of(releases: Releases, files: Sequence[Fetch]) -> Iterator[Problem]:
    """Find names that releases do not keep, files that are too large, and releases that are full, at fault being the last file."""
    held: Counter[str] = Counter()
    for fetch in sorted(files, key=lambda fetch: (fetch.file.uploaded.unix, fetch.file.name.text)):
        name, digest = fetch.file.name.text, fetch.digest
        fix = "keep this audience's files in a bucket: `files:` instead of `releases:`"
        if not _KEPT.fullmatch(name):
            message = f"GitHub would rewrite the name of {name} in a release, and no installer would find it"
            yield Problem(rule="release-name", message=message, place=fetch.place, fix=fix)
        if fetch.file.size >= TOO_LARGE:
            message = f"{name} has {fetch.file.size / 1024**3:.1f} GiB, and an asset of a release must be smaller than 2 GiB"
            yield Problem(rule="release-size", message=message, place=fetch.place, fix=fix)
        tag = releases.tag(digest)
        held[tag] += 2 if fetch.file.metadata else 1
        if held[tag] > MOST:
            held[tag] -= 2 if fetch.file.metadata else 1
            into = next(f"pool-{digest[:2]}-{n}" for n in count(2) if held[f"pool-{digest[:2]}-{n}"] < MOST - 1)
            held[into] += 2
            message = f"the release {tag} of {releases.repository} is full with {MOST:,} assets, and {name} belongs there"
            yield Problem(rule="release-full", message=message, place=fetch.place, fix=f"in index.yaml: overflow: {{{into}: [{digest}]}}")
