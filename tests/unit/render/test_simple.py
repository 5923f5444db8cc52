"""The detail page says of a file what is known of it, whatever is in it."""

from html.parser import HTMLParser

import pytest

from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render.simple import environment, render_html
from index_builder.wiring.shipped import templates

HOSTILE = "\"'><script>alert(1)</script>&amp;"
PLAIN = ListedFile(
    "x-1.0.tar.gz", "1.0", "../x-1.0.tar.gz", "sha256=aa", 1, "2026-01-01T00:00:00Z", "", ">=3.9", "sha256=bb", "https://example.org/p", "why",
)  # fmt: skip


class Links(HTMLParser):
    """Every tag of a page, and of each link its attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[dict[str, str]] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.add(tag)
        self._inside = tag == "a"
        if self._inside:
            self.links.append({**dict(attributes), "text": ""})

    def handle_endtag(self, tag) -> None:
        self._inside = False

    def handle_data(self, data) -> None:
        if self._inside:
            self.links[-1]["text"] += data


@pytest.mark.parametrize("field", ["filename", "url", "digest", "uploaded", "requires_python", "metadata", "provenance", "yanked"])
def test_whatever_a_field_has_it_is_text(field):
    """A field with all that HTML knows comes back as it was, and so do the others; nothing of it becomes a tag."""
    file = PLAIN._replace(**{field: HOSTILE})
    page = render_html(ListedProject("x", "x", (file, PLAIN), {}, 0), environment(templates())).content.decode()
    found = Links(page)
    assert "script" not in found.tags
    for expected, link in zip((file, PLAIN), found.links, strict=True):
        assert link == {
            "href": f"{expected.url}#{expected.digest}", "data-requires-python": expected.requires_python, "data-yanked": expected.yanked,
            "data-core-metadata": expected.metadata, "data-dist-info-metadata": expected.metadata, "data-provenance": expected.provenance,
            "data-size": "1", "data-upload-time": expected.uploaded, "text": expected.filename,
        }  # fmt: skip
