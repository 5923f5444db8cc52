"""This repository's own index as people see it. With UPDATE_GOLDEN, the pictures of the documentation are taken anew."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from browser.conftest import browsing, invalid, phone, picture, prefer, run, violations
from conftest import ROOT
from live import serving
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

ASSETS = ROOT / "docs" / "assets"


def status() -> dict[str, object]:
    """What `publish` would say of a target that was published a while ago."""
    moment = lambda hours: f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"  # noqa: E731 - some times
    expires = {"root": moment(24 * 300), "targets": moment(24 * 80), "snapshot": moment(24 * 6.6), "timestamp": moment(20.6)}
    return {"schema": 1, "published": moment(-3), "commit": "4" * 40, "hold": None, "expires": expires, "size": 41_000_000, "limit": 10**9}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    run("build", "--repo", ROOT, "--worktree", "-q", "--output", folder)
    (folder / "public" / "status.json").write_text(json.dumps(status()))
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
        browser.get(f"{live.url}/changes/index.html")
        picture(browser, folder / "web-changes.png")
        browser.get(f"{live.url}/status/index.html")
        WebDriverWait(browser, 10).until(lambda b: b.find_elements(By.TAG_NAME, "meter"))
        picture(browser, folder / "web-status.png")
        browser.get(f"{live.url}/project/flask/index.html")
        prefer(browser, "dark")
        picture(browser, folder / "web-project-dark.png")
        phone(browser)
        browser.get(f"{live.url}/project/flask/index.html")
        picture(browser, folder / "web-phone.png")
        prefer(browser, "light")
        picture(browser, folder / "web-phone-light.png")
        for path in pages:
            browser.get(f"{live.url}/{path}")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, path
    assert all(path.stat().st_size > 10_000 for path in folder.glob("web-*.png"))
    assert len(list(folder.glob("web-*.png"))) == 8
    assert invalid(tree, ["index.html", "changes/index.html", "owner/maintainers/index.html", "status/index.html"]) == []
