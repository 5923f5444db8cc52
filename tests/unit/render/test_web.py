"""Cards, words, feeds, charts and rows of the pages for people."""

import xml.etree.ElementTree as ET

import orjson
import pytest

from index_builder.model.page import Tier
from index_builder.model.profile import Event, Profile
from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render.web.books import Books, decode_books, is_shared
from index_builder.render.web.card import card_of, decode, newest_of
from index_builder.render.web.chart import bars, months_between
from index_builder.render.web.feed import render_feed
from index_builder.render.web.happened import Happened
from index_builder.render.web.house import House, environment_of, human
from index_builder.render.web.project import _is_safe, _license, _names, render_project
from index_builder.render.web.table import escaped, row_of, tags_of
from index_builder.render.web.words import terms_of, words_of
from index_builder.wiring.shipped import templates


def listed(*versions, yanked=()):
    files = tuple(
        ListedFile(f"a-{v}-py3-none-any.whl", v, "u", size=10, uploaded="2026-01-02T00:00:00Z", yanked="" if v in yanked else None)
        for v in versions
    )
    return ListedProject(
        "a",
        "A",
        files,
        {f"a-{versions[-1]}-py3-none-any.whl": {"summary": "Does\nit\x00 all", "keywords": ["web, fast"]}} if versions else {},
        0,
    )


PROFILE = Profile(
    "packages.d/a.yaml",
    ("team",),
    "hosted",
    (Event("2026-01-02T00:00:00Z", "release", "1.0"), Event("2026-03-01T00:00:00Z", "yanked", "1.0", "bad")),
)


@pytest.mark.parametrize(
    ("versions", "yanked", "newest"),
    [(["1.0", "2.0", "2.1rc1"], (), "2.0"), (["1.0", "2.0"], ("2.0",), "1.0"), (["1.0rc1"], (), "1.0rc1"), (["1.0", "2.0"], ("1.0", "2.0"), "2.0"), ([], (), "")],
)  # fmt: skip
def test_the_newest_release_is_the_one_to_install(versions, yanked, newest):
    """It is final and not yanked where there is such a one."""
    assert newest_of(listed(*versions, yanked=yanked).files) == newest


def test_a_card_is_read_back():
    """A card's line gives the card, and its words lead to it."""
    card = card_of(listed("0.9", "1.0"), PROFILE)
    assert decode(card.encode()) == card
    assert (card.summary, card.keywords, card.months, card.size) == ("Does it all", ("web", "fast"), ("2026-01", "2026-03"), 20)
    assert {orjson.loads(line)[0].split()[0] for line in card.postings().values()} == {"a", "team", "web", "fast", "does", "all"}


@pytest.mark.parametrize(
    "line", [b"[]", b"[1]", b'["a ",1,2,3,4,[],5,6,7,8,[],[]]', b'["a ","A","1","","s",["o"],"active","1",1,1,[],[]]', b"nonsense"]
)
def test_a_line_that_is_no_card_is_refused(line):
    """What another host may have written is looked at."""
    with pytest.raises((ValueError, TypeError, AttributeError)):
        decode(line)


def test_words_are_few_and_owners_are_always_among_them():
    """A project with a long summary rewrites few leaves; its owners find it whatever else there is."""
    owners = tuple(f"team-{number}" for number in range(9))
    words = words_of("a-b", owners, (), " ".join(f"word{number}" for number in range(100)))
    assert len(words) == 9 + 14
    assert set(owners) <= words.keys()
    assert words["a-b"] == words["a"] == "n"


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Flask_CORS", [("flask-cors", "nkos")]), ("owner:Team-1 Web", [("team-1", "o"), ("web", "nkos")]), ("name:a.B", [("a-b", "n")]), ("c++", [("c", "nkos")]),
        ("summary:für", [("für", "s")]), ("x:y", [("x", "nkos"), ("y", "nkos")]), ("...", []), ("", []), ("\ufb01", [("fi", "nkos")]),
    ],
)  # fmt: skip
def test_queries_are_taken_apart(query, terms):
    """Names are normalized, fields are letters, and words are folded."""
    assert [tuple(term) for term in terms_of(query)] == terms


def test_a_feed_is_valid_and_says_what_happened():
    """It is well-formed XML with ids, times and titles, the newest first; what is hostile is text."""
    events = [
        Happened("a", "A&<b>", Event("2026-03-01T00:00:00Z", "yanked", "1.0", "]]> <script>")),
        Happened("a", "A", Event("2026-01-02T00:00:00Z", "release", "1.0")),
    ]
    page = render_feed("feed.xml", "T & U", events, House("T", (), url="https://index.example.org/"), Tier.LIST)
    root = ET.fromstring(page.content)
    space = "{http://www.w3.org/2005/Atom}"
    assert root.find(f"{space}updated").text == "2026-03-01T00:00:00Z"
    assert [entry.find(f"{space}title").text for entry in root.iter(f"{space}entry")] == ["A&<b> 1.0 yanked: ]]> <script>", "A 1.0"]
    ids = [entry.find(f"{space}id").text for entry in root.iter(f"{space}entry")]
    assert len(set(ids)) == 2
    assert all(link.get("href").startswith("https://index.example.org/") for link in root.iter(f"{space}link"))


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a", True), ("http://example.org/", False), ("javascript:alert(1)", False), ("https://a@example.org/", False), ("https:///x", False),
        ('https://example.org/"x', False), ("https://[x", False), ("https://example.org/ x", False), ("", False), ("//example.org", False), ("HTTPS://example.org", True),
    ],
)  # fmt: skip
def test_links_are_https_and_plain(url, safe):
    """A link of a project leads to a host over https and hides nothing."""
    assert _is_safe(url) is safe


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ({"license_expression": "MIT", "license": "x"}, "MIT"), ({"license": "BSD"}, "BSD"), ({}, ""),
        ({"license": "MIT License\n\n" + "x " * 99}, "MIT License"), ({"license": "x " * 99}, "in the core metadata"),
        ({"license": "x " * 99, "classifiers": ["License :: OSI Approved :: MIT License", "Topic :: A"]}, "MIT License"),
    ],
)  # fmt: skip
def test_a_licence_is_named(found, name):
    """Who puts the text of a licence into its field has it named all the same."""
    assert _license(found) == name


