"""Stories of files that are assets of GitHub releases, and of inboxes that are at a host."""

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest
from conftest import commit_all
from distributions import wheel
from github_server import GitHub, Repository, Token, github
from live import serving
from published import CREDENTIALS, FolderReader, s3

from index_builder import wiring
from index_builder.model import releases

OWN = "acme/index-files"


@pytest.fixture
def hub(monkeypatch):
    """A GitHub with one empty repository and one token that may write to it."""
    hub = GitHub(tokens={"right": Token(login="bot", permissions={"contents": "write"})}, repositories={OWN: Repository(name=OWN)})
    with github(hub):
        monkeypatch.setenv("GITHUB_API_URL", hub.url)
        monkeypatch.setenv("GITHUB_TOKEN", "right")
        monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
        yield hub


@pytest.fixture
def index(repo, hub, cli, dist):
    """A repository whose files are in releases of that GitHub, with one project of two files."""
    write(repo, hub)
    add(repo, cli, dist, wheel("acme-utils", "1.0"), wheel("acme-core", "1.0"))
    return repo


def write(repo, hub, *, more="", inbox=""):
    (repo / "index.yaml").write_text(
        "schema: 1\ntitle: Test index\naudiences:\n"
        f"  public: {{releases: {{repository: {OWN}, server: {hub.url}{more}}}}}\n{inbox}"
        "publish:\n  - {name: folder, audience: public, kind: directory, path: published/public}\n"
    )


def add(repo, cli, dist, *wheels):
    for name, _ in wheels:
        done = cli("add", "--dist", dist(*wheels) / name, "--owner", "maintainers")
        assert done.code == 0, done.err
    return commit_all(repo)


def held(hub) -> dict[str, str]:
    """Return the release of every asset."""
    return {asset["name"]: release["tag_name"] for release in hub.repositories[OWN].releases.values() for asset in release["assets"]}


def published(cli, *options, code=0):
    done = cli("publish", *options)
    assert done.code == code, done.err
    return done


def test_files_go_to_releases_and_pages_lead_there(index, hub, cli, tmp_path):
    """Each file and its core metadata is an asset of the release of its digest; pip and uv install it; the target has pages only."""
    published(cli, "--gate")
    live = FolderReader(index / "published" / "public")
    digests = {file["filename"]: file["hashes"]["sha256"] for name in ("acme-utils", "acme-core") for file in page(live, name)["files"]}
    assert held(hub) == {
        **{name: f"pool-{digest[:2]}" for name, digest in digests.items()},
        **{f"{name}.metadata": f"pool-{digest[:2]}" for name, digest in digests.items()},
    }  # fmt: skip
    assert not (index / "published" / "public" / "packages").exists()
    assert all(release["prerelease"] for release in hub.repositories[OWN].releases.values())
    with serving(index / "published" / "public") as site:
        for number, tool in enumerate((["-m", "pip", "install"], ["-m", "uv", "pip", "install"])):
            target = tmp_path / f"installed-{number}"
            subprocess.run(
                [sys.executable, *tool, "--target", target, "--index-url", site.simple, "--no-cache-dir" if number == 0 else "--no-cache", "acme-utils"],
                check=True, capture_output=True,
            )  # fmt: skip
            assert (target / "acme_utils").exists()


def page(reader, name):
    return json.loads(reader.get(f"simple/{name}/index.v1_json"))


def test_one_change_uploads_one_file_and_asks_for_no_more(index, hub, cli, dist):
    """A second release asks for one release and its assets, and uploads a file with its core metadata; a run without change asks nothing."""
    published(cli)
    add(index, cli, dist, wheel("acme-utils", "1.1"))
    hub.asked.clear()
    published(cli)
    assert len([asked for asked in hub.asked if asked.startswith("POST /uploads")]) == 2
    assert len(hub.asked) <= 6
    hub.asked.clear()
    published(cli)
    assert hub.asked == []


def test_a_fresh_machine_finds_all_bytes_again(index, hub, cli, dist):
    """Without the pool, hosted files are downloaded from the releases, by digest: a whole build says the same as before."""
    published(cli)
    before = {path.relative_to(index).as_posix(): path.read_bytes() for path in (index / "published" / "public" / "simple").rglob("*.html")}
    shutil.rmtree(index / ".pool")
    assert cli("build", "--full").code == 0
    assert {p.replace("site", "published"): b for p, b in tree(index / "site").items()} == before
    shutil.rmtree(index / ".pool")
    number = next(n for n, c in hub.repositories[OWN].contents.items() if c.startswith(b"PK"))
    hub.repositories[OWN].contents[number] = b"PK other bytes"
    done = cli("build", "--full")
    assert done.code == 1
    assert "other bytes" in done.err
    assert "nor published" in done.err


def tree(folder):
    return {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in (folder / "public" / "simple").rglob("*.html")}


