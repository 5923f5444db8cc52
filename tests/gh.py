"""The part of GitHub's command line that the workflows call: downloads and uploads of release assets, and dispatches."""

import fnmatch
import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

API = os.environ["GITHUB_API_URL"]


def asked(method: str, url: str, body: bytes | None = None, accept: str = "application/vnd.github+json") -> bytes:
    request = Request(url, data=body, method=method, headers={"Accept": accept})
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['GH_TOKEN']}")
    with urlopen(request, timeout=30) as answer:
        return answer.read()


def options_of(arguments: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        found.setdefault(name, []).append(value)
    return found


def release(repository: str, tag: str) -> dict:
    return json.loads(asked("GET", f"{API}/repos/{repository}/releases/tags/{tag}"))


def main(arguments: list[str]) -> None:
    match arguments:
        case ["release", "download", tag, *rest]:
            options = options_of(rest)
            folder = Path(options["--dir"][0])
            folder.mkdir(parents=True)
            for asset in release(options["--repo"][0], tag)["assets"]:
                if any(fnmatch.fnmatchcase(asset["name"], pattern) for pattern in options["--pattern"]):
                    (folder / asset["name"]).write_bytes(asked("GET", asset["url"], accept="application/octet-stream"))
        case ["release", "upload", tag, file, "--repo", repository, "--clobber"]:
            url = release(repository, tag)["upload_url"].partition("{")[0]
            asked("POST", f"{url}?name={Path(file).name}", Path(file).read_bytes())
        case ["api", path, "--raw-field", kind, "--raw-field", payload]:
            project = payload.removeprefix("client_payload[project]=")
            body = {"event_type": kind.removeprefix("event_type="), "client_payload": {"project": project}}
            asked("POST", f"{API}/{path}", json.dumps(body).encode())
        case _:
            sys.exit(f"gh: {arguments} is not known here")


main(sys.argv[1:])
