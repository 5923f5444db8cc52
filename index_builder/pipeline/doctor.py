"""Whether a repository on GitHub is set up as its index needs it, and how to set up what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from index_builder.model.index import Configuration
from index_builder.model.repository import RepositorySettings
from index_builder.policy.readers import readers_of
from index_builder.policy.rules import Policies


class Health(StrEnum):
    """What was found: as it should be, not so, or not to be seen with this token."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A setting: what it should be, why, and where to set it."""

    what: str
    health: Health
    why: str = ""
    fix: str = ""


#: The workflow files of an index.
WORKFLOWS: Final = ("validate.yml", "judge.yml", "bump.yml", "publish.yml")
#: And of one that shows pull requests to others.
PREVIEW: Final = "preview.yml"
#: The status that judgement sets.
CONTEXT: Final = "index-builder"
_ENVIRONMENT: Final = "publish"
_KEYS: Final = ("INDEX_BUILDER_KEY_BINS", "INDEX_BUILDER_KEY_TIMESTAMP")


#: The workflows that a schedule starts, at least four times in this while.
_SCHEDULED: Final = ("judge.yml", "bump.yml", "publish.yml")
_ALIVE: Final = timedelta(days=2)


def examine(
    settings: RepositorySettings, configuration: Configuration, policies: Policies, now: datetime, *, is_signed: bool
) -> Iterator[Finding]:
    """Yield each thing that an index depends on."""
    merges = any(rule.merge for rule in policies.rules)
    yield from _branch(settings, merges=merges)
    yield from _actions(settings)
    yield from _workflows(settings, (*WORKFLOWS, *([PREVIEW] if configuration.previews else [])))
    yield from _schedules(settings, now)
    yield from _environment(settings)
    yield from _pages(settings, configuration)
    yield from _visibility(settings, configuration, policies)
    yield from _secrets(settings, is_signed=is_signed)
    yield _finding(
        "workflows may open pull requests", settings.may_open_pulls,
        "bump.yml opens one for each new release", "Settings → Actions → General: allow GitHub Actions to create and approve pull requests",
    )  # fmt: skip
    rights = None if settings.default_rights is None else settings.default_rights == "read"
    yield _finding(
        "a workflow's token may only read, unless the workflow says more", rights,
        "a workflow that somebody adds later would be given the right to write", "Settings → Actions → General: read repository contents",
    )  # fmt: skip


def _finding(what: str, is_good: bool | None, why: str, fix: str) -> Finding:
    health = Health.UNKNOWN if is_good is None else Health.GOOD if is_good else Health.BAD
    return Finding(what=what, health=health, why=why, fix=fix)


def _branch(settings: RepositorySettings, *, merges: bool) -> Iterator[Finding]:
    where = f"Settings → Rules → Rulesets, for the branch {settings.branch}"
    yield _finding(
        f"the branch {settings.branch} changes by pull requests only", settings.needs_pull,
        "what is pushed straight to it is published without a judgement", f"{where}: require a pull request before merging",
    )  # fmt: skip
    required = None if settings.required is None else CONTEXT in settings.required
    yield _finding(
        f"the branch {settings.branch} requires the status {CONTEXT}", required,
        "without it, what was refused can still be merged by hand", f"{where}: require status checks to pass, and add {CONTEXT}",
    )  # fmt: skip
    yield _finding(
        f"the branch {settings.branch} requires branches to be up to date", settings.is_strict,
        "two changes that were judged one by one could be merged one after the other", f"{where}: require branches to be up to date",
    )  # fmt: skip

    if merges:
        leaves = None if settings.reviews is None else not settings.reviews
        yield _finding(
            f"the branch {settings.branch} leaves it to the policies who must approve", leaves,
            "GitHub wants approvals too, and nothing would merge by itself", f"{where}: required approvals: 0; the status stands for them",
        )  # fmt: skip


def _actions(settings: RepositorySettings) -> Iterator[Finding]:
    yield _finding(
        "Actions may run, those that the workflows use too", None if settings.actions is None else settings.actions in ("all", "selected"),
        "the workflows use a few actions of GitHub's, pinned to commits", "Settings → Actions → General: allow actions, or select those",
    )  # fmt: skip


def _schedules(settings: RepositorySettings, now: datetime) -> Iterator[Finding]:
    for name in _SCHEDULED:
        last = settings.scheduled.get(name)
        yield _finding(
            f"the schedule of {name} ran in the last {_ALIVE.days} days", None if last is None else now - last < _ALIVE,
            f"it last did on {last:%Y-%m-%d}" if last else "no run of it is to be seen: a new repository's begins within a day",
            f"gh workflow disable {name} && gh workflow enable {name}, and look at its runs: gh run list --workflow {name}",
        )  # fmt: skip


