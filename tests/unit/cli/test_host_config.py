"""`host-config` and `client-config`, as they are used and misused."""

import json
import stat
from pathlib import Path

import pygit2
import pytest
from conftest import commit_all

SETTINGS = """schema: 1
title: 'Acme "x"; }} { # $title'
upstreams: {pypi: default}
audiences:
  public: {files: packages/, url: https://index.example.org/}
  internal: {files: packages/, url: https://index.example.org/internal/, includes: [public]}
publish:
  - {name: pages, audience: public, kind: pages-branch}
  - {name: inside, audience: internal, kind: directory, path: published/internal}
"""
POLICY = """schema: 2
people:
  alice: {github: {login: alice, id: 1001}}
  bob: {github: {login: bob, id: 1002}}
rules:
  - {id: all, audiences: [public], grant: {anyone: [download]}}
  - {id: some, audiences: [internal], grant: {alice: [download]}}
"""


@pytest.fixture
def two(repo):
    (repo / "index.yaml").write_text(SETTINGS)
    (repo / "policies.d" / "maintainers.yaml").write_text(POLICY)
    return repo


NGINX = ("host-config", "nginx", "--worktree")


def test_one_open_audience_is_printed_whole(two, cli):
    """What needs no other file is printed, in text and in JSON; a title stays in its comment."""
    done = cli(*NGINX, "--audience", "public", "--root", "public=/srv/www/public")
    assert done.code == 0
    assert "note: public: everybody may read it\n" in done.err
    assert "internal is on index.example.org too, and not in this" in done.err
    assert done.out.startswith('# Acme "x"; }} { # $title: public, for nginx.\n')
    assert "auth_basic" not in done.out
    value = json.loads(cli(*NGINX, "--audience", "public", "--root", "public=/srv/www/public", "--format", "json").out)
    assert value["audiences"] == {"public": {"open": True, "people": []}}
    assert value["files"] == [{"name": "nginx.conf", "text": done.out}]


@pytest.mark.parametrize(("kind", "name"), [("nginx", "nginx.conf"), ("apache", "apache.conf"), ("caddy", "Caddyfile")])
def test_files_are_written_where_they_differ(two, cli, kind, name, tmp_path):
    """The first time all are, the second time none; hashes are for the host alone, and in no JSON."""
    passwords, output = tmp_path / "passwords", tmp_path / "conf"
    assert len(cli("host-config", "password", "alice", "--passwords", passwords).out.strip()) == 40
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o640
    arguments = ("host-config", kind, "--worktree", "--root", "public=/srv/p", "--passwords", passwords, "--output", output)
    done = cli(*arguments)
    assert f"{name}, users, internal.readers written into" in done.err
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in output.iterdir()} == {
        name: 0o644,
        "users": 0o640,
        "internal.readers": 0o644,
    }
    assert "nothing has changed" in cli(*arguments).err
    value = json.loads(cli(*arguments, "--format", "json").out)
    assert next(file["text"] for file in value["files"] if file["name"] == "users") is None
    assert value["written"] == []
    assert "$2b$" in (output / "users").read_text()
    assert ":made" not in (output / "users").read_text()
    assert "$2b$" not in (output / name).read_text()
    two.joinpath("policies.d", "maintainers.yaml").write_text(POLICY.replace("alice: [download]", "bob: [download]"))
    done = cli(*arguments)
    assert "internal.readers written into" in done.err
    assert "users" not in done.err.replace("of password", "")
    assert "no password is known of bob" in done.err
    assert "alice" not in (output / "internal.readers").read_text()


def test_passwords_are_made_asked_for_and_taken_away(two, cli, tmp_path, monkeypatch):
    """A chosen one is hashed slowly; one of somebody whom no policy knows gets nowhere."""
    file = tmp_path / "passwords"
    monkeypatch.setattr("click.prompt", lambda *_, **__: "correct horse")
    assert cli("host-config", "password", "zoe", "--passwords", file, "--ask").out == ""
    assert file.read_text().startswith("zoe:$2b$10$")
    first = cli("host-config", "password", "alice", "--passwords", file).out
    assert first not in file.read_text()
    assert first != cli("host-config", "password", "alice", "--passwords", file).out
    done = cli(*NGINX, "--root", "public=/srv/p", "--passwords", file, "--output", tmp_path / "conf")
    assert "zoe has a password, and no policy knows them: left out" in done.err
    assert "zoe" not in (tmp_path / "conf" / "users").read_text()
    assert cli("host-config", "password", "zoe", "--passwords", file, "--remove").code == 0
    assert "zoe" not in file.read_text()
    assert cli("host-config", "password", "zoe", "--passwords", file, "--remove").code == 2
    assert "Word" not in cli("host-config", "password", "Zo:e", "--passwords", file).err
    monkeypatch.setattr("click.prompt", lambda *_, **__: "x" * 73)
    assert "at most 72 bytes" in cli("host-config", "password", "zoe", "--passwords", file, "--ask").err


