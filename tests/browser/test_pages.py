"""Pages for people, in a real browser: seen, typed into, read without script, judged by axe-core and the Nu HTML Checker."""

import os
import re
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser.conftest import CANARY, browsing, invalid, phone, prefer, violations
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

KINDS = {
    "home": "index.html", "project": "project/acme-utils/index.html", "hostile": "project/evil-markdown/index.html",
    "rst": "project/evil-rst/index.html", "plain": "project/evil-plain/index.html", "marked": "project/old-thing/index.html",
    "gone": "project/html5lib/index.html", "owner": "owner/maintainers/index.html", "all": "all/index.html", "changes": "changes/index.html",
    "search": "search/index.html", "status": "status/index.html",
}  # fmt: skip

#: Those that between them have all that has a colour or a place of its own.
VARIED = ("home", "project", "hostile", "gone", "owner", "changes", "search")
#: What a large index shows, under a path; and what an empty one does, in a preview.
CROWDED = {
    "home": "team/index/index.html", "names": "team/index/owner/everybody/index.html", "cards": "team/index/owner/team-1/index.html",
    "month": "team/index/changes/2026-03/index.html", "day": "team/index/changes/2026-03/02/index.html",
    "busy day": "team/index/changes/2026-03/01/index.html", "hour": "team/index/changes/2026-03/01/00/index.html",
    "plain month": "team/index/changes/2011-02/index.html",
    "changes": "team/index/changes/index.html", "all": "team/index/all/index.html", "two letters": "team/index/all/co/index.html",
    "status": "team/index/status/index.html", "empty": "preview/index.html", "empty changes": "preview/changes/index.html",
    "empty status": "preview/status/index.html", "empty all": "preview/all/index.html",
}  # fmt: skip


def soon(browser, condition):
    return WebDriverWait(browser, 10, poll_frequency=0.02).until(condition)


def hits(browser) -> list[str]:
    return [entry.text for entry in browser.find_elements(By.CSS_SELECTOR, "#hits b")]


def find(browser, text: str) -> list[str]:
    """Type into the search and return what it shows."""
    box = browser.find_element(By.ID, "q")
    box.clear()
    box.send_keys(text)
    soon(browser, lambda b: b.find_element(By.CSS_SELECTOR, ".found").get_attribute("data-query") == text.strip())
    return hits(browser)


@pytest.mark.parametrize(("scheme", "kind"), [*product(["light"], KINDS), *product(["dark"], VARIED)])
def test_axe_finds_nothing(page, live, scheme, kind):
    """Each kind of page passes axe-core in both colours."""
    prefer(page, scheme)
    page.get(f"{live.url}/{KINDS[kind]}")
    assert violations(page) == []


@pytest.mark.parametrize("kind", VARIED)
def test_axe_finds_nothing_on_a_phone(page, live, kind):
    """A narrow page passes too, and none scrolls sideways."""
    phone(page)
    page.get(f"{live.url}/{KINDS[kind]}")
    assert violations(page) == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("kind", CROWDED)
def test_axe_finds_nothing_on_pages_of_many_projects_or_none(page, live_crowded, kind):
    """Pages that only a large index has, and those of an empty one, pass on a desk and on a telephone."""
    page.get(f"{live_crowded.url}/{CROWDED[kind]}")
    if kind in ("home", "status"):
        soon(page, lambda b: "Published 2026" in b.find_element(By.TAG_NAME, "main").text.replace("\n", " "))
    page.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert violations(page) == []
    phone(page)
    assert violations(page) == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_in_results(page, live):
    """What the search shows below its field, and on its own page, passes on a desk and on a telephone."""
    page.get(f"{live.url}/search/index.html?q=web")
    soon(page, lambda b: b.find_elements(By.CSS_SELECTOR, "#results b"))
    assert find(page, "flask")
    assert violations(page) == []
    phone(page)
    assert violations(page) == []


