"""Objects whose keys end in a slash, as pip asks for the pages of a bucket that finds no `index.html` by itself: S3 alone.

obstore takes the slash off a key. So each of these objects is the root of a store of its own, whose address is that of the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from index_builder.adapters.object_store import Bucket, clients

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Store

_BRIEFLY: Final = timedelta(minutes=1)
#: The page of a folder that its object has, by what `index-objects:` says.
_PAGES: Final = {"html": "index.html", "json": "index.v1_json"}


class FolderObjects:
    """The objects `simple/` and `simple/<project>/` of a bucket, each with the bytes of a page that is there too."""

    def __init__(self, bucket: Bucket, form: str, region: str) -> None:
        """Take the bucket, which is one of S3, and the form of the pages."""
        self._bucket, self._page, self._region = bucket, _PAGES[form], region
        self._store = cast("S3Store", bucket.store)
        self._base = ""

    def folder_of(self, path: str) -> str | None:
        """Return the folder whose object has the bytes of a page, None where it is no such page."""
        folder, _, page = path.rpartition("/")
        return folder if page == self._page and folder.partition("/")[0] == "simple" else None

    def open(self, folder: str) -> Bucket:
        """Return the folder's object, as a bucket in which it has the path ''."""
        import obstore  # noqa: PLC0415 - an extra
        from obstore.store import S3Store  # noqa: PLC0415

        if not self._base:  # the address that the store itself would ask, whoever's service it is
            self._base = obstore.sign(self._store, "GET", "x", _BRIEFLY).partition("?")[0].removesuffix("x")
        address = self._base + folder
        opened: Callable[..., ObjectStore] = S3Store  # its settings are of several kinds, and one call takes them all
        region = {"region": self._region} if self._region else {}
        store = opened(
            self._store.config["bucket"], endpoint=address, virtual_hosted_style_request=True, disable_bulk_delete=True,
            **region, **clients(address),
        )  # fmt: skip
        return Bucket(store, store, f"{self._bucket.name}: {folder}/", self._bucket.parts)

    def listed(self, found: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
        """Return a listing in which a page counts as not there where its folder's object is not, or has other bytes.

        An object without its page counts as the page, so that it goes with that. Folders are listed without their slash.
        """
        folders = {path for path in found if path == "simple" or (path.startswith("simple/") and path.count("/") == 1)}
        folders = {path for path in folders if path not in _IN_LIST}
        pages = {path: folder for path in found if (folder := self.folder_of(path)) is not None}
        bad = {path for path, folder in pages.items() if folder not in folders or found[folder][1] != found[path][1]}
        kept = {path: value for path, value in found.items() if path not in bad and path not in folders}
        return kept | {f"{folder}/{self._page}": found[folder] for folder in folders - set(pages.values())}


#: What lies beside the folders of projects.
_IN_LIST: Final = frozenset({"simple/index.html", "simple/index.v1_json"})