@pytest.mark.parametrize(
    ("arguments", "said", "fix"),
    [
        ((), "'public' has no target of `kind: directory`", "--root public=DIR"),
        (("--audience", "intrenal"), "there is no audience 'intrenal'", "did you mean 'internal'?"),
        (("--root", "public"), "not written as NAME=DIR", "--root internal=/srv/www/internal"),
        (("--root", "pubic=/srv/p"), "there is no audience 'pubic'", "did you mean 'public'?"),
        (("--root", "public=/srv/p;}"), "read as something else", "see --help"),
        (("--root", "public=/srv/p", "--listen", "0.0.0.0:80"), "in plain", "see --help"),
        (("--root", "public=/srv/p", "--certificate", "/etc/x.pem"), "--certificate and --key go together", "--help"),
        (("--root", "public=/srv/p", "--output", "conf"), "'internal' is not for everybody, and no password is known", "--passwords FILE"),
        (("--root", "public=/srv/p", "--passwords", "nowhere"), "nowhere is not there", "host-config password"),
        (("--root", "public=/srv/p", "--passwords", "index.yaml"), "does not ignore it", "its .gitignore: /index.yaml"),
        (("--root", "public=/srv/p", "--passwords", ".pool/passwords"), "passwords, line 1", "delete the line"),
    ],
)
def test_mistakes(two, cli, arguments, said, fix):
    """Each is told with the way out, and nothing is written."""
    (two / ".pool").mkdir()
    (two / ".pool" / "passwords").write_text("schema: 1\n")
    done = cli(*NGINX, *arguments)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert fix in done.err
    assert not Path("conf").exists()


def test_no_hash_comes_into_git(two, cli, tmp_path):
    """Files of hashes inside a repository are refused where git would take them, and written where it ignores them."""
    conf = ("--root", "public=/srv/p", "--passwords", tmp_path / "passwords", "--output")
    done = cli("host-config", "password", "alice", "--passwords", "sub/passwords")
    assert (done.code, done.out, Path("sub").exists()) == (2, "", False)
    assert "add this line to its .gitignore: /sub/passwords" in done.err
    assert cli("host-config", "password", "alice", "--passwords", tmp_path / "passwords").code == 0
    done = cli(*NGINX, *conf, "conf")
    assert (done.code, Path("conf").exists()) == (2, False)
    assert "/conf/users" in done.err
    (two / ".gitignore").write_text("/conf/users\n/sub/\n")
    assert cli(*NGINX, *conf, "conf").code == 0
    assert cli("host-config", "password", "alice", "--passwords", "sub/passwords").code == 0
    commit_all(two)
    (two / ".gitignore").write_text("/conf/\n")
    index = pygit2.Repository(str(two)).index
    index.add("sub/passwords")
    index.write()
    broken = tmp_path / "broken"
    pygit2.init_repository(str(broken))
    (broken / ".git" / "config").write_text("[core\n")
    assert "that cannot be read" in cli("host-config", "password", "alice", "--passwords", broken / "passwords").err
    assert "git rm --cached sub/passwords" in cli("host-config", "password", "alice", "--passwords", "sub/passwords").err


