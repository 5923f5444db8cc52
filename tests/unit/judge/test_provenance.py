"""An attestation counts where everything that the publisher declares is what it says."""

from dataclasses import replace

import attested
import pytest

from index_builder.judge.provenance import mismatch

OTHER = "https://github.com/trailofbits/other"


@pytest.mark.parametrize(
    ("publisher", "claims", "said"),
    [
        ({}, {}, ""), ({"owner_id": 2314423, "ref": "refs/tags/v*", "runner": "github-hosted"}, {}, ""),
        ({"environment": "pypi"}, {"environment": "pypi"}, ""),
        ({"environment": "pypi"}, {}, "environment is not said"),
        ({"owner_id": 1}, {}, "owner_id is 2314423"), ({"ref": "refs/heads/main"}, {}, "ref is refs/tags/v0.0.19"),
        ({"runner": "self-hosted"}, {}, "runner is github-hosted"), ({"repository_id": 1}, {}, "repository_id is 772247423"),
        ({"github": "TrailOfBits/pypi-attestations"}, {}, "repository is https://github.com/trailofbits/pypi-attestations"),
        ({"workflow": "ci.yml"}, {}, f"workflow is {attested.CLAIMS.workflow}"),
        ({}, {"issuer": "https://accounts.example.org"}, "issuer is https://accounts.example.org"),
        ({}, {"repository": OTHER}, f"repository is {OTHER}"), ({}, {"trigger": "pull_request_target"}, "trigger is pull_request_target"),
        ({}, {"trigger": ""}, "trigger is not said"), ({}, {"ref": "refs/heads/evil"}, "ref is refs/heads/evil"),
        ({}, {"workflow": ""}, "workflow is not said"),
    ],
)  # fmt: skip
def test_mismatch_names_what_differs(publisher, claims, said):
    """One thing that differs is enough; what is not said is not proved."""
    assert mismatch(replace(attested.PUBLISHER, **publisher), replace(attested.CLAIMS, **claims)) == said
