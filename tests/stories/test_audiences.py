"""Who may see what, as a change moves it: wider wants a transfer, narrower is told to come too late, and nothing falls into a default."""

import pytest
from distributions import wheel
from story import POLICY

AUDIENCES = """\
audiences:
  public: {files: packages/, url: https://index.example.org/}
  internal: {files: packages/, url: https://index.example.org/internal/, includes: [public]}
publish:
  - {name: pages, audience: public, kind: pages-branch}
  - {name: inside, audience: internal, kind: directory, path: published/internal}
"""
READERS = """\
  - {id: all, audiences: [public], grant: {anyone: [download]}}
  - {id: web, audiences: [internal], grant: {team-web: [download]}}
"""


@pytest.fixture
def walled(story):
    """A public project and an internal one, both of team-web."""
    story.edit("policies.d/acme.yaml", POLICY.replace("reserved:", READERS + "reserved:"))
    index = (story.folder / "index.yaml").read_text()
    head = index.split("audiences:")[0]
    story.edit("index.yaml", head + AUDIENCES)
    for path in (story.folder / "packages.d").glob("*.yaml"):
        path.write_text(path.read_text().replace("hosting:", "audiences: [public]\nhosting:", 1))
    folder = story.dist(wheel("acme-open", "1.0"), wheel("acme-core", "1.0"))
    for name, audience in (("acme_open-1.0-py3-none-any.whl", "public"), ("acme_core-1.0-py3-none-any.whl", "internal")):
        assert story.cli("add", "--dist", folder / name, "--owner", "team-web", "--audience", audience).code == 0
    story.merge()
    story.branch("move")
    return story


def rulings(report):
    return {(r["project"], r["action"]): r["verdict"] for r in report["decisions"]}


def found(report, rule):
    return [problem for problem in report["problems"] if problem["rule"] == rule]


def test_wider_is_a_transfer(walled):
    """An internal project that is to be public waits for somebody who may transfer it."""
    walled.edit("packages.d/acme-core.yaml", lambda text: text.replace("[internal]", "[public]"))
    _, report = walled.judge("--actor", "dave")
    assert rulings(report) == {("acme-core", "transfer"): "not granted"}
    assert found(report, "audience-narrowed") == []
    assert walled.judge("--actor", "alice", commit=False)[0] == 0


def test_narrower_comes_too_late(walled):
    """A public project that is to be internal is withdrawn, and told to be no secret any more."""
    walled.edit("packages.d/acme-open.yaml", lambda text: text.replace("[public]", "[internal]"))
    code, report = walled.judge("--actor", "alice")
    (problem,) = found(report, "audience-narrowed")
    assert code == 0
    assert problem["severity"] == "warning"
    assert "readers of public saw acme-open until now" in problem["message"]
    assert "cannot be made secret again" in problem["message"]
    assert "until the target's `grace:` is over and a publication ran after that" in problem["message"]
    assert rulings(report) == {("acme-open", "transfer"): "allowed"}


def test_including_is_a_transfer_of_each(walled):
    """Where index.yaml lets one audience see another's projects, each of these is transferred, whoever administers the index."""
    walled.edit(
        "index.yaml",
        lambda text: text.replace("includes: [public]", "includes: []").replace(
            "{files: packages/, url: https://index.example.org/}",
            "{files: packages/, url: https://index.example.org/, includes: [internal]}",
        ),
    )
    _, report = walled.judge("--actor", "carol")
    assert rulings(report)["acme-core", "transfer"] == "allowed"
    assert report["effect"] == ["internal no longer shows acme-open, acme-utils, flask-extras", "public shows acme-core"]
    _, report = walled.judge("--actor", "dave", commit=False)
    assert rulings(report)["acme-core", "transfer"] == "not granted"


def test_a_deny_holds_against_index_yaml(walled):
    """A rule that lets nobody transfer a project keeps index.yaml from showing it to more people, through an old audience or a new one."""
    walled.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("reserved:", "  - {id: no, projects: [acme-*], deny: {anyone: [transfer]}}\nreserved:"),
    )
    walled.merge()
    walled.branch("around")
    walled.edit("index.yaml", lambda text: text.replace("publish:", "  partners: {files: packages/, includes: [internal]}\npublish:"))
    walled.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("reserved:", "  - {id: partners, audiences: [partners], grant: {dave: [download]}}\nreserved:"),
    )
    code, report = walled.judge("--actor", "carol")
    assert code == 1
    assert rulings(report)["acme-core", "transfer"] == "denied"
    assert report["effect"] == ["partners gains the reader dave", "partners shows acme-core, acme-open, acme-utils, flask-extras"]
    assert ("acme-open", "transfer") not in rulings(report)


