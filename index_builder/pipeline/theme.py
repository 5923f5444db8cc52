"""What an index repository has in `templates/theme/`: what overrides blocks of the built-in pages for people, a style sheet, a logo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.source import ORDINARY, THEME, SourceEntry
from index_builder.ports.trees import SourceTree

FOLDER: Final = THEME.removesuffix("/")
_ASSETS: Final = {f"{THEME}{name}": f"web/assets/{name}" for name in ("theme.css", "logo.svg")}
_LARGEST: Final = 256 * 1024


def themed(tree: SourceTree, built_in: Mapping[str, str]) -> dict[str, str]:
    """Return the templates with those of the repository. Raises ProblemsFoundError, SourceError."""
    from index_builder.render.web.house import broken  # noqa: PLC0415 - jinja2 is slow to import, and few indexes have a theme

    found: dict[str, str] = {}
    problems: list[Problem] = []
    for entry in sorted(tree.entries(FOLDER), key=lambda entry: entry.path):
        name = _ASSETS.get(entry.path) or entry.path
        page = f"web/{entry.path.removeprefix(THEME)}"
        if entry.path == f"{THEME}README.md":
            continue
        if name == entry.path and (not page.endswith(".html") or page not in built_in):
            pages = ", ".join(sorted(n.removeprefix("web/") for n in built_in if n.startswith("web/") and n.endswith(".html")))
            problems.append(
                _problem(entry.path, "it is none of the files that a theme has", f"it has theme.css, logo.svg, and of: {pages}")
            )
            continue
        text = _read(tree, entry, problems)
        problems += _wrong(entry.path, page, broken(text, page) if name == entry.path else None)
        found[name] = text
    if problems:
        raise ProblemsFoundError(problems)
    return {**built_in, **found}


def theme_problems(tree: SourceTree, built_in: Callable[[], Mapping[str, str]]) -> tuple[Problem, ...]:
    """Return what is wrong with the theme of a tree that may have one. Raises SourceError."""
    try:
        if any(True for _ in tree.entries(FOLDER)):
            themed(tree, built_in())
    except ProblemsFoundError as error:
        return error.problems
    return ()


def _read(tree: SourceTree, entry: SourceEntry, problems: list[Problem]) -> str:
    if entry.mode != ORDINARY:
        problems.append(_problem(entry.path, "it is no ordinary file", "put an ordinary file in its place"))
        return ""
    content = tree.read(entry)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        problems.append(_problem(entry.path, "it is not UTF-8", "save it as UTF-8"))
        return ""
    if len(content) > _LARGEST:
        problems.append(_problem(entry.path, f"it has more than {_LARGEST:,} bytes", "every page would load it: make it smaller"))
    return text


def _wrong(path: str, page: str, found: tuple[int, str] | None) -> Iterator[Problem]:
    if found:
        line, message = found
        yield _problem(path, message, f'begin with {{% extends "{page}" %}}, and override its blocks', line)


def _problem(path: str, message: str, fix: str, line: int = 1) -> Problem:
    return Problem(rule="theme", message=message, place=Place(path=path, line=line), fix=fix)
