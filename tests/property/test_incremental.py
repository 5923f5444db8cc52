"""An incremental build equals a full one, byte for byte, whatever happened since the last: edits, moves, lost or altered state."""

import io
import json
import random
import shutil
import tempfile
import zipfile
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest import mock

import pygit2
import pytest
from conftest import LONG, commit_all
from distributions import wheel
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from trees import contents, linked

from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.adapters.directory_site import DirectorySite
from index_builder.adapters.git import GitTree
from index_builder.adapters.worktree import WorkTree
from index_builder.errors import StorageError
from index_builder.model import rows
from index_builder.model.names import Word
from index_builder.pipeline.build import Order, build
from index_builder.pipeline.reading import configuration_of
from index_builder.render.legacy import ReleaseJson
from index_builder.testing import sha256
from index_builder.wiring import NoProgress, SystemClock
from index_builder.wiring.fetchers import open_fetcher
from index_builder.wiring.shipped import templates
from index_builder.wiring.sites import open_sites

NAMES = ["alpha", "beta", "be-ta", "gamma", "delta9", "zeta"]
AUDIENCES = ["public", "internal"]
INDEX = """schema: 1
title: {title}
audiences:
  public: {{url: https://index.example.org/, files: packages/}}
  internal: {{files: packages/, includes: [public]}}
"""
PAPER = b'{"version": 1}'


def manifest(name: str, versions: list[str], audience: str, *, yanked: bool, paper: bool) -> str:
    text = linked(name.replace("-", "_"), versions).replace("owners:", f"audiences: [{audience}]\nowners:")
    if yanked:
        text = text.replace(f"  {versions[0]}:\n", f"  {versions[0]}:\n    yanked: {{reason: bad, at: 2026-01-01T00:00:00Z}}\n")
    return text.replace("size: 1234", f"size: 1234, provenance: {sha256(PAPER)}") if paper else text


#: Wheels of one project, told apart by what their core metadata says.
DESCRIBED = [
    wheel("eta", "1.0", summary=summary, readme=readme, headers=["Description-Content-Type: text/markdown", f"Keywords: {keywords}"])[1]
    for summary, keywords, readme in (("Small things", "web", ""), ("Large things", "web,tools", "# A"), ("", "", "# B"))
]  # fmt: skip


