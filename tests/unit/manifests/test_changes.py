"""What add, yank and remove do to a manifest's text."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from unit.manifests.samples import GOOD, MANIFEST, A, B, file, manifest, read_files

from index_builder.errors import EditError, UsageError
from index_builder.manifests import changes
from index_builder.manifests.scalar import block, flow, scalar
from index_builder.model.filename import parse_filename
from index_builder.model.names import NormalizedName, Sha256, Timestamp, Word
from index_builder.model.problem import Place
from index_builder.model.project import File, Hosting, IndexOrigin, Project, State, Status, StoredOrigin, UrlOrigin, Yanked

NOW = Timestamp("2026-11-22T12:00:00Z")


def project_of(text: str, name: str) -> Project:
    reading = read_files({**GOOD, f"packages.d/{name}.yaml": text})
    assert reading.problems == ()
    assert reading.index is not None
    return reading.index.projects[name]


def new_file(name: str, origin: object = None, **facts: object) -> File:
    origin = origin or UrlOrigin(url=f"https://example.org/{name}")
    return File(name=parse_filename(name), sha256=Sha256(B), size=7, uploaded=NOW, origin=origin, place=Place(path=""), **facts)


def test_yank_and_unyank_are_inverse() -> None:
    """A mark appears below the files of its release alone, and goes without a trace."""
    text = manifest()
    yanked = changes.yank(text, project_of(text, "demo"), "1.0.0", "no: good", NOW)
    assert yanked == text + f'    yanked: {{reason: "no: good", at: {NOW}}}\n'
    assert changes.unyank(yanked, project_of(yanked, "demo"), "1.0") == text
    with pytest.raises(EditError, match="not yanked"):
        changes.unyank(text, project_of(text, "demo"), "1.0")


def test_yanking_again_changes_the_reason_only() -> None:
    """The documented example keeps every other byte."""
    after = changes.yank(MANIFEST, project_of(MANIFEST, "acme-utils"), "1.2.0", "x", NOW)
    assert after == MANIFEST.replace("{reason: broken on Windows, at: 2026-11-22T10:00:00Z}", f"{{reason: x, at: {NOW}}}")


def test_files_are_added_to_old_and_new_releases() -> None:
    """A file of a listed version joins its release, one of another begins a release at the end; listed ones are left out."""
    project = project_of(MANIFEST, "acme-utils")
    old, new = (
        new_file("acme_utils-1.2.0.tar.gz"),
        new_file("acme_utils-1.10.tar.gz", IndexOrigin(index=Word("pypi"), project=NormalizedName("other"))),
    )
    after, fresh = changes.add_files(MANIFEST, project, [new, old, *project.files])
    assert fresh == [new, old]
    head, rest = MANIFEST.split("removed:")
    assert after == (
        head + f"      - name: acme_utils-1.2.0.tar.gz\n        sha256: {B}\n        size: 7\n        uploaded: {NOW}\n"
        "        url: https://example.org/acme_utils-1.2.0.tar.gz\n"
        f'  "1.10":\n    files:\n      - name: acme_utils-1.10.tar.gz\n        sha256: {B}\n        size: 7\n        uploaded: {NOW}\n'.replace('"1.10"', "1.10")
        + "        index: pypi\n        project: other\nremoved:" + rest
    )  # fmt: skip
    assert [f.name.text for f in project_of(after, "acme-utils").files][-1] == "acme_utils-1.10.tar.gz"


def test_nothing_comes_back_with_other_bytes() -> None:
    """A listed name with another digest is refused, and a removed one whatever its case."""
    project = project_of(MANIFEST, "acme-utils")
    with pytest.raises(EditError, match="never changes its bytes"):
        changes.add_files(MANIFEST, project, [replace(project.files[0], sha256=Sha256(B))])
    for name in ("acme_utils-1.1.0.tar.gz", "Acme_Utils-1.1.0.tar.gz"):
        with pytest.raises(EditError, match="does not come back"):
            changes.add_files(MANIFEST, project, [new_file(name)])


def test_a_version_a_file_or_everything_is_removed() -> None:
    """Each file that goes leaves a tombstone; a project without files keeps name, owners and tombstones."""
    releases = f"releases:\n  1.1: # one\n    files: [{file('demo-1.1.tar.gz')}]\n  # ten\n  1.10:\n    files:\n      - {file('demo-1.10.tar.gz')}\n      - {file('demo-1.10-py3-none-any.whl')} # w\n"
    text = manifest(releases=releases)
    project = project_of(text, "demo")
    tomb = f"{{version: VERSION, sha256: {A}, reason: bad, at: {NOW}}}\n"
    after, gone = changes.remove(text, project, "1.1", "bad", NOW)
    assert [f.name.text for f in gone] == ["demo-1.1.tar.gz"]
    kept = text.replace(f"  1.1: # one\n    files: [{file('demo-1.1.tar.gz')}]\n", "")
    assert after == kept + "removed:\n  demo-1.1.tar.gz: " + tomb.replace("VERSION", '"1.1"')
    after, gone = changes.remove(text, project, "demo-1.10-py3-none-any.whl", "bad", NOW)
    assert after == text.replace(
        f"      - {file('demo-1.10-py3-none-any.whl')} # w\n", ""
    ) + "removed:\n  demo-1.10-py3-none-any.whl: " + tomb.replace("VERSION", '"1.10"')
    after, gone = changes.remove(text, project, "", "bad", NOW)
    assert len(gone) == 3
    assert project_of(after, "demo").releases == ()
    assert len(project_of(after, "demo").removed) == 3
    with pytest.raises(EditError, match="nothing that could be removed"):
        changes.remove(after, project_of(after, "demo"), "", "bad", NOW)


def test_removing_the_documented_project_leaves_name_owners_and_tombstones() -> None:
    """Source, publishers, status and releases go with the last file."""
    after, _ = changes.remove(MANIFEST, project_of(MANIFEST, "acme-utils"), "1.2.0", "x", NOW)
    project = project_of(after, "acme-utils")
    assert (project.releases, project.source, project.publishers, project.status) == ((), None, (), None)
    assert (project.owners, len(project.removed)) == (("team-web",), 2)


def test_a_release_is_found_or_near_ones_are_named() -> None:
    """Any spelling of a version finds its release; a wrong one is answered with what there is."""
    project = project_of(manifest(), "demo")
    assert changes.find_release(project, "v1.0.0").written == "1.0"
    with pytest.raises(UsageError) as caught:
        changes.find_release(project, "1.1")
    assert caught.value.fix == "it has: 1.0"
    with pytest.raises(UsageError, match="PEP 440"):
        changes.find_release(project, "one")
    with pytest.raises(UsageError) as caught:
        changes.find_release(replace(project, releases=()), "1.1")
    assert caught.value.fix == "it has none at all"


def test_a_new_manifest_is_read_as_it_was_meant() -> None:
    """What is written for a new project is read back as the same values, with the editor's schema at the top."""
    yanked = Yanked(reason="x", at=NOW)
    files = [
        new_file("fresh-1.10.tar.gz", StoredOrigin()),
        new_file(
            "fresh-1.1-py3-none-any.whl", StoredOrigin(), requires_python=">=3.9", metadata=Sha256(A), provenance=Sha256(A), yanked=yanked
        ),
    ]
    status = Status(state=State.ARCHIVED, reason="old", at=NOW)
    project = replace(project_of(manifest(), "demo"), name="Fresh", normalized=NormalizedName("fresh"), hosting=Hosting.HOSTED, status=status,
                      place=Place(path="packages.d/x/fresh.yaml"))  # fmt: skip
    text = changes.new_manifest(project, files)
    assert text.startswith("# yaml-language-server: $schema=../../schemas/manifest.schema.json\nschema: 1\nname: Fresh\n")
    read = project_of(text, "fresh")
    assert list(read.files) == files[::-1]
    assert (read.status, read.hosting, read.audiences) == (status, Hosting.HOSTED, ("internal",))
    bare = changes.new_manifest(replace(project, audiences=(), status=None), files)
    assert "audiences" not in bare
    assert "status" not in bare


