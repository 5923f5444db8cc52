"""What commands print: problems in each format, progress for people and for logs."""

import io
import json
import re
import sys

import jsonschema
import pytest

from index_builder.cli import console
from index_builder.errors import RemoteError

BAD = """\
schema: 1
name: Demo
ownrs: [maintainers]
hosting: hosted
releases:
  1.0:
    files:
      - {name: demo-2.0.tar.gz, sha256: xyz, size: 1, uploaded: 2026-01-01T00:00:00Z, stored: true}
"""


@pytest.fixture
def bad(repo):
    (repo / "packages.d" / "demo.yaml").write_text(BAD)
    return repo


def test_text_shows_the_line_like_a_compiler(bad, cli):
    """Rule, place, the line with a mark under the column, and the fix; all problems at once."""
    done = cli("check", "--worktree")
    assert done.code == 1
    assert (
        "error[unknown-key]: there is no key 'ownrs' here\n  --> packages.d/demo.yaml:3:1\n   |\n 3 | ownrs: [maintainers]\n   | ^\n"
        in done.err
    )
    assert "did you mean 'owners'?" in done.err
    assert "error[missing-key]" in done.err
    assert "error[invalid-value]" in done.err
    assert [line.rpartition("#")[2] for line in done.err.splitlines() if line.startswith("  why: ")] == [
        "missing-key", "unknown-key", "invalid-value",
    ]  # fmt: skip
    assert "3 errors" in done.err
    assert done.out == ""


def test_long_lines_are_cut_around_the_place(bad, cli):
    """A problem far to the right is shown with its mark under it."""
    pad = ", ".join(["maintainers"] * 30)
    (bad / "packages.d" / "demo.yaml").write_text(
        f"{{schema: 1, name: demo, owners: [{pad}], hosting: nowhere, removed: {{}}, releases: {{}}}}\n"
    )
    done = cli("check", "--worktree")
    lines = done.err.splitlines()
    mark = next(n for n, line in enumerate(lines) if line.strip(" |") == "^")
    assert lines[mark - 1][lines[mark].index("^") :].startswith("nowhere")


def test_json_and_github_and_sarif(bad, cli):
    """The same problems as JSON, as workflow annotations, and as a SARIF log."""
    problems = json.loads(cli("check", "--worktree", "--format", "json").out)["problems"]
    assert {problem["rule"] for problem in problems} == {"unknown-key", "missing-key", "invalid-value"}
    assert problems[0].keys() == {"rule", "severity", "message", "fix", "path", "line", "column", "url"}
    annotations = cli("check", "--worktree", "--format", "github").out.splitlines()
    assert len(annotations) == 3
    assert all(line.startswith("::error file=packages.d/demo.yaml,line=") for line in annotations)
    assert any("%0Afix: did you mean" in line for line in annotations)
    assert all(line.endswith(f"%0Awhy: {problem['url']}") for line, problem in zip(annotations, problems, strict=True))
    log = json.loads(cli("check", "--worktree", "--format", "sarif").out)
    assert log["version"] == "2.1.0"
    results = log["runs"][0]["results"]
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in results] == [result["ruleId"] for result in results]
    assert {result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in results} >= {1, 3, 8}
    jsonschema.validate(log, SARIF)


#: The parts of the SARIF 2.1.0 schema that code scanning insists on.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "items": {
                            "required": ["ruleId", "message", "locations"],
                            "properties": {"level": {"enum": ["none", "note", "warning", "error"]}},
                        }
                    },
                },
            }
        },
    },
}


def test_build_reports_problems_in_the_same_formats(bad, cli):
    """A build that cannot start says why, in the format that was asked for, and exits with 1."""
    done = cli("build", "--worktree", "--format", "github")
    assert done.code == 1
    assert done.out.startswith("::error file=packages.d/demo.yaml")
    assert not (bad / "site").exists()


def test_build_json_says_what_changed(repo, cli):
    """The report as JSON lists written and deleted paths for each audience."""
    report = json.loads(cli("build", "--worktree", "--format", "json").out)
    assert report["audiences"][0]["audience"] == "public"
    assert "simple/index.html" in report["audiences"][0]["written"]
    assert json.loads(cli("build", "--worktree", "--format", "json").out)["audiences"][0]["written"] == []


def test_an_empty_index_is_built_with_a_word(repo, cli):
    """An index without projects is not an error, and says how to go on."""
    done = cli("build", "--worktree")
    assert done.code == 0
    assert "no project yet" in done.err


def test_quiet_says_nothing(repo, cli):
    """--quiet prints nothing when all is well."""
    done = cli("build", "--worktree", "--quiet")
    assert (done.out, done.err) == ("", "")


def test_plain_progress_is_lines(capsys):
    """In a log, a stage is announced, told at each tenth of its way, and notes are lines."""
    progress = console.PlainProgress()
    progress.begin("Fetching", 20, 5_000_000)
    for number in range(20):
        progress.advance(250_000)
        progress.done(f"file-{number}")
    progress.note("again [soon]")
    progress.end()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Fetching 20 files, 5.0 MB"
    assert lines[1:11] == [f"Fetching {n}/20 file-{n - 1}" for n in range(2, 21, 2)]
    assert lines[11:] == ["again [soon]"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_bars(monkeypatch):
    """On a terminal the bars show files, bytes and the time that is left, and are gone at the end."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    progress = console.progress(quiet=False)
    assert isinstance(progress, console.TerminalProgress)
    progress.advance(1)
    progress.done("before it begins")
    progress.begin("Fetching", 2, 2_000_000)
    progress.advance(1_000_000)
    progress.done("file")
    progress.note("a note")
    progress.end()
    progress.begin("Pushing", 0, 0)
    progress.end()
    progress.note("after the end")
    text = screen.getvalue()
    assert "Fetching" in text
    assert "1/2" in text
    assert re.search(r"-:--:--|0:00:0\d", text), "the time that is left"
    assert "Pushing" in text
    assert "0/0" not in text
    assert "MB" in text
    assert "a note" in text
    assert "after the end" in text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (5_250_000, "5.2 MB"), (3e9, "3.0 GB"), (7.5e12, "7.5 TB")]
)
def test_sizes_as_people_say_them(size, text):
    """SI prefixes, one decimal."""
    assert console.human(size) == text


def test_errors_keep_their_brackets(capsys):
    """A message that looks like markup is printed as it is."""
    console.show_error(RemoteError("[red]x[/] gone", fix="look at [this]"))
    assert capsys.readouterr().err == "error: [red]x[/] gone\n  fix: look at [this]\n"


def test_no_colour_when_it_is_not_wanted(monkeypatch):
    """NO_COLOR leaves no colour in an error on a terminal."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    console.show_error(RemoteError("gone"))
    assert "\x1b[31m" not in screen.getvalue()
    assert "\x1b[1;31m" not in screen.getvalue()
