"""Good files, and how tests read small ones."""

from __future__ import annotations

from index_builder.manifests.reader import Reading, read
from index_builder.model.source import ORDINARY, SourceEntry

A, B, C, D = (digit * 64 for digit in "abcd")

MANIFEST = f"""\
# yaml-language-server: $schema=../schemas/manifest.schema.json
schema: 1
name: Acme.Utils              # the file name is its normalized form
owners: [team-web]            # people or groups of policies.d/
audiences: [internal]         # required as soon as index.yaml has more than one audience
hosting: mirrored             # linked: our page, their URL
source: {{github: acme/utils, versions: ">=1.0"}}   # where `bump` looks next
publishers:                   # whose attestations count
  - {{github: acme/utils, repository_id: 4711, workflow: release.yml, environment: pypi}}
status: {{state: deprecated, reason: use acme-core, at: 2026-11-21T09:30:00Z}}   # PEP 792
releases:
  1.2.0:
    yanked: {{reason: broken on Windows, at: 2026-11-22T10:00:00Z}}   # on a release, or on one file (the file wins)
    files:
      - name: acme_utils-1.2.0-py3-none-any.whl
        sha256: {A}
        size: 12345
        uploaded: 2026-11-21T09:30:00Z
        requires-python: ">=3.9"
        metadata: {B}       # sha256 of its core metadata, where that is served
        provenance: {C}     # sha256 of its PEP 740 object, if there is one
        url: https://example.org/acme/utils/releases/download/v1.2.0/acme_utils-1.2.0-py3-none-any.whl
removed:                      # tombstones: these names never come back with other bytes
  acme_utils-1.1.0.tar.gz: {{version: 1.1.0, sha256: {D}, reason: leaked a key, at: 2026-11-20T08:00:00Z}}
"""

INDEX = """\
schema: 1
title: Acme packages
upstreams: {pypi: default}
audiences:
  public:   {url: https://index.example.org/index/, files: packages/}          # files: relative, or an absolute base
  internal: {url: https://pypi.example.org/, files: packages/, includes: [public]}
pool: {kind: directory, path: .pool}          # later also bucket, releases
inbox: {kind: directory, path: .inbox}        # where contributors put bytes of hosted files: `pool push`
publish:
  - {name: pages, audience: public, kind: pages-artifact}
"""

POLICY = """\
schema: 2
people:  {alice: {github: {login: alice, id: 1001}}, bob: {github: {login: bob, id: 1002}}}
groups:  {team-web: [alice, bob]}
rules:   # grants add up, requirements add up, a deny wins, nothing matched means no
  - id: acme-namespace
    projects: ["acme-*"]
    grant: {owners: [release, yank, edit], team-web: [create]}     # `owners` = the manifest's, `anyone` = everybody
    require:
      - {for: [create, release], approvals: {count: 1, from: team-web}, origins: ["github:acme/*"], publisher: declared}
    deny: {anyone: [transfer]}                                     # not even administrators, while this rule stands
  - id: readers
    audiences: [public]
    grant: {anyone: [download]}                                    # download rules select audiences only
"""

GOOD = {"index.yaml": INDEX, "packages.d/acme-utils.yaml": MANIFEST, "policies.d/acme.yaml": POLICY}


def read_files(files: dict[str, str], modes: dict[str, int] | None = None) -> Reading:
    """Read these paths as a revision called r1."""
    entries = [SourceEntry(path=path, mode=(modes or {}).get(path, ORDINARY), blob=path) for path in files]
    return read("r1", entries, lambda entry: files[entry.blob].encode())


def with_files(**changes: str | None) -> dict[str, str]:
    """Return the good files with other texts for `index`, `manifest` or `policy`."""
    paths = {"index": "index.yaml", "manifest": "packages.d/acme-utils.yaml", "policy": "policies.d/acme.yaml"}
    files = {**GOOD, **{paths[key]: text for key, text in changes.items() if text is not None}}
    return {path: text for path, text in files.items() if (path not in {paths[k] for k, v in changes.items() if v is None})}


def manifest(*, name: str = "demo", hosting: str = "mirrored", files: str = "", head: str = "", releases: str = "", tail: str = "") -> str:
    """Return a small manifest; `files` is the flow list of release 1.0, `releases` replaces all of them."""
    files = files or f"[{file()}]"
    listed = releases or f"releases:\n  1.0:\n    files: {files}\n"
    return f"schema: 1\nname: {name}\nowners: [team-web]\naudiences: [internal]\nhosting: {hosting}\n{head}{listed}{tail}"


def file(name: str = "demo-1.0-py3-none-any.whl", *, origin: str | None = None, extra: str = "", sha256: str = A) -> str:
    """Return one file of a manifest on one line."""
    origin = f"url: https://example.org/f/{name}" if origin is None else origin
    return (
        "{"
        + ", ".join(p for p in (f"name: {name}", f"sha256: {sha256}", "size: 1", "uploaded: 2026-11-21T09:30:00Z", extra, origin) if p)
        + "}"
    )


def rules_of(text: str) -> list[str]:
    """Return the rules that a manifest of the project `demo` breaks, in an otherwise good index."""
    files = {**GOOD, "packages.d/demo.yaml": text}
    return [problem.rule for problem in read_files(files).problems]


FACTS = """schema: 1
now: 2026-11-24T09:30:00Z
opened: 2026-11-21T09:30:00Z
author: {id: 1001, login: alice}
reviews:
  - {id: 1002, login: bob, state: approved, commit: 0c3e5f7a9b1d2c4e6f8091a2b3c4d5e6f7081929, at: 2026-11-21T10:00:00Z}
"""
