"""dumb-pypi and we make trees that mean the same from the same list, and each reads the other's packages.json."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from packaging.version import Version

from index_builder.model import rows as split

SHA, MD5 = f"sha256={'a1' * 32}", f"md5={'b2' * 16}"
#: Names of all kinds that dumb-pypi's guesser reads: of wheels, of sdists before PEP 625, and of what neither is.
NAMES = [
    "f-1.0-py2.py3-none-any.whl", "f-1.0-1-py3-none-any.whl", "Foo_Bar.Baz-1.0rc1-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "foo-bar-1.0.tar.gz", "foo.bar-1.0.tar.gz", "foo_bar-1.0.1.tar.gz", "foo-bar-baz-1.2.3-4.tar.gz", "foo-1.0.zip", "foo-1.0.tar.bz2",
    "foo-1.0.tgz", "foo-1.0.tar", "foo-0.1.0-dev.tar.gz", "aspen-0.8.tar.gz", "simple_name.tar.gz", "dev-2.0.exe", "egg-1.0.egg",
    "requests-2.1+local.1.tar.gz", "UPPER-1.0.tar.gz", "foo-bar-9.tar.gz", "py-1-2.0.tar.gz", "x-2014.10.28.tar.gz", "foo-2.0-py3-none-any.whl",
]  # fmt: skip
FACTS = [
    {"filename": "facts-1.0-py3-none-any.whl", "hash": SHA, "requires_dist": ["a>=1", "b; extra == 'x'"], "requires_python": ">=3.8,<4",
     "core_metadata": SHA, "uploaded_by": "asottile", "upload_timestamp": 1515783971, "yanked_reason": None},
    {"filename": "facts-1.0.tar.gz", "hash": MD5, "upload_timestamp": 0, "uploaded_by": "ünï <script>"},
    {"filename": "facts-0.9.tar.gz", "yanked_reason": 'it\'s "bad" & <broken>', "upload_timestamp": 1515783971.5},
    {"filename": "facts-0.8.tar.gz", "yanked_reason": "", "requires_dist": [], "requires_python": ""},
]  # fmt: skip


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self._link = {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._link = dict(attributes) if tag == "a" else None

    def handle_data(self, data):
        if self._link is not None and data.strip():
            self.found[data.strip()] = self._link
            self._link = None


def dumb(*arguments):
    program = Path(sys.executable).parent / "dumb-pypi"
    return subprocess.run([program, "--packages-url", "../../pool/", *map(str, arguments)], check=True, capture_output=True, text=True)


def links(root):
    """project -> file name -> URL, digest, requires-python, yanked, core metadata."""
    found = {}
    for page in (root / "simple").glob("*/index.html"):
        found[page.parent.name] = {
            name: (
                *(unquote(part) if number == 0 else part for number, part in enumerate(urldefrag(link["href"]))),
                link.get("data-requires-python"), link.get("data-yanked"), link.get("data-core-metadata"),
            )
            for name, link in Links(page.read_text()).found.items()
        }  # fmt: skip
    return found


def legacy(root):
    """project -> release -> file name -> what the JSON API says of it, in words that both tools use."""
    found = {}
    for page in (root / "pypi").glob("*/json"):
        value = json.loads(page.read_bytes())
        found[page.parent.name] = releases = {}
        for version, rows in value["releases"].items():
            for row in rows:
                facts = {key: row.get(key) or None for key in ("requires_python", "yanked", "yanked_reason", "packagetype", "digests")}
                facts |= {"url": unquote(row["url"]), "time": (row.get("upload_time") or "").replace("T", " ") or None}
                releases.setdefault(Version(version), {})[row["filename"]] = facts
    return found


def newest(root):
    info = {page.parent.name: json.loads(page.read_bytes())["info"] for page in (root / "pypi").glob("*/json")}
    keys = ("name", "requires_python", "yanked", "yanked_reason")
    return {
        name: {key: value[key] or None for key in keys} | {"requires_dist": value["requires_dist"] or None} for name, value in info.items()
    }


def rows(path):
    return sorted((json.loads(line) for line in path.read_text().splitlines()), key=lambda row: row["filename"])


def assert_same(ours, theirs):
    assert links(ours) == links(theirs)
    assert set(Links((ours / "simple/index.html").read_text()).found) == set(Links((theirs / "simple/index.html").read_text()).found)
    assert legacy(ours) == legacy(theirs)
    assert newest(ours) == newest(theirs)


def test_names_of_all_kinds(tmp_path, cli):
    """Every name is filed under the same project and release, from a list of plain names."""
    (tmp_path / "list").write_text("\n".join(NAMES) + "\n")
    dumb("--package-list", tmp_path / "list", "--output-dir", tmp_path / "theirs")
    done = cli("build", "-q", "--packages-url", "../../pool/", "--package-list", tmp_path / "list", "--output-dir", tmp_path / "ours")
    assert (done.code, done.err) == (0, "")
    assert_same(tmp_path / "ours", tmp_path / "theirs")
    assert sum(map(len, links(tmp_path / "ours").values())) == len(NAMES)


def test_facts_of_all_kinds(tmp_path, cli):
    """Digests of any algorithm, times, requirements and yanked files mean the same, and so do the pages of releases."""
    listed = FACTS + [{"filename": name} for name in NAMES]
    (tmp_path / "list").write_text("".join(json.dumps(row) + "\n" for row in listed))
    dumb("--package-list-json", tmp_path / "list", "--output-dir", tmp_path / "theirs")
    arguments = ("--packages-url", "../../pool", "--package-list-json", tmp_path / "list", "--output-dir", tmp_path / "ours")
    assert cli("build", "-q", *arguments).code == 0
    assert_same(tmp_path / "ours", tmp_path / "theirs")
    theirs = [{key: value for key, value in row.items() if value not in (None, "", [])} for row in rows(tmp_path / "theirs/packages.json")]
    assert rows(tmp_path / "ours/packages.json") == theirs
    for page in (tmp_path / "ours" / "pypi" / "facts").glob("*/json"):
        same = json.loads((tmp_path / "theirs" / page.relative_to(tmp_path / "ours")).read_bytes())
        assert {row["filename"] for row in json.loads(page.read_bytes())["urls"]} == {row["filename"] for row in same["urls"]}


@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_each_reads_what_the_other_wrote(tmp_path, cli, writer):
    """packages.json of either tool is a list for both, and comes out again as the same tree."""
    (tmp_path / "list").write_text("".join(json.dumps(row) + "\n" for row in FACTS))
    if writer == "ours":
        assert (
            cli("build", "-q", "--packages-url", "x", "--package-list-json", tmp_path / "list", "--output-dir", tmp_path / "first").code
            == 0
        )
    else:
        dumb("--package-list-json", tmp_path / "list", "--output-dir", tmp_path / "first")
    written = tmp_path / "first" / "packages.json"
    dumb("--package-list-json", written, "--output-dir", tmp_path / "theirs")
    arguments = ("--packages-url", "../../pool/", "--package-list-json", written, "--output-dir", tmp_path / "ours")
    assert cli("build", "-q", *arguments).code == 0
    assert_same(tmp_path / "ours", tmp_path / "theirs")


@pytest.mark.parametrize("largest", [split.LARGEST, 100])
def test_the_package_list_of_a_repository(repo, cli, tmp_path, monkeypatch, largest):
    """What we write from manifests is read by dumb-pypi, and lists the same files, also where it is split."""
    from trees import linked

    monkeypatch.setattr(split, "LARGEST", largest)
    for name in ("demo", "six", "attrs"):
        (repo / "packages.d" / f"{name}.yaml").write_text(linked(name, ["1.0", "2.0"]).replace("[team]", "[maintainers]"))
    assert cli("build", "--worktree", "-q").code == 0
    files = sorted(path for path in (repo / "site/public").rglob("*") if split.is_rows(path.relative_to(repo / "site/public").as_posix()))
    assert len(files) == (3 if largest == 100 else 1)
    (tmp_path / "list").write_bytes(b"".join(path.read_bytes() for path in files))
    dumb("--package-list-json", tmp_path / "list", "--output-dir", tmp_path / "theirs")
    for name in ("demo", "six", "attrs"):
        assert links(tmp_path / "theirs")[name].keys() == links(repo / "site/public")[name].keys()


def test_the_list_of_a_list_is_one_file_whatever_its_size(tmp_path, cli, monkeypatch):
    """dumb-pypi's users find their packages.json, from a whole build and from a changed one."""
    monkeypatch.setattr(split, "LARGEST", 100)
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_text("".join(json.dumps({"filename": name}) + "\n" for name in NAMES))
    after.write_text(before.read_text() + json.dumps({"filename": "new-1.0.tar.gz"}) + "\n")
    common = ("--packages-url", "../../pool/", "--output-dir", tmp_path / "ours")
    assert cli("build", "-q", *common, "--package-list-json", before).code == 0
    assert cli("build", "-q", *common, "--package-list-json", after, "--previous-package-list-json", before).code == 0
    assert {row["filename"] for row in rows(tmp_path / "ours" / "packages.json")} == {*NAMES, "new-1.0.tar.gz"}
    assert not (tmp_path / "ours" / "package-list").exists()


