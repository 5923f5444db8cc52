"""The table in the documentation is what this session's tests found."""

import os

import pytest
from conftest import ROOT
from interop.clients.behaviours import BEHAVIOURS, CLIENTS, NONE, expected
from interop.clients.page import render

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
PAGE = ROOT / "docs" / "reference" / "clients.md"


def test_the_documented_table_is_what_the_tests_found(results):
    """docs/reference/clients.md is what the cells of this session render to; UPDATE_GOLDEN=1 writes it."""
    every = {(client.name, key): expected(client.name, key) for client in CLIENTS for key in BEHAVIOURS}
    missing = [key for key, word in every.items() if key not in results.cells and word != NONE]
    if missing:
        pytest.skip(f"nothing was compared: {len(missing)} of {len(every)} cells were not filled in this session, {missing[0]} for one")
    text = render(every | results.cells, results.versions)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "UPDATE_GOLDEN=1 writes the page anew"