def test_the_status_of_a_target_is_shown(page, live_crowded):
    """What `publish` wrote is told in words: when, from which commit, how long each role holds, how full the host is."""
    page.get(f"{live_crowded.url}/{CROWDED['status']}")
    rows = soon(page, lambda b: b.execute_script(
        "const found = [...document.querySelectorAll('[data-status] dt')].map(dt => [dt.textContent, dt.nextElementSibling.textContent]);"
        "return found.length > 1 && found"
    ))  # fmt: skip
    found = dict(rows)
    assert found["Published"] == "2026-03-02 10:00 UTC, from commit 0123456789ab"
    assert found["Held"] == "at fedcba987654: <b>"
    assert found["Signature of root"].endswith("(in 90 days)")
    assert found["Signature of snapshot"].endswith("(expired)")
    assert found["Signature of timestamp"].endswith("(in 20 hours)")
    assert found["Size"] == "900.0 MB of 1.00 GB that the host takes"
    assert found["One file"] == "at most 100.0 MB"
    assert page.execute_script("const m = document.querySelector('meter'); return [m.value / m.max, m.high / m.max]") == [0.9, 0.8]
    page.get(f"{live_crowded.url}/{CROWDED['home']}")
    fresh = soon(page, lambda b: b.find_element(By.CSS_SELECTOR, "[data-fresh]").text)
    assert fresh == "Published 2026-03-02 10:00 UTC; its signature has expired."


def test_an_index_may_be_below_a_path(page, live_crowded):
    """Under a path of its host, install lines, the search and all links stay below it."""
    page.get(f"{live_crowded.url}/{CROWDED['day']}")
    assert find(page, "acme-1") == ["acme-1", *(f"acme-{number}" for number in (10, 11, 12, 13, 14, 15, 16, 17, 18))]
    assert page.find_element(By.ID, "hit-0").get_attribute("href") == f"{live_crowded.url}/team/index/project/acme-1/index.html"
    page.find_element(By.LINK_TEXT, "Crowded").click()
    assert f"--index-url {live_crowded.url}/team/index/simple/ acme-0" in page.find_element(By.CSS_SELECTOR, "#set-up ~ .shell").text
    links = page.execute_script("return [...document.querySelectorAll('a[href]')].map(a => a.href)")
    assert all(link.startswith(f"{live_crowded.url}/team/index/") for link in links)
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith(f"{live_crowded.url}/team/index/") for name in loaded)


def test_a_first_visit_to_a_large_index_is_small(crowded):
    """No page that shows many projects, and all that it loads, has more than 50 kB, however many there are."""
    for kind, path in CROWDED.items():
        text = (crowded / path).read_text()
        assets = {crowded / path.partition("index/")[0] / "index" / asset for asset in re.findall(r'assets/[^"]+', text)}
        assert kind.startswith("empty") or len(text) + sum(asset.stat().st_size for asset in assets) <= 50_000, kind


def test_pages_are_valid_html(site, crowded):
    """The Nu HTML Checker has nothing to say of any kind of page, hostile READMEs included."""
    many = [str(crowded / path) for path in CROWDED.values()]
    assert invalid(site, [*KINDS.values(), *many, "assets/" + next(site.glob("assets/*.css")).name]) == []


class Links(HTMLParser):
    """The addresses and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses, self.ids = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses |= {given[name] for name in ("href", "src") if given.get(name)}
        self.ids |= {given["id"]} if "id" in given else set()


def test_every_link_leads_somewhere(site):
    """Each link of each page within the tree names a file of it, and an id there; READMEs may link to ids that they have not."""
    pages = {path: Links(path.read_text()) for path in site.rglob("*.html")}
    seen = 0
    for path, page in pages.items():
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("https", "http", "mailto"), (path, address)
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            assert target.is_relative_to(site), (path, address)
            target = target / "index.html" if parts.path.endswith("/") else target
            assert target.is_file(), (path, address)
            assert not parts.fragment or parts.fragment.startswith(("readme-", "sha256=")) or parts.fragment in pages[target].ids, address
            seen += 1
    assert seen > 300


@pytest.mark.parametrize("bypass", [False, True])
def test_what_is_hostile_stays_inert(page, live, site, bypass):
    """No page runs a script of a project's, not even where nothing but our escaping stands in the way."""
    page.execute_cdp_cmd("Page.setBypassCSP", {"enabled": bypass})
    pages = [path.relative_to(site).as_posix() for path in site.rglob("index.html") if not path.is_relative_to(site / "simple")]
    assert len(pages) > 15
    for path in pages:
        page.get(f"{live.url}/{path}")
        found = page.execute_script(
            "return [window.canary, document.title, location.href, "
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes].filter(a => a.name.startsWith('on') || /^\\s*(javascript|data|vbscript):/i.test(a.value)).map(a => a.name + a.value)),"
            "document.querySelectorAll('script:not([src]), iframe, object, embed, base, main form, main style, main input, main img').length]"
        )
        assert found[0] is None, path
        assert "canary" not in found[1], path
        assert found[2] == f"{live.url}/{path}"
        assert found[3] == [], path
        assert found[4] == 0, path
    assert "evil-markdown" in find(page, "evil")
    assert page.execute_script("return window.canary") is None