def test_files_that_are_none(two, cli, tmp_path):
    """A password file that is no text, and a place that cannot be written, are told as such."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"#" * 3_000_000)
    (tmp_path / "file").write_text("")
    assert "is no text in UTF-8" in cli(*NGINX, "--root", "public=/srv/p", "--passwords", tmp_path / "binary").err
    assert "larger than any such file" in cli(*NGINX, "--root", "public=/srv/p", "--passwords", tmp_path / "large").err
    done = cli("host-config", "password", "alice", "--passwords", tmp_path / "file" / "passwords")
    assert done.code == 1
    assert (done.out, "File exists" in done.err) == ("", True)


def test_no_rule_is_quietly_ignored(two, cli):
    """A rule that denies some projects of a tree cannot be kept by a host, and an audience without url has none."""
    policy = two / "policies.d" / "maintainers.yaml"
    policy.write_text(POLICY + "  - {id: secret, projects: [acme-*], deny: {bob: [download]}}\n")
    done = cli(*NGINX, "--root", "public=/srv/p")
    assert done.code == 2
    assert "the rule 'secret' denies download of some projects" in done.err
    policy.write_text(POLICY)
    (two / "index.yaml").write_text(SETTINGS.replace(", url: https://index.example.org/}", "}"))
    assert "has no `url:`" in cli(*NGINX, "--root", "public=/srv/p").err


def test_nobody_is_nobody(two, cli, tmp_path):
    """Where no rule grants download, the files are written all the same, and let nobody in: the old ones would let somebody in."""
    (two / "policies.d" / "maintainers.yaml").write_text(POLICY.replace("grant: {alice: [download]}", "grant: {}"))
    cli("host-config", "password", "alice", "--passwords", tmp_path / "passwords")
    done = cli(*NGINX, "--root", "public=/srv/p", "--passwords", tmp_path / "passwords", "--output", tmp_path / "conf")
    assert "internal: nobody may read it" in done.err
    assert (tmp_path / "conf" / "internal.readers").read_text() == ""


def client(cli, *arguments):
    return cli("client-config", *arguments, "--worktree")


def test_a_client_is_told(two, cli):
    """The settings, why there is one index, and where the password goes; an open index needs none."""
    done = client(cli, "uv", "--audience", "internal", "--cooldown", "7")
    assert done.code == 0
    assert 'url = "https://index.example.org/internal/simple/"' in done.out
    assert 'exclude-newer = "7 days"' in done.out
    assert "~/.netrc" in done.out
    assert "netrc" not in client(cli, "uv", "--audience", "public").out
    assert json.loads(client(cli, "conda", "--audience", "internal", "--format", "json").out)["index"].endswith("/internal/simple/")


def test_writing_keeps_what_is_there(two, cli, tmp_path, monkeypatch):
    """Lines, mode and links stay; a second index in the file wants a human; a second time nothing changes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    real = tmp_path / "dotfiles"
    real.write_text("[global]\ntimeout = 60  ; slow\n")
    real.chmod(0o600)
    conf = tmp_path / "config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.symlink_to(real)
    arguments = ("pip", "--audience", "internal", "--repo", two)
    assert client(cli, *arguments, "--write").code == 0
    assert conf.is_symlink()
    assert real.read_text() == "[global]\ntimeout = 60  ; slow\nindex-url = https://index.example.org/internal/simple/\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert "nothing has changed" in client(cli, *arguments, "--write").err
    real.write_text("[global]\nextra-index-url = https://other.example.org/simple/\n")
    done = client(cli, *arguments, "--write")
    assert done.code == 10
    assert "extra-index-url of [global]" in done.err
    assert "extra-index-url" in real.read_text()
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    assert client(cli, *arguments, "--write").code == 0
    assert (tmp_path / "venv" / "pip.conf").is_file()
    assert client(cli, "poetry", "--audience", "internal", "--repo", two, "--write", "--cooldown", "3").code == 0
    assert Path("poetry.toml").read_text() == "[solver]\nmin-release-age = 3\n"
    Path("uv.toml").write_text("# ours\n")
    assert client(cli, "uv", "--audience", "internal", "--repo", two, "--write").code == 0
    assert Path("uv.toml").read_text().startswith("# ours\n[[index]]\n")
    value = json.loads(
        client(cli, "pdm", "--audience", "internal", "--repo", two, "--write", "--file", "sub/p.toml", "--format", "json").out
    )
    assert list(value["files"]) == ["sub/p.toml"]


def test_another_index_somewhere_else(two, cli, tmp_path, monkeypatch):
    """Whatever pip reads besides the file that is written, of the machine, its user and the environment, is looked at, and wants a human."""
    for name in ("PIP_CONFIG_FILE", "VIRTUAL_ENV", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
    texts = {
        tmp_path / "etc" / "pip" / "pip.conf": "[global]\nindex-url = https://below.example.org/simple/\n",
        tmp_path / ".pip" / "pip.conf": "[global]\nextra-index-url = https://other.example.org/simple/\n",
        tmp_path / "own.conf": "[global]\nindex-url = https://over.example.org/simple/\n",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for tool in ("pip", "pip-tools", "conda"):
        done = client(cli, tool, "--audience", "internal", "--write")
        assert done.code == 10, tool
        assert f"{tmp_path / '.pip' / 'pip.conf'}: extra-index-url of [global]" in done.err, tool
        assert str(tmp_path / "etc") not in done.err, tool
    (tmp_path / ".pip" / "pip.conf").unlink()
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://other.example.org/simple/")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "own.conf"))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    others = json.loads(client(cli, "pip", "--audience", "internal", "--write", "--format", "json").out)["others"]
    assert {"PIP_EXTRA_INDEX_URL of the environment", f"{tmp_path / 'own.conf'}: index-url of [global]"} <= set(others)
    assert "PIP_EXTRA_INDEX_URL of the environment" in client(cli, "pip", "--audience", "internal").err
    assert "PIP_EXTRA_INDEX_URL" not in client(cli, "uv", "--audience", "internal").err
    monkeypatch.setenv("UV_INDEX", "https://other.example.org/simple/")
    assert "UV_INDEX of the environment" in client(cli, "uv", "--audience", "internal").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pip",), "there are several audiences: public, internal"),
        (("pip", "--audience", "pubic"), "did you mean 'public'?"),
        (("pipp",), "did you mean 'pip'?"),
        (("pip", "--audience", "public", "--cooldown", "7"), "serves HTML alone"),
        (("pip", "--audience", "internal", "--file", "x"), "--file is for --write"),
    ],
)
def test_mistakes_with_clients(two, cli, arguments, said):
    """Each is told, with the near ones."""
    done = client(cli, *arguments)
    assert done.code == 2
    assert said in done.err
