"""`pull`: which pull requests are to be judged, the judgement of one, and what follows from it. The workflows' own verb."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import note, progress, stderr
from index_builder.errors import HumanNeededError, IndexBuilderError, InterruptedRunError, PolicyError, SourceError, UsageError
from index_builder.judge.verdict import Outcome
from index_builder.model.plain import plain
from index_builder.model.pull import Pull
from index_builder.model.review import Proposed
from index_builder.pipeline.pulls.act import Desk, Done, Verdict, Workflows, said_of
from index_builder.pipeline.pulls.which import asked_by
from index_builder.pipeline.reading import configuration_of
from index_builder.wiring import github

if TYPE_CHECKING:
    from index_builder.judge.verdict import Judged

# ruff: noqa: PLC0415 - each of the three steps runs on a machine of its own, and only one of them judges.

#: No event of GitHub's is larger.
_LARGEST: Final = 32 * 1024 * 1024


@click.group("pull")
def command() -> None:
    """Judge pull requests on GitHub, and do what follows.

    The three steps of the workflow judge.yml, each with the rights that it needs and no more. They read GITHUB_REPOSITORY and
    GITHUB_TOKEN from the environment, and GITHUB_API_URL where GitHub is a server of your own.

    \b
    Examples:
      index-builder pull judge 12
      index-builder pull act verdict.json --number 12
    """


@command.command("which")
@options.repo
@options.output_format
def which(repo: Path, output_format: str) -> None:
    """Say which pull requests the event that started this workflow is about.

    Reads GITHUB_EVENT_NAME and GITHUB_EVENT_PATH, and appends `numbers` and `project` to GITHUB_OUTPUT. A commit that was never
    judged gets the status that it is being judged, and a comment that commands something an answer.
    """
    from index_builder.pipeline.judge.reading import base_settings

    root = wiring.find_root(repo)
    tree = wiring.open_tree(root, "HEAD", worktree=False)
    with options.problems_shown(tree, "text"):
        policies = base_settings(tree).policies
    with github.open_repository(progress(quiet=False)) as repository:
        found = asked_by(os.environ.get("GITHUB_EVENT_NAME", ""), _event(), repository, policies, wiring.SystemClock().now())
        if found.comment is not None:
            repository.react(found.comment, agreed=not found.refused)
        for number in found.numbers:
            repository.begin(repository.pull(number).head)
    if found.refused:
        note(plain(found.refused))
    if output := os.environ.get("GITHUB_OUTPUT"):
        with Path(output).open("a", encoding="utf-8") as stream:
            stream.write(f"numbers={json.dumps(list(found.numbers))}\nproject={found.project or ''}\n")
    if output_format == "json":
        click.echo(json.dumps({"numbers": list(found.numbers), "project": found.project, "refused": found.refused or None}))
    else:
        click.echo(" ".join(f"#{number}" for number in found.numbers) or found.project or "nothing")


def _event() -> Mapping[str, Any]:
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        msg = "GITHUB_EVENT_PATH is not set: this is a step of a workflow"
        raise UsageError(msg, fix="on your own machine, judge one by its number: index-builder pull judge 12")
    try:
        with Path(path).open("rb") as stream:
            value = json.loads(stream.read(_LARGEST))
    except (OSError, ValueError) as error:
        msg = f"{path} is no event of GitHub's: {error}"
        raise SourceError(msg) from error
    return value if isinstance(value, dict) else {}


@command.command("judge")
@click.argument("number", type=click.IntRange(1))
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the verdict here, and exit with 0.")
@options.repo
@options.pool
@options.connections
@options.jobs
@options.quiet
@options.output_format
def judge_(
    number: int, output: Path | None, repo: Path, pool: Path | None, connections: int, jobs: int | None, quiet: bool, output_format: str
) -> None:
    """Judge an open pull request by the policies of its base, as `check --base` does.

    The change is fetched as git objects, and read; nothing of it is run. Who proposes it and who approved which commit comes
    from GitHub. Exit codes are those of `check --base`, unless the verdict is written to a file.
    """
    from index_builder.cli import judge, report
    from index_builder.judge.asked import asked

    root = wiring.find_root(repo)
    with github.open_repository(progress(quiet=quiet)) as repository:
        pull = repository.pull(number)
        tip = repository.tip(pull.base)
    again = f"index-builder pull judge {number}"
    try:
        github.fetch_pull(root, pull.base, number)
        base = wiring.open_tree(root, github.BASE, worktree=False).revision
        proposal = wiring.open_proposal(root, base, github.HEAD)
        if proposal.head != pull.head:
            msg = f"#{number} was pushed to while it was fetched"
            raise SourceError(msg, fix="judge it again")
        judged = judge.judged_of(
            proposal, lambda policies: asked(_proposed(pull), proposal.commits(), policies, wiring.SystemClock().now()), root, base,
            pool=pool, offline=False, connections=connections, jobs=jobs, quiet=quiet,
        )  # fmt: skip
    except IndexBuilderError as error:
        if output is None or isinstance(error, InterruptedRunError):
            raise
        # Whoever proposed it would else hear nothing.
        _write(output, _unjudged(pull, tip, error, again))
        note(f"{plain(error.message)}; the verdict says so")
        return
    if output is not None:
        _write(output, _value(pull, judged, again))
    if output_format == "json":
        click.echo(json.dumps(report.to_json(judged), indent=2))
    else:
        options.show_problems([finding.problem for finding in judged.findings], proposal.merged, "text")
        click.echo(report.text(judged))
    if output is None and judged.outcome is Outcome.REFUSED:
        raise PolicyError
    if output is None and judged.outcome is Outcome.WAITS:
        raise HumanNeededError


def _proposed(pull: Pull) -> Proposed:
    return Proposed(author=pull.author, head=pull.head, opened=pull.opened, reviews=pull.reviews)


def _value(pull: Pull, judged: Judged, again: str) -> dict[str, object]:
    from index_builder.cli import report
    from index_builder.judge.explain import verdict_line

    lines = ["", "Try it, over what is live, on your own machine:", "", "```", *_preview(pull.number, judged), "```", ""]
    lines += ["With `--artifact`, the first serves what the workflow of this pull request has built, and builds nothing.", ""]
    told = report.markdown(judged, again) + "\n".join(lines)
    return {
        **_of(pull), "head": judged.head, "base": judged.base, "verdict": judged.outcome.word,
        "merges_by_itself": judged.merges_by_itself, "says": verdict_line(judged), "report": told,
    }  # fmt: skip


def _preview(number: int, judged: Judged) -> list[str]:
    """Return the lines that serve a change on loopback, and install what it brings from there and nowhere else."""
    from index_builder.cli.preview import PORT

    url = f"http://127.0.0.1:{PORT}/simple/"
    name = next((ruling.project for ruling in judged.rulings if ruling.project), "PROJECT")
    return [
        f"index-builder preview --pr {number}",
        f"pip install --isolated --index-url {url} {name}",
        f"uv pip install --no-config --index-url {url} {name}",
    ]


def _unjudged(pull: Pull, tip: str, error: IndexBuilderError, again: str) -> dict[str, object]:
    """Return the verdict of what could not be judged: it is refused for now, and said why."""
    from index_builder.judge.markdown import code, escaped

    says = "could not be judged"
    told = f"## ❌ {says}\n\n{escaped(error.message)}\n" + (f"\nfix: {escaped(error.fix)}\n" if error.fix else "")
    report = f"{told}\n<sub>It is judged again within the hour, or by the comment `/recheck`; on your machine: {code(again)}</sub>\n"
    return {
        **_of(pull), "head": pull.head, "base": tip, "verdict": Outcome.REFUSED.word, "merges_by_itself": False, "says": says,
        "report": report,
    }  # fmt: skip


def _of(pull: Pull) -> dict[str, object]:
    return {"schema": 1, "number": pull.number, "branch": pull.base, "reviews": said_of(pull)}


def _write(output: Path, value: dict[str, object]) -> None:
    try:
        output.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise SourceError(msg, fix="name another file") from error


@command.command("act")
@click.argument("verdict", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--number", type=click.IntRange(1), metavar="N", required=True, help="The pull request that the verdict must be of.")
@options.repo
@options.quiet
@options.output_format
def act_(verdict: Path, number: int, repo: Path, quiet: bool, output_format: str) -> None:
    """Say a verdict: one comment, one status; and merge where the policies want no person for it.

    A commit that was not judged gets neither: it is judged again. A merge is pinned to the commit, and publishing is started.
    """
    found = _verdict(verdict)
    if found.number != number:
        msg = f"{verdict} is of #{found.number}, and #{number} was judged"
        raise SourceError(msg, fix="give each its own")
    tree = wiring.open_tree(wiring.find_root(repo), "HEAD", worktree=False)
    with options.problems_shown(tree, "text"):
        previews = configuration_of(tree).previews
    with github.open_repository(progress(quiet=quiet)) as repository:
        desk = Desk(pulls=repository, maintainer=repository, dispatcher=repository, workflows=Workflows(), previews=previews)
        done = desk.act(found)
    if output_format == "json":
        click.echo(json.dumps({"number": number, "done": done.name.lower(), "says": found.says}))
    elif not quiet:
        told = f"{found.says}" if done is Done.SAID else done.value
        stderr().print(f"#{number}: {plain(told)}", markup=False, highlight=False)


def _verdict(path: Path) -> Verdict:
    try:
        value = json.loads(path.read_bytes())
        outcome = next(outcome for outcome in Outcome if outcome.word == value["verdict"])
        return Verdict(
            number=int(value["number"]), head=str(value["head"]), base=str(value["base"]), branch=str(value["branch"]),
            reviews=str(value["reviews"]), outcome=outcome, merges=value["merges_by_itself"] is True, says=str(value["says"]),
            report=str(value["report"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        msg = f"{path} is no verdict"
        raise SourceError(msg, fix="make one with: index-builder pull judge NUMBER --output FILE") from error
