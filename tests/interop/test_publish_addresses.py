"""Real pip through the plain address of a bucket, which finds no `index.html` in a folder."""

import json
import re
import urllib.request
from urllib.parse import quote

import pytest
from conftest import commit_all, run_tool
from distributions import wheel
from published import _ANYBODY, HttpReader, follow


@pytest.fixture
def bucket(bucket):
    return f"{bucket}/acme-index"


def ask(method: str, url: str, content: bytes | None = None, **headers) -> bytes:
    request = urllib.request.Request(url, content, {**_ANYBODY, **headers}, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


def open_to_everybody(bucket: str) -> None:
    """Let anybody read each object, as a policy of the bucket does."""
    for key in re.findall(r"<Key>([^<]+)</Key>", ask("GET", f"{bucket}?list-type=2").decode()):
        if "/simple/" in key or "/packages/" in key:
            ask("PUT", f"{bucket}/{quote(key)}?acl", b"", **{"x-amz-acl": "public-read"})


def test_pip_installs_from_a_plain_bucket(repo, cli, dist, bucket, tmp_path):
    """Each folder has its page as HTML or JSON; a removed project's goes, and what was spoiled there is repaired."""
    target = "  - {{name: {0}, audience: public, kind: bucket, url: s3://acme-index/{0}/, endpoint: '{1}', region: us-east-1, {2}}}\n"
    forms = {"html": "text/html; charset=utf-8", "json": "application/vnd.pypi.simple.v1+json"}
    text = (repo / "index.yaml").read_text().partition("publish:")[0]
    (repo / "index.yaml").write_text(
        f"{text}publish:\n" + "".join(target.format(form, bucket.removesuffix("/acme-index"), f"index-objects: {form}") for form in forms)
    )
    assert cli("add", "--dist", dist(wheel("acme-utils", "1.0"), wheel("acme-core", "1.0"))).code == 0
    commit_all(repo)
    done = cli("publish", "-q")
    assert done.code == 0, done.err
    open_to_everybody(bucket)
    for form, kind in forms.items():
        base = f"{bucket}/{form}/"
        with urllib.request.urlopen(f"{base}simple/acme-utils/", timeout=10) as response:
            assert response.headers["Content-Type"] == kind
        done = run_tool(
            "pip", "install", "--isolated", "--no-deps", "--disable-pip-version-check", "--no-cache-dir", "--target", tmp_path / form,
            "--index-url", f"{base}simple/", "acme-utils==1.0",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (tmp_path / form / "acme_utils").is_dir()

    ask("PUT", f"{bucket}/html/simple/acme-utils/", b"evil")
    ask("DELETE", f"{bucket}/json/simple/")
    done = cli("mirror-check")
    assert done.code == 1, done.out
    assert "simple/index.v1_json" in done.out + done.err
    assert cli("publish", "-q", "--reconcile").code == 0
    again = json.loads(cli("publish", "--reconcile", "--dry-run", "--format", "json").out)
    assert [target["written"] + target["deleted"] for target in again["targets"]] == [[], []]
    html, api = (HttpReader(f"{bucket}/{form}/") for form in forms)
    assert html.get("simple/acme-utils/") == html.get("simple/acme-utils/index.html")
    assert api.get("simple/") == api.get("simple/index.v1_json")
    assert cli("remove", "acme-core", "--reason", "moved").code == 0
    commit_all(repo)
    assert cli("publish", "-q", "--max-delete", "100").code == 0
    for reader in (html, api):
        assert reader.get("simple/acme-core/") is reader.get("simple/acme-core/index.html") is None
        assert follow(reader) == 1
