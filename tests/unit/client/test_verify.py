"""What `verify` looks at, how far, and what it says of what it did not; asked over real HTTP, and of folders."""

import hashlib
import json
import re
import shutil
import tracemalloc

import attested
import pytest
from conftest import commit_all
from distributions import wheel
from hostile import Between
from live import serving
from signed import Signed, snapshot

import index_builder.cli
from index_builder.fetch.download import Downloader, Limits
from index_builder.testing import Answer, FakeClock, ScriptedTransport, SilentProgress
from index_builder.trust.layout import metadata_path

URL = "https://pypi.example.org/x"


@pytest.fixture
def index(repo, cli, dist, monkeypatch):
    """A signed index of alpha, beta and gamma."""
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"), wheel("beta", "1.0"), wheel("gamma", "1.0"))).code == 0
    made = Signed(repo, monkeypatch, people=("alice",))
    made.publish()
    return made


@pytest.fixture
def verify(cli, index, tmp_path):
    """Verify a URL or folder with the index's root; each with a memory of its own."""

    def run(where, *more, root=index.root):
        trust = () if root is None else ("--root", root)
        return cli("verify", where, *trust, "--cache", tmp_path / "cache", "-q", *more)

    return run


class Instead:
    """Answers a path with something else, where the Accept header has a word."""

    def __init__(self, path, body, accept="") -> None:
        self.path, self.body, self.accept, self.asked = path, body, accept.encode(), 0

    def __call__(self, app):
        async def answer(scope, receive, send):
            if scope["path"] != self.path or self.accept not in dict(scope["headers"]).get(b"accept", b""):
                await app(scope, receive, send)
                return
            self.asked += 1
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": self.body})

        return answer


class Stale:
    """Gives a path as it was so many times, as a host's cache does, then as it is."""

    def __init__(self, path, body, times) -> None:
        self.path, self.body, self.times = path, body, times

    def __call__(self, app):
        async def answer(scope, receive, send):
            if scope["path"] != self.path or not self.times:
                await app(scope, receive, send)
                return
            self.times -= 1
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": self.body})

        return answer


class TestStalePages:
    """A host keeps old pages for some minutes: before something counts as wrong, what is newest is asked for once more."""

    @pytest.fixture
    def older(self, index):
        """Return the tree as it was before alpha was yanked, which is published now."""
        older = index.copy("older")
        index.at(minutes=1)
        index.do("yank", "alpha", "1.0", "--reason", "old")
        index.publish()
        index.now = None
        return older

    @pytest.mark.parametrize(("times", "code"), [(1, 0), (9, 4)])
    def test_old_signatures_with_new_pages(self, index, older, verify, times, code):
        """They are asked for anew once, which heals it; what stays old is refused."""
        path = "/tuf/timestamp.json"
        with serving(index.site, between=Stale(path, (older / path[1:]).read_bytes(), times)) as live:
            done = verify(live.url, "--project", "alpha")
            assert done.code == code, done.err
            assert len(live.asked(path)) == (0 if code else 1)
        assert ("simple/alpha/index.v1_json is not what was signed" in done.out) == bool(code)

    @pytest.mark.parametrize(("times", "code"), [(1, 0), (9, 4)])
    def test_an_old_page_with_new_signatures(self, index, older, verify, times, code):
        """It is asked for once more too."""
        path = "/simple/alpha/index.html"
        with serving(index.site, between=Stale(path, (older / path[1:]).read_bytes(), times)) as live:
            assert verify(live.url, "--project", "alpha").code == code


