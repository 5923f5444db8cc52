"""The shape of each file: unknown and missing keys, wrong shapes and values, and the JSON Schemas made from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from unit.manifests.samples import FACTS, INDEX, MANIFEST, POLICY, A, read_files, with_files

from index_builder.manifests.loader import load
from index_builder.manifests.schema import MODELS, json_schema
from index_builder.manifests.validate import validate

ROOT = Path(__file__).parents[3]


def problems_of(kind: str, text: str) -> list[tuple[str, int, int, str, str]]:
    return [(p.rule, p.place.line, p.place.column, p.message, p.fix) for p in read_files(with_files(**{kind: text})).problems]


SLIPS = [
    # which file, what is replaced, by what; then rule, line, column, and words of message and fix
    ("manifest", "hosting:", "hostig:", "unknown-key", 6, 1, "there is no key 'hostig' here", "did you mean 'hosting'?"),
    ("manifest", "hosting: ", "hostig: ", "missing-key", 2, 1, "the key 'hosting' is missing", "add `hosting:`"),
    ("manifest", "        size:", "        zzz: 1\n        size:", "unknown-key", 17, 9, "'zzz'", "the keys here are: index, metadata, name,"),
    ("manifest", "repository_id", "repository-id", "unknown-key", 9, 26, "'repository-id'", "did you mean 'repository_id'?"),
    ("manifest", "yanked: {reason: broken on Windows, ", "yanked: {", "missing-key", 13, 5, "'reason'", "add `reason:`"),
    ("manifest", "hosting: mirrored", "hosting: mirored", "invalid-value", 6, 10, "'linked', 'mirrored' or 'hosted'", "did you mean 'mirrored'?"),
    ("manifest", "hosting: mirrored", "hosting: zzzzzz", "invalid-value", 6, 10, "'zzzzzz' is not one of", ""),
    ("manifest", "state: deprecated", "state: deprecatd", "invalid-value", 10, 17, "is not one of", "did you mean 'deprecated'?"),
    ("manifest", "schema: 1", "schema: 2", "schema-version", 2, 9, "reads schema 1, the file says '2'", ""),
    ("manifest", "owners: [team-web]", "owners: team-web", "invalid-value", 4, 9, "a list", ""),
    ("manifest", "owners: [team-web]", "owners: []", "invalid-value", 4, 9, "at least one", ""),
    ("manifest", "owners: [team-web]", "owners: [Team Web]", "invalid-value", 4, 10, "lower-case letters", ""),
    ("manifest", "name: Acme.Utils", "name: Acme Utils", "invalid-value", 3, 7, "begins and ends with a letter or digit", ""),
    ("manifest", "name: Acme.Utils", "name: [Acme.Utils]", "invalid-value", 3, 7, "a single value is expected here", ""),
    ("manifest", 'source: {github: acme/utils, versions: ">=1.0"}', "source: here", "invalid-value", 7, 9, "a mapping", ""),
    ("manifest", 'versions: ">=1.0"', "versions: one", "invalid-value", 7, 40, "Invalid specifier", ""),
    ("manifest", "source: {github: acme/utils", "source: {github: acme", "invalid-value", 7, 18, "does not have the form", ""),
    ("manifest", f"sha256: {A}", f"sha256: {A.upper()}", "invalid-value", 16, 17, "64 hexadecimal digits, in lower case", ""),
    ("manifest", "size: 12345", "size: many", "invalid-value", 17, 15, "whole number", ""),
    ("manifest", "size: 12345", "size: 1_000", "invalid-value", 17, 15, "whole number", ""),
    ("manifest", "size: 12345", "size: 012", "invalid-value", 17, 15, "whole number", ""),
    ("manifest", "size: 12345", "size: -1", "invalid-value", 17, 15, "greater than or equal to 0", ""),
    ("manifest", "size: 12345", "size: [1]", "invalid-value", 17, 15, "whole number", ""),
    ("manifest", "uploaded: 2026-11-21T09:30:00Z", "uploaded: 2026-11-21", "invalid-value", 18, 19, "2026-11-21T09:30:00Z", ""),
    ("manifest", "uploaded: 2026-11-21T09:30:00Z", "uploaded: 2026-02-30T09:30:00Z", "invalid-value", 18, 19, "day", ""),
    ("manifest", "reason: broken on Windows", 'reason: " "', "invalid-value", 13, 22, "say something", ""),
    ("manifest", "reason: broken on Windows", 'reason: "a\\nb"', "invalid-value", 13, 22, "one line", ""),
    ("manifest", "reason: broken on Windows", 'reason: "a\\e[1m"', "invalid-value", 13, 22, "control characters", ""),
    ("manifest", "reason: broken on Windows", 'reason: "a\\u202eb"', "invalid-value", 13, 22, "direction", ""),
    ("manifest", "reason: broken on Windows", "reason: " + "x" * 1001, "invalid-value", 13, 22, "at most 1,000", ""),
    ("manifest", "url: https://", "url: http://", "invalid-value", 22, 14, "an https:// URL is needed", ""),
    ("manifest", "url: https://example.org/", "url: https:///", "invalid-value", 22, 14, "an https:// URL is needed", ""),
    ("manifest", "url: https://", "url: javascript:", "invalid-value", 22, 14, "an https:// URL is needed", ""),
    ("manifest", "url: https://", "url: https://me:secret@", "invalid-value", 22, 14, "no credentials", ""),
    ("manifest", "any.whl\nremoved", "any.whl#sha256=1\nremoved", "invalid-value", 22, 14, "#fragment", ""),
    ("manifest", "url: https://example.org/", "url: https://example.org/é/", "invalid-value", 22, 14, "ASCII", ""),
    ("manifest", "url: https://example.org/", "url: https://example.org:0/", "invalid-value", 22, 14, "port", ""),
    ("manifest", "url: https://example.org/", "url: https://example.org:99999/", "invalid-value", 22, 14, "ort", ""),
    ("manifest", "        url: https", "        stored: false\n        url: https", "invalid-value", 22, 17, "only `stored: true`", ""),
    ("manifest", "        url: https", "        index: Py Pi\n        url: https", "invalid-value", 22, 16, "lower-case letters", ""),
    ("manifest", "        url: https", "        project: -x\n        url: https", "invalid-value", 22, 18, "a project name", ""),
    ("index", "title: Acme packages", "title: ''", "invalid-value", 2, 8, "say something", ""),
    ("index", "pypi: default", "pypi: http://example.org/simple/", "invalid-value", 3, 19, "https", ""),
    ("index", "pypi: default", "pypi: http://127.example.org/simple/", "invalid-value", 3, 19, "https", ""),
    ("index", "pypi: default", "pypi: http://localhost@example.org/", "invalid-value", 3, 19, "https", ""),
    ("index", "pypi: default", "PyPI: default", "invalid-value", 3, 13, "lower-case", ""),
    ("index", "https://pypi.example.org/", "https://pypi.example.org", "invalid-value", 6, 19, "must end with a slash", ""),
    ("index", "files: packages/, includes", "files: ../packages/, includes", "invalid-value", 6, 53, "without '..'", ""),
    ("index", "files: packages/, includes", "files: http://example.org/, includes", "invalid-value", 6, 53, "https", ""),
    ("index", "files: packages/, includes", "files: packages, includes", "invalid-value", 6, 53, "slash", ""),
    ("index", "path: .pool", "path: /pool", "invalid-value", 7, 31, "relative path", ""),
    ("index", "kind: pages-artifact", "kind: pages-artefact", "invalid-value", 10, 43, "is not one of", "did you mean 'pages-artifact'?"),
    ("index", "kind: directory, path: .pool", "kind: bucket, path: .pool", "invalid-value", 7, 14, "is not one of", ""),
    ("policy", "[release, yank, edit]", "[relase, yank, edit]", "invalid-value", 7, 22, "is not one of", "did you mean 'release'?"),
    ("policy", "id: 1001", "id: 0", "invalid-value", 2, 46, "greater than 0", ""),
    ("policy", "login: alice", "login: al ice", "invalid-value", 2, 35, "form", ""),
    ("policy", "count: 1", "count: 21", "invalid-value", 9, 53, "less than or equal to 20", ""),
    ("policy", "publisher: declared", "publisher: any", "invalid-value", 9, 112, "is not one of", ""),
    ("policy", '"acme-*"', '"Acme.*"', "invalid-value", 6, 16, "form", ""),
    ("policy", "for: [create, release]", "for: []", "invalid-value", 9, 15, "at least one", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "old", "new", "rule", "line", "column", "message", "fix"), SLIPS, ids=[f"{s[0]}-{s[2][:30]!r}" for s in SLIPS]
)
def test_a_slip_is_found(kind: str, old: str, new: str, rule: str, line: int, column: int, message: str, fix: str) -> None:
    """One wrong thing in a good file is a problem of its rule, at its line and column, which says what is right."""
    text = {"manifest": MANIFEST, "index": INDEX, "policy": POLICY}[kind]
    assert old in text
    found = problems_of(kind, text.replace(old, new, 1))
    assert any((rule, line, column) == p[:3] and message in p[3] and fix in p[4] and bool(fix) <= bool(p[4]) for p in found), found


FINE = [
    ("manifest", "reason: broken on Windows", "reason: 壊れた　👩‍💻 «naïve»"),
    ("manifest", "size: 12345", "size: 0"),
    ("manifest", "2026-11-21T09:30:00Z\n        requires", "2026-11-21T09:30:00.123456Z\n        requires"),
    ("manifest", "url: https://example.org/", "url: https://example.org:8443/"),
    ("index", "pypi: default", "pypi: http://127.0.0.1:8080/simple/"),
    ("index", "pypi: default", 'pypi: "http://[::1]:8080/simple/"'),
    ("index", "pypi: default", "pypi: http://localhost/simple/"),
    ("index", "pypi: default", "pypi: https://example.org/simple/"),
    ("index", "files: packages/, includes", "files: https://files.example.org/, includes"),
]


@pytest.mark.parametrize(("kind", "old", "new"), FINE, ids=[new[:40] for _, _, new in FINE])
def test_what_is_fine_is_fine(kind: str, old: str, new: str) -> None:
    """Near what is refused lies what is not."""
    text = {"manifest": MANIFEST, "index": INDEX}[kind]
    assert old in text
    assert problems_of(kind, text.replace(old, new, 1)) == []


def test_all_problems_are_reported_at_once() -> None:
    """Every wrong thing of a file is found in one run, in the order of its lines."""
    text = MANIFEST.replace("hosting: mirrored", "hosting: here").replace("size: 12345", "size: x").replace("state:", "stat:")
    assert [p[:2] for p in problems_of("manifest", text)] == [
        ("invalid-value", 6), ("missing-key", 10), ("unknown-key", 10), ("invalid-value", 17),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["just words\n", "[a, b]\n", "---\n"])
@pytest.mark.parametrize("kind", ["manifest", "index", "policy"])
def test_a_file_is_a_mapping(kind: str, text: str) -> None:
    """A file that is a word or a list is one problem."""
    found = [p for p in problems_of(kind, text) if "a mapping" in p[3]]
    assert [p[0] for p in found] == ["invalid-value"]


SCHEMAS = {"manifest.schema.json": MANIFEST, "index.schema.json": INDEX, "policy.schema.json": POLICY, "facts.schema.json": FACTS}


@pytest.mark.parametrize("name", MODELS)
def test_schemas_are_in_step(name: str) -> None:
    """The JSON Schema in schemas/ is the one that the model makes."""
    assert (ROOT / "schemas" / name).read_text() == json_schema(name), "run `make schemas` and commit what it writes"


class EditorLoader(yaml.SafeLoader):
    """An editor's YAML 1.2 parser has numbers and booleans, and leaves dates strings."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def schema_errors(name: str, text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "schemas" / name).read_text()))
    validator.check_schema(validator.schema)
    value: Any = yaml.load(text, EditorLoader)
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("name", MODELS)
def test_schemas_take_the_good_files(name: str) -> None:
    """What `check` accepts has no red line in an editor."""
    assert schema_errors(name, SCHEMAS[name]) == []


