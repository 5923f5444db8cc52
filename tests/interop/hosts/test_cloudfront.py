"""Clients of audiences in a bucket, through the function of the generated template: all but CloudFront's own machines."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import commit_all, run_tool
from interop.hosts import edge, world
from published import CREDENTIALS, s3

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def cloudfront(acme, tmp_path_factory):
    """The published audiences in a bucket, and the function before it: its port."""
    folder = tmp_path_factory.mktemp("cloudfront")
    settings = acme.folder / "index.yaml"
    text = settings.read_text()
    targets = [
        f"name: b-{name}, audience: {name}, kind: bucket, url: s3://acme-index/{name}/, region: us-east-1"
        for name in ("public", "internal")
    ]
    with s3() as server, pytest.MonkeyPatch.context() as patched:
        for name, value in CREDENTIALS.items():
            patched.setenv(name, value)
        settings.write_text(text + "".join(f"  - {{{target}, endpoint: '{server}'}}\n" for target in targets))
        acme.publish("--target", "b-public", "--target", "b-internal")
        settings.write_text(text + "".join(f"  - {{{target}}}\n" for target in targets))
        acme.run("host-config", "cloudfront", "--worktree", "--audience", "public", "--audience", "internal", "--output", folder)
        settings.write_text(text)
        commit_all(acme.folder)
        known = {name: hashlib.sha256(password.encode()).hexdigest() for name, password in acme.passwords.items()}
        edge.write_function(folder, (folder / "cloudfront.yaml").read_text(), known)
        with edge.before(folder, f"{server}/acme-index") as port:
            yield port


def test_each_object(acme, cloudfront):
    """Who may read gets each object from the bucket, with the type and caching that publishing gave it; nobody else gets any."""
    for audience, scope in (("public", "public"), ("internal", "private")):
        for what, (path, accept, kind) in acme.objects(audience).items():
            answer, content = world.ask(cloudfront, world.PREFIXES[audience] + path, "alice", acme.passwords["alice"], accept=accept)
            assert (answer.status, answer.getheader("Content-Type").partition(";")[0]) == (200, kind.partition(";")[0]), what
            assert content, what
            assert scope in answer.getheader("Cache-Control") or answer.getheader("Cache-Control") == "no-cache", what
            if audience == "internal":
                assert world.ask(cloudfront, "/internal" + path, accept=accept)[0].status == 401, what
                assert world.ask(cloudfront, "/internal" + path, "carol", acme.passwords["carol"], accept=accept)[0].status == 403, what
    assert world.ask(cloudfront, "/internal/simple/nowhere/", "alice", acme.passwords["alice"])[0].status == 404


def test_pip_and_uv(acme, cloudfront, tmp_path):
    """Both install with the right password, and nothing on 401, 403 and 404."""
    pip = ("pip", "--isolated", "--no-input", "install", "--no-cache-dir")
    uv = ("uv", "pip", "install", "--no-config", "--no-cache", "--python", sys.executable)
    asked = {"granted": ("alice", "acme-core"), "401": ("", "acme-core"), "403": ("carol", "acme-core"), "404": ("alice", "nowhere")}
    runs = {}
    for case, (user, project) in asked.items():
        who = f"{user}:{acme.passwords[user]}@" if user else ""
        for name, tool in (("pip", pip), ("uv", uv)):
            index = f"http://{who}127.0.0.1:{cloudfront}/internal/simple/"
            runs[name, case] = (*tool, "--index-url", index, "--target", tmp_path / f"{name} {case}", project)
    with ThreadPoolExecutor(2) as pool:
        done = dict(zip(runs, pool.map(lambda arguments: run_tool(*arguments), runs.values()), strict=True))
    for (name, case), found in done.items():
        projects = {path.name for path in (tmp_path / f"{name} {case}").glob("*.dist-info")}
        assert projects == ({"acme_core-1.0.dist-info", "open_lib-1.0.dist-info"} if case == "granted" else set()), (
            name,
            case,
            found.stderr,
        )
        assert (found.returncode == 0) is (case == "granted"), (name, case)
