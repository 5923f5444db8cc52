"""`proxy`: an installer sees only what was checked."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import click

from index_builder import wiring
from index_builder.cli import rooted, urls
from index_builder.cli.console import count, note, stderr
from index_builder.cli.serve import listening
from index_builder.client.installer import environment_for, leading_past
from index_builder.client.proxy import Proxy, Upstream
from index_builder.errors import RemoteError, TrustError, UsageError
from index_builder.model.plain import plain
from index_builder.wiring import shipped

_HOST: Final = "127.0.0.1"
#: Bytes of a file of requirements: more has none.
_LONGEST: Final = 16 * 1024 * 1024


@click.command("proxy", context_settings={"ignore_unknown_options": True})
@click.option("--index", "where", metavar="URL|DIR", required=True, help="The index, or the folder of one audience's tree.")
@rooted.options
@click.option("--upstream", metavar="URL", help="The simple API to ask for projects that the index has not. It is not checked.")
@click.option(
    "--ours", multiple=True, metavar="PATTERN", help="Never ask upstream for projects named so, such as 'acme-*'; may be repeated."
)
@click.option("--port", default=0, type=click.IntRange(0, 65535), metavar="N", help="The port [default: a free one].")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is refused.")
@click.argument("command_line", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.pass_context
def command(
    context: click.Context, /,
    where: str, root: Path | None, root_fingerprint: str | None, unsafe_trust_on_first_use: bool, cache: Path | None,
    upstream: str | None, ours: tuple[str, ...], port: int, quiet: bool, command_line: tuple[str, ...],
) -> None:  # fmt: skip
    """Run an installer behind a proxy on this machine, which hands on only what was checked; or run the proxy until Ctrl-C.

    COMMAND finds the proxy as its only index, through PIP_INDEX_URL and UV_DEFAULT_INDEX. Where something is not as it was
    signed, it gets 403 with the reason, and this command exits with 4; with 3 where COMMAND failed because the index did not
    answer; otherwise it exits as COMMAND does.

    \b
    Examples:
      index-builder proxy --index https://pypi.example.org/ --root acme-root.json -- uv pip install acme-utils
      index-builder proxy --index https://pypi.example.org/ --root acme-root.json --port 8181
      index-builder proxy --index site/public -- pip install six
    """
    _check_sole(command_line)
    if ours and upstream is None:
        raise UsageError("--ours goes with --upstream", fix="without it, nothing is looked for elsewhere")
    patterns = [_pattern(text) for text in ours]
    other = Upstream(url=urls.https_url(upstream), ours=patterns) if upstream else None
    pinned = rooted.Pinned(root, root_fingerprint, unsafe_trust_on_first_use)
    with rooted.opened(where, pinned, cache, quiet=True) as index:
        proxy = Proxy(index, wiring.SystemClock(), shipped.templates(), upstream=other)
        proxy.refresh()
        with _serving(proxy, port) as url:
            if command_line:
                code = _run(command_line, url, quiet=quiet)
            else:
                _wait(url, where, quiet=quiet)
                code = 0
    _report(proxy, failed=code != 0)
    context.exit(code)


def _report(proxy: Proxy, *, failed: bool) -> None:
    """Say what was not handed on; raises TrustError where that was refused, and RemoteError where the installer failed for want of it."""
    for word, lines in (("refused", proxy.refused), ("missed", proxy.missed)):
        for line in lines:
            stderr().print(f"[bold red]{word}[/]: {plain(line)}", markup=True)
    if proxy.refused:
        msg = f"{count(len(proxy.refused), 'thing was', 'things were')} refused"
        raise TrustError(msg, fix="nothing of it was installed; install no other way until the index's maintainers have explained it")
    if proxy.missed and failed:
        msg = f"the index did not give {count(len(proxy.missed), 'thing')}"
        raise RemoteError(msg, fix="look at the network and try again; what was installed before is as it was signed")


def _check_sole(command_line: Sequence[str]) -> None:
    """Raise UsageError for an option by which the installer would ask another index besides, or instead."""
    past = leading_past(command_line, os.environ, _content)
    if past is not None:
        where = f" in {past.file}" if past.file else ""
        msg = f"{past.option}{where} would lead the installer past the proxy"
        fix = "leave it out: the proxy is the only index, and --upstream of `proxy` adds another one"
        if past.option.startswith("-r "):
            msg, fix = f"{past.option} cannot be looked through for other indexes", "write it to a file first"
        raise UsageError(msg, fix=fix)


def _content(path: Path) -> bytes | None:
    """Return what is in a file of requirements, None where it is no file that can be read twice, or too long; raises OSError."""
    if path.is_dir():
        return b""
    if path.exists() and not path.is_file():
        return None
    with path.open("rb") as stream:
        content = stream.read(_LONGEST + 1)
    return content if len(content) <= _LONGEST else None


def _pattern(text: str) -> str:
    """Return a pattern as normalized names can match it (PEP 503), keeping `*` and `?`; raises UsageError where none can."""
    pattern = re.sub(r"[-_.]+", "-", text).lower()
    if not re.fullmatch(r"(?!-)[a-z0-9*?-]+(?<!-)", pattern):
        msg = f"--ours {text!r} is like no project's name"
        raise UsageError(msg, fix="write names with letters, digits, - and *, such as 'acme-*'")
    return pattern


def _run(command_line: Sequence[str], url: str, *, quiet: bool) -> int:
    """Run an installer with the proxy as its sole index; return its exit code. Raises UsageError."""
    environment, left = environment_for(os.environ, f"{url}/simple/", _HOST, os.devnull)
    if left and not quiet:
        note(f"not handed on, because an index may be in it: {', '.join(left)}")
    try:
        return subprocess.run(command_line, env=environment, check=False).returncode  # noqa: S603 - the user's own command
    except OSError as error:
        msg = f"{command_line[0]} cannot be run: {error.strerror}"
        raise UsageError(msg, fix="write the installer's command after --, as in a terminal") from error


def _wait(url: str, where: str, *, quiet: bool) -> None:
    if not quiet:
        console = stderr()
        console.print(f"Handing on what is checked of {where} at {url}/simple/ until Ctrl-C")
        console.print(f"  pip install --index-url {url}/simple/ PROJECT\n  uv pip install --index-url {url}/simple/ PROJECT")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


@contextmanager
def _serving(proxy: Proxy, port: int) -> Iterator[str]:
    """Serve until the block ends; yields the URL. Raises UsageError where the port is not to be had."""
    from index_builder.gateway.background import running  # noqa: PLC0415 - slow to import, and --help needs none of it

    with listening(_HOST, port) as listener:
        number = listener.getsockname()[1]
        with running(proxy.application([f"{_HOST}:{number}", f"localhost:{number}"]), listener, "proxy"):
            yield f"http://{_HOST}:{number}"
