#!/usr/bin/env python3
"""Our client, as the public tuf-conformance suite drives it: init, refresh, download, over our fetcher and cache."""

import argparse
import sys
from pathlib import Path
from urllib.parse import quote

from index_builder.adapters.progress import NoProgress
from index_builder.client.cache import Cache
from index_builder.client.index import updater_of
from index_builder.wiring import clients


def main() -> int:
    """Return 0 where all went well."""
    parser = argparse.ArgumentParser()
    for name in ("metadata-dir", "metadata-url", "target-name", "target-base-url", "target-dir"):
        parser.add_argument(f"--{name}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root")
    commands.add_parser("refresh")
    commands.add_parser("download")
    given = parser.parse_args()
    folder = Path(given.metadata_dir)
    if given.command == "init":
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "root.json").write_bytes(Path(given.root).read_bytes())
        return 0
    # The folder's lock is beside it: the suite looks at what is in it.
    cache = Cache(folder.parent, str(folder), b"")
    with cache.writing(), clients.open_client(given.metadata_url, NoProgress()) as client:
        updater = updater_of(folder, given.metadata_url, given.target_base_url or given.metadata_url, None, client.downloader)
        updater.refresh()
        if given.command == "download":
            target = updater.get_targetinfo(given.target_name)
            if target is None:
                return 1
            file = str(Path(given.target_dir) / quote(given.target_name, ""))
            if updater.find_cached_target(target, file) is None:
                updater.download_target(target, file)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # noqa: BLE001 - the suite asks for a code, people for the reason
        sys.exit(f"{type(error).__name__}: {error}")