class TestFolders:
    """Installers name no file: they ask for `simple/` and `simple/NAME/`."""

    @pytest.mark.parametrize("accept", ["text/html", "json"])
    @pytest.mark.parametrize("path", ["/simple/", "/simple/alpha/"])
    @pytest.mark.parametrize("body", [b'<a href="/evil/alpha-9.9-py3-none-any.whl">alpha-9.9-py3-none-any.whl</a>', b" " * 100_000])
    def test_a_host_that_lies_to_installers_only(self, index, verify, path, accept, body):
        """Pages by their files' names are as signed, and those that installers get are not: that is found, in either form."""
        with serving(index.site, between=Instead(path, body, accept)) as live:
            done = verify(live.url)
        assert done.code == 4, done.err
        assert re.search(rf"wrong: {path[1:]}, asked for as \S+, is not what was signed", done.out)

    def test_either_signed_form_is_taken(self, index, verify):
        """A host that gives HTML to all, or JSON, answers as it was signed."""
        for page in ("index.html", "index.v1_json"):
            with serving(index.site, between=Instead("/simple/alpha/", (index.site / "simple" / "alpha" / page).read_bytes())) as live:
                done = verify(live.url)
            assert done.code == 0, done.err
            assert "answers to 4 requests such as installers make" in done.err

    def test_another_projects_page_is_not_taken(self, index, verify):
        """What is signed for beta is no answer for alpha."""
        with serving(index.site, between=Instead("/simple/alpha/", (index.site / "simple" / "beta" / "index.html").read_bytes())) as live:
            assert verify(live.url).code == 4

    def test_a_host_without_index_documents(self, index, verify):
        """A bucket has nothing there: that is no failure, and is said."""
        with serving(index.site, between=Between(missing=r"/$")) as live:
            done = verify(live.url)
            found = json.loads(verify(live.url, "--format", "json").out)
        assert done.code == 0, done.err
        assert re.search(r"not checked  simple/, simple/alpha/, simple/beta/ and 1 more: the host has no page there", done.err)
        assert (found["answered"], len(found["pageless"])) == (0, 4)

    def test_only_what_was_chosen_is_asked_for(self, index, verify):
        """A sample stays one: other projects are not asked for, so that nothing is known of them."""
        lies = Instead("/simple/alpha/", b"evil")
        with serving(index.site, between=lies) as live:
            assert verify(live.url, "--project", "beta").code == 0
            assert lies.asked == 0
            assert not live.asked("/simple/gamma/")

    def test_of_a_folder_only_files_are_there(self, index, verify):
        """Nobody answers for `simple/alpha/` there, and no word is made of it."""
        done = verify(index.site)
        assert done.code == 0
        assert "installers make" not in done.err
        assert "no page there" not in done.err


class TestBins:
    """Of sixteen bins three list a page, or fewer."""

    def spoilt(self, index):
        """Spoil a bin that lists nothing that readers of all projects ask for."""
        bins = index.committed.bins.signed.delegations.succinct_roles
        used = {
            bins.get_role_for_target(f"simple/{name}/index.{form}") for name in ("alpha", "beta", "gamma") for form in ("html", "v1_json")
        }
        used |= {bins.get_role_for_target(path) for path in ("simple/index.html", "simple/index.v1_json", "state/index.json")}
        role = next(role for role in bins.get_roles() if role not in used)
        (index.site / metadata_path(role, snapshot(index.site).signed.meta[f"{role}.json"].version)).write_bytes(b"garbage")
        return role

    def test_all_are_read_where_all_is_checked(self, index, verify, tmp_path):
        """A bin that lists no page says that there are no other projects: it counts too."""
        assert re.search(r"checked      1\d bins that list none of these pages", verify(index.site).err)
        role = self.spoilt(index)
        shutil.rmtree(tmp_path / "cache")
        done = verify(index.site)
        assert done.code == 4
        assert f"wrong: {role}: " in done.out
        assert "wrong: simple/" not in done.out

    @pytest.mark.parametrize("chosen", [("--sample", "1"), ("--project", "alpha")])
    def test_of_a_sample_it_is_said_that_they_were_not(self, index, verify, chosen):
        """Nothing is claimed of what was not read."""
        self.spoilt(index)
        done = verify(index.site, *chosen)
        assert done.code == 0
        assert "not checked  bins that list no page of these" in done.err


class TestFiles:
    def test_a_large_file_is_not_held(self):
        """Files are compared while they come, and wanted in time for their size, not in half a minute."""
        deadlines = []

        class Watched(ScriptedTransport):
            def get(self, url, headers, *, deadline):
                deadlines.append(deadline)
                return super().get(url, headers, deadline=deadline)

        body = bytes(20_000_000)
        transport = Watched({URL: [Answer(status=503), Answer(body=body)]})
        downloader = Downloader(
            transport=transport, clock=FakeClock(), progress=SilentProgress(), limits=Limits(first_wait=0.0, patience=30.0)
        )
        tracemalloc.start()
        try:
            assert downloader.digest(URL, len(body)) == (len(body), hashlib.sha256(body).hexdigest())
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
        assert downloader.page(URL, "*/*", most=len(body)).content == body
        assert downloader.page(URL, "*/*").content == body
        assert [round(deadline) for deadline in deadlines] == [335, 335, 335, 30]

    def test_verify_holds_none(self, index, verify, monkeypatch):
        """It fetches no file as it fetches a page; one that is altered, longer or not there is still found."""
        real = Downloader.page

        def page(self, url, *arguments, **more):
            assert not url.endswith((".whl", ".metadata"))
            return real(self, url, *arguments, **more)

        monkeypatch.setattr(Downloader, "page", page)
        assert verify(index.site, "--files").code == 0
        path = next(index.site.rglob("alpha*.whl"))
        content = path.read_bytes()
        for spoilt in (content[:-1], content + b"x", content[:-1] + b"x", None):
            if spoilt is None:
                path.unlink()
            else:
                path.write_bytes(spoilt)
            done = verify(index.site, "--files")
            assert (done.code, path.name in done.out) == (4, True)