def test_a_new_audience_of_those_who_read_it_anyway(walled):
    """An audience whose readers could read all of it before is no transfer."""
    walled.edit("index.yaml", lambda text: text.replace("publish:", "  few: {files: packages/, includes: [internal]}\npublish:"))
    walled.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("reserved:", "  - {id: few, audiences: [few], grant: {bob: [download]}}\nreserved:"),
    )
    code, report = walled.judge("--actor", "carol")
    assert {action for _, action in rulings(report)} == {"administer"}
    assert code == 0


def test_a_policy_that_opens_an_audience_is_a_transfer(walled):
    """Whoever administers policies does not publish an internal project with them, at once or in two steps."""
    walled.edit("policies.d/acme.yaml", lambda text: text.replace(
        "grant: {admins: [administer, transfer]}", "grant: {admins: [administer], dave: [transfer]}"
    ))  # fmt: skip
    walled.merge()
    walled.branch("open")
    walled.edit("policies.d/acme.yaml", lambda text: text.replace("{team-web: [download]}", "{anyone: [download]}"))
    code, report = walled.judge("--actor", "carol")
    assert (code, rulings(report)) == (10, {("acme-core", "transfer"): "not granted", (None, "administer"): "allowed"})
    assert report["effect"] == ["internal may be read by anyone, until now only by alice, bob"]
    assert walled.judge("--actor", "carol", "--approved-by", "dave", commit=False)[0] == 0
    walled.branch("two-steps")
    walled.edit("index.yaml", lambda text: text.replace("publish:", "  more: {files: packages/, includes: [internal]}\npublish:"))
    assert walled.judge("--actor", "carol")[0] == 0
    walled.merge()
    walled.branch("second")
    walled.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("reserved:", "  - {id: more, audiences: [more], grant: {anyone: [download]}}\nreserved:"),
    )
    code, report = walled.judge("--actor", "carol")
    assert (code, rulings(report)["acme-core", "transfer"]) == (10, "not granted")
    assert report["effect"] == ["more may be read by anyone, until now by nobody"]
    assert ("acme-open", "transfer") not in rulings(report)


def test_who_joins_a_group_that_reads(walled):
    """Whom a group holds is for administrators to say; the report names who reads from now on."""
    walled.edit("policies.d/acme.yaml", lambda text: text.replace("team-web: [alice, bob]", "team-web: [alice, dave]"))
    code, report = walled.judge("--actor", "carol")
    assert (code, rulings(report)) == (0, {(None, "administer"): "allowed"})
    assert report["effect"] == ["internal gains the reader dave", "internal loses the reader bob"]


def test_an_audience_is_removed(walled):
    """What its readers lose is named, and the target that goes on serving it."""
    walled.edit("packages.d/acme-open.yaml", lambda text: text.replace("[public]", "[internal]"))
    for path in (walled.folder / "packages.d").glob("*.yaml"):
        path.write_text(path.read_text().replace("[public]", "[internal]"))
    walled.edit(
        "index.yaml",
        lambda text: "".join(
            line for line in text.splitlines(keepends=True) if "public: {" not in line and "pages-branch" not in line
        ).replace("includes: [public]", "includes: []"),
    )
    walled.edit("policies.d/acme.yaml", lambda text: text.replace(READERS.splitlines(keepends=True)[0], ""))
    _, report = walled.judge("--actor", "carol")
    (left,) = found(report, "target-left")
    assert "'pages' of public is not published to any more" in left["message"]
    messages = [problem["message"] for problem in found(report, "audience-narrowed")]
    assert any("acme-open" in message for message in messages)


def test_there_is_no_default_to_fall_into(walled):
    """With several audiences, a manifest that names none is refused, by check and by build, and add wants to know."""
    walled.edit("packages.d/acme-core.yaml", lambda text: text.replace("audiences: [internal]\n", ""))
    code, report = walled.judge("--actor", "alice")
    assert code == 1
    assert found(report, "audience-missing")[0]["path"] == "packages.d/acme-core.yaml"
    built = walled.cli("build", "-q")
    assert built.code == 1
    assert "audience-missing" in built.err
    assert not (walled.folder / "site").exists()
    added = walled.cli("add", "--dist", walled.dist(wheel("acme-new", "1.0")) / "acme_new-1.0-py3-none-any.whl", "--owner", "team-web")
    assert added.code != 0
    assert "audience" in added.err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{name: pages, audience: public, kind: pages-branch}", "{name: pages, audience: public, kind: directory, path: published}"),
        ("{name: pages, audience: public, kind: pages-branch}", "{name: pages, audience: public, kind: directory, path: published/internal/public}"),
    ],
)  # fmt: skip
def test_no_audience_lies_in_another(walled, old, new):
    """A target inside the place of another audience's would be found by its readers."""
    walled.edit("index.yaml", lambda text: text.replace(old, new))
    code, report = walled.judge("--actor", "carol")
    assert code == 1
    assert found(report, "audience-shared")


