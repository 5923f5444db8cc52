"""Releases of repositories on GitHub, where `bump` looks for new ones, and the attestations that they made."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final

from index_builder.adapters.github.api import Api
from index_builder.adapters.github.repository import moment
from index_builder.errors import NotFoundError
from index_builder.model.hosted_release import HostedFile, HostedRelease
from index_builder.model.names import Sha256

#: So many releases are looked at, the newest first: older ones were looked at when they were new.
_MOST: Final = 200


class GitHubFeed:
    """GitHub's releases."""

    def __init__(self, api: Api) -> None:
        """Take the API."""
        self._api = api

    def releases(self, repository: str) -> list[HostedRelease]:
        """Return the published releases, the newest first."""
        found: list[HostedRelease] = []
        for value in self._api.items(f"repos/{repository}/releases"):
            if not value["draft"] and value.get("published_at"):
                found.append(_release(value))
            if len(found) == _MOST:
                break
        return found

    def attestations(self, repository: str, digest: Sha256) -> list[bytes]:
        """Return the Sigstore bundles that a repository has for a file, as JSON."""
        try:
            value = self._api.get(f"repos/{repository}/attestations/sha256:{digest}", per_page=100)
        except NotFoundError:
            return []
        bundles = [found["bundle"] for found in value["attestations"] if found.get("bundle")]
        return [json.dumps(bundle, separators=(",", ":"), sort_keys=True).encode() + b"\n" for bundle in bundles]


def _release(value: Any) -> HostedRelease:
    assets = tuple(_asset(asset) for asset in value["assets"] if asset["state"] == "uploaded")
    return HostedRelease(
        tag=str(value["tag_name"]), url=str(value["html_url"]), published=moment(value["published_at"]),
        is_prerelease=bool(value["prerelease"]), assets=assets,
    )  # fmt: skip


def _asset(value: Any) -> HostedFile:
    digest = None
    with suppress(ValueError):
        digest = Sha256(str(value.get("digest") or "").removeprefix("sha256:"))
    at = max(moment(value["created_at"]), moment(value["updated_at"]))
    return HostedFile(name=str(value["name"]), url=str(value["browser_download_url"]), sha256=digest, at=at)
