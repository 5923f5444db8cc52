"""`doctor`: whether the repository on GitHub is set up as the index needs it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, progress, stderr
from index_builder.errors import AnsweredError
from index_builder.pipeline.doctor import Finding, Health, examine
from index_builder.pipeline.judge.reading import base_settings
from index_builder.wiring import github

_MARKS = {Health.GOOD: "[green]✓[/]", Health.BAD: "[bold red]✗[/]", Health.UNKNOWN: "[yellow]?[/]"}


@click.command("doctor")
@options.repo
@options.commit
@options.quiet
@options.output_format
def command(repo: Path, commit: str, quiet: bool, output_format: str) -> None:
    """Look at the settings of the repository on GitHub, and say what is missing and where to set it.

    Asks GITHUB_REPOSITORY with GITHUB_TOKEN; what the token may not see is told as unknown: most needs a token of an administrator.
    The exit code is 1 where something is not as it should be.

    \b
    Example:
      GITHUB_REPOSITORY=acme/index GITHUB_TOKEN=$(gh auth token) index-builder doctor
    """
    _, tree = options.source(repo, commit, worktree=False)
    with options.problems_shown(tree, "text"):
        settled = base_settings(tree)
    assert settled.configuration is not None  # noqa: S101 - for the type checker: base_settings has seen to it
    is_signed = any(True for _ in tree.entries("trust"))
    with github.open_settings(progress(quiet=quiet)) as settings:
        found = examine(settings, settled.configuration, settled.policies, wiring.SystemClock().now(), is_signed=is_signed)
        findings = list(found)
    if output_format == "json":
        click.echo(json.dumps({"findings": [_json(finding) for finding in findings]}, indent=2))
    else:
        _say(findings, quiet=quiet)
    if any(finding.health is Health.BAD for finding in findings):
        raise AnsweredError


def _say(findings: list[Finding], *, quiet: bool) -> None:
    console = stderr()
    for finding in findings:
        if quiet and finding.health is not Health.BAD:
            continue
        console.print(f"{_MARKS[finding.health]} {finding.what}", highlight=False)
        if finding.health is not Health.GOOD and finding.why:
            console.print(f"    why: {finding.why}", markup=False, highlight=False)
        if finding.health is Health.BAD:
            console.print(f"    fix: {finding.fix}", markup=False, highlight=False)
    bad = sum(finding.health is Health.BAD for finding in findings)
    unknown = sum(finding.health is Health.UNKNOWN for finding in findings)
    if not quiet:
        hidden = f", {unknown} could not be seen with this token" if unknown else ""
        console.print(f"{count(len(findings), 'setting')}: {f'{bad} to be set' if bad else 'nothing to be set'}{hidden}")


def _json(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "health": finding.health.value, "why": finding.why, "fix": finding.fix}