def core_metadata(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("eta-1.0.dist-info/METADATA")


def hosted(content: bytes) -> str:
    facts = f"sha256: {sha256(content)}, size: {len(content)}, uploaded: 2026-01-02T03:04:05Z, metadata: {sha256(core_metadata(content))}"
    file = f"{{name: eta-1.0-py3-none-any.whl, {facts}, stored: true}}"
    return f"schema: 1\nname: eta\naudiences: [public]\nowners: [team]\nhosting: hosted\nreleases: {{'1.0': {{files: [{file}]}}}}\n"


class Builds(RuleBasedStateMachine):
    """One repository that changes, one tree that is built on, and beside it a fresh one after each step."""

    def __init__(self):
        super().__init__()
        self.scratch = Path(tempfile.mkdtemp())
        self.root = self.scratch / "index"
        self.order = Order(templates=templates(), release_json=ReleaseJson.VERSION, builder="1", web=True)
        self.worktree = False
        self.stack = ExitStack()
        # Some three of the projects are more than one file of the package list holds.
        self.stack.enter_context(mock.patch.object(rows, "LARGEST", 700))

    def teardown(self):
        self.stack.close()
        shutil.rmtree(self.scratch)

    @initialize()
    def begin(self):
        (self.root / "packages.d").mkdir(parents=True)
        (self.root / "packages.d" / "README.md").write_text("")
        (self.root / "policies.d").mkdir()
        (self.root / "policies.d" / "team.yaml").write_text("schema: 2\ngroups: {team: []}\n")
        (self.root / "index.yaml").write_text(INDEX.format(title="One"))
        pygit2.init_repository(str(self.root))
        for content in (PAPER, *DESCRIBED, *map(core_metadata, DESCRIBED)):
            entry = DirectoryPool(self.scratch / "pool").receive(sha256(content))
            entry.write(content)
            entry.commit()
            entry.close()
        configuration = configuration_of(WorkTree(self.root))
        fetching = open_fetcher(self.root, configuration, SystemClock(), NoProgress(), pool=self.scratch / "pool")
        self.fetcher = self.stack.enter_context(fetching)
        for name in NAMES[:3]:
            self.write(name, ["1.0"], "public", False, False, "")

    def paths(self) -> list[Path]:
        return sorted((self.root / "packages.d").rglob("*.yaml"))

    @rule(
        name=st.sampled_from(NAMES), versions=st.lists(st.sampled_from(["1.0", "1.10", "2.0a1"]), min_size=1, unique=True),
        audience=st.sampled_from(AUDIENCES), yanked=st.booleans(), paper=st.booleans(), folder=st.sampled_from(["", "a/", "b/c/"]),
    )  # fmt: skip
    def write(self, name, versions, audience, yanked, paper, folder):
        """Add a project, or change it, its audience, or the folder of its manifest."""
        for path in self.paths():
            if path.stem == name:
                path.unlink()
        path = self.root / "packages.d" / f"{folder}{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(manifest(name, versions, audience, yanked=yanked, paper=paper))

    @rule(content=st.sampled_from(DESCRIBED))
    def describe(self, content):
        """Give a project another summary, keywords and README."""
        (self.root / "packages.d" / "eta.yaml").write_text(hosted(content))

    @rule(footer=st.sampled_from(["", "One", "Two"]))
    def dress(self, footer):
        """Change the theme, or take it away."""
        theme = self.root / "templates" / "theme"
        shutil.rmtree(theme, ignore_errors=True)
        if footer:
            theme.mkdir(parents=True)
            (theme / "base.html").write_text(f'{{% extends "web/base.html" %}}{{% block footer %}}{footer}{{% endblock %}}')

    @rule(data=st.data())
    def forget(self, data):
        """Delete a manifest."""
        if paths := self.paths():
            data.draw(st.sampled_from(paths)).unlink()

    @rule(data=st.data())
    def bury(self, data):
        """Leave tombstones only."""
        if paths := self.paths():
            path = data.draw(st.sampled_from(paths))
            tombstone = f"{{version: '9.0', sha256: {'0' * 64}, reason: bad, at: 2026-01-01T00:00:00Z}}"
            text = f"schema: 1\nname: {path.stem}\naudiences: [public]\nowners: [team]\nhosting: linked\nremoved: {{{path.stem.replace('-', '_')}-9.0.tar.gz: {tombstone}}}\n"
            path.write_text(text)

    @rule(title=st.sampled_from(["One", "Two"]))
    def configure(self, title):
        """Change the configuration."""
        (self.root / "index.yaml").write_text(INDEX.format(title=title))

    @rule(number=st.integers(1, 2), mark=st.sampled_from(["", "<!-- new -->"]), kind=st.sampled_from(list(ReleaseJson)), web=st.booleans())
    def upgrade(self, number, mark, kind, web):
        """Use another builder, template or option, newer or older, with pages for people or without."""
        changed = {name: text + mark if name == "simple/detail.html" else text for name, text in templates().items()}
        self.order = Order(templates=changed, release_json=kind, builder=str(number), web=web)

    @rule(worktree=st.booleans())
    def read_from(self, worktree):
        """Build from the working tree for a while, or from commits again."""
        self.worktree = worktree

    @rule(
        audience=st.sampled_from(AUDIENCES),
        damage=st.sampled_from(["delete", "cut", "alter", "old", "lists", "rows", "web"]),
        seed=st.integers(0, 99),
    )
    def damage(self, audience, damage, seed):
        """Lose, cut or alter a file of the state, or a list or line of pages for people that the next build goes on from.

        That a line of the package list has other bytes is noticed where it is gone on from.
        """
        site = self.scratch / "live" / audience
        files = [path for path in sorted((site / "state").rglob("*.json")) if path.is_file()]
        if damage == "lists":
            files = [path for path in (site / "simple" / "index.v1_json", site / "simple" / "index.html") if path.exists()]
        if damage == "web":
            files = [path for name in ("search", "changes") for path in sorted((site / name).rglob("*.json"))]
        if damage == "rows":
            files = [
                path for path in (site / rows.ROWS, *sorted((site / rows.ROW_SHARDS).glob("*"))) if path.exists() and path.stat().st_size
            ]
        if not files:
            return
        path = random.Random(seed).choice(files)
        if damage == "delete":
            path.unlink()
        elif damage in ("cut", "rows"):
            path.write_bytes(path.read_bytes()[:-7])
        elif damage == "old" and path.name == "build.json":
            path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 0}))
        else:
            path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))

    @rule()
    def forget_history(self):
        """The last build's commit is not in this clone any more."""
        shutil.rmtree(self.root / ".git")
        pygit2.init_repository(str(self.root))

    @invariant()
    def equal(self):
        if not (self.root / ".git").exists():
            return
        commit_all(self.root)
        tree = WorkTree(self.root) if self.worktree else GitTree(self.root, "HEAD")
        self.build(tree, "live")
        shutil.rmtree(self.scratch / "fresh", ignore_errors=True)
        self.build(tree, "fresh")
        live, fresh = contents(self.scratch / "live"), contents(self.scratch / "fresh")
        assert live.keys() == fresh.keys()
        assert [path for path in fresh if live[path] != fresh[path]] == []
        assert not [path for path in fresh if path.startswith("public/state") and b"internal" in fresh[path]]

    def build(self, tree, name):
        with open_sites(self.scratch / name, list(map(Word, AUDIENCES))) as sites:
            build(tree, sites, self.fetcher, self.order)