class TestMistakes:
    """Of who asks: they raise no alarm, and say what is meant instead."""

    def test_a_project_that_is_not_there(self, index, verify):
        """A typo is one."""
        done = verify(index.site, "--project", "alpa", "--project", "beta")
        assert done.code == 2
        assert "there is no project alpa in this index" in done.err
        assert "did you mean alpha" in done.err
        assert "look at its spelling" in verify(index.site, "--project", "nope").err

    def test_the_folder_of_the_simple_api(self, index, verify):
        """It is taken as its URL is; so is where the root lies."""
        assert verify(index.site / "simple").code == 0
        assert verify(index.site / "simple", root=None).code == 0

    def test_the_folder_of_all_audiences(self, index, verify):
        """One of them is named."""
        done = verify("site")
        assert done.code == 2
        assert "name one of them: site/public" in done.err

    def test_a_file_that_is_no_root(self, index, verify, tmp_path):
        """The file is said to be wrong, not the index."""
        (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
        unsigned = json.loads(index.root.read_bytes())
        unsigned["signatures"] = []
        (tmp_path / "unsigned.json").write_text(json.dumps(unsigned))
        for path, said in [
            (index.folder / "index.yaml", "it is no JSON of TUF"),
            (tmp_path / "binary", "it is no JSON of TUF"),
            (index.root.with_name("targets.json"), "it is metadata of targets"),
            (tmp_path / "unsigned.json", "too few of its own keys have signed it"),
        ]:
            done = verify(index.site, root=path)
            assert done.code == 2, done.err
            assert f"{path} is no root of an index: {said}" in done.err
            assert "install nothing" not in done.err

    def test_the_root_of_another_index(self, index, verify, tmp_path, monkeypatch):
        """It is said that the two do not belong together; which of them is wrong, only who asks can know."""
        folder = tmp_path / "other" / "index"
        assert index_builder.cli.run(["init", str(folder)]) == 0
        other = Signed(folder, monkeypatch, people=("carol",))
        done = verify(index.site, root=other.root)
        assert done.code == 4
        assert f"{index.site} is not the index of {other.root}" in done.err
        assert "give the root of this very index" in done.err

    @pytest.mark.parametrize("given", ["4eb8", "", "g" * 64, "0" * 65])
    def test_a_fingerprint_that_is_none(self, index, verify, given):
        """What is too short to pin anything pins nothing."""
        done = verify(index.site, "--root-fingerprint", given, root=None)
        assert done.code == 2
        assert "64 digits" in done.err

    def test_several_failures_are_counted(self, index, verify):
        """In words that fit their number."""
        for name in ("alpha", "beta"):
            (index.site / "simple" / name / "index.html").write_text("other")
        assert "2 things are not as they were signed" in verify(index.site).err


class TestMemory:
    """What was seen is remembered by where it was."""

    def test_a_link_that_goes_to_and_fro(self, index, verify, tmp_path):
        """A target of kind `directory` is a link: behind what was seen through it nobody leads back, whichever folder it leads to."""
        old, new, link = (tmp_path / name for name in ("a", "b", "link"))
        shutil.copytree(index.site, old)
        index.at(minutes=1)
        index.do("yank", "alpha", "1.0", "--reason", "old")
        index.publish()
        index.now = None
        shutil.copytree(index.site, new)
        for folder, where, code in ((new, link, 0), (old, link, 4), (old, "../link", 4), (new, tmp_path / "x" / ".." / "link", 0)):
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
            done = verify(where)
            assert done.code == code, (folder, where, done.err)
        assert verify(old).code == 0


class TestFirstRoot:
    """A root that comes from the index itself."""

    def test_one_that_is_held_back(self, index, verify):
        """Under a fingerprint, a host that has none fails the check; it is no error of the network."""
        digest = hashlib.sha256((index.site / "tuf" / "1.root.json").read_bytes()).hexdigest()
        with serving(index.site, between=Between(missing="1.root.json")) as live:
            for trust in (("--root-fingerprint", digest), ("--unsafe-trust-on-first-use",)):
                done = verify(live.url, *trust, root=None)
                assert done.code == 4, done.err
                assert "tuf/1.root.json is not there" in done.err

    def test_what_is_no_root_is_not_taken_for_good(self, index, verify, tmp_path):
        """The page of a login, other metadata, a root that nobody signed: the next time the real one is taken."""
        path = index.site / "tuf" / "1.root.json"
        content = path.read_bytes()
        unsigned = json.dumps({**json.loads(content), "signatures": []}).encode()
        with serving(index.site) as live:
            for wrong in (b"<html>login</html>", (index.site / "tuf" / "timestamp.json").read_bytes(), unsigned):
                path.write_bytes(wrong)
                done = verify(live.url, "--unsafe-trust-on-first-use", root=None)
                assert done.code == 4, done.err
                assert "is no root of an index" in done.err
            path.write_bytes(content)
            assert verify(live.url, "--unsafe-trust-on-first-use", root=None).code == 0


class TestProvenance:
    """A real attestation of a real file, in an index that lists it."""

    @pytest.fixture
    def attested_index(self, index):
        """Return the index with a linked file whose provenance is published, and its manifest's path."""
        digest = hashlib.sha256(attested.CONTENT).hexdigest()
        kept = index.folder / ".pool" / "sha256" / digest[:2] / digest[2:4] / digest[4:]
        kept.parent.mkdir(parents=True)
        kept.write_bytes(attested.CONTENT)
        path = index.folder / "packages.d" / "pypi-attestations.yaml"
        path.write_text(f"""schema: 1
name: pypi-attestations
owners: [maintainers]
hosting: linked
publishers: [{{github: {attested.REPOSITORY}, repository_id: 772247423, workflow: release.yml}}]
releases:
  0.0.19:
    files:
      - {{name: {attested.NAME}, sha256: {attested.DIGEST}, size: 1234, uploaded: 2026-01-02T03:04:05Z, provenance: {digest},
         url: "https://files.example.org/{attested.NAME}"}}
""")
        settings = index.folder / "index.yaml"
        settings.write_text(settings.read_text().replace("files: packages/", "files: packages/, url: https://pypi.example.org/"))
        commit_all(index.folder)
        index.publish()
        return path

    def test_whose_attestations_are_is_shown(self, index, attested_index, verify):
        """What an attestation says is verified, and shown; that nobody judged it is said."""
        done = verify(index.site, "--provenance")
        assert done.code == 0, done.err
        assert "checked      provenance of 1 file; 3 files of these pages had none that holds" in done.err
        assert f"{attested.NAME}: {attested.CLAIMS.repository}" in done.err
        assert "not checked  whether those who attested 1 file may: --repo DIR" in done.err
        assert verify(index.site, "--repo", index.folder).code == 2

    def test_publishers_are_those_of_a_repository(self, index, attested_index, verify):
        """Who attested must be declared there; of a project that declares nobody, it is said that nobody was judged."""
        done = verify(index.site, "--provenance", "--repo", index.folder)
        assert done.code == 0, done.err
        assert "checked      that a publisher whom its manifest declares attested 1 file" in done.err
        text = attested_index.read_text()
        attested_index.write_text(text.replace("772247423", "772247424"))
        commit_all(index.folder)
        done = verify(index.site, "--provenance", "--repo", index.folder)
        assert done.code == 4
        assert f"{attested.NAME} is attested by nobody whom its manifest declares: repository_id is 772247423" in done.out
        attested_index.write_text("".join(line for line in text.splitlines(True) if not line.startswith("publishers")))
        commit_all(index.folder)
        done = verify(index.site, "--provenance", "--repo", index.folder)
        assert done.code == 0
        assert "whether those who attested 1 file may: their manifests declare no publishers" in done.err

    def test_provenance_that_is_not_as_it_was_signed(self, index, attested_index, verify, monkeypatch):
        """Other bytes, none, or an attestation of another file: each is a failure."""
        path = next((index.site / "provenance").iterdir())
        for content in (attested.CONTENT + b" ", None):
            path.unlink()
            if content is not None:
                path.write_bytes(content)
            done = verify(index.site, "--provenance")
            assert done.code == 4
            assert f"the provenance of {attested.NAME}" in done.out
        path.write_bytes(attested.CONTENT)
        assert verify(index.site, "--provenance").code == 0
        monkeypatch.setattr("index_builder.adapters.attestations._is_of", lambda *_: False)
        done = verify(index.site, "--provenance")
        assert done.code == 4
        assert "does not hold: it is an attestation of another file" in done.out
