"""What every installer does with a real index over real HTTP."""

import pytest
from interop.clients.behaviours import INSTALLERS, NO, NONE, PARTLY, PIPS, YES, expected

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]


def runs(scenario, clients=INSTALLERS):
    return pytest.mark.parametrize("run", [pytest.param((one.name, scenario), id=one.name) for one in clients], indirect=True)


@runs("first")
def test_a_project_installs_with_its_dependency(run, cell):
    """beta comes with alpha, on which it depends."""
    assert run.good, run.said
    assert run.versions["beta"] == "2.0"
    assert "alpha" in run.versions
    cell("install", YES)


@runs("first")
def test_an_extra_brings_its_dependency(run, cell):
    """`beta[fast]` brings gamma-ray, which its metadata names in another spelling than its project does."""
    assert run.versions["gamma-ray"] == "3.0"
    cell("extras", YES)


@runs("first")
def test_a_release_for_another_python(run, cell):
    """alpha 1.1 needs Python 4: a client that reads Requires-Python installs 1.0."""
    cell("requires-python", {"1.0": YES, "1.1": NO}[run.versions["alpha"]])


@runs("first")
def test_a_yanked_release_is_passed_over(run, cell):
    """iota 1.1 is yanked: a client that knows PEP 592 installs 1.0."""
    cell("yanked", {"1.0": YES, "1.1": NO}[run.versions["iota"]])


@runs("first")
def test_a_final_release_is_preferred(run, cell):
    """epsilon 2.0a1 is newer than 1.0 and only a pre-release: 1.0 installs."""
    cell("pre-releases", {"1.0": YES, "2.0a1": NO}[run.versions["epsilon"]])


@runs("first")
def test_core_metadata_comes_before_wheels(run, cell):
    """A client that knows PEP 714 asks for the metadata of all five before any wheel; an older one asks for none."""
    asked = [".whl.metadata 200" in line for line in run.files()]
    assert asked.count(False) >= len(run.versions) == 5
    if any(asked):
        assert asked.count(True) >= 5
        assert asked == sorted(asked, reverse=True)
    cell("metadata", YES if any(asked) else NO)


@runs("pinned")
def test_what_is_pinned_installs(run, cell):
    """A yanked release and a pre-release install when they are pinned."""
    assert run.good, run.said
    assert run.versions == {"iota": "1.1", "epsilon": "2.0a1"}
    cell("pinned", YES)


@runs("swapped")
def test_a_swapped_file_is_refused(run, cell):
    """The wheel of eta is not what its page says: a client that checks digests says so, and installs nothing."""
    assert any(".whl 200" in line for line in run.files())
    if not run.good:
        assert "hash" in run.said.lower()
    assert run.versions == ({"eta": "1.0"} if run.good else {})
    cell("hashes", NO if run.good else YES)


@runs("dated")
def test_a_cut_off_leaves_out_what_is_newer(run, cell):
    """zeta 2.0 is of today and 1.0 of 2020: 1.0 installs, unless the client has no such option and refuses it."""
    if expected(run.client, "cut-off") == NONE:
        assert not run.good
        assert "no such option: --uploaded-prior-to" in run.said
        cell("cut-off", NONE)
        return
    assert run.good, run.said
    assert run.versions == {"zeta": "1.0"}
    cell("cut-off", YES)


@runs("spelt")
def test_a_name_that_is_not_normalized(run, cell):
    """`Gamma.Ray` installs; pip before 8.1.2 asks for it as written, is redirected, and then does not know the wheel's name."""
    assert "GET /simple/gamma-ray/ 200" in run.requests
    if run.good:
        assert run.versions == {"gamma-ray": "3.0"}
        assert not any(" 301" in line for line in run.requests)
        cell("names", YES)
        return
    assert run.requests[0].lower() == "get /simple/gamma.ray/ 301"
    assert run.versions == {}
    cell("names", PARTLY)


@runs("respelt", PIPS[:2])
def test_another_spelling_is_redirected(run):
    """`GAMMA_RAY` installs by pip before 8.1.2 too."""
    assert run.good, run.said
    assert run.versions == {"gamma-ray": "3.0"}


@runs("stolen")
def test_nothing_of_a_quarantined_project_installs(run, cell):
    """The page of delta is asked for, and no file."""
    assert not run.good
    assert run.versions == {}
    assert "GET /simple/delta/ 200" in run.requests
    assert run.files() == []
    cell("quarantine", YES)
