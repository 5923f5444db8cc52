"""`build` with a package list: dumb-pypi's options, and what they do."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import click

from index_builder import wiring
from index_builder.cli import formats, options
from index_builder.cli.console import count, progress, stderr
from index_builder.errors import UsageError
from index_builder.model.names import Word
from index_builder.model.problem import Problem, ProblemsFoundError
from index_builder.render.legacy import ReleaseJson
from index_builder.render.simple import Logo
from index_builder.wiring import shipped, sites

if TYPE_CHECKING:
    from index_builder.render.web.house import House

#: So many lines are shown of a list that is not as it should be: the rest is most often the same.
MOST_SHOWN = 20
FILE = click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
_OPTIONS = (
    click.option("--package-list", type=FILE, metavar="FILE", help="Build from file names, one a line; - is standard input."),
    click.option("--package-list-json", type=FILE, metavar="FILE", help="Build from JSON objects, one a line, with dumb-pypi's keys."),
    click.option("--previous-package-list", type=FILE, metavar="FILE", help="The list of the last build: only what differs is built."),
    click.option("--previous-package-list-json", type=FILE, metavar="FILE", help="The same, as JSON objects."),
    click.option("--packages-url", metavar="URL", help="Where the files of a list are: absolute, or relative to a project's page."),
    click.option("--output-dir", metavar="DIR", help="Where to build a list's tree."),
    click.option("--title", metavar="TEXT", default="My Private PyPI", callback=options.plain_line, help="The title of a list's index."),
    click.option("--logo", metavar="URL", default="", callback=options.plain_line, help="A picture above it."),
    click.option("--logo-width", type=click.IntRange(0, 10_000), metavar="PIXELS", default=0, help="The width of the picture."),
    click.option("--no-per-release-json", is_flag=True, help="The same as --release-json none."),
    click.option("--no-simple-json", is_flag=True, help="Write project details in HTML only, as dumb-pypi does."),
    click.option("--no-generate-timestamp", is_flag=True, help="Pages never have a timestamp; for dumb-pypi's sake."),
    click.option("--keep-going", is_flag=True, help="Pass over bad lines of a list, build the rest, and exit with 1."),
)  # fmt: skip


def list_options(command: options.Command) -> options.Command:
    """Add the options of package lists."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command
@list_options
def _only_list_options(**_given: Any) -> None: ...


#: What only a list has: with a repository it means nothing.
NAMES = frozenset(str(parameter.name) for parameter in _only_list_options.params)


