"""What new files prove: attestations of a declared publisher, and what real requirements resolve to."""

import hashlib
import json
import subprocess
import sys

import attested
import pytest
from conftest import commit_all
from distributions import wheel

from index_builder.inspection.attestation import provenance_of

PATH = "packages.d/pypi-attestations.yaml"
PUBLISHERS = f"publishers: [{{github: {attested.REPOSITORY}, repository_id: 772247423, workflow: release.yml}}]\n"
URL = "https://files.example.org/"


def manifest(*releases: str, publishers: str = PUBLISHERS) -> str:
    files = "".join(f"  {version}:\n    files:\n{file(version)}" for version in releases)
    return f"schema: 1\nname: pypi-attestations\nowners: [dave]\nhosting: mirrored\n{publishers}releases:\n{files}"


def file(version: str) -> str:
    name, digest = f"pypi_attestations-{version}.tar.gz", attested.DIGEST if version == "0.0.19" else f"{hash_of(version):064x}"
    return f"      - {{name: {name}, sha256: {digest}, size: 1234, uploaded: 2026-01-02T03:04:05Z, url: {URL}{name}}}\n"


def hash_of(version: str) -> int:
    return int("".join(filter(str.isdigit, version)))


@pytest.fixture
def attesting(story):
    """`main` has pypi-attestations 0.0.18, which wants a declared publisher's attestation for every release."""
    story.edit("policies.d/acme.yaml", lambda text: text.replace(
        "  - id: admins\n", "  - id: attested\n    projects: [pypi-attestations]\n    require: [{for: [release], publisher: declared}]\n  - id: admins\n"
    ))  # fmt: skip
    story.edit(PATH, manifest("0.0.18"))
    story.merge()
    story.branch("bump")
    return story


def rules_of(report):
    return [problem["rule"] for problem in report["problems"] if problem["severity"] != "warning"]


def put(story, content=None):
    story.edit(f"attestations/{attested.DIGEST}.sigstore.json", (content or attested.bundle()).decode())


def test_an_attested_release(attesting):
    """A bundle in the repository, of a publisher that the base declares, is what the rule wants; it needs no administrator."""
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    code, report = attesting.judge("--actor", "dave")
    assert (code, [need["what"] for need in report["missing"]]) == (
        10, ["attestations of a publisher that the manifest declares, for the rule attested"],
    )  # fmt: skip
    put(attesting)
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report), [d["action"] for d in report["decisions"]]) == (0, [], ["release"])


def test_past_attestations_are_replayed(attesting):
    """A policy that asks for none lets pass what had none, and changes nothing for what a declared publisher attested."""
    start = str(attesting.git.head.target)
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    put(attesting)
    attesting.commit_as("1004+dave@users.noreply.github.com", "attested")
    attesting.edit(PATH, manifest("0.0.17", "0.0.18", "0.0.19"))
    attesting.commit_as("1004+dave@users.noreply.github.com", "not attested")
    attesting.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("    require: [{for: [release], publisher: declared}]\n", "    grant: {admins: [edit]}\n"),
    )
    flips = json.loads(attesting.cli("policy", "replay", "--since", start, "--worktree", "--format", "json").out)["flips"]
    assert [flip["title"] for flip in flips] == ["not attested"]


def test_where_only_publishers_may_release(attesting):
    """What is not attested waits for an attestation: that nobody else may release it, does not mean that nobody could."""
    attesting.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("[release, yank, edit]", "[yank, edit]").replace("require: [{for: [release], publisher: declared}]", "grant: {publishers: [release]}"),
    )  # fmt: skip
    attesting.merge()
    attesting.branch("alone")
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    code, report = attesting.judge("--actor", "dave")
    assert (code, [need["what"] for need in report["missing"]]) == (
        10, ["attestations of a publisher that the manifest declares, for what its `source` has now, for the rule attested"],
    )  # fmt: skip
    done = attesting.cli("who", "release", "pypi-attestations")
    assert done.out.splitlines() == ["publishers: by attested as publishers, with an attestation of a publisher that the manifest declares"]
    assert attesting.cli("can", "dave", "release", "pypi-attestations").code == 10


