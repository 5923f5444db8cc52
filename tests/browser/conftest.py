"""A real browser, and an index with what browsers are to show: ordinary projects, and hostile ones."""

import base64
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT, commit_all
from distributions import sdist, wheel
from live import serving
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from starlette.applications import Starlette
from starlette.routing import Mount

import index_builder.cli
from index_builder.gateway.tree import TreeServer
from index_builder.model.profile import Event
from index_builder.render.simple import ListedName
from index_builder.render.web.books import Books
from index_builder.render.web.card import Card
from index_builder.render.web.house import House, environment_of
from index_builder.render.web.shared import Shared, entry_of
from index_builder.wiring.shipped import templates

JUDGES = ROOT / "requirements" / "judges" / "node_modules"
QUIET = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--hide-scrollbars",
    "--force-prefers-reduced-motion",
]  # fmt: skip
README = """# Acme utils

Small things. See [usage](#usage), [the project](https://acme.example.org/utils/) and ![a picture](https://acme.example.org/badge.svg).

### Usage

```python
import acme_utils
```

| what | why |
|---|---|
| a table | to be read |
"""
CANARY = "window.canary=1;document.title='canary'"
HOSTILE = f"""# <script>{CANARY}</script>

<script>{CANARY}</script> <img src=x onerror="{CANARY}"> <svg onload="{CANARY}"></svg>
<iframe srcdoc="<script>parent.canary=1</script>"></iframe> <details open ontoggle="{CANARY}"><summary>x</summary></details>
<style>* {{ display: none }}</style> <base href="https://evil.example.org/"> <meta http-equiv="refresh" content="0;url=https://evil.example.org/">
<form action="https://evil.example.org/"><input autofocus onfocus="{CANARY}"></form> <a id="content" name="q" href="javascript:{CANARY}">a</a>
[link](javascript:{CANARY}) [data](data:text/html,<script>{CANARY}</script>) ![" onerror="{CANARY}](x) ![&lt;script&gt;{CANARY}&lt;/script&gt;](x)
"""


def run(*arguments) -> None:
    assert index_builder.cli.run([str(argument) for argument in arguments]) == 0, arguments


def headers(*more: str) -> list[str]:
    return ["Description-Content-Type: text/markdown", *more]


