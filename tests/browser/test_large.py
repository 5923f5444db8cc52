"""The search of 100,000 projects, in a browser, within its budget."""

import os
import re
import subprocess
import sys
from statistics import median

import pytest
from browser.conftest import browsing
from conftest import ROOT

PROJECTS = 100_000
#: Types a text into a search of which nothing is loaded, and returns when results were shown, in ms, and the bytes that were loaded.
TYPED = """
const [text, done] = arguments;
const box = document.getElementById("q"), list = document.querySelector(".found");
let begun;
new MutationObserver((_, observer) => {
  if (list.dataset.query !== text || list.hidden) return;
  observer.disconnect();
  const loaded = entries();
  done([performance.now() - begun, loaded.reduce((sum, entry) => sum + entry.decodedBodySize, 0), document.querySelectorAll("#hits b").length]);
}).observe(list, { attributes: true, childList: true, subtree: true });
const entries = () => performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/search/"));
begun = performance.now();
box.focus();
box.value = text;
box.dispatchEvent(new Event("input", { bubbles: true }));
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    subprocess.run([sys.executable, ROOT / "benchmarks" / "search.py", str(PROJECTS), folder], check=True)
    (folder / "simple").mkdir()
    command = [sys.executable, "-m", "index_builder", "serve", folder, "--port", "0", "-q"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, browsing() as browser:
        try:
            yield re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())[0], browser
        finally:
            server.terminate()


@pytest.mark.parametrize("page", ["index.html", "changes/index.html", "all/index.html", "owner/team-7/index.html", "status/index.html"])
def test_a_first_visit_is_small(large, page):
    """However many projects there are, a first page and all that it loads has 50 kB at most."""
    url, browser = large
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.get(f"{url}/{page}")
    sizes = browser.execute_script(
        "return ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind)).map(entry => entry.decodedBodySize)"
    )
    assert sum(sizes) <= 50_000


@pytest.mark.parametrize("text", ["k", "lomi", "python", "owner:team-7", "web katelo", "kalomii"])
def test_the_search_stays_within_its_budget(large, text):
    """From the first keystroke, before anything is loaded, to results it takes 100 ms and 300 kB at most; on a machine that does anything else, 300 ms."""
    url, browser = large
    budget = 100 if os.getloadavg()[0] < 1 else 300
    times = []
    for _ in range(7):
        browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        browser.get(f"{url}/index.html")
        milliseconds, size, found = browser.execute_async_script(TYPED, text)
        times.append(milliseconds)
        assert 0 < size <= 300_000
        assert (found > 0) == (text != "kalomii")
    assert median(times) <= budget, times
