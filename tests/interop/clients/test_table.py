"""The table in the documentation is what this session's tests found."""

import os

import pytest
from conftest import LONG, ROOT
from interop.clients.behaviours import BEHAVIOURS, CLIENTS, NONE, SELDOM, expected
from interop.clients.hosted import SCENARIOS, SLOW, expected_hosted
from interop.clients.page import render, render_hosted

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
PAGE = ROOT / "docs" / "reference" / "clients.md"
#: The cell that a run fills, besides that of core metadata.
_CELLS = {"granted": "install", "swapped": "hashes", "dated": "cut-off"}
EVERY_HOSTED = [(*who, _CELLS.get(scenario, scenario)) for who, known in SCENARIOS.items() for scenario in known]
EVERY_HOSTED += [(*who, "metadata") for who in SCENARIOS]
#: What the runs would find that take long, and check it when they are made.
SLOWLY = {(kind, client, column): expected_hosted(client, column) for kind, client, s in SLOW for column in (_CELLS.get(s, s),)}
SLOWLY |= {key: expected_hosted(key[1], key[2]) for key in EVERY_HOSTED if key[1] in SELDOM}


def test_the_documented_table_is_what_the_tests_found(results):
    """docs/reference/clients.md is what the cells of this session render to; UPDATE_GOLDEN=1 writes it."""
    every = {(client.name, key): expected(client.name, key) for client in CLIENTS for key in BEHAVIOURS}
    missing = [key for key, word in every.items() if key not in results.cells and word != NONE and key[0] not in SELDOM]
    if missing:
        pytest.skip(f"nothing was compared: {len(missing)} of {len(every)} cells were not filled in this session, {missing[0]} for one")
    hosted = ({} if LONG else SLOWLY) | results.hosted
    unseen = [key for key in EVERY_HOSTED if key not in hosted]
    if unseen:
        pytest.skip(f"nothing was compared: {len(unseen)} cells of the table of hosts were not filled in this session, {unseen[0]} for one")
    text = render(every | results.cells, results.versions) + "\n" + render_hosted(hosted, results.versions)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "UPDATE_GOLDEN=1 writes the page anew"
