"""`client-config`: the settings of an installer that uses the index."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from index_builder.cli import options
from index_builder.cli.console import escape, note, stderr
from index_builder.cli.settings import settings_of
from index_builder.clientconfig import ini
from index_builder.clientconfig.tools import TOOLS, UV_TOML, Edit, explained
from index_builder.clientconfig.wanted import Edited, Wanted
from index_builder.errors import HumanNeededError, UsageError
from index_builder.model.address import Address
from index_builder.policy.readers import readers_of
from index_builder.wiring import configuring

#: Hosts that type files by their extension, and so have no JSON for installers.
_HTML_ONLY: Final = frozenset({"pages-artifact", "pages-branch"})


@click.command("client-config")
@click.argument("tool", type=click.Choice(list(TOOLS)))
@click.option("--audience", metavar="NAME", help="Whose index, where there are several audiences.")
@click.option("--cooldown", type=click.IntRange(0, 999), default=0, metavar="DAYS", help="Leave out what was uploaded in the last days.")
@click.option("--write", is_flag=True, help="Write it into the file that the installer reads, keeping what is there.")
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="That file, where it is another one.")
@options.reading_options
@options.dry_run
@options.output_format
def command(
    tool: str, audience: str | None, cooldown: int, write: bool, path: Path | None, repo: Path, commit: str, worktree: bool, dry_run: bool,
    output_format: str,
) -> None:  # fmt: skip
    """Print the settings with which an installer uses this index, and no other; or write them.

    With --write, only the keys that must change do: comments, order and all else stay. Where the file names another index too,
    the exit code is 10: an installer would take packages from there without a word.

    \b
    Examples:
      index-builder client-config pip --audience internal
      index-builder client-config uv --audience internal --cooldown 7 --write
    """
    wanted = _wanted(repo, commit, audience, cooldown, worktree=worktree)
    if cooldown and TOOLS[tool].needs_json and not wanted.has_json:
        msg = f"{tool} refuses every file of a host that serves HTML alone, once it is to wait for {cooldown} days"
        raise UsageError(msg, fix="leave --cooldown out, use uv, or publish where JSON is served: docs/how-to/serve-private.md")
    if path is not None and not write:
        msg = "--file is for --write"
        raise click.UsageError(msg)
    if write:
        _write(tool, wanted, path, output_format, dry_run=dry_run)
        return
    texts = {name: edit("", wanted).text for name, edit in TOOLS[tool].files.items()}
    if output_format == "json":
        click.echo(
            json.dumps({"index": wanted.url, "open": wanted.is_open, "files": texts, "notes": list(explained(tool, wanted))}, indent=2)
        )
        return
    for other in _elsewhere(tool, wanted, None):
        _warn(tool, other)
    for line in explained(tool, wanted):
        click.echo(f"# {line}")
    for name, text in texts.items():
        if text.strip():
            click.echo(f"\n# {name}\n{text.strip()}")


def _wanted(repo: Path, commit: str, audience: str | None, cooldown: int, *, worktree: bool) -> Wanted:
    _, configuration, policies = settings_of(repo, commit, worktree=worktree)
    chosen = options.chosen_audience(audience, configuration)
    if not chosen.url:
        msg = f"the audience '{chosen.name}' has no `url:`, so nobody knows where its index is"
        raise UsageError(msg, fix="say where it is published: `url: https://packages.example.org/`, under it in index.yaml")
    kinds = {target.kind for target in configuration.publish if target.audience == chosen.name}
    try:
        return Wanted(
            audience=chosen.name, address=Address.of(chosen.url), is_open=readers_of(policies, chosen.name).is_open,
            days=cooldown, has_json=not kinds or bool(kinds - _HTML_ONLY),
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(str(error), fix="write the `url:` in index.yaml otherwise") from error


def _write(tool: str, wanted: Wanted, path: Path | None, output_format: str, *, dry_run: bool) -> None:
    done: dict[Path, Edited] = {}
    for place, edit in _places(tool, path).items():
        before = configuring.read_text(place) or ""
        edited = edit(before, wanted)
        if (edited.text.strip() and edited.text != before) or edited.others:
            done[place] = edited
        if edited.text.strip() and edited.text != before and not dry_run:
            configuring.write_text(place, edited.text, is_secret=False)
    others = [f"{place}: {other}" for place, edited in done.items() for other in edited.others]
    others += _elsewhere(tool, wanted, next(iter(_places(tool, path))))
    if output_format == "json":
        files = {str(place): {"text": edited.text, "others": list(edited.others)} for place, edited in done.items()}
        click.echo(json.dumps({"dry_run": dry_run, "index": wanted.url, "files": files, "others": others}, indent=2))
    else:
        _tell(tool, wanted, done, others, dry_run=dry_run)
    if others:
        raise HumanNeededError


def _tell(tool: str, wanted: Wanted, done: Mapping[Path, Edited], others: Sequence[str], *, dry_run: bool) -> None:
    for place in done:
        stderr().print(f"[bold]{escape(str(place))}[/] {'would use' if dry_run else 'uses'} {wanted.url}")
    for other in others:
        _warn(tool, other)
    if not done:
        stderr().print(f"nothing has changed: {tool} uses {wanted.url}")
    for line in explained(tool, wanted):
        click.echo(f"# {line}")


def _warn(tool: str, other: str) -> None:
    note(f"another index is named too, by {other}; {tool} takes packages from there without a word: delete it")


def _elsewhere(tool: str, wanted: Wanted, place: Path | None) -> list[str]:
    """Return what names another index besides `place`, the file that names this one: the environment, and pip's other files."""
    found = [f"{name} of the environment" for name in TOOLS[tool].variables if os.environ.get(name, wanted.url).strip() != wanted.url]
    files = _read_by_pip() if TOOLS[tool].reads_pip else []
    for number, path in enumerate(files):
        if path != place:
            overrides = place in files[:number]
            found += [f"{path}: {other}" for other in ini.elsewhere(configuring.read_text(path) or "", wanted.url, overrides=overrides)]
    return found


def _read_by_pip() -> list[Path]:
    """Return the files that pip reads, each over those before it: of the machine, of its user, of the environment."""
    own = os.environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    shared = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    files = [*(Path(folder) / "pip" / "pip.conf" for folder in shared), Path("/etc/pip.conf")]
    if not (own and Path(own).exists()):
        files += [Path.home() / ".pip" / "pip.conf", _user_conf()]
    if environment := os.environ.get("VIRTUAL_ENV"):
        files.append(Path(environment) / "pip.conf")
    return [*files, Path(own)] if own else files


def _places(tool: str, path: Path | None) -> dict[Path, Edit]:
    """Return which file gets which settings; pip has its own file, and a virtual environment may have one."""
    files = TOOLS[tool].files
    if tool == "uv" and (path or Path("uv.toml")).name == "uv.toml" and (path or Path("uv.toml").exists()):
        return {path or Path("uv.toml"): UV_TOML}
    if tool == "pip" and path is None:
        return {_pip_conf(): files["pip.conf"]}
    first, *rest = files.items()
    return {path or Path(first[0]): first[1], **{(path.parent if path else Path()) / name: edit for name, edit in rest}}


def _pip_conf() -> Path:
    if environment := os.environ.get("VIRTUAL_ENV"):
        return Path(environment) / "pip.conf"
    return _user_conf()


def _user_conf() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "pip" / "pip.conf"