def test_an_attestation_that_will_be_published(attesting):
    """What is kept makes the object that the manifest names, and both are verified, wherever the judgement runs."""
    made = hashlib.sha256(provenance_of(attested.bundle(), attested.DIGEST)).hexdigest()
    attesting.edit(
        PATH, manifest("0.0.18", "0.0.19").replace(f"{attested.DIGEST}, size: 1234", f"{attested.DIGEST}, size: 1234, provenance: {made}")
    )
    put(attesting)
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report)) == (0, [])
    assert not any("provenance" in line for line in report["unchecked"])


def test_verifying_is_silent(attesting):
    """What a library thinks of being offline is no line of ours: a reader would take it for a finding."""
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    put(attesting)
    commit_all(attesting.folder)
    command = [sys.executable, "-m", "index_builder", "check", "--base", "main", "--actor", "dave", "--offline", "-q"]
    done = subprocess.run(command, cwd=attesting.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "may be merged as it stands" in done.stdout


def test_publishers_are_those_of_the_base(attesting):
    """A change that declares its own publisher is judged by the one before."""
    attesting.edit(PATH, manifest("0.0.18", publishers=PUBLISHERS.replace("772247423", "1")))
    attesting.merge()
    attesting.branch("swap")
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    put(attesting)
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report)) == (1, ["provenance-publisher"])
    assert "repository_id is 772247423" in report["problems"][0]["message"]
    assert attesting.judge("--actor", "dave", "--approved-by", "carol", commit=False)[0] == 10


def test_an_attestation_that_does_not_verify(attesting):
    """Nobody's word helps against a broken signature."""
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    put(attesting, attested.bundle().replace(b'"logIndex"', b'"logindex"'))
    code, report = attesting.judge("--actor", "dave", "--approved-by", "carol")
    assert (code, rules_of(report)) == (1, ["provenance-invalid"])


def test_provenance_does_not_get_lost(attesting):
    """Once a project had it, a release without it is refused, unless an administrator says otherwise."""
    attesting.edit(PATH, manifest("0.0.18", "0.0.19"))
    put(attesting)
    attesting.merge()
    attesting.branch("later")
    attesting.edit(PATH, manifest("0.0.18", "0.0.19", "0.0.20"))
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report)) == (1, ["provenance-lost"])
    code, report = attesting.judge("--actor", "dave", "--approved-by", "carol", commit=False)
    assert (code, rules_of(report), report["problems"][0]["passed_by"]) == (10, [], "carol")


def test_provenance_that_nobody_could_look_at_is_not_lost(attesting):
    """Offline, the object that an index serves may be missing: that is said, and neither a loss nor a proof."""
    attesting.edit(PATH, manifest("0.0.18").replace("size: 1234", f"size: 1234, provenance: {'a' * 64}"))
    attesting.merge()
    attesting.branch("bump")
    attesting.edit(
        PATH,
        lambda text: text + manifest("0.0.20").partition("releases:\n")[2].replace("size: 1234", f"size: 1234, provenance: {'b' * 64}"),
    )
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report)) == (10, [])
    assert "pypi_attestations-0.0.20.tar.gz: its provenance" in report["unchecked"]


def test_provenance_is_not_taken_away(attesting):
    """A file that had provenance keeps it."""
    with_it = manifest("0.0.18").replace("size: 1234", f"size: 1234, provenance: {'a' * 64}")
    attesting.edit(PATH, with_it)
    attesting.merge()
    attesting.branch("less")
    attesting.edit(PATH, manifest("0.0.18"))
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report)) == (1, ["provenance-lost"])


@pytest.mark.parametrize("is_kept_here", [True, False])
def test_removing_what_was_attested_forgets_nothing(attesting, is_kept_here):
    """The tombstone remembers, as the bundle in the repository does: a release without an attestation is refused all the same."""
    attested_one = manifest("0.0.18", "0.0.19").replace("size: 1234", "size: 1234, provenance: " + "a" * 64, 0 if is_kept_here else 1)
    attesting.edit(PATH, attested_one)
    if is_kept_here:
        put(attesting)
    attesting.merge()
    attesting.branch("gone")
    assert attesting.cli("remove", "pypi-attestations", "0.0.19" if is_kept_here else "0.0.18", "--reason", "forget it").code == 0
    if not is_kept_here:
        kept = (attesting.folder / PATH).read_text()
        attesting.edit(PATH, kept.replace("provenance: " + "a" * 64 + ", ", ""))
        assert rules_of(attesting.judge("--actor", "dave")[1]) == ["provenance-lost"]
        attesting.edit(PATH, kept)
    assert rules_of(attesting.judge("--actor", "carol")[1]) == []
    attesting.merge()
    attesting.branch("later")
    attesting.edit(PATH, lambda text: text.replace("removed:", manifest("0.0.20").partition("releases:\n")[2] + "removed:"))
    code, report = attesting.judge("--actor", "dave")
    assert (code, rules_of(report)) == (1, ["provenance-lost"])


