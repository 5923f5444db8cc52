"""What an attacker can do to a published tree, over real HTTP, through `verify` and through `proxy` with real pip and uv.

Each attack changes a copy of the tree as somebody could who has the host, and perhaps a stolen key.
"""

import json
import shutil
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import signed as signing
from distributions import wheel
from hostile import Between
from live import serving
from reader import WAYS, Reader
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

import index_builder.cli
from index_builder.state import digest_of
from index_builder.trust import ceremony
from index_builder.trust.keys import add_signature, held_by, write, write_for_people
from index_builder.trust.layout import LIVES, metadata_path


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index of alpha and beta, which needs alpha: as it was (`old`), and as it is (`new`), with a later alpha."""
    with pytest.MonkeyPatch.context() as patch:
        folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp())) / "index"
        assert index_builder.cli.run(["init", str(folder)]) == 0
        dist = folder.parent / "dist"
        dist.mkdir()
        for name, content in (wheel("alpha", "1.0"), wheel("beta", "2.0", requires=["alpha"])):
            (dist / name).write_bytes(content)
        made = signing.Signed(folder, patch)
        made.do("add", "--dist", dist)
        made.at(minutes=-10)
        made.publish()
        made.old = made.copy("old")
        name, content = wheel("alpha", "1.1")
        (dist / name).write_bytes(content)
        made.do("add", "--dist", dist / name)
        made.now = None
        made.publish()
        made.new = made.copy("new")
        yield made


@pytest.fixture
def site(index, tmp_path):
    """A copy of the newest tree, to be attacked."""
    return Path(shutil.copytree(index.new, tmp_path / "site"))


def forged(index, path: Path, metadata, role) -> None:
    """Put metadata in a file's place, signed with a stolen online key."""
    signing.resign(path, metadata, index.online(role))


def swap_page(index, site, change) -> None:
    """Change the page of alpha, and list it in its bin, as a thief of online key A can who has the host too."""
    page = signing.page_of_newest(site, index.committed, "alpha")
    value = json.loads(page.read_bytes())
    change(value)
    content = json.dumps(value).encode()
    page.with_name(f"{digest_of(content)}.index.v1_json").write_bytes(content)
    path, metadata = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
    target = metadata.signed.targets["simple/alpha/index.v1_json"]
    target.hashes["sha256"], target.length = digest_of(content), len(content)
    forged(index, path, metadata, "bins")


def arbitrary_page(index, site):
    signing.changed(signing.page_of_newest(site, index.committed, "alpha"), b"alpha-1.1", b"alpha-6.6")


def arbitrary_wheel(index, site):
    for path in site.glob("packages/*/*/*/*.whl"):
        path.write_bytes(wheel("alpha", "1.1", body="evil = True\n")[1])


def extraneous_dependency(index, site):
    for path in site.glob("packages/*/*/*/alpha*.metadata"):
        path.write_bytes(path.read_bytes().replace(b"\n\n", b"\nRequires-Dist: evil\n\n", 1))


def attacker_signed(index, site):
    """His own key of everything online."""
    mine = CryptoSigner.generate_ed25519()
    for path in site.glob("tuf/*.json"):
        if path.name != "replaced.json" and not path.name.endswith(("root.json", ".targets.json", ".bins.json")):
            metadata = Metadata.from_bytes(path.read_bytes())
            metadata.signatures.clear()
            add_signature(metadata, mine)
            path.write_bytes(write(metadata))


def unsigned(index, site):
    shutil.rmtree(site / "tuf")


def rollback_whole(index, site):
    shutil.rmtree(site)
    shutil.copytree(index.old, site)


def rollback_one_bin(index, site):
    old, _ = signing.bin_of(index.old, index.committed, "simple/alpha/index.v1_json")
    new, _ = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
    shutil.copy(old, new)


def mix_and_match(index, site):
    """An older TUF snapshot under the newest timestamp."""
    version = signing.pointer(site).signed.snapshot_meta.version
    old = signing.pointer(index.old).signed.snapshot_meta.version
    shutil.copy(index.old / metadata_path("snapshot", old), site / metadata_path("snapshot", version))


def mix_bins_with_key_b(index, site):
    """A thief of key B names the older bin of alpha beside newer ones: who has seen the newer one, is not led back."""
    newest, older = signing.snapshot(site), signing.snapshot(index.old)
    role = index.committed.bins.signed.delegations.succinct_roles.get_role_for_target("simple/alpha/index.v1_json")
    newest.signed.meta[f"{role}.json"] = older.signed.meta[f"{role}.json"]
    publish_snapshot(index, site, newest)


