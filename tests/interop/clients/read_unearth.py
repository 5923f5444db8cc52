"""Print as JSON what unearth finds in the index at the first argument; every warning is an error."""

import hashlib
import json
import sys
import tempfile
import warnings
from datetime import UTC, datetime

from unearth import PackageFinder
from unearth.errors import HashMismatchError

warnings.simplefilter("error")
finder = PackageFinder(index_urls=[sys.argv[1]])
dated = PackageFinder(index_urls=[sys.argv[1]], exclude_newer_than=datetime(2024, 1, 1, tzinfo=UTC))


def best(requirement: str, among: PackageFinder = finder) -> str | None:
    found = among.find_best_match(requirement).best
    return found and found.version


links = {name: finder.find_best_match(name).best.link for name in ("beta", "eta", "gamma.RAY")}
with tempfile.TemporaryDirectory() as folder:
    beta = finder.download(links["beta"], folder).read_bytes()
    try:
        finder.download(links["eta"], folder)
        refused = False
    except HashMismatchError:
        refused = True
facts = {
    "downloads": links["beta"].hash_option == {"sha256": [hashlib.sha256(beta).hexdigest()]},
    "requires-python": best("alpha"),
    "yanked": [best("iota"), best("iota==1.1")],
    "pre-releases": [best("epsilon"), finder.find_best_match("epsilon", allow_prereleases=False).best.version],
    "pinned": best("epsilon==2.0a1"),
    "refused": refused,
    "metadata": list(links["beta"].dist_info_metadata),
    "uploaded": [best("zeta"), best("zeta", dated)],
    "named": links["gamma.RAY"].filename,
    "quarantined": best("delta"),
}
json.dump(facts, sys.stdout)
