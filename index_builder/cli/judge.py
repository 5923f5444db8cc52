"""`check --base`: a change is judged, and the answer is in the exit code."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from index_builder import wiring
from index_builder.cli import options, report, rights
from index_builder.cli.console import note, progress
from index_builder.errors import HumanNeededError, PolicyError, SourceError, UsageError
from index_builder.judge.asked import Asked, asked
from index_builder.judge.verdict import Judged, Outcome
from index_builder.manifests.facts import read_facts
from index_builder.model.names import Word
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.review import Proposed
from index_builder.pipeline.judge.evidence import evidence_at_hand
from index_builder.pipeline.judge.judge import judge
from index_builder.pipeline.judge.reading import Change, base_settings, read_change
from index_builder.pipeline.judge.replay import replay
from index_builder.pipeline.kept import kept_in
from index_builder.policy.rules import Policies
from index_builder.ports.pool import Pool
from index_builder.ports.trees import Proposal, SourceTree
from index_builder.wiring import github, shipped

if TYPE_CHECKING:
    from index_builder.adapters.proposal import GitProposal

#: So many past merges are judged by new policies, in the report of a change that brings these.
_REPLAYED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the command line says of a change: its revisions (no head is the working tree), and who is for it."""

    base: str
    head: str | None
    actor: str | None
    approved_by: tuple[str, ...]
    facts: Path | None


def run(
    question: Question, root: Path, *, pool: Path | None, offline: bool, strict: bool, connections: int, jobs: int | None, quiet: bool,
    output_format: str,
) -> None:  # fmt: skip
    """Judge a change and print the report; raises PolicyError (1) where it is refused, HumanNeededError (10) where a word is missing."""
    proposal = wiring.open_proposal(root, question.base, question.head)
    judged = judged_of(
        proposal, lambda policies: _asked(question, policies, proposal), root, question.base,
        pool=pool, offline=offline, connections=connections, jobs=jobs, quiet=quiet,
    )  # fmt: skip
    _print(judged, proposal.merged, output_format, _again(question, judged, offline=offline))
    warned = any(finding.problem.severity == "warning" for finding in judged.findings)
    if strict and warned and judged.outcome is not Outcome.REFUSED:
        note("there are warnings, and --strict lets them fail it")
    if judged.outcome is Outcome.REFUSED or (strict and warned):
        raise PolicyError
    if judged.outcome is Outcome.WAITS:
        raise HumanNeededError


def judged_of(
    proposal: Proposal, who: Callable[[Policies], Asked], root: Path, base: str, *, pool: Path | None, offline: bool, connections: int,
    jobs: int | None, quiet: bool,
) -> Judged:  # fmt: skip
    """Judge a proposal; `who` says by the policies of its base who asks for it, `base` is the revision that history is read from."""
    with options.problems_shown(proposal.base, "text"):
        change = read_change(proposal, base_settings(proposal.base))
    asking = who(change.before.policies)
    with (
        options.fetching(root, change.configuration, pool=pool, connections=connections, quiet=quiet, offline=offline) as fetcher,
        github.open_feed(progress(quiet=quiet)) as feed,
        wiring.open_workers(jobs) as workers,
    ):
        bytes_of = replace(fetcher, kept=kept_in(proposal.merged))
        return judge(
            change, asking, bytes_of, wiring.resolver, wiring.attestations(), feed, shipped.templates, workers,
            replayed=_replayed(root, base, change, bytes_of.pool),
        )  # fmt: skip


def _replayed(root: Path, base: str, change: Change, pool: Pool) -> tuple[str, ...]:
    """Return what new policies would have decided otherwise of the last merges, where the change has any."""
    if change.after.policies == change.before.policies:
        return ()
    history = wiring.open_history(root, base)
    known = partial(evidence_at_hand, pool=pool, attestations=wiring.attestations())
    found = replay(history.merges(most=_REPLAYED), change.after.policies, known, against=change.before.policies)
    return tuple(str(flip) for flip in found.flips)


def _again(question: Question, judged: Judged, *, offline: bool) -> str:
    """Return the command that judges the same once more, with whatever was said of the change."""
    words = ["index-builder check", f"--base {judged.base[:12]}", f"--head {judged.head[:12]}" if judged.head else "--worktree"]
    words += [f"--facts {question.facts.name}"] if question.facts else []
    words += [f"--actor {shlex.quote(question.actor)}"] if question.actor else []
    words += [f"--approved-by {shlex.quote(name)}" for name in question.approved_by]
    return " ".join(words + ["--offline"] * offline)


def _print(judged: Judged, tree: SourceTree, output_format: str, again: str) -> None:
    problems = [finding.problem for finding in judged.findings]
    if output_format == "json":
        click.echo(json.dumps(report.to_json(judged), indent=2))
    elif output_format == "markdown":
        click.echo(report.markdown(judged, again), nl=False)
    else:
        options.show_problems(problems, tree, output_format)
    if output_format == "text":
        click.echo(report.text(judged))
    elif output_format == "github":
        click.echo(report.github(judged))


def _asked(question: Question, policies: Policies, proposal: GitProposal) -> Asked:
    """Return who asks and who is for it: what the facts say, then what the command line says. Raises UsageError."""
    facts = _facts(question.facts) if question.facts else Proposed()
    if facts.head and facts.head != proposal.head:
        msg = f"the facts are of the commit {facts.head[:12]}, and {proposal.head[:12] or 'the working tree'} is judged"
        raise UsageError(msg, fix="fetch them anew: an approval of another commit does not count")
    found = asked(facts, proposal.commits(), policies, wiring.SystemClock().now())
    if question.actor is not None:
        found = replace(found, actor=rights.person(question.actor, policies), shown=_called(question.actor, policies))
    elif question.facts is None:
        note("nobody is said to propose it, so it is judged as anybody's; --actor says who does")
    approving = {rights.principal(name, policies) for name in question.approved_by}
    groups = sorted(name for name in approving if name in policies.groups)
    if groups or None in approving:
        msg = f"{groups[0] if groups else 'anyone'} is not a person, and people approve"
        raise UsageError(msg, fix=f"name one of {', '.join(sorted(policies.people_in(groups[0])))}" if groups else "name a person")
    given = frozenset(name for name in approving if name is not None)
    if found.actor in given:
        note(f"{found.actor} proposes it, and nobody approves what they propose")
    return replace(found, approved_by=(found.approved_by | given) - {found.actor or Word("anyone")})


def _called(name: str, policies: Policies) -> str:
    """Return what to call who proposes a change; whoever it may have been meant for is named. Raises UsageError for a group."""
    if not name or name in policies.groups:
        fix = f"name one of {', '.join(sorted(policies.people_in(Word(name))))}" if name else "name a person or GitHub login"
        raise UsageError(f"'{name}' is nobody who could propose a change", fix=fix)
    if rights.person(name, policies):
        return name
    near = get_close_matches(name.casefold(), sorted(policies.people), n=1)
    if near:
        note(f"no policy names {name}; did you mean {near[0]}?")
    return f"{name}, whom no policy names"


def _facts(path: Path) -> Proposed:
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise SourceError(msg, fix="name a facts file, as `index-builder schema facts` describes it") from error
    facts, problems = read_facts(path.as_posix(), content)
    if problems:
        lines = content.decode("utf-8", "replace").splitlines()
        options.print_problems(problems, lambda place: lines[place.line - 1] if 0 < place.line <= len(lines) else None, "text")
        raise ProblemsFoundError(problems)
    return facts