BAD = [
    ("manifest.schema.json", "hosting: mirrored", "hosting: mirored"),
    ("manifest.schema.json", "hosting: mirrored", "hostig: mirrored"),
    ("manifest.schema.json", "schema: 1", "schema: 2"),
    ("manifest.schema.json", "size: 12345", "size: -1"),
    ("manifest.schema.json", "owners: [team-web]", "owners:"),
    ("manifest.schema.json", f"metadata: {'b' * 64}", "metadata:"),
    ("manifest.schema.json", "        url: https", "        stored: true\n        url: https"),
    ("manifest.schema.json", "name: Acme.Utils ", "#"),
    ("index.schema.json", "audiences:", "audience:"),
    ("index.schema.json", "kind: pages-artifact", "kind: pages"),
    ("policy.schema.json", "[release, yank, edit]", "[relase]"),
    ("policy.schema.json", "id: 1001", "id: one"),
    ("policy.schema.json", "count: 1,", "count: 0,"),
    ("facts.schema.json", "state: approved", "state: fine"),
    ("facts.schema.json", "login: alice", "name: alice"),
]


@pytest.mark.parametrize(("name", "old", "new"), BAD)
def test_schemas_refuse_bad_files(name: str, old: str, new: str) -> None:
    """A slip that `check` refuses is marked while it is typed."""
    assert old in SCHEMAS[name]
    text = SCHEMAS[name].replace(old, new, 1)
    assert schema_errors(name, text) != []
    document, _ = load("x.yaml", text.encode())
    assert document is not None
    if "stored" not in new:
        assert validate(document, MODELS[name])[0] is None
