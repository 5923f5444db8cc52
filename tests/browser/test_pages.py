"""Pages for people, in a real browser: seen, typed into, read without script, judged by axe-core and the Nu HTML Checker."""

import re
from itertools import product

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


@pytest.mark.parametrize(("scheme", "kind"), list(product(("light", "dark"), KINDS)))
def test_axe_finds_nothing(page, live, scheme, kind):
    """Each kind of page passes axe-core in both colours."""
    prefer(page, scheme)
    page.get(f"{live.url}/{KINDS[kind]}")
    assert violations(page) == []


def test_axe_finds_nothing_on_a_phone_nor_in_results(page, live):
    """A narrow page, and one with results of a search, pass too."""
    phone(page)
    page.get(f"{live.url}/{KINDS['project']}")
    assert violations(page) == []
    width = page.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390, "nothing makes a phone scroll sideways"
    assert find(page, "flask")
    assert violations(page) == []


def test_pages_are_valid_html(site):
    """The Nu HTML Checker has nothing to say of any kind of page, hostile READMEs included."""
    month = next(path.relative_to(site).as_posix() for path in site.glob("changes/*/index.html"))
    assert invalid(site, [*KINDS.values(), month, "assets/" + next(site.glob("assets/*.css")).name]) == []


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
