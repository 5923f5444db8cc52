"""The rules that speak of a project, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase

from index_builder.model.names import NormalizedName, Word
from index_builder.model.profile import Grant
from index_builder.policy.rules import ANYONE, OWNERS, PUBLISHERS, Action, Policies, Requirement


def in_words(policies: Policies, project: NormalizedName) -> tuple[Grant, ...]:
    """Return what rules that select a project by its name say of it. Which audiences there are besides, they keep to themselves."""
    return tuple(
        Grant(
            str(rule.id), tuple(_said(rule.grant)), tuple(_said(rule.deny)),
            tuple(f"to {_listed([action.value for action in r.actions])}: {what}" for r in rule.require for what in _required(r)),
        )
        for rule in policies.rules
        if any(fnmatchcase(project, pattern) for pattern in rule.projects)
    )  # fmt: skip


def _said(granted: Mapping[Word, tuple[Action, ...]]) -> Iterator[tuple[str, str]]:
    for who, actions in granted.items():
        name = {OWNERS: "its owners", PUBLISHERS: "its publishers", ANYONE: "anyone"}.get(who, str(who))
        yield name, _listed([action.value for action in actions])


def _required(requirement: Requirement) -> Iterator[str]:
    if approvals := requirement.approvals:
        yield f"{approvals.count} approval{'s' if approvals.count > 1 else ''} of {approvals.group}"
    if requirement.origins:
        yield f"files from {' or '.join(requirement.origins)}"
    if requirement.publisher:
        yield "attestations of a publisher that the manifest declares"
    if requirement.hosting:
        yield f"hosting: {' or '.join(mode.value for mode in requirement.hosting)}"
    if requirement.licenses:
        yield f"files under {' or '.join(requirement.licenses)}"
    if requirement.max_size:
        yield f"files of at most {requirement.max_size:,} bytes"
    if requirement.wait:
        yield f"a wait of {requirement.wait / timedelta(hours=1):g} hours since it was proposed"


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)
