"""What is said and done at a repository on GitHub, in all its moods: once, and rightly."""

import pygit2
import pytest
from github_pulls import WHO, bare, git_of, open_pull
from github_server import GitHub, Repository, Token, github

from index_builder import wiring
from index_builder.adapters.github.api import Api
from index_builder.adapters.github.repository import MARKER, GitHubRepository
from index_builder.errors import RemoteError
from index_builder.model.pull import Draft, Mark, Standing

NAME = "acme/index"
WRITES = dict.fromkeys(("contents", "pull-requests", "statuses", "actions"), "write")
#: A bad gateway, a connection that breaks, a server that is busy, then what was asked.
MOODS = [502, None, 503, 0]


class Patient(wiring.SystemClock):
    """Waits in no time, and says how long it would have been."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def sleep(self, seconds):
        self.waits.append(seconds)


@pytest.fixture(params=["", "/api/v3"], ids=["github", "enterprise"])
def hub(tmp_path, request):
    hub = GitHub(repositories={NAME: Repository(name=NAME, git=bare(tmp_path / "acme.git"))}, prefix=request.param)
    hub.tokens["token"] = Token(login="github-actions[bot]", permissions=WRITES)
    git = git_of(hub.repositories[NAME])
    workflows = git.TreeBuilder()
    workflows.insert("judge.yml", git.create_blob(b"name: judge"), pygit2.enums.FileMode.BLOB)
    tree = workflows.write()
    for name in ("workflows", ".github"):
        builder = git.TreeBuilder()
        builder.insert(name, tree, pygit2.enums.FileMode.TREE)
        tree = builder.write()
    main = git.create_commit("refs/heads/main", WHO, WHO, "begin", tree, [])
    head = git.create_commit(None, WHO, WHO, "change", tree, [main])
    open_pull(hub.repositories[NAME], 1, head=str(head), author={"id": 1001, "login": "alice", "type": "User"})
    with github(hub):
        yield hub


@pytest.fixture
def clock():
    return Patient()


@pytest.fixture
def repository(hub, clock):
    api = Api(hub.url, "token", clock, wiring.NoProgress())
    yield GitHubRepository(api, NAME)
    api.close()


def head_of(hub):
    return str(git_of(hub.repositories[NAME]).references["refs/pull/1/head"].target)


def comments(hub):
    return [comment["body"] for comment in hub.repositories[NAME].pulls[1]["comments"]]


def test_a_bad_mood_is_waited_out(hub, repository, clock):
    """Statuses, merges, dispatches and pushes are tried again, and there is one of each."""
    hub.moods += MOODS
    repository.mark(head_of(hub), Mark.SUCCESS, "fine")
    hub.moods += MOODS
    repository.dispatch("judge.yml", "main", number="1")
    hub.moods += MOODS
    repository.merge(1, head_of(hub))
    found = hub.repositories[NAME]
    assert [status["state"] for status in found.statuses[head_of(hub)]] == ["success"]
    assert found.dispatches == [("judge.yml", {"number": "1"})]
    assert found.pulls[1]["merged_at"]
    assert len(clock.waits) == 9


def test_a_comment_whose_answer_got_lost_is_not_made_twice(hub, repository, monkeypatch):
    """It was made, and the connection broke: there is one, and it says what it should."""
    repository.say(1, "waits")
    assert comments(hub) == [f"{MARKER}\nwaits"]
    hub.repositories[NAME].pulls[1]["comments"].clear()
    send = repository._api.send

    def lose(method, path, body=None, **options):
        value = send(method, path, body, **options)
        if method == "POST" and path.endswith("/comments"):
            monkeypatch.undo()
            raise RemoteError("the connection broke", retryable=True)
        return value

    monkeypatch.setattr(repository._api, "send", lose)
    repository.say(1, "waits")
    assert comments(hub) == [f"{MARKER}\nwaits"]
    hub.moods += [0, 502, 0, 0]
    hub.repositories[NAME].pulls[1]["comments"].clear()
    repository.say(1, "merges")
    assert comments(hub) == [f"{MARKER}\nmerges"]


def test_what_did_not_change_is_not_sent_again(hub, repository):
    """Questions carry the ETag of the last answer, and cost nothing of the limit then."""
    for _ in range(3):
        assert [pull.number for pull in repository.open_pulls()] == [1]
    assert hub.unchanged == 2
    hub.repositories[NAME].pulls[1]["title"] = "Another"
    assert repository.open_pulls()[0].title == "Another"


def test_lists_are_read_to_their_end(hub, repository):
    """Lists come in pages of a hundred at most."""
    for number in range(2, 251):
        open_pull(hub.repositories[NAME], number, head=head_of(hub), author={"id": 1001, "login": "alice", "type": "User"})
    assert len(repository.open_pulls()) == 250


def test_the_hourly_limit_is_waited_for(hub, repository, clock):
    """GitHub says when it ends; what would take longer than one has patience is told instead."""
    hub.left, hub.reset = 1, 600
    assert repository.tip("main")
    assert repository.tip("main")
    assert 595 <= clock.waits[0] <= 601
    hub.left, hub.reset = 0, 3600
    with pytest.raises(RemoteError) as refused:
        repository.pull(1)
    assert "run it again in 60 minutes" in refused.value.fix


def test_the_limit_of_what_is_made_is_waited_for(hub, repository, clock):
    """A secondary limit says how long; a proposal goes on after it."""
    hub.hourly = hub.made = 1
    hub.reset = 30
    draft = Draft(
        branch="bump/acme", base="main", parent=repository.tip("main"), title="Bump", body="text", mark="m", seal="s", files={"a": b"1"}
    )
    assert repository.propose(draft) == (2, Standing.OPENED)
    assert clock.waits == [30]
    assert repository.propose(draft) == (2, Standing.THERE)
