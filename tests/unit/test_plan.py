"""A plan lists what an audience sees, and what a build must do for it."""

from __future__ import annotations

import pytest
from unit.manifests.samples import file, manifest, read_files

from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.model.plan import Plan
from index_builder.plan import every_file, plan

TOMB = f"removed:\n  gone-1.0.tar.gz: {{version: 1.0, sha256: {'a' * 64}, reason: x, at: 2026-11-21T09:30:00Z}}\n"


def project(name: str, audience: str = "public", hosting: str = "mirrored", origin: str | None = None, head: str = "") -> str:
    files = f"[{file(f'{name}-1.0-py3-none-any.whl', origin=origin)}]"
    return (
        manifest(name=name, hosting=hosting, files=files, head=head).replace("[internal]", f"[{audience}]").replace("[team-web]", "[bob]")
    )


def index_of(audiences: str) -> Index:
    files = {
        "index.yaml": f"schema: 1\ntitle: T\nupstreams: {{up: default}}\naudiences: {audiences}\n",
        "policies.d/p.yaml": "schema: 2\npeople: {bob: {github: {login: bob, id: 1}}}\n",
        "packages.d/open.yaml": project("open"),
        "packages.d/secret.yaml": project("secret", "internal", "hosted", "stored: true"),
        "packages.d/link.yaml": project("link", hosting="linked"),
        "packages.d/found.yaml": project("found", hosting="linked", origin="index: up"),
        "packages.d/bad.yaml": project("bad", head="status: {state: quarantined, at: 2026-11-21T09:30:00Z}\n"),
        "packages.d/gone.yaml": manifest(name="gone", releases=TOMB).replace("[internal]", "[public]").replace("[team-web]", "[bob]"),
    }
    reading = read_files(files)
    assert reading.problems == ()
    assert reading.index is not None
    return reading.index


def names(made: Plan) -> tuple[list[str], ...]:
    projects = [p.normalized for p in made.projects]
    return projects, *([f.project.normalized for f in part] for part in (made.listed, made.served, made.located))


SEEN = [
    ("public", ["bad", "found", "link", "open"], ["found", "link", "open"], ["open"], ["found"]),
    ("internal", ["secret"], ["secret"], ["secret"], []),
    ("staff", ["bad", "found", "link", "open", "secret"], ["found", "link", "open", "secret"], ["open", "secret"], ["found"]),
    ("all", ["bad", "found", "link", "open", "secret"], ["found", "link", "open", "secret"], ["open", "secret"], ["found"]),
    ("none", [], [], [], []),
]


@pytest.mark.parametrize(("audience", "projects", "listed", "served", "located"), SEEN)
def test_an_audience_sees_its_own_and_what_it_includes(
    audience: str, projects: list[str], listed: list[str], served: list[str], located: list[str]
) -> None:
    """Projects are sorted; quarantined ones list nothing, removed ones have no page; only linked files of an index are located."""
    index = index_of("{public: {}, internal: {}, staff: {includes: [public, internal]}, all: {includes: [staff]}, none: {}}")
    assert names(plan(index, Word(audience))) == (projects, listed, served, located)


def test_everything_is_visible_in_the_only_audience() -> None:
    """Where there is one audience, a manifest that names none belongs to it."""
    files = {
        "index.yaml": "schema: 1\ntitle: T\naudiences: {public: {}}\n",
        "policies.d/p.yaml": "schema: 2\npeople: {bob: {github: {login: bob, id: 1}}}\n",
        "packages.d/open.yaml": project("open").replace("audiences: [public]\n", ""),
    }
    index = read_files(files).index
    assert index is not None
    assert names(plan(index, Word("public")))[0] == ["open"]


def test_visibility_follows_includes_at_any_remove() -> None:
    """An audience sees itself and everything that its includes include, and the walk ends."""
    configuration = index_of("{public: {}, internal: {includes: [public]}, staff: {includes: [internal]}}").configuration
    assert configuration.visible_in(Word("staff")) == {"staff", "internal", "public"}
    assert configuration.visible_in(Word("public")) == {"public"}


def test_every_file_is_checked() -> None:
    """`check` looks at all files of all audiences, quarantined ones too, and knows where each stands."""
    fetches = every_file(index_of("{public: {}, internal: {}}"))
    assert [fetch.project.normalized for fetch in fetches] == ["bad", "found", "link", "open", "secret"]
    assert {(fetch.digest, fetch.origin == fetch.file.origin, fetch.place.line > 1) for fetch in fetches} == {("a" * 64, True, True)}
