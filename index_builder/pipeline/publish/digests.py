"""The digests of files that never change: as their paths say them, and for core metadata as the project's page does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from index_builder.errors import StorageError
from index_builder.model.releases import FOLDER
from index_builder.ports.places import Site
from index_builder.state import Built, digest_of


def is_by_digest(path: str) -> bool:
    """Say whether a path never changes its bytes."""
    return path.startswith(("packages/", "provenance/"))


def is_file(path: str) -> bool:
    """Say whether a path is that of a wheel or sdist."""
    return path.startswith("packages/") and not path.endswith(_METADATA)


_METADATA = ".metadata"


def digests_of(site: Site, built: Built, paths: Sequence[str]) -> dict[str, str]:
    """Return the digest of each such path of a project; its page is read where there is core metadata, which lies at its file's digest.

    Raises StorageError where the page is not what was built.
    """
    said = _said(site, built) if any(map(_is_metadata, paths)) else {}
    return {path: said.get(path.rpartition("/")[2], "") if _is_metadata(path) else _digest_in(path) for path in paths}


def _is_metadata(path: str) -> bool:
    return path.startswith("packages/") and path.endswith(_METADATA)


def _said(site: Site, built: Built) -> dict[str, str]:
    """Return the digests of a project's core metadata by the names that they are served under."""
    path = f"simple/{built.name}/index.v1_json"
    content = site.read(path)
    if digest_of(content) != next((page.digest for page in built.pages if page.path == path), ""):
        msg = f"{path} is not what was built"
        raise StorageError(msg, fix="build the tree again: index-builder build --verify")
    files: list[dict[str, Any]] = orjson.loads(content)["files"]
    found = {file["filename"]: file.get("core-metadata") for file in files}
    return {f"{name}{_METADATA}": digests["sha256"] for name, digests in found.items() if isinstance(digests, dict)}


def _digest_in(path: str) -> str:
    """Return the digest that the path of a file or of provenance says."""
    if path.startswith("packages/"):
        *_, first, second, rest, _ = path.split("/")
        return second.removeprefix("pool-")[:2] + rest if path.startswith(FOLDER) else first + second + rest
    return path.removeprefix("provenance/").removesuffix(".json")