def publish_snapshot(index, site, metadata) -> None:
    """Put a forged TUF snapshot in place, and a timestamp that names it."""
    metadata.signed.version += 1
    path = site / metadata_path("snapshot", metadata.signed.version)
    forged(index, path, metadata, "timestamp")
    timestamp = signing.pointer(site)
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta.version = metadata.signed.version
    timestamp.signed.snapshot_meta.hashes = {"sha256": digest_of(path.read_bytes())}
    timestamp.signed.snapshot_meta.length = None
    forged(index, site / "tuf" / "timestamp.json", timestamp, "timestamp")


def frozen(role):
    """Everything is as it was signed, and too old."""

    def attack(index, site):
        if role == "timestamp":
            timestamp = signing.pointer(site)
            timestamp.signed.expires -= LIVES["timestamp"] * 2
            forged(index, site / "tuf" / "timestamp.json", timestamp, "timestamp")
        elif role == "snapshot":
            metadata = signing.snapshot(site)
            metadata.signed.expires -= LIVES["snapshot"] * 2
            publish_snapshot(index, site, metadata)
        elif role == "bin":
            path, metadata = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
            metadata.signed.expires -= LIVES["bin"] * 2
            forged(index, path, metadata, "bins")

    attack.__name__ = f"frozen_{role}"
    return attack


def one_of_two_root_keys(index, site):
    """A thief of alice's key makes himself the next root; bob does not sign."""
    committed = index.committed
    mine = CryptoSigner.generate_ed25519()
    files = ceremony.change_holders(committed, {"alice": held_by(mine.public_key, "alice")}, 1, datetime.now(UTC))
    root = Metadata.from_bytes(files["2.root.json"])
    for role in ("snapshot", "timestamp"):
        for keyid in list(root.signed.roles[role].keyids):
            root.signed.revoke_key(keyid, role)
        root.signed.add_key(mine.public_key, role)
    alice = next(key for key in committed.root.signed.keys.values() if key.unrecognized_fields.get("x-index-builder-holder") == "alice")
    folder = signing.KeyFolder(index.keys, {"INDEX_BUILDER_PASSPHRASE": signing.PASSPHRASE}, lambda *_: "")
    add_signature(root, folder.signer(alice, "alice"))
    add_signature(root, mine)
    (site / "tuf" / "2.root.json").write_bytes(write_for_people(root))


def key_b_cannot_sign_a_bin(index, site):
    """A thief of key B lists what he likes in a bin, and signs it with the key that he has."""
    path, metadata = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
    metadata.signed.targets["simple/alpha/index.v1_json"].hashes["sha256"] = "0" * 64
    forged(index, path, metadata, "timestamp")


def key_a_cannot_take_a_bin_back(index, site):
    """A thief of key A signs an older bin under the newest version's name: its version must be that one."""
    path, _ = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
    _, older = signing.bin_of(index.old, index.committed, "simple/alpha/index.v1_json")
    forged(index, path, older, "bins")


def wrong_projects_file(index, site):
    """A thief of key A lists beta's wheel among alpha's."""
    swap_page(index, site, lambda value: value["files"].append(signing.listed(signing.page_of_newest(site, index.committed, "beta"))[0]))


def hidden_page(index, site):
    signing.page_of_newest(site, index.committed, "alpha").unlink()


def hidden_bin(index, site):
    signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")[0].unlink()


def hidden_file(index, site):
    for path in site.glob("packages/*/*/*/alpha-1.1*.whl"):
        path.unlink()


def hidden_project(index, site):
    """Its bin says, signed by nobody, that there is no alpha."""
    path, metadata = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
    del metadata.signed.targets["simple/alpha/index.v1_json"]
    path.write_bytes(write(metadata))


def garbage(index, site):
    (site / "tuf" / "timestamp.json").write_bytes(b'{"signed": ' * 3000)


ATTACKS = [
    arbitrary_page, arbitrary_wheel, extraneous_dependency, attacker_signed, unsigned, rollback_whole, rollback_one_bin, mix_and_match,
    mix_bins_with_key_b, frozen("timestamp"), frozen("snapshot"), frozen("bin"), one_of_two_root_keys, key_b_cannot_sign_a_bin,
    key_a_cannot_take_a_bin_back, wrong_projects_file, hidden_page, hidden_bin, hidden_file, hidden_project, garbage,
]  # fmt: skip