def test_what_broke_off_is_gone_on_with(index, hub, cli):
    """Bad gateways and broken connections are tried again; what is half there is replaced; what is there is not sent again."""
    hub.moods[:] = [502, None, 0, None, 502, 0, None, 502]
    published(cli)
    assert len(held(hub)) == 4
    release = next(r for r in hub.repositories[OWN].releases.values() if r["assets"])
    gone = release["assets"][0]
    gone["state"] = "starter"
    hub.asked.clear()
    shutil.rmtree(index / "published")
    published(cli)
    assert len([asked for asked in hub.asked if asked.startswith("POST /uploads")]) == 1
    assert {a["state"] for r in hub.repositories[OWN].releases.values() for a in r["assets"]} == {"uploaded"}


def test_limits_are_waited_for_or_told(index, hub, cli, monkeypatch):
    """A short limit is waited for; a long one ends the run with what to do, and the next run goes on."""
    waits = []
    monkeypatch.setattr(wiring.SystemClock, "sleep", lambda _, seconds: waits.append(seconds))
    hub.hourly, hub.reset = 3, 30
    published(cli)
    assert waits == [30.0]
    shutil.rmtree(index / "published")
    for release in hub.repositories[OWN].releases.values():
        release["assets"].clear()
    hub.made, hub.reset = 2, 7200
    done = published(cli, code=3)
    assert "run it again in 120 minutes; what was done stays done" in done.err
    assert len(held(hub)) == 1
    hub.hourly = 500
    published(cli)
    assert len(held(hub)) == 4


def test_nothing_is_overwritten(index, hub, cli, dist):
    """An asset of a file's name with other bytes stops the publication, and readers keep what they have."""
    published(cli)
    add(index, cli, dist, wheel("acme-utils", "1.1"))
    digest = next(f["hashes"]["sha256"] for f in page(FolderReader(built(index, cli)), "acme-utils")["files"] if "1.1" in f["filename"])
    repository = hub.repositories[OWN]
    release = next((r for r in repository.releases.values() if r["tag_name"] == f"pool-{digest[:2]}"), None)
    if release is None:
        release = {"id": 900, "tag_name": f"pool-{digest[:2]}", "draft": False, "assets": []}
        repository.releases[900] = release
    release["assets"].append(
        {"id": 901, "name": "acme_utils-1.1-py3-none-any.whl", "state": "uploaded", "size": 5, "digest": "sha256:" + "0" * 64}
    )
    done = published(cli, code=1)
    assert "with other bytes" in done.err
    assert "acme_utils-1.1" not in str(page(FolderReader(index / "published" / "public"), "acme-utils"))


def test_assets_that_are_gone_are_found_and_brought_again(index, hub, cli):
    """A comparison looks into the releases, too; a repair uploads what is not there any more."""
    published(cli)
    done = cli("mirror-check")
    assert (done.code, "folder with its releases: 4 files the same" in done.err) == (0, True), done.out + done.err
    release = next(iter(hub.repositories[OWN].releases.values()))
    lost = release["assets"].pop(0)["name"]
    done = cli("mirror-check")
    assert done.code == 1
    assert lost in done.out
    assert "fix: index-builder publish --target folder --reconcile" in done.err
    published(cli, "--reconcile")
    assert lost in held(hub)
    assert cli("mirror-check").code == 0


def test_an_asset_that_is_too_short_is_not_believed(index, hub, cli):
    """A server that tells no digests tells how many bytes there are."""
    published(cli)
    for release in hub.repositories[OWN].releases.values():
        for asset in release["assets"]:
            del asset["digest"]
    (index / "published").rename(index / "elsewhere")
    published(cli)
    next(iter(hub.repositories[OWN].releases.values()))["assets"][0]["size"] += 1
    (index / "published").rename(index / "elsewhere too")
    assert "with other bytes" in published(cli, code=1).err


def built(index, cli):
    assert cli("build").code == 0
    return index / "site" / "public"


def test_withdrawn_files_leave_their_release_after_the_grace_time(index, hub, cli, dist, monkeypatch):
    """Pages forget a removed file at once, its release a day later."""
    add(index, cli, dist, wheel("acme-utils", "1.1"), wheel("acme-utils", "1.2"))
    published(cli)
    assert cli("remove", "acme-utils", "1.0", "--reason", "leaked a key").code == 0
    commit_all(index)
    published(cli)
    assert "acme_utils-1.0-py3-none-any.whl" in held(hub)
    real = wiring.SystemClock.now
    monkeypatch.setattr(wiring.SystemClock, "now", lambda clock: real(clock) + timedelta(hours=25))
    published(cli)
    assert not {name for name in held(hub) if name.startswith("acme_utils-1.0")}
    assert len(held(hub)) == 6