TestBuilds = Builds.TestCase
TestBuilds.settings = settings(
    max_examples=20 if LONG else 8, stateful_step_count=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def builds():
    """A machine of which a test chooses the steps."""
    machine = Builds()
    machine.begin()
    yield machine
    machine.teardown()


def test_provenance_that_projects_share_stays_until_the_last_goes(builds):
    """Two projects name one PEP 740 object: when one goes, it stays; when both are gone, so is it."""
    builds.write("alpha", ["1.0"], "public", False, True, "")
    builds.write("beta", ["1.0"], "public", False, True, "")
    builds.equal()
    served = builds.scratch / "live" / "public" / "provenance" / f"{sha256(PAPER)}.json"
    assert served.exists()
    (builds.root / "packages.d" / "alpha.yaml").unlink()
    builds.equal()
    assert served.exists()
    (builds.root / "packages.d" / "beta.yaml").unlink()
    builds.equal()
    assert not served.exists()


@pytest.mark.parametrize("fails_at", range(12))
def test_an_incremental_build_that_stops_anywhere_is_mended_by_the_next(builds, fails_at, monkeypatch):
    """A build stops at any write, and then another commit is built: the tree is that of a fresh build."""
    builds.write("alpha", ["1.0"], "public", False, False, "")
    builds.equal()
    builds.write("alpha", ["1.0", "2.0a1"], "public", True, False, "")
    commit_all(builds.root)
    original, puts = DirectorySite.put, []

    def put(site, path, chunks):
        puts.append(path)
        if len(puts) == fails_at + 1:
            msg = "stopped"
            raise StorageError(msg)
        original(site, path, chunks)

    with monkeypatch.context() as patched:
        patched.setattr(DirectorySite, "put", put)
        with suppress(StorageError):
            builds.build(GitTree(builds.root, "HEAD"), "live")
    builds.write("alpha", ["1.0"], "public", False, False, "")
    builds.equal()


@pytest.mark.parametrize("names", [["alpha"], NAMES], ids=["one file", "split"])
def test_a_package_list_that_was_cut_is_made_anew(builds, names):
    """Its length is looked at, also where nothing has changed."""
    for name in names:
        builds.write(name, ["1.0", "1.10"], "public", False, False, "")
    for name in {*NAMES} - {*names}:
        (builds.root / "packages.d" / f"{name}.yaml").unlink(missing_ok=True)
    builds.equal()
    site = builds.scratch / "live" / "public"
    files = [path for path in site.rglob("*") if rows.is_rows(path.relative_to(site).as_posix())]
    assert len(files) == len(names)
    files[0].write_bytes(files[0].read_bytes()[:-7])
    builds.equal()
    files[-1].unlink()
    builds.equal()


def test_a_list_that_is_split_from_now_on_says_so(builds, monkeypatch):
    """All is built, and why: nothing is damaged. So it is where the list becomes one file again."""
    said = []
    monkeypatch.setattr(NoProgress, "note", lambda _self, text: said.append(text))
    for name in NAMES[1:3]:
        (builds.root / "packages.d" / f"{name}.yaml").unlink()
    builds.equal()
    assert (builds.scratch / "live" / "public" / rows.ROWS).is_file()
    for name in NAMES:
        builds.write(name, ["1.0"], "public", False, False, "")
    builds.equal()
    assert (builds.scratch / "live" / "public" / rows.ROW_SHARDS).is_dir()
    for name in NAMES[1:]:
        (builds.root / "packages.d" / f"{name}.yaml").unlink()
    builds.equal()
    assert (builds.scratch / "live" / "public" / rows.ROWS).is_file()
    # The audience that includes this one has the same list, and is built with it.
    assert [*dict.fromkeys(said)] == [f"the package list is {now}; building all" for now in ("split from now on", "one file again")]


@pytest.fixture
def many(tmp_path):
    """5,000 projects, built once."""
    root = tmp_path / "index"
    (root / "packages.d").mkdir(parents=True)
    (root / "policies.d").mkdir()
    (root / "policies.d" / "team.yaml").write_text("schema: 2\ngroups: {team: []}\n")
    (root / "index.yaml").write_text("schema: 1\ntitle: Many\naudiences:\n  public: {files: packages/}\n")
    for number in range(5000):
        (root / "packages.d" / f"p{number}.yaml").write_text(linked(f"p{number}", ["1.0"]))
    pygit2.init_repository(str(root))
    commit_all(root)
    return root


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("web", "most", "largest"), [(False, 12, rows.LARGEST), (True, 40, rows.LARGEST), (False, 12, 100_000)])
def test_one_change_among_many_costs_one_change(many, tmp_path, monkeypatch, web, most, largest):
    """After one manifest of 5,000 changed, one is parsed and at most 12 files are written; with pages for people, at most 40.

    Where the package list is split, one of its files is.
    """
    from index_builder.manifests import reader

    monkeypatch.setattr(rows, "LARGEST", largest)
    parsed = []
    original = reader.load
    monkeypatch.setattr(reader, "load", lambda path, content: (parsed.append(path), original(path, content))[1])
    order = Order(templates=templates(), release_json=ReleaseJson.VERSION, builder="1", web=web)

    def run():
        tree = GitTree(many, "HEAD")
        fetching = open_fetcher(many, configuration_of(tree), SystemClock(), NoProgress())
        with fetching as fetcher, open_sites(tmp_path / "site", [Word("public")]) as sites:
            return build(tree, sites, fetcher, order).reports[0]

    assert (run().projects, len(parsed)) == (5000, 5002)
    parsed.clear()
    (many / "packages.d" / "p77.yaml").write_text(linked("p77", ["1.0", "1.1"]))
    commit_all(many)
    report = run()
    assert [path for path in parsed if path.startswith("packages.d/")] == ["packages.d/p77.yaml"]
    assert len(report.changes.written) <= most
    assert (report.projects, report.files, report.built) == (5000, 10_002, 1)
    assert len([path for path in report.changes.written if rows.is_rows(path)]) == 1
    assert (rows.ROWS in report.changes.written) == (largest > 100_000)
    assert ("project/p77/index.html" in report.changes.written) == web
    (many / "packages.d" / "newone.yaml").write_text(linked("newone", ["1.0"]))
    (many / "packages.d" / "p78.yaml").unlink()
    commit_all(many)
    report = run()
    assert (report.projects, report.built) == (5000, 1)
    assert len(report.changes.written) + len(report.changes.deleted) <= most + 12 * (1 + web)
