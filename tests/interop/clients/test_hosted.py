"""What installers do with a protected audience behind nginx, Apache and Caddy, both sides configured by the builder alone.

And with a host that is run as far as it runs on one machine: CloudFront, Netlify, Cloudflare Pages.
"""

import pytest
from interop.clients import edges
from interop.clients.hosted import runs

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
#: How each host answers who has no password, a wrong one, and one that is not granted the audience.
STATUS = {"wrong": "401", "missing": "401", "refused": "403", "absent": "404"}


def over(*scenarios):
    return pytest.mark.parametrize("hosted", [pytest.param(key, id=" ".join(key)) for key in runs(*scenarios)], indirect=True)


@over("granted")
def test_a_reader_installs(hosted, hosted_cell, request):
    """With the right password in netrc, a project comes with what it needs, all of it from here."""
    assert hosted.good, hosted.said
    assert {"alpha", "beta"} <= set(hosted.versions)
    asked = [line for line in hosted.requests if not line.endswith(" 401")]
    kind = request.node.callspec.params["hosted"][0]
    assert all("/team/" in line for line in asked) or kind in edges.NAMES
    hosted_cell("install", "yes")
    files = [".metadata 200" in line for line in asked if "/packages/" in line]
    assert files == sorted(files, reverse=True)
    hosted_cell("metadata", "yes" if any(files) else "no")


@over("swapped")
def test_a_swapped_file_is_refused(hosted, hosted_cell):
    """A file with other bytes than its page says installs nowhere, but by what does not compare them."""
    if not hosted.good:
        assert hosted.versions == {}
    hosted_cell("hashes", "no" if hosted.good else "yes")


@over("dated")
def test_what_is_new_waits(hosted, hosted_cell):
    """With the cooldown that client-config wrote, the release of today is passed over; conda hands pip no such option."""
    assert hosted.good, hosted.said
    hosted_cell("cut-off", {"1.0": "yes", "2.0": "no"}[hosted.versions["zeta"]])


@over("wrong", "missing", "refused", "absent")
def test_what_is_refused_is_not_had_from_elsewhere(hosted, hosted_cell, request):
    """401, 403 and 404 end it: nothing is installed, nobody is asked at the terminal, and no other index is there to ask."""
    scenario = request.node.callspec.params["hosted"][2]
    assert not hosted.good
    assert hosted.versions == {}
    asked = [line for line in hosted.requests if line != "GET /team/simple/ 200"]  # where pip 1.5.6 looks for another spelling
    if asked:  # uv that has no password does not ask
        # By its own settings alone, uv sends what is in netrc only after a first 401.
        passing = (
            {"301", "401"} if scenario in ("refused", "absent") and request.node.callspec.params["hosted"][0] in edges.NAMES else {"301"}
        )
        assert {line.rsplit(" ", 1)[1] for line in asked} - passing == {STATUS[scenario]}
    hosted_cell(scenario, "refuses")