def test_no_bucket_lies_in_another(walled):
    """The same of buckets, and of absolute places for files; two prefixes of one bucket are apart."""
    apart = "  - {name: a, audience: public, kind: bucket, url: s3://acme/public/}\n  - {name: b, audience: internal, kind: bucket, url: s3://acme/internal/}\n"
    walled.edit("index.yaml", lambda text: text + apart)
    assert found(walled.judge("--actor", "carol")[1], "audience-shared") == []
    walled.edit("index.yaml", lambda text: text.replace("s3://acme/public/", "s3://acme/"))
    (problem,) = found(walled.judge("--actor", "carol")[1], "audience-shared")
    assert "files of 'internal' would be at s3://acme/internal/, which is inside that of 'public'" in problem["message"]
    walled.edit(
        "index.yaml",
        lambda text: text.replace("s3://acme/", "s3://acme/public/", 1).replace(
            "files: packages/", "files: https://files.example.org/all/"
        ),
    )
    assert len(found(walled.judge("--actor", "carol")[1], "audience-shared")) == 1


def test_a_private_audience_on_pages(walled):
    """Where only some people are granted an audience, Pages would show it to everybody: check says so."""
    assert found(walled.judge("--actor", "carol", commit=False)[1], "audience-exposed") == []
    walled.edit("index.yaml", lambda text: text + "  - {name: oops, audience: internal, kind: pages-artifact}\n")
    (problem,) = found(walled.judge("--actor", "carol")[1], "audience-exposed")
    assert problem["severity"] == "warning"
    assert "'oops' is Pages, which everybody may read" in problem["message"]


def test_an_audience_of_nobody_on_pages(walled):
    """What no rule lets anybody download is no more for everybody than what some may."""
    walled.edit("policies.d/acme.yaml", lambda text: text.replace("grant: {anyone: [download]}", "grant: {}"))
    (problem,) = found(walled.judge("--actor", "carol")[1], "audience-exposed")
    assert "nobody is granted download of public" in problem["message"]


def test_a_private_audience_in_releases(walled):
    """Its files are for whoever sees the repository, whatever the policies say; those of an open one are meant to be."""
    releases = "{releases: {repository: acme/inside}, "
    walled.edit(
        "index.yaml",
        lambda text: text.replace("{files: packages/, url: https://index.example.org/}", "{releases: {repository: acme/open}}"),
    )
    assert found(walled.judge("--actor", "carol")[1], "audience-exposed") == []
    walled.edit(
        "index.yaml",
        lambda text: text.replace(
            "{files: packages/, url: https://index.example.org/internal/", releases + "url: https://index.example.org/internal/"
        ),
    )
    (problem,) = found(walled.judge("--actor", "carol")[1], "audience-exposed")
    assert "the files of 'internal' are in releases of acme/inside" in problem["message"]
    assert "`files:` instead" in problem["fix"]


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [
        ("", "", 1), ("https://git.example.org/acme/site.git", "https://git.example.org/Acme/site/", 1),
        ("https://git.example.org/acme/site.git", "https://git.example.org/acme/inside.git", 0), ("", "https://git.example.org/acme/inside.git", 0),
    ],
)  # fmt: skip
def test_branches_of_one_repository(walled, one, two, shared):
    """Whoever may fetch one branch may fetch the other with its history, so audiences of different readers have a repository each."""

    def target(name: str, audience: str, repository: str) -> str:
        place = f", repository: '{repository}'" if repository else ""
        return f"  - {{name: {name}, audience: {audience}, kind: pages-branch, branch: {name}{place}}}\n"

    walled.edit(
        "index.yaml", lambda text: text.split("publish:")[0] + "publish:\n" + target("a", "public", one) + target("b", "internal", two)
    )
    problems = found(walled.judge("--actor", "carol")[1], "audience-shared")
    assert len(problems) == shared
    walled.edit("policies.d/acme.yaml", lambda text: text.replace("grant: {team-web: [download]}", "grant: {anyone: [download]}"))
    assert found(walled.judge("--actor", "carol")[1], "audience-shared") == []
