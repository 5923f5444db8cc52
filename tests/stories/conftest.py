"""A repository with a policy, and a change of it that has begun; and one that publishes."""

from datetime import timedelta

import pytest
from distributions import wheel
from publishing import Publishing
from story import POLICY, Story

from index_builder import wiring


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


@pytest.fixture
def work(repo, cli, dist):
    work = Publishing(repo, cli, dist)
    work.targets("folder", "branch")
    work.add(wheel("acme-utils", "1.0"), wheel("acme-core", "1.0"))
    return work


@pytest.fixture
def later(monkeypatch):
    """Set the clock so far ahead."""
    real = wiring.SystemClock.now

    def later(**ahead) -> None:
        monkeypatch.setattr(wiring.SystemClock, "now", lambda clock: real(clock) + timedelta(**ahead))

    return later