#: What leads back to something older, that is still good: only who has seen the newer one can tell.
ON_WHO_REMEMBERS = (rollback_whole, mix_bins_with_key_b)


class Attacked(Reader):
    """A reader whom the attacker gets between, and who may have seen the index before."""

    port = 0

    def look(self, index, way) -> None:
        """See the index as it is now, and remember it."""
        with serving(index.new) as live:
            code, said = self.read(way, live.url, "beta")
            assert code == 0, said
            self.port = int(live.url.rpartition(":")[2])
        shutil.rmtree(self.target, ignore_errors=True)


@pytest.fixture
def reader(index, tmp_path, capfd):
    return Attacked(index.root, tmp_path / "reader", capfd)


@contextmanager
def at_same_url(reader, site, between=lambda app: app):
    """Serve a tree where the reader has seen the index before: what he remembers is of that URL."""
    with serving(site, between=between, port=reader.port) as live:
        yield live.url


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_what_is_not_as_it_was_signed_is_refused(index, site, reader, attack, way):
    """Nothing of it is installed, the exit code is 4, and the reason is said."""
    attack(index, site)
    if attack in ON_WHO_REMEMBERS:
        reader.look(index, way)
    with at_same_url(reader, site) as url:
        code, said = reader.read(way, url, "beta")
    assert code == 4, said
    assert "error" in said
    assert not reader.installed("alpha")


@pytest.mark.parametrize("way", WAYS)
def test_an_honest_index_passes(index, reader, way):
    """The same reader, with nobody in between, checks and installs."""
    with serving(index.new) as live:
        code, said = reader.read(way, live.url, "beta")
    assert code == 0, said
    if way != "verify":
        assert [*reader.installed("alpha"), *reader.installed("beta")] == ["alpha-1.1.dist-info", "beta-2.0.dist-info"]


ENDLESS = {
    "timestamp": "timestamp.json", "root": r"2\.root\.json", "snapshot": r"snapshot\.json", "targets": r"\d\.targets\.json",
    "bins": r"\d\.bins\.json", "bin": r"bin-", "page": "tuf/targets/simple/alpha", "wheel": r"packages/.*alpha.*\.whl$", "core metadata": r"\.whl\.metadata",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ENDLESS)
def test_what_does_not_end_is_cut_off(index, reader, what, way):
    """Of an endless answer, no more is read than the kind of file may have, and nothing of it is taken."""
    between = Between(endless=ENDLESS[what])
    with serving(index.new, between=between) as live:
        code, said = reader.read(way, live.url, "beta")
    assert code == 4, said
    assert 0 < between.sent <= 50_000_000
    assert not reader.installed("alpha")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["timestamp.json", r"bin-", r"packages/.*alpha.*\.whl$"])
def test_what_comes_too_slowly_is_given_up(index, reader, monkeypatch, what, way):
    """A server that sends ten bytes a second is not waited for; it is not taken for a bad signature either."""
    from index_builder.fetch import download

    real = download.Limits
    monkeypatch.setattr(download, "Limits", lambda **given: real(**{**given, "window": 0.5, "attempts": 1}))
    with serving(index.new, between=Between(slow=what)) as live:
        code, said = reader.read(way, live.url, "beta")
    assert code == 3, said
    assert "bytes a second" in said
    assert not reader.installed("alpha")


class Stumbling:
    """Answers the first request for a wheel with 503."""

    def __init__(self) -> None:
        self.stumbled = 0

    def __call__(self, app):
        async def answer(scope, receive, send):
            if self.stumbled or not scope["path"].endswith(".whl"):
                await app(scope, receive, send)
                return
            self.stumbled += 1
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return answer


@pytest.mark.parametrize(("way", "expected"), [("pip", 3), ("uv", 0)])
def test_an_index_that_stumbles_is_not_taken_for_an_attacker(index, reader, monkeypatch, way, expected):
    """An installer that asks again has what it wants, and that is what counts; one that gives up ends with 3, and no alarm."""
    from index_builder.fetch import download

    real = download.Limits
    monkeypatch.setattr(download, "Limits", lambda **given: real(**{**given, "attempts": 1}))
    with serving(index.new, between=(between := Stumbling())) as live:
        code, said = reader.read(way, live.url, "beta")
    assert between.stumbled == 1
    assert code == expected, said
    assert "missed" in said
    assert "refused" not in said
    assert reader.installed("alpha") == ([] if expected else ["alpha-1.1.dist-info"])