def build_from_list(
    given: dict[str, Any], *, release_json: ReleaseJson, full: bool, no_web: bool, dry_run: bool, jobs: int | None, executor: str,
    quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Build what the options of a package list ask for."""
    from index_builder.packagelists.group import PackageList  # noqa: PLC0415 - most builds are of a repository
    from index_builder.pipeline.packagelist import ListOrder, build_list  # noqa: PLC0415 - as above
    from index_builder.pipeline.pages import Layout  # noqa: PLC0415 - as above

    path, is_json = _chosen(given, "package_list")
    before, before_is_json = _chosen(given, "previous_package_list")
    if str(path) == str(before) == "-":
        raise UsageError("the list and the previous one cannot both be standard input", fix="keep a copy of each list for the next build")
    if not given["output_dir"]:
        raise UsageError("--output-dir is missing", fix="say where to build: --output-dir DIR")
    if before is not None and before_is_json != is_json:
        raise UsageError("the list and the previous one must both be file names, or both JSON objects")
    output = Path(given["output_dir"])
    with ExitStack() as stack:
        stream = stack.enter_context(opened(path))
        previous = PackageList(stream=stack.enter_context(opened(before)), is_json=is_json) if before else None
        site = stack.enter_context(sites.open_list_site(output, dry_run=dry_run))
        templates = tuple(sorted(shipped.templates().items()))
        order = ListOrder(
            packages_url=_url(given["packages_url"]),
            title=given["title"],
            logo=Logo(given["logo"], given["logo_width"]),
            layout=Layout(
                templates,
                ReleaseJson.NONE if given["no_per_release_json"] else release_json,
                simple_json=not given["no_simple_json"],
                house=None if no_web else _house(given["title"], templates),
            ),
            builder=shipped.builder(),
            full=full,
            keep_going=given["keep_going"],
            executor=stack.enter_context(wiring.open_workers(jobs, executor)),
        )
        try:
            built = build_list(str(path), PackageList(stream=stream, is_json=is_json), previous, site, order, progress(quiet=quiet))
        except ProblemsFoundError as error:
            show_problems(error.problems, stream, output_format, most=MOST_SHOWN)
            raise
        report, problems = built.report, built.problems
        if problems:
            show_problems(problems, stream, "text" if output_format == "json" else output_format, most=None)
    if output_format == "json":
        changes = report.changes
        click.echo(json.dumps({
            "output": str(output), "dry_run": dry_run, "projects": report.projects, "files": report.files,
            "built": report.built, "written": list(changes.written), "deleted": list(changes.deleted), "unchanged": changes.unchanged,
            "problems": formats.to_json(problems),
        }, indent=2))  # fmt: skip
    elif not quiet:
        options.show_changes(report, output, dry_run=dry_run)
    if problems:
        stderr().print(f"{count(len(problems), 'line')} passed over")
        raise ProblemsFoundError(problems)


def _house(title: str, templates: tuple[tuple[str, str], ...]) -> House:
    """Return what pages for people are made with; where they will be, a list does not say."""
    from index_builder.clientconfig.tools import shown  # noqa: PLC0415 - as above
    from index_builder.render.web.house import UNKNOWN, House  # noqa: PLC0415 - as above

    return House(title, templates, ways=shown(UNKNOWN, Word("index"), is_open=True), of_list=True)


def _chosen(given: dict[str, Any], name: str) -> tuple[Path | None, bool]:
    plain, as_json = given[name], given[f"{name}_json"]
    if plain is not None and as_json is not None:
        option = name.replace("_", "-")
        raise UsageError(f"--{option} and --{option}-json contradict each other", fix="leave one of them out")
    return (plain, False) if plain is not None else (as_json, True)


def _url(url: str | None) -> str:
    if not url:
        raise UsageError("--packages-url is missing", fix="say where the files are: --packages-url ../../packages/, or an https:// URL")
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise UsageError(f"{url!r} is no URL: {error}") from error
    if scheme not in ("", "https", "http", "file") or any(c in url for c in "#?\"'<> \\") or not url.isprintable():
        raise UsageError(
            f"{url!r} is no URL that files can be under", fix="write an absolute or relative URL, as --packages-url ../../packages/"
        )
    return url.rstrip("/") + "/"


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """Yield a list's bytes, which are read more than once: those of a pipe are kept in a file meanwhile."""
    with ExitStack() as stack:
        stream = sys.stdin.buffer if str(path) == "-" else stack.enter_context(Path(str(path)).open("rb"))
        if stream is not sys.stdin.buffer and stream.seekable():
            yield stream
            return
        kept = stack.enter_context(tempfile.TemporaryFile())
        shutil.copyfileobj(stream, kept)
        yield kept


def show_problems(problems: Sequence[Problem], stream: BinaryIO, output_format: str, *, most: int | None) -> None:
    """Print what is wrong with a list, in text with its lines; of many problems the first `most`."""
    shown = problems[:most]
    left = {problem.place.line for problem in shown} if output_format == "text" else set()
    lines: dict[int, str] = {}
    stream.seek(0)
    for number, line in enumerate(stream, 1):
        if not left:
            break
        if number in left:
            left.remove(number)
            lines[number] = line[:300].decode("utf-8", "replace").rstrip()
    options.print_problems(shown, lambda place: lines.get(place.line), output_format)
    if len(shown) < len(problems):
        stderr().print(f"… and {count(len(problems) - len(shown), 'more line', 'more lines')}; --keep-going lists all")
