"""A problem: a finding with its rule, its place and its fix; and the one list of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from index_builder.errors import IndexBuilderError

#: A question is no fault: it wants the word of somebody who administers the project.
Severity = Literal["error", "warning", "question"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A point in a file of the repository; line and column count from 1."""

    path: str
    line: int = 1
    column: int = 1


#: rule id -> what it demands, one sentence. The reference page and SARIF are made from this.
RULES: dict[str, str] = {
    # the tree
    "tree-mode": "Files of the index are ordinary files: no executables, symbolic links or submodules.",
    "tree-stray": "`packages.d/` and `policies.d/` hold YAML files that end in `.yaml`, and nothing else but README.md.",
    "tree-collision": "No two paths are one after case folding and Unicode normalization.",
    "tree-missing": "An index repository has `index.yaml` and `packages.d/`.",
    # YAML
    "yaml-encoding": "Files are UTF-8 without byte order mark or control characters.",
    "yaml-size": "A file has at most 4 MiB.",
    "yaml-depth": "Nothing nests deeper than 32 levels.",
    "yaml-syntax": "Files are well-formed YAML with one document.",
    "yaml-duplicate-key": "A key stands once in its mapping.",
    "yaml-alias": "No anchors, aliases or merge keys.",
    "yaml-tag": "No explicit tags.",
    # the schema
    "schema-version": "`schema:` says which form the file has, one that this builder reads.",
    "schema-outdated": "A file has the present form; older ones are read too, until they are migrated.",
    "unknown-key": "Only the keys of the schema are used.",
    "missing-key": "Required keys are there.",
    "invalid-value": "Values have the form that the schema gives them.",
    # a manifest
    "name-file": "A manifest's file is called by the normalized name of its project.",
    "name-unique": "A project has one manifest.",
    "version-invalid": "Versions are valid by PEP 440.",
    "version-spelling": "A version is spelled in one way in a manifest.",
    "file-name": "A file's name is a wheel's or sdist's name of its project and version.",
    "file-unique": "A file name is listed once, and never again after it was removed.",
    "url-file-name": "A linked file's URL ends with its file name, because pip takes the name from there.",
    "file-origin": "A file has exactly one origin: `url`, `index` or `stored`.",
    "hosting-origin": "`stored: true` goes with `hosting: hosted`, and nothing else does.",
    "sdist-single": "A hosted release has one sdist, named as PEP 625 says.",
    "requires-python": "`requires-python` is a valid set of version specifiers.",
    "no-releases": "A project lists at least one release, or says what was removed.",
    "audience-missing": "Where the index has more than one audience, a manifest names its own.",
    "audience-unknown": "Audiences that a manifest, a rule or `index.yaml` names are those of `index.yaml`.",
    "upstream-unknown": "Upstream indexes are those of `index.yaml`.",
    "owner-unknown": "Owners are people or groups of `policies.d/`, where that declares any.",
    # index.yaml and policies
    "include-cycle": "An audience does not include itself, directly or in a circle.",
    "principal-unknown": "People and groups that a rule or a group names are declared.",
    "principal-duplicate": "A name, rule or account is declared once in all of `policies.d/`, and is no reserved word.",
    "group-cycle": "A group does not contain itself, directly or in a circle.",
    # a package list
    "package-list": "Each line of a package list names a file whose project and version can be read, and says what is true of it once.",
    # bytes
    "bytes-not-reachable": "The bytes of every listed file can be had from its origin, the pool or the inbox.",
    "digest-differs": "Bytes have the digest and size that the manifest pins.",
    "requires-python-differs": "`requires-python` is what the file's core metadata says.",
    "core-metadata-differs": "`metadata` is the digest of the core metadata in the file.",
    "uploaded-differs": "`uploaded` is the upload time that the upstream index gives.",
    "dependency-missing": "What a project depends on can be got here too, by everybody who sees the project.",
    # a change, against its base
    "merge-conflict": "A change goes together with what its base became meanwhile.",
    "base-unreadable": "The base's own manifest can be read, so that what was published is known.",
    "manifest-deleted": "A manifest that ever listed a file is never deleted.",
    "file-removed": "A file leaves only by a tombstone of the same name and digest.",
    "file-immutable": "A published file keeps its digest, size, upload time and core metadata.",
    "tombstone-kept": "Tombstones stay as they are.",
    "tombstone-returns": "A name that was removed never comes back.",
    "uploaded-future": "No file was uploaded in the future.",
    "uploaded-old": "A new file's upload time is that of adding it, or its upstream index's own.",
    "name-similar": "A new name is not easily taken for another, here or among those that many people know.",
    "name-stdlib": "A new name is not that of a module of the standard library.",
    "name-upstream": "A new project that is our own has a name that the upstream indexes do not have.",
    "requires-python-unmet": "Some Python fits a new file's `requires-python`.",
    "sample-unresolved": "What `resolve.d/` asks for can be resolved after a change, where it could before.",
    "version-order": "A new release is newer than those that are there.",
    "provenance-invalid": "Attestations verify, and are of the file that they come with.",
    "provenance-publisher": "New files are attested by a publisher that the manifest declares, where it declares any.",
    "provenance-lost": "Once a project had provenance, its new files have it.",
    "policy-lockout": "Somebody can administer the index.",
    "policy-orphan": "Somebody can go on with each project.",
    "codeowners-stale": "A CODEOWNERS file that was generated from the policies is what they say now.",
    "policy-matches-nothing": "A new rule speaks of projects that are there.",
    # inside a wheel or sdist
    "archive-format": "An archive is one plain ZIP or compressed tar, readable in one way.",
    "archive-two-readings": "Nothing before, after or between the members, and no member twice.",
    "archive-member-name": "Member names stay inside the archive's folder and have no control characters.",
    "archive-member-type": "Members are files and folders; links stay inside; no devices or sparse files.",
    "archive-bomb": "Content does not unpack to more than 64 MiB and 50 times its size.",
    "wheel-dist-info": "A wheel has one .dist-info folder, named after its project and version.",
    "wheel-record": "RECORD lists every member with its digest.",
    "wheel-tags": "The tags in WHEEL are those of the file name.",
    "wheel-entry-points": "entry_points.txt can be parsed and script names are plain.",
    "wheel-data-descriptor": "Members' sizes stand in their local headers.",
    "sdist-layout": "An sdist has one root folder with one PKG-INFO.",
    "sdist-name": "An sdist is a .tar.gz named as PEP 625 says.",
    "metadata-invalid": "Core metadata is valid: UTF-8, each single-use field once, requirements and specifiers that parse.",
    "metadata-name": "Core metadata names the project and version of the file name.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A finding: which rule, what was seen, where, and what to do about it."""

    rule: str
    message: str
    place: Place
    fix: str = ""
    severity: Severity = field(default="error")

    def __post_init__(self) -> None:
        """Refuse a rule that is not in RULES: it would be missing from the reference."""
        if self.rule not in RULES:
            raise KeyError(self.rule)


class ProblemsFoundError(IndexBuilderError):
    """The input was read and judged, and these problems stand in the way."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found")
        self.problems = tuple(problems)


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return the problems by place, then rule: the same for every run."""
    return tuple(sorted(problems, key=lambda problem: (problem.place, problem.rule, problem.message)))