def test_links_of_projects_are_https_only(page, live):
    """Of a project's links, those with another scheme, a user or a quote are not there."""
    page.get(f"{live.url}/{KINDS['hostile']}")
    urls = [link.get_attribute("href") for link in page.find_elements(By.CSS_SELECTOR, ".facts dd ul a")]
    assert urls == ["https://evil.example.org/"]
    assert CANARY in page.find_element(By.TAG_NAME, "main").text


def test_search_from_the_keyboard(page, live):
    """`/` leads to the search, arrows choose, Enter opens, Escape closes; what is chosen is told to a screen reader."""
    page.get(f"{live.url}/index.html")
    page.find_element(By.TAG_NAME, "body").send_keys("/")
    box = page.switch_to.active_element
    assert box.get_attribute("id") == "q"
    assert find(page, "flask") == ["flask", "flask-cors"]
    box.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert box.get_attribute("aria-activedescendant") == "hit-1"
    assert page.find_element(By.ID, "hit-1").get_attribute("aria-selected") == "true"
    box.send_keys(Keys.ESCAPE)
    assert not page.find_element(By.CSS_SELECTOR, ".found").is_displayed()
    find(page, "flask-c")
    box.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    soon(page, lambda b: b.current_url.endswith("/project/flask-cors/index.html"))


@pytest.mark.parametrize(
    "query",
    ["flask", "f", "flsk", "falsk", "cors", "acme", "web", "tools", "owner:maintainers web", "summary:share", "name:acme", "keyword:web", "zzzz", "Acme_Utils", "browsers"],
)  # fmt: skip
def test_the_browser_finds_what_the_terminal_finds(page, live, site, query):
    """Both find the same projects in the same order."""
    from index_builder.client.search import Search

    page.get(f"{live.url}/index.html")
    expected = Search(lambda path: (site / path).read_bytes()).find(query, 10)
    assert find(page, query) == [card.name for card in expected.cards]
    assert (query == "zzzz") == (expected.cards == ())


def test_a_query_has_an_address(page, live):
    """The search page shows what its address asks for, as links to dependencies do; without script it leads to all projects."""
    page.get(f"{live.url}/project/acme-utils/index.html")
    page.find_element(By.LINK_TEXT, "acme-core").click()
    soon(page, lambda b: b.find_elements(By.CSS_SELECTOR, "#results b"))
    assert [entry.text for entry in page.find_elements(By.CSS_SELECTOR, "#results b")] == ["acme-core"]
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.get(f"{live.url}/search/index.html")
    page.find_element(By.CSS_SELECTOR, "main noscript a, main .banner a").click()
    assert page.current_url.endswith("/all/index.html")


def test_the_search_page_goes_on(page, live_crowded):
    """What an owner page leaves out is had from the search, by keyboard too: each time more are added, until all are there."""
    page.get(f"{live_crowded.url}/{CROWDED['names']}")
    page.find_element(By.PARTIAL_LINK_TEXT, "owner:everybody").click()
    texts = "return [...document.querySelectorAll('#results b')].map(found => found.textContent)"
    shown = lambda b: b.execute_script(texts)  # noqa: E731 - asked for again and again
    assert soon(page, lambda b: len(shown(b)) == 20)
    page.find_element(By.CSS_SELECTOR, ".more").send_keys(Keys.ENTER)
    assert soon(page, lambda b: len(shown(b)) == 40)
    assert page.switch_to.active_element.find_element(By.TAG_NAME, "b").text == shown(page)[20]
    for count in range(60, 301, 20):
        page.find_element(By.CSS_SELECTOR, ".more").click()
        soon(page, lambda b, count=count: len(shown(b)) == count)
    assert not page.find_element(By.CSS_SELECTOR, ".more").is_displayed()
    assert sorted(shown(page)) == sorted(f"{start}-{number}" for start in ("acme", "beta", "core") for number in range(100))


