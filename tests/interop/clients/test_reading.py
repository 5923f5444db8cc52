"""Libraries that read the pages and install nothing."""

import pytest
from interop.clients.behaviours import MOUSEBENDER, NO, PARTLY, PYPI_SIMPLE, READS, UNEARTH, YES
from interop.clients.readers import facts

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
PROJECTS = ["Gamma.Ray", "alpha", "beta", "delta", "epsilon", "eta", "iota", "zeta"]
WHEEL = "gamma_ray-3.0-py2.py3-none-any.whl"


def reads(*clients):
    return pytest.mark.parametrize("run", [pytest.param((one.name, "read"), id=one.name) for one in clients], indirect=True)


@reads(*PYPI_SIMPLE)
def test_pypi_simple_reads_everything_without_a_warning(run, cell):
    """Both forms say the same, but for the upload time, which HTML has in an attribute of uv's only."""
    found = facts(run)
    assert found.pop("projects") == PROJECTS
    years = {"JSON": ["2020", found["uploaded"][1]], "HTML": [None, None]}[run.client.rpartition(" ")[2]]
    assert found == {
        "version": "1.4", "downloads": True, "requires-python": [None, ">=4"], "yanked": [None, 'broken <here> & "there"'],
        "refused": True, "metadata": "beta", "uploaded": years, "named": [WHEEL], "quarantined": [0, "quarantined", "stolen"],
    }  # fmt: skip
    assert sum(".whl.metadata 200" in line for line in run.files()) == 1
    cell("install", PARTLY)
    cell("requires-python", READS)
    cell("yanked", READS)
    cell("metadata", READS)
    cell("hashes", YES)
    cell("names", YES)
    cell("quarantine", YES)
    cell("cut-off", READS if years[0] else NO)


@reads(*MOUSEBENDER)
def test_mousebender_reads_both_forms(run, cell):
    """Of HTML it warns, because it knows version 1.1 of it and no newer; what it reads is right all the same."""
    found = facts(run)
    assert found.pop("projects") == PROJECTS
    json = run.client.endswith("JSON")
    assert found == {
        "version": "1.4" if json else "1.0", "requires-python": [None, ">=4"], "yanked": [False, 'broken <here> & "there"'],
        "metadata": ["sha256"], "uploaded": ["2020", found["uploaded"][1]] if json else [None, None], "named": [WHEEL],
        "quarantined": [0, "quarantined", "stolen"] if json else [0, None, None],
        "warned": [] if json else ["APIVersionWarning: Unsupported API minor version: '1.4'"],
    }  # fmt: skip
    assert "GET /simple/gamma-ray/ 200" in run.requests
    cell("install", READS)
    cell("requires-python", READS)
    cell("yanked", READS)
    cell("metadata", READS)
    cell("names", YES)
    cell("quarantine", YES)
    cell("cut-off", READS if json else NO)


@reads(UNEARTH)
def test_unearth_chooses_and_downloads(run, cell):
    """It chooses as an installer does, but prefers a pre-release, and refuses the swapped file."""
    assert facts(run) == {
        "downloads": True, "requires-python": "1.0", "yanked": ["1.0", "1.1"], "pre-releases": ["2.0a1", "1.0"], "pinned": "2.0a1",
        "refused": True, "metadata": ["sha256"], "uploaded": ["2.0", "1.0"], "named": WHEEL, "quarantined": None,
    }  # fmt: skip
    cell("install", PARTLY)
    cell("requires-python", YES)
    cell("yanked", YES)
    cell("pinned", YES)
    cell("pre-releases", NO)
    cell("hashes", YES)
    cell("metadata", READS)
    cell("cut-off", YES)
    cell("names", YES)
    cell("quarantine", YES)
