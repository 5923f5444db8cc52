"""`serve`: a built tree over HTTP, to try it."""

from __future__ import annotations

import socket
import warnings
from contextlib import suppress
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import stderr
from index_builder.errors import SourceError, UsageError
from index_builder.model.plain import plain


@click.command("serve")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--audience", metavar="NAME", help="Whose tree, where site/ has several.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one.")
@options.repo
@options.quiet
def command(folder: Path | None, audience: str | None, host: str, port: int, repo: Path, quiet: bool) -> None:
    """Serve a built index on this machine, to try it.

    DIR is one audience's tree [default: the one in site/ of the repository]. The simple API is negotiated as
    installers ask for it; files support ranges and are cached for good, pages are revalidated.

    \b
    Examples:
      index-builder serve
      index-builder serve site/internal --port 8080
    """
    if folder is not None and audience is not None:
        msg = "a folder and --audience contradict each other"
        raise UsageError(msg, fix="leave one of them out")
    tree = folder or _only_tree(wiring.find_root(repo) / "site", audience)
    if not (tree / "simple").is_dir():
        msg = f"{tree} is not a built index: it has no simple/"
        raise SourceError(msg, fix="build it first: index-builder build")
    serve(tree, str(tree), host, port, quiet=quiet)


def serve(tree: Path, called: str, host: str, port: int, *, quiet: bool, inert: bool = False) -> None:
    """Serve a tree until Ctrl-C, and say how to install from it; raises UsageError where the port is not to be had.

    With `inert`, no browser runs anything of it.
    """
    import uvicorn  # noqa: PLC0415 - slow to import, and only who serves needs it

    from index_builder.gateway.inert import Inert  # noqa: PLC0415
    from index_builder.gateway.tree import TreeServer  # noqa: PLC0415

    listener = listening(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    console = stderr()
    log = None if quiet else lambda line: click.echo(plain(line), err=True)
    application = TreeServer(tree).application(log)
    if inert:
        application = Inert(application)
    config = uvicorn.Config(application, log_level="warning", access_log=False, lifespan="off", ws="none")
    # Who presses Ctrl-C before the server has begun wants to hear of no coroutine.
    warnings.filterwarnings("ignore", "coroutine 'Server.serve' was never awaited", RuntimeWarning)
    with suppress(KeyboardInterrupt):
        console.print(f"Serving {called} at {url}/ until Ctrl-C")
        console.print(f"  pip install --index-url {url}/simple/ PROJECT\n  uv pip install --index-url {url}/simple/ PROJECT")
        uvicorn.Server(config).run(sockets=[listener])
    if console.is_terminal:
        console.print()  # the terminal has written ^C, and the prompt is not to stand beside it


def _only_tree(site: Path, audience: str | None) -> Path:
    built = sorted(path.name for path in site.iterdir() if (path / "simple").is_dir()) if site.is_dir() else []
    if audience is None and len(built) != 1:
        msg = f"{site} has {'several audiences' if built else 'no built index'}"
        raise UsageError(msg, fix=f"choose with --audience: {', '.join(built)}" if built else "build it first: index-builder build")
    if audience is not None and audience not in built:
        msg = f"{site} has no audience '{audience}'"
        raise UsageError(msg, fix=f"it has: {', '.join(built) or 'none; build it first'}")
    return site / (audience or built[0])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises UsageError where the port is not to be had."""
    # asyncio turns Nagle's algorithm off only where the socket says that it is TCP; with it, answers on a kept connection take 40 ms.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        msg = f"cannot listen on {host}:{port}: {error.strerror}"
        raise UsageError(msg, fix="choose another with --port, or --port 0 for any free one") from error
    return listener
