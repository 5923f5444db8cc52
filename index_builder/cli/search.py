"""`search`: projects by words, of manifests or of what an index has published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index_builder import wiring
from index_builder.cli import describe, options, urls
from index_builder.cli.console import count, escape, note, stderr, stdout
from index_builder.errors import StorageError, UsageError
from index_builder.model.plain import plain
from index_builder.model.project import Project
from index_builder.ports.pool import Pool
from index_builder.wiring import clients, fetchers

if TYPE_CHECKING:
    from index_builder.client.search import Found
    from index_builder.render.web.card import Card


@click.command("search")
@click.argument("words", nargs=-1, required=True)
@options.reading_options
@click.option("--index", metavar="WHERE", help="Search what an index has published: its URL, or the folder of its tree.")
@click.option("--most", type=click.IntRange(1, 1000), default=20, metavar="N", show_default=True, help="So many of them, with --index.")
@options.output_format
def command(
    words: tuple[str, ...], repo: Path, commit: str, worktree: bool, index: str | None, most: int, output_format: str
) -> None:  # fmt: skip
    """Show the projects that have all the WORDS: in names, owners, hosting, status, reasons or origins of manifests.

    With --index, those of a published index, as its own pages find them: in names, keywords, owners and summaries, the best
    first, and what is called nearly so where nothing is. `name:`, `owner:`, `keyword:` and `summary:` look in one of them;
    for the last two, manifests lead to core metadata in the pool.

    \b
    Examples:
      index-builder search acme owner:team-web
      index-builder search summary:framework
      index-builder search archived
      index-builder search flask summary:cors --index site/public
      index-builder search flsk --index https://acme.github.io/index/
    """
    if index is not None:
        _search_published(words, index, most, output_format)
        return
    listed = options.readable(repo, commit, worktree=worktree)
    said = _Said(fetchers.open_pool(wiring.find_root(repo), listed.configuration))
    wanted = [_matcher(word, said) for word in words]
    found = [p for _, p in sorted(listed.projects.items()) if all(matches(p) for matches in wanted)]
    if said.unknown:
        note(f"the pool has no core metadata of {count(len(said.unknown), 'project')}; `build` fetches that of mirrored and hosted ones")
    if output_format == "json":
        click.echo(json.dumps([describe.summary_json(project) for project in found], indent=2))
    elif found:
        stdout().print(describe.table(found))
    else:
        stderr().print(f"no manifest has {' and '.join(words)}")


class _Said:
    """What the core metadata in the pool says of projects; `unknown` are those of which it has none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.unknown: set[str] = set()

    def of(self, project: Project, field: str) -> str:
        """Return a summary, or keywords, of the newest release that the pool knows; raises StorageError."""
        from index_builder.inspection.metadata import parse_metadata  # noqa: PLC0415 - most searches are of manifests alone

        digests = [file.metadata for release in reversed(project.releases) for file in release.files if file.metadata]
        digest = next((digest for digest in digests if self._pool.size(digest) is not None), None)
        if digest is None:
            self.unknown.add(project.normalized)
            return ""
        with self._pool.open(digest) as stream:
            found = parse_metadata(stream.read()).raw
        return " ".join(found.get("keywords", ())) if field == "keyword" else found.get("summary", "")


def _matcher(word: str, said: _Said) -> Callable[[Project], bool]:
    """Return what says whether a project has a word."""
    field, colon, text = word.partition(":")
    text = text.casefold()
    if colon and field in ("summary", "keyword"):
        return lambda project: text in said.of(project, field).casefold()
    if colon and field == "name":
        return lambda project: text in project.name.casefold() or text in project.normalized
    if colon and field == "owner":
        return lambda project: text in map(str.casefold, project.owners)
    whole = word.casefold()
    return lambda project: whole in _text(project)


def _text(project: Project) -> str:
    marks = [mark.reason for mark in (project.status, *project.removed, *(r.yanked for r in project.releases)) if mark]
    origins = {describe.origin(file) for file in project.files}
    words = [project.name, project.normalized, *project.owners, *project.audiences, project.hosting.value, describe.state(project)]
    return "\n".join([*words, *marks, *origins]).casefold()


def _search_published(words: tuple[str, ...], where: str, most: int, output_format: str) -> None:
    from index_builder.client.search import Search  # noqa: PLC0415 - most searches are of manifests

    with clients.open_published(_place(where), wiring.NoProgress()) as read:
        try:
            search = Search(read)
        except StorageError as error:
            msg = f"{where} has no search: {error.message}"
            raise StorageError(msg, fix="name the tree of an audience that was built without --no-web") from error
        found = search.find(" ".join(words), most)
    if output_format == "json":
        click.echo(json.dumps({"near": found.is_near, "projects": [_json(card) for card in found.cards]}, indent=2))
        return
    _show(found, words)


def _show(found: Found, words: tuple[str, ...]) -> None:
    if not found.cards:
        stderr().print(escape(f"nothing is found by {' '.join(words)}"))
        return
    if found.is_near:
        stderr().print(escape(f"nothing is called {' '.join(words)}; near it:"))
    console = stdout()
    for card in found.cards:
        state = f"  ({card.state})" if card.state != "active" else ""
        name, version, summary = (escape(plain(text)) for text in (card.name, card.version, card.summary))
        console.print(f"[bold]{name}[/] {version}{escape(plain(state))}  {summary}")


def _json(card: Card) -> dict[str, object]:
    return {
        "name": card.name, "normalized": card.normalized, "newest": card.version, "released": card.at, "summary": card.summary,
        "owners": list(card.owners), "status": card.state,
    }  # fmt: skip


def _place(where: str) -> str | Path:
    """Return the folder or URL of a tree; raises UsageError."""
    if "://" in where:
        return urls.http_url(where).rstrip("/").removesuffix("/simple") + "/"
    if not Path(where).is_dir():
        msg = f"--index {where} is no folder"
        raise UsageError(msg, fix="name the folder of one audience's tree, such as site/public, or a URL")
    return Path(where)