def test_copy_buttons_copy(page, live):
    """Install lines and a digest land on the clipboard, and it is said; an index of no known address names its own."""
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": live.url})
    page.get(f"{live.url}/index.html")
    buttons = page.find_elements(By.CSS_SELECTOR, ".copy")
    buttons[0].click()
    soon(
        page,
        lambda b: b.find_element(By.ID, "said").text == "Copied" or b.find_element(By.ID, "said").get_attribute("textContent") == "Copied",
    )
    assert page.execute_async_script("navigator.clipboard.readText().then(arguments[0])").startswith(
        f"pip install --index-url {live.url}/simple/ "
    )
    page.get(f"{live.url}/{KINDS['project']}")
    line = f"pip install --index-url {live.url}/simple/ acme-utils"
    assert page.find_element(By.CSS_SELECTOR, ".head pre").text == line
    page.find_element(By.CSS_SELECTOR, ".head .copy").click()
    soon(page, lambda b: b.find_element(By.ID, "said").get_attribute("textContent") == "Copied")
    assert page.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == line
    soon(page, lambda b: b.find_element(By.ID, "said").get_attribute("textContent") == "")
    page.find_element(By.CSS_SELECTOR, ".release[open] .digest .copy").click()
    soon(page, lambda b: b.find_element(By.ID, "said").get_attribute("textContent") == "Copied")
    copied = page.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert re.fullmatch("[0-9a-f]{64}", copied)


def test_all_but_search_works_without_script(page, live):
    """With scripts off, versions open, links lead on, and no button is there that would do nothing."""
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.get(f"{live.url}/{KINDS['project']}")
    assert (
        page.find_element(By.CSS_SELECTOR, ".head pre").text == "pip install --index-url https://<address-of-this-index>/simple/ acme-utils"
    )
    assert not [button for button in page.find_elements(By.CSS_SELECTOR, ".copy") if button.is_displayed()]
    closed = page.find_element(By.CSS_SELECTOR, ".release:not([open])")
    closed.find_element(By.TAG_NAME, "summary").click()
    assert closed.find_element(By.TAG_NAME, "table").is_displayed()
    digest = closed.find_element(By.CSS_SELECTOR, ".digest details")
    digest.find_element(By.TAG_NAME, "summary").click()
    assert re.fullmatch("[0-9a-f]{64}", digest.find_element(By.CSS_SELECTOR, "details > code").text)
    page.get(f"{live.url}/all/index.html")
    page.find_element(By.LINK_TEXT, "flask").click()
    assert page.find_element(By.TAG_NAME, "h1").text.startswith("flask")


def test_pages_work_from_a_folder(page, site):
    """Opened as files, pages have their style, lead to each other, and the search says what it needs."""
    page.get((site / "index.html").as_uri())
    assert "Charter" in page.execute_script("return getComputedStyle(document.body).fontFamily")
    page.find_element(By.LINK_TEXT, "All projects").click()
    page.find_element(By.LINK_TEXT, "flask-cors").click()
    assert page.find_element(By.TAG_NAME, "h1").text.startswith("flask-cors")
    find(page, "flask")
    assert "index-builder serve" in page.find_element(By.CSS_SELECTOR, ".found").text


def test_dark_and_print_have_their_own_colours(page, live):
    """Who prefers dark gets dark; paper gets neither the navigation nor the search."""
    colours = {}
    for scheme in ("light", "dark"):
        prefer(page, scheme)
        page.get(f"{live.url}/index.html")
        colours[scheme] = page.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    assert len(set(colours.values())) == 2
    prefer(page, media="print")
    assert not page.find_element(By.CSS_SELECTOR, ".top nav").is_displayed()
    assert page.find_element(By.TAG_NAME, "h1").is_displayed()


def test_a_first_visit_is_small(live, site):
    """A first page and all that it loads is at most 50 kB, in few requests; nothing is asked of another host, and nothing fails."""
    for kind in ("home", "project", "owner", "changes", "all"):
        with browsing() as fresh:
            live.requests.clear()
            fresh.get(f"{live.url}/{KINDS[kind]}")
            entries = fresh.execute_script("return performance.getEntriesByType('resource').map(e => [e.name, e.decodedBodySize])")
            size = (site / KINDS[kind]).stat().st_size + sum(size for _, size in entries)
            assert size <= 50_000, (kind, size)
            assert len(live.requests) <= 7, live.requests
            assert all(name.startswith(live.url) for name, _ in entries)
            wrong = [entry["message"] for entry in fresh.get_log("browser") if "status.json" not in entry["message"]]
            assert wrong == []