@pytest.mark.parametrize(
    ("given", "names"),
    [('"Ann B." <ann@example.org>, bob@example.org', "Ann B., bob@example.org"), ("Ann <a@example.org>", "Ann"), ("", ""), ("<<>", "<<>")],
)
def test_authors_are_named(given, names):
    """Addresses are shown by the names in them."""
    assert _names(given) == names


@pytest.mark.parametrize("metadata", [{}, {"a-1.0-py3-none-any.whl": {"summary": "Known"}}])
def test_a_page_says_what_it_does_not_know(metadata):
    """Where no core metadata is stored, as of a linked project, its page says why so much is missing."""
    project, house = listed("1.0")._replace(metadata=metadata), House("T", tuple(templates().items()))
    page, _ = render_project(project, PROFILE, card_of(project, PROFILE), house, environment_of(house))
    assert (b"stores no core metadata" in page.content) == (not metadata)


@pytest.mark.parametrize(
    ("repository", "edit"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/edit/x/y/packages.d/a%20b.yaml"),
        ("https://github.example.org/a/b/", "https://github.example.org/a/b/edit/x/y/packages.d/a%20b.yaml"),
        ("https://gitlab.com/a/c/b", "https://gitlab.com/a/c/b/-/edit/x/y/packages.d/a%20b.yaml"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/_edit/x/y/packages.d/a%20b.yaml"),
        ("https://gitea.example.org/a/b", "https://gitea.example.org/a/b/_edit/x/y/packages.d/a%20b.yaml"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/src/x/y/packages.d/a%20b.yaml?mode=edit&at=x/y"),
        ("https://git.example.org/a/github", None), ("https://notgithub.example.org/a/b", None), ("", None),
    ],
)  # fmt: skip
def test_a_change_is_proposed_where_the_host_takes_it(repository, edit):
    """Each host's software has addresses of its own; of one that nobody knows, none is made up."""
    found = House("T", (), repository=repository, branch="x/y").source("packages.d/a b.yaml")
    assert found.get("edit") == edit
    assert found == {} or all(url.startswith(repository.rstrip("/") + "/") for url in found.values())


def test_rows_escape_what_files_say():
    """Names, URLs, origins and reasons are text in a row."""
    evil = '"><script>'
    file = ListedFile(f"{evil}.tar.gz", "1", evil, f"sha256={evil}", 1, evil, "", evil, "sha256=aa", evil, evil)
    for origin in (evil, f"https://{evil}"):
        row = row_of(file, origin, of_release=False)
        assert "<script>" not in row
        assert row.count("&lt;script&gt;") >= 9
    assert escaped("plain") == "plain"


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("a-1-py3-none-any.whl", ("wheel", "py3", "any")), ("a-1-1x-cp312-abi3-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl", ("wheel", "cp312 abi3", "manylinux_2_28_x86_64, musllinux_1_2_x86_64")),
        ("a-1.tar.gz", ("source", "", "")), ("a-1-py2.7.egg", ("egg", "", "")),
    ],
)  # fmt: skip
def test_tags_are_told(name, tags):
    """A file's kind, Python and platform are those of its name."""
    assert tags_of(name) == tags


def test_charts_need_something_to_compare():
    """One bar, or only empty ones, is no chart; each bar has its figure, and labels are text."""
    assert bars([("a", 1)]) is None
    assert bars([("a", 0), ("b", 0)]) is None
    chart = bars([("<a>", 1), ("b", 2000), ("c", 0)])
    assert chart.inside.count("<rect") == 2
    assert "&lt;a&gt;: 1" in chart.inside
    assert "b: 2,000" in chart.inside
    assert months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456, "123 kB"), (7_000_000, "7.0 MB"), (10**13, "10,000 GB")],
)
def test_sizes_are_readable(size, text):
    """Bytes are told in units of a thousand."""
    assert human(size) == text


@pytest.mark.parametrize(
    "path",
    ["index.html", "owner/a.b/index.html", "changes/2026-01/31/12/index.html", "search/words/a_20_.json", "assets/a.0123456789ab.js"],
)
def test_shared_paths_are_ours(path):
    """What is remembered may be deleted one day, so each path must be one that we write."""
    assert is_shared(path)
    assert decode_books(Books(files={path: "x"}).encode()).files == {path: "x"}


@pytest.mark.parametrize(
    "path",
    [
        "simple/index.html",
        "owner/../index.html",
        "../index.html",
        "CNAME",
        "assets/x.css",
        "changes/2026-1/index.html",
        "changes/2026-01/31/x/index.html",
        "changes/2026-01/31/123/index.html",
        "changes/2026-01/\u0663\u0661/index.html",
        "owner//index.html",
        "search/words/../a.json",
    ],
)
def test_other_paths_are_not(path):
    """A state that somebody forged cannot have other files deleted."""
    assert not is_shared(path)
    with pytest.raises(ValueError, match="not what a build wrote"):
        decode_books(Books(files={path: "x"}).encode())
