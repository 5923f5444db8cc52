"""What people are told of a project beyond what installers are told. Named tuples, as in `snapshot`."""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """Something that happened to a project on a day: `kind` is release, yanked, removed or a project status; `at` is as in the manifest."""

    at: str
    kind: str
    version: str = ""
    reason: str = ""


class Grant(NamedTuple):
    """A rule of the policies that speaks of a project, in words: who may do what, who may not, and what is required besides."""

    rule: str
    may: tuple[tuple[str, str], ...]
    may_not: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()


class Profile(NamedTuple):
    """A project as its manifest describes it to people; in a package list nobody owns it, and no manifest is there.

    `origins` say of each listed file where its bytes come from; `looked_for` says where new releases are. `readme` is sanitised HTML.
    """

    manifest: str = ""
    owners: tuple[str, ...] = ()
    hosting: str = ""
    events: tuple[Event, ...] = ()
    origins: tuple[str, ...] = ()
    looked_for: str = ""
    publishers: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    readme: str = ""
