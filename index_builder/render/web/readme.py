"""A README becomes HTML that does nothing: no script, no style, no picture from elsewhere, no name that a page of ours has."""

from __future__ import annotations

import html
import re
from email.message import Message
from typing import Final

from index_builder.model.snapshot import CoreMetadata

#: What decides the HTML besides the text: bump it where this module gives another result for the same text.
EDITION: Final = "2"
_LARGEST: Final = 200_000
_IMAGE: Final = re.compile(r"""<img((?:\s+[\w-]+(?:="[^"]*")?)*)\s*/?>""")
_BOX: Final = re.compile(r"""<input((?:\s+[\w-]+(?:="[^"]*")?)*)\s*/?>""")
#: What turns the direction of text: with it, a README can show another text than it has.
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: The classes of Pygments. None of ours is so short, so that a README cannot look like a part of the page.
_TOKEN_CLASS: Final = re.compile(r"[a-z][a-z0-9]?")
_ALT: Final = re.compile(r'\salt="([^"]*)"')
_HEADING: Final = re.compile(r"<(/?)h([1-6])(?=[\s>])")
_ID: Final = re.compile(r'(<[a-z0-9]+(?:\s+[\w-]+(?:="[^"]*")?)*?\s+)(id|name)="([^"]*)"')
_HASH: Final = re.compile(r'(<a(?:\s+[\w-]+(?:="[^"]*")?)*?\s+href=")#([^"]*)"')
#: A link without a word is nothing to who cannot see; what is wider than the page must be reached by the keyboard to be read.
_ANCHOR: Final = re.compile(r"""<a((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>(\s*</a>)?""")
_PRE: Final = re.compile(r"<pre(?:\s[^>]*)?>")
#: The first heading of a README stands below the section's own.
_TOP: Final = 3
_DEEPEST: Final = 6


def source_of(found: CoreMetadata) -> tuple[str, str]:
    """Return the text of a README and its content type; '' where there is none."""
    text, kind = found.get("description"), found.get("description_content_type")
    if not isinstance(text, str) or not text.strip() or text.strip() == "UNKNOWN":
        return "", ""
    return text, kind if isinstance(kind, str) else ""


def render_readme(text: str, content_type: str) -> str:
    """Return a README as sanitised HTML: what cannot be rendered, or is too long for that, as plain text."""
    text = _TURNS.sub("", text)
    if len(text) > _LARGEST:
        return _plain(text[:_LARGEST]) + "\n<p>The rest is in the file itself.</p>"
    message = Message()
    message["content-type"] = content_type.replace("\n", " ") or "text/x-rst"
    kind = message.get_content_type()
    rendered = None
    if kind == "text/markdown":
        from readme_renderer import markdown  # noqa: PLC0415 - slow to import, and only builds of web pages need it

        variant = message.get_param("variant", "GFM")
        rendered = markdown.render(text, variant=variant if variant in ("GFM", "CommonMark") else "GFM")
    elif kind == "text/x-rst":
        from readme_renderer import rst  # noqa: PLC0415 - as above

        rendered = _of_rst(rst.render, text)
    return tamed(rendered) if rendered is not None else _plain(text)


def _of_rst(render: object, text: str) -> str | None:
    """Docutils writes what is wrong with a text to standard error unless it is given somewhere else."""
    import io  # noqa: PLC0415 - for READMEs in reStructuredText only

    result = render(text, stream=io.StringIO())  # type: ignore[operator]
    return result if isinstance(result, str) else None


def tamed(sanitised: str) -> str:
    """Return sanitised HTML once more sanitised, with words for pictures and boxes, headings below ours, and ids that are not ours.

    A picture would tell another host who reads which page; and where the policy of the page lets none load, it would be a hole.
    What was tamed once stays as it is.
    """
    import nh3  # noqa: PLC0415 - as above

    worded = _BOX.sub(_box, _IMAGE.sub(_words, sanitised))
    cleaned = nh3.clean(
        worded, tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=_kept, url_schemes={"https", "http", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )  # fmt: skip
    cleaned = _TURNS.sub("", cleaned)
    named = _ID.sub(lambda found: f'{found[1]}id="{_own(found[3])}"', cleaned)
    linked = _HASH.sub(lambda found: f'{found[1]}#{_own(found[2])}"', named)
    reachable = _ANCHOR.sub(_reachable, linked)
    return _headings(_PRE.sub('<pre tabindex="0">', reachable))


def _reachable(found: re.Match[str]) -> str:
    """Return the beginning of a link as it is, but of one without a word or an address only its id."""
    attributes, empty = found[1], found[2]
    if 'href="' in attributes and not empty:
        return found[0]
    name = re.search(r'\sid="([^"]*)"', attributes)
    if empty and not name:
        return ""
    return (f'<a id="{name[1]}">' if name else "<a>") + (empty or "")


def _own(name: str) -> str:
    return name if name.startswith("readme-") else f"readme-{name}"


def _words(found: re.Match[str]) -> str:
    """Return what a picture is called, in brackets: badges stand side by side."""
    alt = _ALT.search(found[1])
    text = html.unescape(alt[1]).strip() if alt else ""
    return f"[{html.escape(text)}]" if text else ""


def _box(found: re.Match[str]) -> str:
    """Return the box of a task, ticked or not; a README has no other field."""
    if 'type="checkbox"' not in found[1]:
        return ""
    return "\u2611" if re.search(r"\schecked\b", found[1]) else "\u2610"


def _kept(_tag: str, attribute: str, value: str) -> str | None:
    return None if attribute == "class" and not _TOKEN_CLASS.fullmatch(value) else value


def _headings(text: str) -> str:
    """Let the first heading stand at `_TOP`, and none more than one level below the one before."""
    levels: list[int] = []
    top = min((int(found[2]) for found in _HEADING.finditer(text)), default=1)
    before = _TOP - 1

    def heading(found: re.Match[str]) -> str:
        nonlocal before
        if found[1]:
            return f"</h{levels.pop() if levels else _DEEPEST}"
        before = min(int(found[2]) - top + _TOP, before + 1, _DEEPEST)
        levels.append(before)
        return f"<h{before}"

    return _HEADING.sub(heading, text)


def _plain(text: str) -> str:
    return f'<pre tabindex="0">{html.escape(text)}</pre>'


_TAGS: Final = frozenset({
    "a", "abbr", "b", "blockquote", "br", "code", "cite", "caption", "col", "colgroup", "dd", "del", "details", "div", "dl", "dt",
    "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "q", "s", "samp",
    "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var",
})  # fmt: skip
_ATTRIBUTES: Final = {
    "a": {"href", "title", "id"}, "abbr": {"title"}, "ol": {"start"}, "th": {"colspan", "rowspan"},
    "td": {"colspan", "rowspan"}, "details": {"open"}, "pre": {"tabindex"},
    **{name: {"id"} for name in ("h1", "h2", "h3", "h4", "h5", "h6", "li", "sup")},
    "code": {"class"}, "span": {"class"},
}  # fmt: skip
