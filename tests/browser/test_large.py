"""The search of 100,000 projects, in a browser, within its budget."""

import subprocess
import sys

import pytest
from browser.conftest import browsing
from conftest import ROOT
from live import serving

PROJECTS = 100_000
#: Types a text into a search that was not used yet, and returns when its results were shown, in ms, and the bytes that were loaded.
TYPED = """
const [text, done] = arguments;
const box = document.getElementById("q"), list = document.querySelector(".found");
const begun = performance.now();
new MutationObserver((_, observer) => {
  if (list.dataset.query !== text || list.hidden) return;
  observer.disconnect();
  const loaded = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/search/"));
  done([performance.now() - begun, loaded.reduce((sum, entry) => sum + entry.decodedBodySize, 0), document.querySelectorAll("#hits b").length]);
}).observe(list, { attributes: true, childList: true, subtree: true });
box.focus();
box.value = text;
box.dispatchEvent(new Event("input", { bubbles: true }));
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    subprocess.run([sys.executable, ROOT / "benchmarks" / "search.py", str(PROJECTS), folder], check=True)
    with serving(folder) as live, browsing() as browser:
        yield live, browser


@pytest.mark.parametrize("text", ["k", "lomi", "python", "owner:team-7", "web katelo", "kalomii"])
def test_the_search_stays_within_its_budget(large, text):
    """From the first keystroke, with nothing loaded yet, results are there within 100 ms and 300 kB; of five tries the best counts."""
    live, browser = large
    times = []
    for _ in range(5):
        browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        browser.get(f"{live.url}/index.html")
        milliseconds, size, found = browser.execute_async_script(TYPED, text)
        times.append(milliseconds)
        assert 0 < size <= 300_000
        assert (found > 0) == (text != "kalomii")
        if milliseconds <= 100:
            return
    pytest.fail(f"{times} ms")