@pytest.mark.parametrize("way", WAYS)
def test_root_expired(index, site, tmp_path, capfd, way):
    """A root that nobody renews ends the trust: the index is refused, whatever else is fresh."""
    path = site / "tuf" / "1.root.json"
    root = Metadata.from_bytes(path.read_bytes())
    root.signed.expires -= LIVES["root"] * 2
    root.signatures.clear()
    folder = signing.KeyFolder(index.keys, {"INDEX_BUILDER_PASSPHRASE": signing.PASSPHRASE}, lambda *_: "")
    for key in root.signed.keys.values():
        if folder.has(key) and "x-index-builder-holder" in key.unrecognized_fields:
            add_signature(root, folder.signer(key, "a holder"))
    path.write_bytes(write(root))
    reader = Reader(path, tmp_path / "reader", capfd)
    with serving(site) as live:
        code, said = reader.read(way, live.url, "beta")
    assert code == 4
    assert "expired" in said
    assert not reader.installed("beta")


def only_the_older(value) -> None:
    """Leave only alpha 1.0 on a page."""
    value["files"] = [file for file in value["files"] if "1.0" in file["filename"]]


@pytest.mark.parametrize("way", ["pip", "uv"])
def test_both_online_keys_can_publish_anything(index, site, reader, way):
    """With both, and the host, a thief leads every reader, also who has seen the newer state: until the keys are rotated."""
    reader.look(index, way)
    swap_page(index, site, only_the_older)
    path, metadata = signing.bin_of(site, index.committed, "simple/alpha/index.v1_json")
    metadata.signed.version += 1
    role = path.name.split(".")[1]
    forged(index, site / metadata_path(role, metadata.signed.version), metadata, "bins")
    newest = signing.snapshot(site)
    newest.signed.meta[f"{role}.json"].version += 1
    publish_snapshot(index, site, newest)
    with at_same_url(reader, site) as url:
        code, said = reader.read(way, url, "beta")
    assert code == 0, said
    assert reader.installed("alpha") == ["alpha-1.0.dist-info"]


@pytest.mark.parametrize("way", ["pip", "uv"])
def test_key_a_with_the_host_can_list_anything(index, site, reader, way):
    """What a thief of online key A can do, who has the host besides: readers who have not seen that bin install what he says."""
    swap_page(index, site, only_the_older)
    with serving(site) as live:
        code, said = reader.verify(live.url, "--project", "alpha")
        assert code == 4, said  # he changed the copy only: the page that plain installers meet is not the signed one
        assert "simple/alpha/index.v1_json is not what was signed" in said
        code, said = reader.read(way, live.url, "beta")
    assert code == 0, said
    assert reader.installed("alpha") == ["alpha-1.0.dist-info"]


@pytest.mark.parametrize("way", ["pip", "uv"])
@pytest.mark.parametrize("attack", ON_WHO_REMEMBERS, ids=lambda attack: attack.__name__)
def test_who_has_seen_nothing_newer_can_be_shown_the_older(index, site, reader, attack, way):
    """What the host alone, or with key B, can do to new readers: an older state that has not expired."""
    attack(index, site)
    with serving(site) as live:
        code, said = reader.read(way, live.url, "beta")
    assert code == 0, said
    assert reader.installed("alpha") == ["alpha-1.0.dist-info"]


@pytest.mark.parametrize(("way", "words"), [("pip", "No matching distribution"), ("uv", "nowhere was not found")])
def test_an_unknown_project_is_absent_by_signature(index, reader, way, words):
    """404 comes only where the bin that would list a project is good and does not; nothing is refused then."""
    with serving(index.new) as live:
        code, said = reader.read(way, live.url, "nowhere")
    assert code == 1, said
    assert "refused" not in said
    assert words in said


