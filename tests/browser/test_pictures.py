"""This repository's own index as people see it. With UPDATE_GOLDEN, the pictures of the documentation are taken anew."""

import os

import pytest
from browser.conftest import browsing, invalid, phone, picture, prefer, run, violations
from conftest import ROOT
from live import serving
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

ASSETS = ROOT / "docs" / "assets"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    run("build", "--repo", ROOT, "--worktree", "-q", "--output", folder)
    with serving(folder / "public") as live:
        yield live, folder / "public"


@pytest.mark.network
def test_its_own_index_is_shown(own, tmp_path):
    """Each project's page of packages.d/ passes axe, real READMEs included, and what is ours is valid HTML; pictures are taken on the way."""
    live, tree = own
    folder = ASSETS if os.environ.get("UPDATE_GOLDEN") else tmp_path
    pages = sorted(path.relative_to(tree).as_posix() for path in tree.glob("project/*/index.html"))
    assert len(pages) >= 20
    with browsing(width=1280, height=940) as browser:
        for path in pages:
            browser.get(f"{live.url}/{path}")
            assert violations(browser) == [], path
        browser.get(f"{live.url}/index.html")
        picture(browser, folder / "web-home.png")
        browser.find_element(By.ID, "q").send_keys("ma")
        WebDriverWait(browser, 10).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#hits b"))
        picture(browser, folder / "web-search.png")
        browser.get(f"{live.url}/project/flask/index.html")
        picture(browser, folder / "web-project.png")
        prefer(browser, "dark")
        picture(browser, folder / "web-project-dark.png")
        phone(browser)
        browser.get(f"{live.url}/project/flask/index.html")
        picture(browser, folder / "web-phone.png")
        for path in pages:
            browser.get(f"{live.url}/{path}")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, path
    assert all(path.stat().st_size > 10_000 for path in folder.glob("web-*.png"))
    assert len(list(folder.glob("web-*.png"))) == 5
    assert invalid(tree, ["index.html", "changes/index.html", "owner/maintainers/index.html", "status/index.html"]) == []
