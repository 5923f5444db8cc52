"""Previews that a pull request's own workflow has built: which one is taken, and what of it is unpacked."""

import hashlib
import io
import os
import zipfile
from contextlib import closing

import pytest
from github_server import GitHub, Repository, Token, github

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.github.api import Api
from index_builder.adapters.github.artifacts import PreviewArtifacts
from index_builder.adapters.progress import NoProgress
from index_builder.errors import NotFoundError, RemoteError

NAME, COMMIT = "acme/index", "c0ffee" * 6 + "beef"
GOOD = {"public/simple/index.html": b"a list", "public/packages/ab/cd/ef/six.whl": b"a wheel", "public/index.html": b"<script>",
        "internal/simple/index.html": b"another list"}  # fmt: skip


class Hosted:
    """A repository whose validate.yml has made a preview of `COMMIT`."""

    def __init__(self, hub: GitHub, api: Api) -> None:
        self.repository = hub.repositories[NAME]
        self.run = {"id": 7, "file": "validate.yml", "head_sha": COMMIT, "status": "completed", "artifacts": []}
        self.repository.runs.append(self.run)
        self.artifact = {"id": 9, "name": "preview", "size_in_bytes": 1, "expired": False}
        self.run["artifacts"].append(self.artifact)
        self.artifacts = PreviewArtifacts(api, NAME)
        self.pack(GOOD)

    def pack(self, members) -> None:
        """Let the artifact have these members."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        self.repository.contents[9] = packed.getvalue()
        self.artifact |= {"size_in_bytes": len(packed.getvalue()), "digest": f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"}

    def unpack(self, folder) -> tuple[str, ...]:
        return self.artifacts.unpack(self.artifacts.find(COMMIT), folder, NoProgress())


@pytest.fixture
def hosted():
    hub = GitHub(repositories={NAME: Repository(name=NAME)}, tokens={"somebody": Token(login="alice")})
    with github(hub), closing(Api(hub.url, "somebody", SystemClock(), NoProgress())) as api:
        yield Hosted(hub, api)


def test_what_installers_ask_for_is_unpacked(hosted, tmp_path):
    """Both audiences, and no page for people: those may have scripts."""
    assert hosted.unpack(tmp_path) == ("internal", "public")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(GOOD) - {"public/index.html"}
    assert (tmp_path / "public/packages/ab/cd/ef/six.whl").read_bytes() == b"a wheel"


def test_the_newest_run_counts(hosted):
    """A workflow that was started again has made another one."""
    older = {**hosted.run, "id": 3, "artifacts": [{**hosted.artifact, "id": 4}]}
    hosted.repository.runs.extend([older, {**hosted.run, "id": 8, "head_sha": "0" * 40, "artifacts": []}])
    assert hosted.artifacts.find(COMMIT).path.endswith("/artifacts/9/zip")


def link() -> zipfile.ZipInfo:
    found = zipfile.ZipInfo("public/simple/index.html")
    found.create_system, found.external_attr = 3, 0o120777 << 16
    return found


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"public/simple/index.html": b"x", "../evil": b"x"}, "leaves its folder"),
        ({"public/simple/a/../../../../evil": b"x"}, "leaves its folder"),
        ({"public/simple/index.html": b"0" * 100_000_000}, "unpack to"),
        ({"public\x07/simple/index.html": b"x"}, "control characters"),
        ({"Public!/simple/index.html": b"x"}, "is no audience's name"),
        ({"public/index.html": b"<script>"}, "there is no index in it"),
        ({link(): b"/etc/passwd"}, "is a symbolic link"),
    ],
    ids=["above", "above by a detour", "bomb", "control", "name", "nothing", "link"],
)
def test_a_forged_archive_is_refused(hosted, tmp_path, members, says):
    """Whoever rewrites the workflow decides what is in it, and no more than that."""
    hosted.pack(members)
    with pytest.raises(RemoteError, match=says) as caught:
        hosted.unpack(tmp_path / "a" / "b")
    assert "leave --artifact out" in caught.value.fix
    assert not list(tmp_path.rglob("evil"))


def test_what_arrives_is_what_github_names(hosted, tmp_path):
    """The digest in GitHub's list is compared with what arrives."""
    hosted.artifact["digest"] = f"sha256:{'0' * 64}"
    with pytest.raises(RemoteError, match="not the one that GitHub names"):
        hosted.unpack(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda hosted: hosted.artifact.update(expired=True), "has expired"),
        (lambda hosted: hosted.repository.runs.clear(), "validate.yml has not run for"),
        (lambda hosted: hosted.run.update(status="in_progress", artifacts=[]), "is still at work"),
        (lambda hosted: hosted.run.update(artifacts=[]), "has made none"),
    ],
    ids=["expired", "no run", "at work", "none"],
)
def test_where_there_is_none(hosted, tmp_path, spoil, says):
    """Each reason is told, and the way out."""
    spoil(hosted)
    with pytest.raises(NotFoundError, match=says) as caught:
        hosted.unpack(tmp_path)
    assert "leave --artifact out" in caught.value.fix


def test_too_large_a_one_is_not_fetched(hosted, tmp_path):
    """Pages takes no larger site than a gigabyte."""
    hosted.artifact["size_in_bytes"] = 2_000_000_000
    with pytest.raises(RemoteError, match="more than 1,000,000,000"):
        hosted.unpack(tmp_path)


def test_one_that_unpacks_to_more_is_refused(hosted, tmp_path, monkeypatch):
    """Whoever packs well would else fill the disk; and what is longer than it was said to be is not read to its end."""
    monkeypatch.setattr("index_builder.adapters.github.artifacts._MOST", 100_000)
    hosted.pack({"public/simple/index.html": b"0" * 200_000})
    with pytest.raises(RemoteError, match="200,000 bytes, more than 100,000"):
        hosted.unpack(tmp_path)
    hosted.pack({"public/simple/index.html": os.urandom(200_000)})
    hosted.artifact["size_in_bytes"] = 50_000
    with pytest.raises(RemoteError, match="longer than the 50,000 bytes"):
        hosted.unpack(tmp_path)
    assert not list(tmp_path.iterdir())
