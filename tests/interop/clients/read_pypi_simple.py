"""Print as JSON what pypi-simple reads in the index at the first argument; the second is the form, JSON or HTML."""

import hashlib
import json
import sys
import tempfile
import warnings
from email import message_from_string
from pathlib import Path

from pypi_simple import ACCEPT_HTML_ONLY, ACCEPT_JSON_ONLY, DigestMismatchError, PyPISimple

warnings.simplefilter("error")
url, form = sys.argv[1:]
with PyPISimple(url, accept=ACCEPT_JSON_ONLY if form == "JSON" else ACCEPT_HTML_ONLY) as client, tempfile.TemporaryDirectory() as folder:
    pages = {name: client.get_project_page(name) for name in ("alpha", "iota", "Gamma.Ray", "zeta", "eta", "delta")}
    beta = client.get_project_page("beta").packages[0]
    client.download_package(beta, Path(folder, "beta"))
    try:
        client.download_package(pages["eta"].packages[0], Path(folder, "eta"))
        refused = False
    except DigestMismatchError:
        refused = True
    facts = {
        "projects": sorted(client.get_index_page().projects),
        "version": pages["alpha"].repository_version,
        "downloads": hashlib.sha256(Path(folder, "beta").read_bytes()).hexdigest() == beta.digests["sha256"],
        "requires-python": [package.requires_python for package in pages["alpha"].packages],
        "yanked": [package.yanked_reason for package in pages["iota"].packages],
        "refused": refused,
        "metadata": message_from_string(client.get_package_metadata(beta))["Name"],
        "uploaded": [package.upload_time and str(package.upload_time.year) for package in pages["zeta"].packages],
        "named": [package.filename for package in pages["Gamma.Ray"].packages],
        "quarantined": [len(pages["delta"].packages), pages["delta"].status, pages["delta"].status_reason],
    }
json.dump(facts, sys.stdout)