def test_an_attestation_of_nothing_new_is_no_part_of_a_release(attesting):
    """Files under attestations/ belong to a release only where it lists their digest."""
    put(attesting)
    assert [d["action"] for d in attesting.judge("--actor", "dave")[1]["decisions"]] == ["administer"]


def test_what_resolves_differently(story):
    """Samples are really resolved, before and after: a new release, a dependency that comes, and one that cannot be met."""
    story.edit("resolve.d/web.txt", "flask-extras  # what the web team installs\nacme-utils\n")
    story.merge()
    story.branch("more")
    story.add(wheel("acme-utils", "1.1", requires=["weather-maps"]), wheel("weather-maps", "2.0"))
    report = story.judge("--actor", "alice", "--approved-by", "bob")[1]
    where = "resolve.d/web.txt for public (Python 3.12 on linux_x86_64)"
    assert f"{where} resolves differently: acme-utils 1.0 → 1.1, weather-maps 2.0 comes" in report["effect"]
    story.edit("resolve.d/new.txt", "weather-maps\n")
    report = story.judge("--actor", "alice", "--worktree", commit=False)[1]
    assert any(line.startswith("resolve.d/new.txt") and "resolves now" in line for line in report["effect"])
    story.branch("broken")
    story.add(wheel("acme-utils", "1.1", requires=["not-here"]))
    assert story.cli("yank", "acme-utils", "1.0", "--reason", "old").code == 0
    report = story.judge("--actor", "alice", "--approved-by", "bob")[1]
    assert "sample-unresolved" in [problem["rule"] for problem in report["problems"]]
    story.branch("elsewhere")
    story.add(wheel("weather-maps", "3.0"))
    report = story.judge("--actor", "alice")[1]
    assert not [line for line in report["effect"] if "resolve" in line]


def test_what_resolves_though_no_project_changes(story):
    """A sample that is new or edited, another client, an audience that is new: each is tried where it was not before."""
    story.edit("resolve.d/web.txt", "flask-extras\n")
    where = "resolve.d/web.txt for public (Python 3.12 on linux_x86_64)"
    assert story.judge("--actor", "carol")[1]["effect"] == [f"{where} resolves now, to flask-extras 1.0"]
    story.merge()
    story.branch("edited")
    story.edit("resolve.d/web.txt", "acme-utils\n")
    assert story.judge("--actor", "carol")[1]["effect"] == [f"{where} resolves differently: acme-utils 1.0 comes, flask-extras 1.0 goes"]
    story.edit("resolve.d/web.txt", "nowhere\n")
    report = story.judge("--actor", "carol")[1]
    assert [problem["rule"] for problem in report["problems"]] == ["sample-unresolved"]
    assert "no longer resolves" in report["problems"][0]["message"]
    story.branch("clients")
    story.edit("index.yaml", lambda text: text + "clients: {python: ['3.12', '3.13'], platform: [linux_x86_64]}\n")
    assert story.judge("--actor", "carol")[1]["effect"] == [
        "resolve.d/web.txt for public (Python 3.13 on linux_x86_64) resolves now, to flask-extras 1.0"
    ]


def test_a_sample_cannot_reach_out(story):
    """Only names and versions are resolved: no URL, no path, no option."""
    story.edit("resolve.d/evil.txt", "x @ file:///etc/passwd\n--index-url https://evil.example.org/\n-e .\nflask-extras\n")
    story.add(wheel("flask-extras", "1.1"))
    report = story.judge("--actor", "carol", "--approved-by", "dave")[1]
    assert [line for line in report["unchecked"] if "evil" in line] == [
        f"resolve.d/evil.txt, line {n}: no requirement by name and version" for n in (1, 2, 3)
    ]
    assert any("flask-extras 1.0 → 1.1" in line for line in report["effect"])
    assert json.dumps(report).count("passwd") == 0
