"""An immutable index state: what one audience's pages show. Named tuples, because an index has a million of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from index_builder.model.names import Sha256
from index_builder.model.project import Status

#: Core metadata as packaging reads it, or a part of it, by its fields' names in lower case.
CoreMetadata = Mapping[str, object]


class ListedFile(NamedTuple):
    """A file as pages show it; what is not known is '' or None.

    `version` is normalized (PEP 440). `url` is as the project's detail page has it: relative to that page, or absolute.
    `digest` and `metadata`, which is that of the core metadata served beside the file, are written `sha256=<hex>`; the
    second may also be `true`. `size` is in bytes, `uploaded` a time as PEP 700 has it, and `yanked` the reason (PEP 592).
    The template of the detail page takes the fields in this order.
    """

    filename: str
    version: str
    url: str
    digest: str = ""
    size: int | None = None
    uploaded: str = ""
    uploaded_by: str = ""
    requires_python: str = ""
    metadata: str = ""
    provenance: str = ""
    yanked: str | None = None


class ListedProject(NamedTuple):
    """A project with the files that pages show, by version, then name.

    `metadata` has core metadata by file name. `serial` grows with every change that mirrors care about.
    """

    normalized: str
    name: str
    files: tuple[ListedFile, ...]
    metadata: Mapping[str, CoreMetadata]
    serial: int
    status: Status | None = None


class Blob(NamedTuple):
    """Bytes of the pool that the tree serves at `path`."""

    path: str
    digest: Sha256
    size: int
