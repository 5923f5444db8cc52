"""A project's releases and files, without a template: an index has ten files a project, and a template takes ten times as long."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from index_builder.model.snapshot import ListedFile
from index_builder.render.escape import all_escaped, escaped
from index_builder.render.web.house import human

_WHEEL_TAGS: Final = 3


class Release(NamedTuple):
    """A release; `yanked` is the reason where all of its files are, which are `listed`, of `size` bytes in all."""

    version: str
    at: str
    size: int
    listed: int
    yanked: str | None
    is_prerelease: bool

    @property
    def anchor(self) -> str:
        """The id of its section."""
        return "v" + _NO_ANCHOR.sub("_", self.version)


_NO_ANCHOR: Final = re.compile(r"[^A-Za-z0-9.-]")


def section_of(release: Release, rows: str, *, is_open: bool) -> str:
    """Return a release as HTML: its line, and its files where it is opened."""
    version, anchor, day = all_escaped(release.version, release.anchor, release.at)
    marks = ' <span class="tag">pre-release</span>' if release.is_prerelease else ""
    if release.yanked is not None:
        reason = f' <span class="reason">{escaped(release.yanked)}</span>' if release.yanked else ""
        marks += f' <span class="tag yanked">yanked</span>{reason}'
    return (
        f'<details class="release" id="{anchor}"{" open" if is_open else ""}>\n'
        f'<summary><span class="version">{version or "unknown version"}</span> <time datetime="{day}">{day}</time>{marks}'
        f' <span class="dim">{release.listed} file{"" if release.listed == 1 else "s"}, {human(release.size)}</span></summary>\n'
        f'<div class="wide" tabindex="0" role="region" aria-label="Files of {version}">\n<table>\n{_HEAD}<tbody>\n{rows}</tbody>\n'
        "</table>\n</div>\n</details>\n"
    )


_COLUMNS: Final = ("File", "Type", "Python", "Platform", "Size", "Uploaded", "SHA-256")
_HEAD: Final = "<thead><tr>" + "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS) + "</tr></thead>\n"


def row_of(file: ListedFile, origin: str, *, of_release: bool) -> str:
    """Return a file as a row; `of_release` says that all files of its release are yanked, so that this one need not say it."""
    kind, python, platform = tags_of(file.filename)
    name, url, python, platform, day, digest = all_escaped(
        file.filename, file.url, python, platform, file.uploaded[:10], file.digest.removeprefix("sha256=")
    )
    yanked = ""
    if file.yanked is not None and not of_release:
        yanked = f' <span class="tag yanked">yanked</span> {escaped(file.yanked)}'
    return (
        f'<tr>\n<th scope="row"><a href="{url}" rel="nofollow">{name}</a>{yanked}\n'
        f'<span class="under">{_under(file, url, origin)}</span></th>\n'
        f"<td>{kind}</td><td>{python or escaped(file.requires_python)}</td><td>{platform}</td>"
        f'<td class="number">{human(file.size)}</td><td class="number">{day}</td>\n'
        f'<td class="digest">{_digest(digest, name)}</td>\n</tr>\n'
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
        whole = escaped(origin)
        parts.append(f'from <a href="{whole}" rel="nofollow noopener noreferrer">{whole[8:].partition("/")[0]}</a>')
    elif origin:
        parts.append(f"from {escaped(origin)}")
    elif file.uploaded_by:  # of a list; manifests say where a file comes from, and whose it is
        parts.append(f"by {escaped(file.uploaded_by)}")
    if file.metadata:
        parts.append(f'<a href="{url}.metadata">core metadata</a>')
    if file.provenance:
        parts.append(f'<a href="{escaped(file.provenance)}">provenance</a>')
    return " · ".join(parts)


def _digest(digest: str, name: str) -> str:
    if not digest:
        return ""
    return (
        f"<details><summary><code>{digest[:10]}…</code></summary><code>{digest}</code></details>"
        f'<button type="button" class="copy" data-copy="{digest}" aria-label="Copy the SHA-256 of {name}" hidden>Copy</button>'
    )