def test_dumb_pypis_folder_is_taken_over(tmp_path, cli):
    """Only the command's name changes in a script: the same options, into the same folder, where its files lie too."""
    (tmp_path / "list").write_text("one-1.0.tar.gz\ntwo-1.0.tar.gz\n")
    site = tmp_path / "site"
    (site / "pool").mkdir(parents=True)
    (site / "pool" / "one-1.0.tar.gz").write_text("bytes")
    common = ["--title", "Our index", "--logo", "logo.svg", "--logo-width", "90", "--no-generate-timestamp", "--no-per-release-json"]
    common += ["--output-dir", str(site), "--package-list", str(tmp_path / "list")]
    dumb(*common)
    (tmp_path / "list").write_text("one-1.0.tar.gz\n")
    done = cli("build", "-q", "--packages-url", "../../pool/", *common)
    assert (done.code, done.err) == (0, "")
    assert sorted(path.name for path in (site / "simple").iterdir()) == ["index.html", "index.v1_json", "one"]
    assert (site / "pool" / "one-1.0.tar.gz").read_text() == "bytes"
    page = (site / "simple" / "index.html").read_text()
    assert '<img src="logo.svg" alt="" width="90">' in page
    assert "<h1>Our index</h1>" in page


def test_what_it_skips_we_refuse_and_pass_over_when_asked(tmp_path, cli):
    """Each line that dumb-pypi skips is an error of ours, with its number; --keep-going builds what dumb-pypi builds."""
    bad = ["a-b.tar.gz", "nodots", "../up-1.0.tar.gz", "a..b-1.0.tar.gz", "what-1.0.whl", "sp ace-1.0.tar.gz", "n-not.a.version.1.tar.gz"]
    (tmp_path / "list").write_text("\n".join(["good-1.0.tar.gz", *bad]) + "\n")
    skipped = dumb("--package-list", tmp_path / "list", "--output-dir", tmp_path / "theirs").stderr
    assert skipped.count("(skipping package)") == len(bad)
    arguments = ("build", "-q", "--packages-url", "../../pool/", "--package-list", tmp_path / "list", "--output-dir", tmp_path / "ours")
    done = cli(*arguments)
    assert done.code == 1
    assert not (tmp_path / "ours").exists()
    going = cli(*arguments, "--keep-going")
    assert going.code == 1
    for number, name in enumerate(bad, 2):
        for said in (done.err, going.err):
            assert f"list:{number}:1" in said
            assert name in said
    assert_same(tmp_path / "ours", tmp_path / "theirs")
