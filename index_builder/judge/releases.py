"""New releases: whether a Python exists that they are for, and whether they are the newest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from index_builder.judge.change import ProjectChange
from index_builder.model.problem import Problem

#: Python's versions, far enough ahead that none is missed; first and late patch releases stand for all between.
_PYTHONS: Final = [f"2.7.{patch}" for patch in (0, 18)] + [f"3.{minor}.{patch}" for minor in range(31) for patch in (0, 5, 99)]


def odd_releases(change: ProjectChange) -> Iterator[Problem]:
    """Yield what is odd about new files and releases."""
    for file in change.new_files():
        if file.requires_python and not _has_python(file.requires_python):
            message = f"{file.name.text}: no Python fits requires-python {file.requires_python}, so nobody can install it"
            yield Problem(rule="requires-python-unmet", message=message, place=file.place, fix="correct it, and release anew")
    before, after = change.before, change.after
    if before is None or after is None or not before.releases:
        return
    newest = before.releases[-1]
    known = {release.version for release in before.releases}
    for release in after.releases:
        if release.version not in known and release.version < newest.version and release.files:
            message = f"{release.written} is older than {newest.written}, which is here already: installers go on taking that"
            place = release.files[0].place
            yield Problem(rule="version-order", message=message, place=place, fix="nothing, if it is meant so", severity="warning")


def _has_python(requires: str) -> bool:
    try:
        specifiers = SpecifierSet(requires)
    except InvalidSpecifier:
        return True  # the manifest's own check has said so
    try:
        return any(specifiers.contains(version) for version in _PYTHONS)
    except ValueError:
        return True  # as above
