"""Findings become problems by the hosting, and the manifest is compared with the bytes."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from unit.inspection.archives import DESCRIPTOR, METADATA, SDIST_NAME, WHEEL_NAME, look, sdist, wheel, wheel_with

from index_builder.inspection.finding import Finding
from index_builder.inspection.inspect import Inspection, compare, problems_of
from index_builder.model.filename import parse_filename
from index_builder.model.names import Sha256, Timestamp
from index_builder.model.problem import Place
from index_builder.model.project import File, Hosting, StoredOrigin
from index_builder.model.rules import RULES

PLACE = Place(path="packages.d/acme-tools.yaml", line=7, column=9)
NAME = parse_filename(WHEEL_NAME)
DIGEST = Sha256(hashlib.sha256(METADATA).hexdigest())
OTHER = Sha256("0" * 64)


def file(name: str = WHEEL_NAME, **changes: object) -> File:
    right = File(
        name=parse_filename(name),
        sha256=OTHER,
        size=1,
        uploaded=Timestamp("2026-11-21T09:30:00Z"),
        origin=StoredOrigin(),
        requires_python=">=3.9",
        metadata=DIGEST,
        place=PLACE,
    )
    return replace(right, **changes)


@pytest.mark.parametrize(("hosting", "severity"), [(Hosting.HOSTED, "error"), (Hosting.MIRRORED, "warning"), (Hosting.LINKED, "warning")])
def test_what_is_tolerated_is_an_error_only_when_hosted(hosting, severity):
    """Data descriptors stop a hosted file, with a fix, and are told of any other."""
    found = look(wheel_with(flags=DESCRIPTOR), WHEEL_NAME)
    [problem] = problems_of(found, NAME, hosting, PLACE)
    assert (problem.rule, problem.severity, problem.place) == ("wheel-data-descriptor", severity, PLACE)
    assert problem.message.startswith(f"{WHEEL_NAME}: ")
    assert bool(problem.fix) == (severity == "error")


@pytest.mark.parametrize("hosting", list(Hosting))
def test_what_two_readers_see_differently_is_an_error_everywhere(hosting):
    """Bytes after the archive stop a file whoever serves it."""
    [problem] = problems_of(look(wheel() + b"x", WHEEL_NAME), NAME, hosting, PLACE)
    assert (problem.rule, problem.severity) == ("archive-two-readings", "error")
    assert "new release" in problem.fix


@pytest.mark.parametrize("hosting", list(Hosting))
def test_a_good_file_has_no_problems(hosting):
    """Nothing is said of a good wheel, and nothing of a manifest that agrees with it."""
    found = look(wheel(), WHEEL_NAME)
    assert problems_of(found, NAME, hosting, PLACE) == []
    assert compare(found, file(), hosting, PLACE) == []


def test_each_finding_becomes_one_problem_in_order():
    """Rules, order and levels stay those of the findings."""
    findings = (Finding(rule="wheel-record", message="a", tolerated=True), Finding(rule="metadata-name", message="b"))
    problems = problems_of(Inspection(metadata=None, findings=findings), NAME, Hosting.MIRRORED, PLACE)
    assert [(p.rule, p.message, p.severity) for p in problems] == [
        ("wheel-record", f"{WHEEL_NAME}: a", "warning"),
        ("metadata-name", f"{WHEEL_NAME}: b", "error"),
    ]
    assert {p.rule for p in problems} <= RULES.keys()


def test_the_digest_is_that_of_the_metadata_bytes():
    """PEP 658's digest is over METADATA as it is in the wheel; a refused file has none."""
    assert look(wheel(), WHEEL_NAME).metadata_digest == DIGEST
    assert look(b"", WHEEL_NAME).metadata_digest is None


COMPARED = [
    pytest.param(
        {"requires_python": ">=3.8"},
        Hosting.HOSTED,
        "requires-python-differs",
        'write `requires-python: ">=3.9"`',
        id="another requires-python",
    ),
    pytest.param(
        {"requires_python": ""}, Hosting.LINKED, "requires-python-differs", 'write `requires-python: ">=3.9"`', id="no requires-python"
    ),
    pytest.param({"metadata": OTHER}, Hosting.HOSTED, "core-metadata-differs", f"write `metadata: {DIGEST}`", id="another digest"),
    pytest.param({"metadata": OTHER}, Hosting.LINKED, "core-metadata-differs", f"write `metadata: {DIGEST}`", id="another digest, linked"),
    pytest.param({"metadata": None}, Hosting.HOSTED, "core-metadata-differs", f"write `metadata: {DIGEST}`", id="no digest, hosted"),
    pytest.param({"metadata": None}, Hosting.MIRRORED, "core-metadata-differs", f"write `metadata: {DIGEST}`", id="no digest, mirrored"),
]


@pytest.mark.parametrize(("changes", "hosting", "rule", "fix"), COMPARED)
def test_a_manifest_that_differs_from_the_bytes_is_told_what_to_write(changes, hosting, rule, fix):
    """Each difference is one error at its place with the line to write."""
    [problem] = compare(look(wheel(), WHEEL_NAME), file(**changes), hosting, PLACE)
    assert (problem.rule, problem.severity, problem.fix, problem.place) == (rule, "error", fix, PLACE)
    assert problem.message.startswith(f"{WHEEL_NAME}: ")


def test_requires_python_that_the_file_does_not_have_is_to_be_deleted():
    """A manifest cannot give a file a requirement of its own."""
    content = METADATA.replace(b"Requires-Python: >=3.9\n", b"")
    found = look(wheel(metadata=content), WHEEL_NAME)
    [problem] = compare(found, file(metadata=found.metadata_digest), Hosting.HOSTED, PLACE)
    assert (problem.rule, problem.fix) == ("requires-python-differs", "delete `requires-python`")


def test_every_difference_is_reported():
    """Both facts of a file are compared, whatever the first says."""
    problems = compare(look(wheel(), WHEEL_NAME), file(requires_python="", metadata=None), Hosting.HOSTED, PLACE)
    assert [problem.rule for problem in problems] == ["requires-python-differs", "core-metadata-differs"]


@pytest.mark.parametrize(
    ("name", "content", "hosting"), [(WHEEL_NAME, wheel(), Hosting.LINKED), *((SDIST_NAME, sdist(), hosting) for hosting in Hosting)]
)
def test_metadata_that_is_not_served_needs_no_digest(name, content, hosting):
    """Linked wheels and all sdists may be listed without core metadata."""
    assert compare(look(content, name), file(name, metadata=None), hosting, PLACE) == []


def test_a_refused_file_is_not_compared():
    """There is nothing to compare with, and its findings say enough."""
    assert compare(look(b"", WHEEL_NAME), file(metadata=OTHER), Hosting.HOSTED, PLACE) == []


def test_many_findings_of_one_rule_are_folded():
    """Of a thousand members that RECORD misses the first few are named and the rest counted; an error is never hidden by warnings."""
    missed = [Finding(rule="wheel-record", message=f"RECORD does not list m{n}", tolerated=True) for n in range(1000)]
    broken = Finding(rule="wheel-record", message="RECORD cannot be parsed")
    problems = problems_of(Inspection(metadata=None, findings=(*missed, broken)), NAME, Hosting.MIRRORED, PLACE)
    assert [problem.severity for problem in problems] == ["warning"] * 5 + ["error"]
    assert problems[4].message.endswith("m4, and 995 more like it")