def test_what_another_target_leads_to_stays_in_its_release(index, hub, cli, dist, monkeypatch):
    """A target that is not published to, or lets files linger for longer, keeps its files until it has let them go, too."""
    more = "  - {name: other, audience: public, kind: directory, path: published/other, grace: 72h}\n"
    (index / "index.yaml").write_text((index / "index.yaml").read_text() + more)
    add(index, cli, dist, wheel("acme-utils", "1.1"), wheel("acme-utils", "1.2"))
    published(cli)
    assert cli("remove", "acme-utils", "1.0", "--reason", "leaked a key").code == 0
    commit_all(index)
    removed = {"acme_utils-1.0-py3-none-any.whl", "acme_utils-1.0-py3-none-any.whl.metadata"}
    real = wiring.SystemClock.now
    for days, options, stays in (
        (0, ["--target", "folder"], True),
        (2, ["--target", "folder"], True),  # `other` still leads there
        (2, [], True),  # `other` did until now
        (4, [], True),
        (6, ["--target", "other"], False),
    ):
        monkeypatch.setattr(wiring.SystemClock, "now", lambda clock, days=days: real(clock) + timedelta(days=days))
        done = published(cli, *options)
        assert "still there" not in done.err
        assert removed & held(hub).keys() == (removed if stays else set()), (days, options)


def test_files_that_move_to_releases_are_uploaded_and_the_others_go(repo, hub, cli, dist):
    """An index that kept its files in the tree gives them to releases when its configuration says so, and can take them back."""
    config = (repo / "index.yaml").read_text().partition("publish:")[0]
    target = 'publish:\n  - {name: folder, audience: public, kind: directory, path: published/public, grace: "0"}\n'
    (repo / "index.yaml").write_text(config + target)
    add(repo, cli, dist, wheel("acme-utils", "1.0"))
    published(cli)
    assert (repo / "published" / "public" / "packages").exists()
    (repo / "index.yaml").write_text(config.replace("files: packages/", f"releases: {{repository: {OWN}, server: {hub.url}}}") + target)
    commit_all(repo)
    published(cli, "--max-delete", "100")
    assert len(held(hub)) == 2
    assert not (repo / "published" / "public" / "packages").exists()
    (repo / "index.yaml").write_text(config + target)
    commit_all(repo)
    published(cli, "--max-delete", "100")
    assert (repo / "published" / "public" / "packages").exists()


def test_names_and_numbers_that_do_not_fit_are_told_before_they_are_merged(index, hub, cli, dist, monkeypatch):
    """A local version's plus sign, a file that is too large and a full release are problems of `check`; `overflow:` sends a file to another release."""
    add(index, cli, dist, wheel("acme-utils", "1.0+cpu"))
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "release-name" in done.err
    assert "GitHub would rewrite the name of acme_utils-1.0+cpu-py3-none-any.whl" in done.err
    subprocess.run(["git", "reset", "-q", "--hard", "HEAD~1"], check=True)
    with monkeypatch.context() as small:
        small.setattr(releases, "TOO_LARGE", 600)
        done = cli("check", "--worktree")
        assert done.code == 1
        assert "an asset of a release must be smaller than 2 GiB" in done.err
    with monkeypatch.context() as full:
        full.setattr(releases, "MOST", 2)
        full.setattr(releases.Releases, "tag", lambda own, digest: own.overflow.get(digest) or "pool-00")
        done = cli("check", "--worktree")
        assert done.code == 1
        assert "release-full" in done.err
    published(cli)
    name = "acme_utils-1.0-py3-none-any.whl"
    digest = next(f["hashes"]["sha256"] for f in page(FolderReader(index / "published" / "public"), "acme-utils")["files"])
    write(index, hub, more=f", overflow: {{pool-{digest[:2]}-2: [{digest}]}}")
    commit_all(index)
    published(cli, "--max-delete", "100")
    assert held(hub)[name] == held(hub)[f"{name}.metadata"] == f"pool-{digest[:2]}-2"
    write(index, hub, more=f", overflow: {{pool-00-2: ['{'f' * 64}']}}")
    done = cli("check", "--worktree")
    assert "does not begin as the release pool-00-2 does" in done.err


def test_two_audiences_do_not_share_releases(index, hub, cli):
    """Whoever sees the repository would see the names of both."""
    text = (index / "index.yaml").read_text()
    (index / "index.yaml").write_text(
        text.replace("publish:", f"  internal: {{releases: {{repository: Acme/index-files, server: {hub.url}}}}}\npublish:")
    )
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "audience-shared" in done.err


