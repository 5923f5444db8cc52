"""A repository with a policy, and a change of it that has begun."""

import pytest
from distributions import wheel
from story import POLICY, Story


@pytest.fixture
def story(repo, cli, dist):
    """`main` has acme-utils 1.0 of team-web and flask-extras of dave."""
    for path in (repo / "policies.d").glob("*.yaml"):
        path.unlink()
    (repo / "policies.d" / "acme.yaml").write_text(POLICY)
    story = Story(repo, cli, dist)
    story.add(wheel("acme-utils", "1.0"))
    story.add(wheel("flask-extras", "1.0"), owner="dave")
    story.merge()
    story.branch()
    return story