def files() -> list[tuple[str, bytes]]:
    """Return what the index hosts."""
    evil = '"><script>' + CANARY + "</script>"
    rst = (
        f".. raw:: html\n\n   <script>{CANARY}</script>\n\n`x <javascript:{CANARY}>`_\n\n.. image:: x\n   :alt: <script>{CANARY}</script>\n"
    )
    return [
        wheel(
            "acme-utils", "1.0", requires=["acme-core>=1", "tomli; python_version < '3.11'", "rich; extra == 'colour'"], extras=["colour"],
            requires_python=">=3.9", summary="Small things for web applications", readme=README,
            headers=headers(
                "Keywords: web,tools", "License-Expression: MIT", "Author: Acme", "Project-URL: Source, https://acme.example.org/utils/",
                "Classifier: Programming Language :: Python :: 3", "Classifier: Topic :: Utilities",
            ),
        ),
        sdist("acme-utils", "1.0"), wheel("acme-utils", "0.9"), wheel("acme-utils", "1.1rc1"), wheel("acme-core", "2.0", summary="What Acme's projects share"),
        wheel("old-thing", "1.0"), wheel("flask-cors", "4.0", summary="Cross-origin requests"), wheel("flask", "3.0", summary="A web framework"),
        wheel("html5lib", "1.1"), wheel("html5lib", "1.0", summary="Reads HTML as browsers do"),
        wheel(
            "evil-markdown", "1.0", summary=evil, readme=HOSTILE, requires=["acme-core"],
            headers=headers(
                f"Keywords: {evil}", f"Author: {evil}", f"License: {evil}", f"Project-URL: {evil}, https://evil.example.org/",
                f"Project-URL: a, javascript:{CANARY}", f'Project-URL: b, https://evil.example.org/"onmouseover="{CANARY}',
                "Project-URL: c, http://evil.example.org/", "Project-URL: d, https://user@evil.example.org/",
                f"Home-page: javascript:{CANARY}", f"Classifier: Topic :: {evil}",
            ),
        ),
        wheel("evil-rst", "1.0", summary="<img src=x onerror=" + CANARY + ">", readme=rst, headers=["Description-Content-Type: text/x-rst"]),
        wheel("evil-plain", "1.0", readme=HOSTILE, headers=["Description-Content-Type: text/plain"]),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The tree of an index that is published at no known place."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "dist").mkdir()
    for name, content in files():
        (folder / "dist" / name).write_bytes(content)
    index = folder / "index"
    run("init", index, "--title", "Acme <b>packages</b>")
    configuration = index / "index.yaml"
    configuration.write_text(configuration.read_text() + "web: {repository: https://gitlab.example.org/acme/index}\n")
    run("add", "--repo", index, "--dist", folder / "dist", "-q")
    run("yank", "--repo", index, "acme-utils", "0.9", "--reason", "<script>window.canary=1</script> is broken")
    run("status", "--repo", index, "old-thing", "deprecated", "--reason", '"><img src=x onerror=window.canary=1>')
    run("remove", "--repo", index, "html5lib", "1.1", "--reason", "<script>window.canary=1</script>")
    commit_all(index)
    run("build", "--repo", index, "-q", "--jobs", "1")
    return index / "site" / "public"


@pytest.fixture(scope="session")
def crowded(tmp_path_factory):
    """A folder with what a large index shares at `/team/index/`, a preview of an empty one at `/preview/`: no page of a project."""
    folder = tmp_path_factory.mktemp("crowded")
    names = [f"{start}-{number}" for start in ("acme", "beta", "core") for number in range(100)]
    entries = []
    for number, name in enumerate(names):
        at = "2026-03-01" if number < 130 else "2026-03-02" if number < 150 else f"{2010 + number % 16}-{number % 12 + 1:02}-05"
        owners = ("everybody", f"team-{number % 60}")
        card = Card(name, name, "1.0", at, "Things that all share", owners, "active", 1, 2, 10 ** (number % 9), ("web",), (at[:7],))
        entries.append(entry_of(card, [Event(f"{at}T00:00:00Z", "release", "1.0")]))
    for path, preview, those in (("team/index", False, entries), ("preview", True, [])):
        house = House("Crowded", tuple(sorted(templates().items())), preview=preview)
        listed = [ListedName(entry.card.name, entry.card.name, 1) for entry in those]
        for page in Shared(house, environment_of(house), Books(), bytes.fromhex).change((), those, listed):
            target = folder / path / page.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(page.content)
    in_hours = lambda hours: f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"  # noqa: E731 - three times
    status = {
        "schema": 1, "published": "2026-03-02T10:00:00Z", "commit": "0123456789abcdef", "hold": {"commit": "fedcba9876543210", "reason": "<b>"},
        "expires": {"root": in_hours(24 * 90), "snapshot": in_hours(-1), "timestamp": in_hours(20.4)},
        "size": 900_000_000, "limit": 1_000_000_000, "file_limit": 100_000_000,
    }  # fmt: skip
    (folder / "team" / "index" / "status.json").write_text(json.dumps(status))
    return folder


@pytest.fixture(scope="session")
def live_crowded(crowded):
    below = [Mount(f"/{path}", TreeServer(crowded / path).application()) for path in ("team/index", "preview")]
    with serving(crowded, between=lambda _: Starlette(routes=below)) as server:
        yield server


@pytest.fixture(scope="session")
def live(site):
    with serving(site) as server:
        yield server


def program(*names: str) -> str:
    return next(found for name in names if (found := shutil.which(name)))


@contextmanager
def browsing(*more: str, width: int = 1280, height: int = 900):
    """Yield a Chromium of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium", "google-chrome", "chrome")
    for argument in (*QUIET, f"--window-size={width},{height}", *more):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
    driver.set_page_load_timeout(30)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def browser():
    with browsing() as driver:
        yield driver


@pytest.fixture
def page(browser):
    """The browser as each test finds it."""
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [], "media": ""})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    return browser


def prefer(browser, scheme: str = "", media: str = "") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}] if scheme else []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": media})


def phone(browser) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})


def picture(browser, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]))


def violations(browser) -> list[str]:
    """Return what axe-core finds wrong with the page, WCAG 2.2 AA and good practice; what WCAG 2.2 added is off unless it is asked for."""
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": (JUDGES / "axe-core" / "axe.min.js").read_text()})
    found = browser.execute_async_script(
        "const rules = Object.fromEntries(axe.getRules(['wcag22aa']).map(rule => [rule.ruleId, { enabled: true }]));"
        "axe.run(document, { rules }).then(arguments[0])"
    )
    assert found["passes"], "axe looked at nothing"
    return [f"{v['id']}: {n['html'][:160]}" for v in found["violations"] for n in v["nodes"]]


def invalid(folder: Path, paths: list[str]) -> list[str]:
    """Return what the Nu HTML Checker finds wrong with pages."""
    command = [
        "java",
        "-jar",
        str(next((JUDGES / "vnu-jar").rglob("vnu.jar"))),
        "--format",
        "json",
        "--exit-zero-always",
        "--also-check-css",
        *paths,
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    messages = json.loads(done.stderr)["messages"]
    return [f"{m['url'].rpartition('public/')[2]}:{m.get('lastLine')}: {m['message']}" for m in messages if m["type"] != "info"]
