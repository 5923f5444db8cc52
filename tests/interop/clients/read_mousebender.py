"""Print as JSON what mousebender reads in the index at the first argument; the second is the form, JSON or HTML."""

import json
import sys
import urllib.request
import warnings

from mousebender import simple

warned = []
warnings.showwarning = lambda message, *_: warned.append(f"{type(message).__name__}: {message}")
warnings.simplefilter("always")
url, form = sys.argv[1:]


def fetch(address: str) -> tuple[str, str]:
    request = urllib.request.Request(address, headers={"Accept": simple.ACCEPT_JSON_V1 if form == "JSON" else simple.ACCEPT_HTML})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


pages = {}
for name in ("alpha", "iota", "beta", "Gamma.Ray", "zeta", "delta"):
    pages[name] = simple.parse_project_details(*fetch(simple.create_project_url(url, name)), name)
status = pages["delta"].get("project-status", {})
facts = {
    "projects": sorted(project["name"] for project in simple.parse_project_index(*fetch(url))["projects"]),
    "version": pages["alpha"]["meta"]["api-version"],
    "requires-python": [file.get("requires-python") for file in pages["alpha"]["files"]],
    "yanked": [file.get("yanked", False) for file in pages["iota"]["files"]],
    "metadata": list(pages["beta"]["files"][0]["core-metadata"]),
    "uploaded": [file.get("upload-time", "")[:4] or None for file in pages["zeta"]["files"]],
    "named": [file["filename"] for file in pages["Gamma.Ray"]["files"]],
    "quarantined": [len(pages["delta"]["files"]), status.get("status"), status.get("reason")],
    "warned": sorted(set(warned)),
}
json.dump(facts, sys.stdout)
