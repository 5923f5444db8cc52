"""What is live right after a publication is what was published."""

from __future__ import annotations

from typing import Final

from index_builder.errors import AlteredError
from index_builder.model.publication import RECORD, Publication
from index_builder.pipeline.publish.difference import record_of
from index_builder.ports.places import Host, Site
from index_builder.publish.record import encode
from index_builder.state import digest_of
from index_builder.trust.layout import POINTER


def check(host: Host, done: Publication) -> None:
    """Read back the record, the signed pointer and some of what changed; raises AlteredError where it is not what was published."""
    if not host.is_immediate:
        return
    live = host.live()
    now = record_of(live, anew=True)
    if now is not None and now != done.record and now.at >= done.record.at:
        return  # somebody else has published since, and looks at that
    pages = [put for put in done.puts if put.digest and not put.kind.is_immutable and put.path != POINTER][:_MOST_CHECKED]
    pointer = [put for put in done.puts if put.path == POINTER]
    expected = {put.path: put.digest for put in [*pages, *pointer]} | {RECORD: digest_of(encode(done.record))}
    for path, digest in expected.items():
        content = content_of(live, path) if live is not None else None
        if content is None or digest_of(content) != digest:
            msg = f"what is live is not what was published: {path} {'is not there' if content is None else 'has other bytes'}"
            raise AlteredError(msg, fix="find out who else writes there; then publish again")


#: So many pages are read back.
_MOST_CHECKED: Final = 2


def content_of(site: Site, path: str) -> bytes | None:
    """Return a path's bytes, None where nothing is there."""
    return site.read(path) if site.size(path) is not None else None