def test_three_thousand_files_are_edited_in_seconds() -> None:
    """Adding, yanking and removing cost a few readings of the file, however many files it lists."""
    listed = "".join(f"  1.{n}:\n    files:\n      - {file(f'demo-1.{n}-py3-none-any.whl')}\n" for n in range(3000))
    text = manifest(releases="releases:\n" + listed)
    project = project_of(text, "demo")
    begin = time.process_time()
    after, fresh = changes.add_files(text, project, [new_file(f"demo-2.{n}-py3-none-any.whl") for n in range(300)])
    assert (len(fresh), after.startswith(text)) == (300, True)
    after = changes.yank(text, project, "1.1500", "x", NOW)
    assert len(after) == len(text) + len(f"    yanked: {{reason: x, at: {NOW}}}\n")
    after, gone = changes.remove(text, project, "", "x", NOW)
    assert len(gone) == 3000
    assert time.process_time() - begin < 20
    assert len(project_of(after, "demo").removed) == 3000


SCALARS = [
    ("word", "word"), ("1.10", '"1.10"'), ("12345", "12345"), ("no", '"no"'), ("Null", '"Null"'), ("", '""'), ("a b", "a b"),
    ("a: b", '"a: b"'), ("2026-11-21", '"2026-11-21"'), ("2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z"), ("012", '"012"'),
    ("1_000", '"1_000"'), ("0x1F", '"0x1F"'), ("1e5", '"1e5"'), (">=3.9", '">=3.9"'), ("https://example.org/x", "https://example.org/x"),
    ('a\nb\t"\\', '"a\\nb\\t\\"\\\\"'), ("é😀", '"é😀"'), ("\u2028", '"\\U00002028"'), (" x", '" x"'), ("x ", '"x "'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "written"), SCALARS)
def test_scalars_are_plain_where_every_reader_agrees(text: str, written: str) -> None:
    """What YAML 1.1 or 1.2 would read as another kind of value is quoted."""
    assert scalar(text) == written


def test_keys_and_blocks_are_written() -> None:
    """Versions are plain keys, words like `on` are not; lists of lists and empty ones have their form."""
    assert [scalar(key, is_key=True) for key in ("1.10", "on")] == ["1.10", '"on"']
    assert flow({"a": ["1.1", {}]}) == '{a: ["1.1", {}]}'
    assert block([[{"a": "1"}], [], {"b": {"c": "2"}}], 2) == ["  - - a: 1", "  - []", "  - b:", "      c: 2"]
