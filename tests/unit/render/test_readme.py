"""READMEs become HTML that does nothing."""

import re

import pytest

from index_builder.render.web.readme import render_readme, source_of, tamed


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("# A\n\nb", "text/markdown", '<h3 id="readme-user-content-a">A</h3>'),
        ("a **b**", "text/markdown; variant=CommonMark", "<strong>b</strong>"),
        ("A\n=\n\n*b*", "text/x-rst", "<em>b</em>"),
        ("A\n=\n\n*b*", "", "<em>b</em>"),
        ("*a* <b>", "text/plain", '<pre tabindex="0">*a* &lt;b&gt;</pre>'),
        ("a", "text/html", '<pre tabindex="0">a</pre>'),
        (":unknown:`a` `b_", "text/x-rst", '<pre tabindex="0">:unknown:`a` `b_</pre>'),
        ("a", "text/markdown\nx: y; \0", "<pre"),
    ],
)
def test_each_kind_is_rendered(text, kind, expected):
    """Markdown and reStructuredText are rendered; all else, and what cannot be, is shown as it is."""
    assert expected in render_readme(text, kind)


@pytest.mark.parametrize(
    "text",
    [
        '![a "><script>alert(1)</script>](https://example.org/x.png)', "<img alt='&lt;script&gt;x&lt;/script&gt;' src=x>", "<svg/onload=alert(1)>",
        "<a href='javascript:alert(1)'>a</a>", "<a href=' &#1;javascript:alert(1)'>a</a>", "<input><form><button formaction=x>", "<p style='x' class='y' onclick=z>a",
        "<a id='content' name='q'></a>", "<iframe src=x></iframe><object data=x></object><base href=x><meta http-equiv=refresh>",
        "<h1>" * 50 + "</h6>" * 50, "<!--" + "<img alt='" * 20, '<img alt="a" b="' + "x" * 20,
    ],
)  # fmt: skip
def test_nothing_in_it_acts(text):
    """No element loads, runs, submits or styles, no picture is fetched, and no id is one of ours."""
    html = render_readme(text, "text/markdown")
    tags = {tag.lower() for tag in re.findall(r"<\s*([a-z0-9]+)", re.sub(r'"[^"]*"', '""', html), re.IGNORECASE)}
    assert tags.isdisjoint({"script", "img", "svg", "iframe", "object", "base", "meta", "form", "input", "button", "style", "link"})
    attributes = set(re.findall(r"<[a-z0-9]+[^>]*?\s([a-z-]+)=", re.sub(r'"[^"]*"', '""', html)))
    assert attributes <= {"href", "id", "rel", "class", "tabindex", "title"}
    assert not re.search(r"javascript:", html, re.IGNORECASE)
    assert all(name.startswith("readme-") for name in re.findall(r'\sid="([^"]*)"', html))
    assert tamed(html) == html, "what was made harmless stays as it is"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- [x] a\n- [ ] b", "<ul>\n<li>\u2611 a</li>\n<li>\u2610 b</li>\n</ul>"),
        ("![CI](x)![docs](y)![](z)", "<p>[CI][docs]</p>"),
        ("a\u202eb &#x202e;c &#8296;", "<p>ab c </p>"),
        ("<span class='banner warn'>a</span><span class=tag>b</span>", "<p><span>a</span><span>b</span></p>"),
        ("```python\nif a: # b\n```", '<span class="k">if</span>'),
        ("<input type=text value=x>a", "<p>a</p>"),
    ],
)
def test_what_is_shown_is_what_is_there(text, expected):
    """Boxes of tasks and names of pictures are words, code has its colours, nothing turns text around or looks like ours."""
    html = render_readme(text, "text/markdown")
    assert expected in html
    assert tamed(html) == html


def test_plain_text_is_not_turned_around_either():
    """What turns the direction of text goes from a README that is no markup too."""
    assert render_readme("a\u202eb", "text/plain") == '<pre tabindex="0">ab</pre>'


def test_headings_stand_below_ours_in_order():
    """The first heading is an h3, and none is more than one level below the one before."""
    html = render_readme("## a\n\n##### b\n\n# c\n\n### d", "text/markdown")
    assert re.findall(r"<h(\d)", html) == ["3", "4", "3", "4"]


def test_what_is_too_long_is_cut():
    """A README of a megabyte is shown as text, as far as somebody may read it, and is not rendered."""
    html = render_readme("# a\n" * 300_000, "text/markdown")
    assert "<h3" not in html
    assert 200_000 < len(html) < 210_000
    assert "The rest is in the file itself" in html


def test_links_within_it_lead_somewhere():
    """A link to a heading leads to its id."""
    html = render_readme("[go](#b)\n\n# B", "text/markdown")
    target = re.search(r'href="#([^"]+)"', html)[1]
    assert f'id="{target}"' in html


@pytest.mark.parametrize(
    ("found", "expected"), [({}, ""), ({"description": "UNKNOWN"}, ""), ({"description": " \n"}, ""), ({"description": "a"}, "a")]
)
def test_what_is_no_readme(found, expected):
    """An empty description, and the word that old tools wrote for one, is none."""
    assert source_of(found)[0] == expected
