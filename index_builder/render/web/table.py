"""Rows of a project's table of files, without a template: an index has ten rows a project, and a template takes ten times as long."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import escape

from index_builder.model.snapshot import ListedFile
from index_builder.render.web.house import human

_WHEEL_TAGS: Final = 3
_SPECIAL: Final = re.compile(r"""[&<>"']""")


def escaped(text: str) -> str:
    """Return a text as HTML has it. Most have nothing to escape, and to see that is much faster than to do it."""
    return str(escape(text)) if _SPECIAL.search(text) else text


def row_of(file: ListedFile, origin: str, *, of_release: bool) -> str:
    """Return a row as HTML; `of_release` says that all files of its release are yanked, so that this one need not say it."""
    name, url = escaped(file.filename), escaped(file.url)
    kind, python, platform = tags_of(file.filename)
    yanked = ""
    if file.yanked is not None and not of_release:
        yanked = f' <span class="tag yanked">yanked</span> {escaped(file.yanked)}'
    return (
        f'<tr>\n<th scope="row"><a href="{url}" rel="nofollow">{name}</a>{yanked}\n'
        f'<span class="under">{_under(file, url, origin)}</span></th>\n'
        f"<td>{kind}</td><td>{escaped(python or file.requires_python)}</td><td>{escaped(platform)}</td>"
        f'<td class="number">{human(file.size)}</td><td>{escaped(file.uploaded[:10])}</td>\n'
        f'<td class="digest">{_digest(file, name)}</td>\n</tr>\n'
    )


def tags_of(filename: str) -> tuple[str, str, str]:
    """Return what kind of file it is, for which Python, and for which platform."""
    if filename.endswith(".whl"):
        python, abi, platform = filename.removesuffix(".whl").rsplit("-", _WHEEL_TAGS)[-_WHEEL_TAGS:]
        made_for = python if abi in ("none", python) else f"{python} {abi}"
        return "wheel", made_for.replace(".", ", "), platform.replace(".", ", ")
    return ("egg" if filename.endswith(".egg") else "source"), "", ""


def _under(file: ListedFile, url: str, origin: str) -> str:
    parts = []
    if origin.startswith("https://"):
        host = escaped(origin[8:].partition("/")[0])
        parts.append(f'from <a href="{escaped(origin)}" rel="nofollow noopener noreferrer">{host}</a>')
    elif origin:
        parts.append(f"from {escaped(origin)}")
    if file.uploaded_by:
        parts.append(f"by {escaped(file.uploaded_by)}")
    if file.metadata:
        parts.append(f'<a href="{url}.metadata">core metadata</a>')
    if file.provenance:
        parts.append(f'<a href="{escaped(file.provenance)}">provenance</a>')
    return " · ".join(parts)


def _digest(file: ListedFile, name: str) -> str:
    digest = escaped(file.digest.removeprefix("sha256="))
    if not digest:
        return ""
    return (
        f"<details><summary><code>{digest[:10]}…</code></summary><code>{digest}</code></details>"
        f'<button type="button" class="copy" data-copy="{digest}" aria-label="Copy the SHA-256 of {name}" hidden>Copy</button>'
    )