def _workflows(settings: RepositorySettings, names: Sequence[str]) -> Iterator[Finding]:
    for name in names:
        state = None if settings.workflows is None else settings.workflows.get(name, "missing")
        fix = f"gh workflow enable {name}" if state and state.startswith("disabled") else "write it: index-builder init . --github …"
        why = "GitHub stops schedules of a public repository after 60 days without a push" if state == "disabled_inactivity" else ""
        yield _finding(f"the workflow {name} is there, and enabled", None if state is None else state == "active", why, fix)


def _environment(settings: RepositorySettings) -> Iterator[Finding]:
    found = next((e for e in settings.environments or () if e.name == _ENVIRONMENT), None)
    is_known = settings.environments is not None
    where = f"Settings → Environments → {_ENVIRONMENT}"
    yield _finding(
        f"the environment {_ENVIRONMENT} is there", found is not None if is_known else None,
        "it holds the online keys, and says from where they may be used", f"{where}: make it",
    )  # fmt: skip
    alone = None if not is_known or (found and found.branches is None) else bool(found and set(found.branches or ()) == {settings.branch})
    yield _finding(
        f"only the branch {settings.branch} may use the environment {_ENVIRONMENT}", alone,
        "whoever can push a branch could have its workflow sign and publish", f"{where}: deployment branches: {settings.branch} only",
    )  # fmt: skip
    yield _finding(
        f"nobody must approve what uses the environment {_ENVIRONMENT}", not (found and found.has_reviewers) if is_known else None,
        f"signatures are renewed on a schedule, which would wait; who may change {settings.branch} is what protects the keys",
        f"{where}: take out the required reviewers",
    )  # fmt: skip


def _pages(settings: RepositorySettings, configuration: Configuration) -> Iterator[Finding]:
    for target in configuration.publish:
        if target.kind not in ("pages-artifact", "pages-branch"):
            continue
        wanted = target.branch if target.kind == "pages-branch" else ""
        said = f"the branch {wanted}" if wanted else "what a workflow deploys"
        is_right = None if settings.has_pages is None else settings.has_pages and settings.pages == wanted
        yield _finding(
            f"Pages serves {said}, for the target {target.name}", is_right, "nobody would get what is published",
            f"Settings → Pages → Source: {f'deploy from the branch {wanted}' if wanted else 'GitHub Actions'}",
        )  # fmt: skip
    archives = [target for target in configuration.publish if target.kind == "pages-artifact"]
    if archives:
        elsewhere = [target.name for target in archives if target.path and not target.path.startswith(".publish/")]
        yield _finding(
            "publish.yml finds the one archive that it deploys", len(archives) == 1 and not elsewhere,
            "it looks for one in .publish/, and Pages serves no more", "leave out `path:`; deploy others from a workflow of your own",
        )  # fmt: skip


#: gh fills in the two names in braces itself.
_SET_VISIBILITY: Final = "gh api --method PUT repos/{{owner}}/{{repo}}/pages -F public={}"


def _visibility(settings: RepositorySettings, configuration: Configuration, policies: Policies) -> Iterator[Finding]:
    """Hold who may read Pages of this repository against who is granted `download` of what is there."""
    for target in configuration.publish:
        if target.kind not in ("pages-artifact", "pages-branch") or target.repository or settings.has_pages is False:
            continue
        is_open = readers_of(policies, target.audience).is_open
        is_right = None if settings.is_public is None else settings.is_public is is_open
        if is_open:
            what, why = "is for everybody, as", "installers cannot log in to private Pages, and would get nothing"
            fix = _SET_VISIBILITY.format("true")
        else:
            what, why = "is private, because", "whoever knows its address reads what only some people are granted, or nobody is"
            fix = f"{_SET_VISIBILITY.format('false')}; or publish it where installers can log in: index-builder host-config nginx"
        said = "is" if is_open else "is not"
        yield _finding(f"Pages {what} {target.audience} {said}, for the target {target.name}", is_right, why, fix)


def _secrets(settings: RepositorySettings, *, is_signed: bool) -> Iterator[Finding]:
    names = settings.secrets
    keys = None if names is None else not set(names) & set(_KEYS)
    if is_signed:
        held = next((e.secrets for e in settings.environments or () if e.name == _ENVIRONMENT), None)
        yield _finding(
            f"the environment {_ENVIRONMENT} has the online keys", None if held is None else set(_KEYS) <= set(held),
            "nothing can be signed without them", f"gh secret set NAME --env {_ENVIRONMENT}, for {' and '.join(_KEYS)}",
        )  # fmt: skip
        yield _finding(
            "the online keys are secrets of the environment, not of the repository", keys,
            "every workflow of the repository could sign", f"Settings → Environments → {_ENVIRONMENT}: add them there, and delete these",
        )  # fmt: skip
    tokens = None if names is None else [name for name in names if name.endswith(("_TOKEN", "_PAT")) or "PERSONAL" in name]
    why = f"none is needed, and there are: {', '.join(tokens)}" if tokens else ""
    fix = "Settings → Secrets and variables → Actions: delete it"
    yield _finding("no token of a person is stored", None if tokens is None else not tokens, why, fix)