@pytest.mark.parametrize("way", WAYS)
def test_another_audiences_tree_is_refused(reader, tmp_path, monkeypatch, way):
    """A tree that is signed for other readers, by keys of their own, is not this index."""
    folder = tmp_path / "other" / "index"
    assert index_builder.cli.run(["init", str(folder)]) == 0
    other = signing.Signed(folder, monkeypatch, people=("carol",))
    name, content = wheel("alpha", "1.0")
    (tmp_path / name).write_bytes(content)
    other.do("add", "--dist", tmp_path / name)
    other.publish()
    with serving(other.site) as live:
        code, said = reader.read(way, live.url, "alpha")
    assert code == 4, said
    assert not reader.installed("alpha")


EVIL = wheel("alpha", "6.6", body="evil = True\n")


class EvilToInstallers:
    """Gives every page by its file's name as it was signed; who names none, as installers do, gets the attacker's."""

    def __call__(self, app):
        async def answer(scope, receive, send):
            if scope["path"] != "/simple/alpha/":
                await app(scope, receive, send)
                return
            body = f'<a href="/evil/{EVIL[0]}">{EVIL[0]}</a>'.encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": body})

        return answer


def test_a_host_that_is_evil_to_installers_only(index, reader):
    """`verify` asks as installers do, and refuses; through the proxy they get what was signed, because it asks for copies."""
    with serving(index.new, between=EvilToInstallers()) as live:
        code, said = reader.verify(live.url)
        assert code == 4, said
        assert "simple/alpha/, asked for as text/html, is not what was signed" in said
        for way in ("pip", "uv"):
            code, said = reader.read(way, live.url, "beta")
            assert code == 0, said
            assert reader.installed("alpha") == ["alpha-1.1.dist-info"]
            shutil.rmtree(reader.target)


def test_a_bin_that_lists_nothing_counts(index, site, reader):
    """Every bin is read where all is checked: who asks for a project that is not there, reads one of those."""
    bins = index.committed.bins.signed.delegations.succinct_roles
    names = [str(path.relative_to(site)) for folder in ("simple", "state") for path in (site / folder).rglob("*") if path.is_file()]
    used = {bins.get_role_for_target(name) for name in names}
    role = next(role for role in bins.get_roles() if role not in used)
    (site / metadata_path(role, signing.snapshot(site).signed.meta[f"{role}.json"].version)).write_bytes(b"garbage")
    with serving(site) as live:
        code, said = reader.verify(live.url)
    assert code == 4, said
    assert role in said


@pytest.fixture
def elsewhere(tmp_path):
    """The simple API of somebody else, who has a newer alpha; what it was asked, tells whether an installer got there."""
    folder = tmp_path / "elsewhere" / "simple" / "alpha"
    folder.mkdir(parents=True)
    (folder / EVIL[0]).write_bytes(EVIL[1])
    (folder / "index.html").write_text(f'<a href="{EVIL[0]}">{EVIL[0]}</a>')
    with serving(folder.parent.parent) as live:
        yield live


@pytest.mark.parametrize("way", ["pip", "uv"])
@pytest.mark.parametrize(
    "leading",
    ["requirements", "nested requirements", "constraints", "PIP_extra_index_url", "PIP_REQUIREMENT", "UV_CONFIG_FILE", "UV_INDEX"],
)
def test_an_installer_asks_nobody_but_the_proxy(index, reader, elsewhere, tmp_path, monkeypatch, way, leading):
    """Whatever names another index besides, in a file of requirements or a variable, is refused or not handed on."""
    requirements, nested, configuration = (tmp_path / name for name in ("r.txt", "n.txt", "uv.toml"))
    requirements.write_text(f"--extra-index-url {elsewhere.simple}\nalpha\n")
    nested.write_text("-r r.txt\n")
    configuration.write_text(f'[[index]]\nname = "x"\nurl = "{elsewhere.simple}"\n')
    more = {"requirements": ("-r", requirements), "nested requirements": ("-r", nested), "constraints": ("-c", nested)}.get(leading, ())
    if not more:
        value = {"PIP_REQUIREMENT": requirements, "UV_CONFIG_FILE": configuration}.get(leading, elsewhere.simple)
        monkeypatch.setenv(leading, str(value))
    with serving(index.new) as live:
        command = [*(("-m", "pip", "install", "--no-cache-dir") if way == "pip" else ("-m", "uv", "pip", "install", "--no-cache")), *more]
        code, said = reader.install(live.url, sys.executable, *command, "beta")
    assert code == (2 if more else 0), said
    assert not elsewhere.requests
    assert "alpha-6.6.dist-info" not in reader.installed("alpha")