def test_releases_tell_nothing_of_a_narrower_audience(repo, hub, cli, dist):
    """No name, text or byte of what only an inner audience sees is in the releases or the tree of a wider one."""
    hub.repositories["acme/inside"] = Repository(name="acme/inside")
    write(repo, hub)
    head, _, rest = (repo / "index.yaml").read_text().partition("publish:")
    inner = f"  internal: {{releases: {{repository: acme/inside, server: {hub.url}}}, includes: [public]}}\n"
    target = "  - {name: inside, audience: internal, kind: directory, path: published/internal}\n"
    (repo / "index.yaml").write_text(f"{head}{inner}publish:{rest}{target}")
    for name, audience in (("acme-open", "public"), ("acme-secret", "internal")):
        files = dist(wheel(name, "1.0")) / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
        done = cli("add", "--dist", files, "--owner", "maintainers", "--audience", audience)
        assert done.code == 0, done.err
    commit_all(repo)
    published(cli)
    secret = hashlib.sha256(files.read_bytes()).hexdigest()

    def tells(told: str) -> set[str]:
        return {word for word in ("acme-open", "acme-secret", "acme_secret", secret, secret[2:]) if word in told}

    wide, inside = (repr(hub.repositories[name].releases) for name in (OWN, "acme/inside"))
    tree = "".join(f"{path} {path.read_bytes()!r}" for path in (repo / "published" / "public").rglob("*") if path.is_file())
    assert tells(tree) == {"acme-open"}
    assert tells(wide) == set()
    assert {asset["name"].partition("-")[0] for release in hub.repositories[OWN].releases.values() for asset in release["assets"]} == {
        "acme_open"
    }
    assert {"acme_secret"} <= tells(inside)


def test_a_dry_run_says_how_long_uploads_take(index, hub, cli):
    """Nothing is sent; the number of assets and the hours are told."""
    done = published(cli, "--dry-run")
    assert "4 assets would be uploaded to releases: about 0.0 hours at 500 an hour" in done.err
    assert held(hub) == {}


def test_a_token_that_may_not_write_is_told(index, hub, cli, monkeypatch):
    """Wrong, missing and weak tokens each say what is wrong, and the old site stays."""
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    assert "set GITHUB_TOKEN to one that holds" in published(cli, code=3).err
    monkeypatch.delenv("GITHUB_TOKEN")
    assert "set GITHUB_TOKEN to one that holds" in published(cli, code=3).err
    hub.tokens["weak"] = Token(login="reader", permissions={"contents": "read"})
    monkeypatch.setenv("GITHUB_TOKEN", "weak")
    assert "the token may not do that" in published(cli, code=3).err
    assert not (index / "published" / "public").exists()


@pytest.fixture(params=["release", "bucket"])
def inbox(request, repo, hub, monkeypatch):
    """An inbox at a host, as index.yaml has it."""
    if request.param == "release":
        write(repo, hub, inbox=f"inbox: {{kind: release, repository: {OWN}}}\n")
        yield request.param
        return
    with s3() as url:
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        write(repo, hub, inbox=f"inbox: {{kind: bucket, url: s3://acme-index/hosted/, endpoint: {url}, region: us-east-1}}\n")
        yield request.param


def test_hosted_bytes_are_handed_in_at_a_host(inbox, repo, hub, cli, dist):
    """`pool push` puts bytes where a builder on another machine finds them; other bytes under that digest are not taken."""
    folder = dist(wheel("acme-utils", "1.0"))
    assert cli("add", "--dist", folder, "--owner", "maintainers").code == 0
    commit_all(repo)
    for _ in range(2):
        assert cli("pool", "push", folder).code == 0
    shutil.rmtree(repo / ".pool")
    shutil.rmtree(repo / ".inbox", ignore_errors=True)
    published(cli)
    assert "acme_utils-1.0-py3-none-any.whl" in held(hub)
    if inbox == "release":
        assert len([a for a in hub.asked if a.startswith("POST /uploads")]) == 1 + 2
        contents = hub.repositories[OWN].contents
        contents[min(contents)] = b"other bytes"
        shutil.rmtree(repo / ".pool")
        for release in hub.repositories[OWN].releases.values():
            if release["tag_name"] != "inbox":
                release["assets"].clear()
        done = cli("build", "--full")
        assert done.code == 1
        assert "has other bytes" in done.err


def test_a_preview_looks_where_the_base_says(repo, hub, cli, dist):
    """Credentials of whoever tries a change do not go to the inbox that the change names."""
    evil = "acme/evil"
    hub.repositories[evil] = Repository(name=evil)
    write(repo, hub)
    add(repo, cli, dist, wheel("acme-utils", "1.0"))
    write(repo, hub, inbox=f"inbox: {{kind: release, repository: {evil}}}\n")
    shutil.rmtree(repo / ".pool")
    shutil.rmtree(repo / ".inbox", ignore_errors=True)
    hub.asked.clear()
    done = cli("preview", "--base", "HEAD", "--worktree", "--output", repo.parent / "preview")
    assert done.code == 1
    assert "neither in the pool nor in the inbox" in done.err
    assert not [asked for asked in hub.asked if evil in asked]
