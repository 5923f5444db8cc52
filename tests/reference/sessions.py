"""Terminal sessions of every verb, typed into a real terminal (tmux) and read off it."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pygit2
from distributions import sdist, wheel
from hosted import on_github
from live import serving
from terminal import Terminal

WIDTH, HEIGHT = 118, 50
_TARGET = (
    "echo 'publish: [{name: local, audience: public, kind: directory, path: published/public}]' >> index.yaml; git commit -qam publish"
)
#: verb -> what is typed, in an index that holds acme-utils, acme-nightly and six. C-c is Ctrl-C.
TYPED: dict[str, list[str]] = {
    "init": ["index-builder init ../my-index", "index-builder init ../my-index"],
    "add": [
        "index-builder add --pypi flask --with-dependencies --python 3.12 --platform linux_x86_64",
        "cat packages.d/click.yaml",
        "index-builder add --dist ../dist/ --dry-run",
        "index-builder add --from ../requirements.txt",
        "index-builder add --pypi flaks",
    ],
    "import": ["ls ../dist > ../names", "index-builder import dumb-pypi ../names --dist ../dist/", "index-builder import dumb-pypi ../names --dist ../"],
    "yank": ["index-builder yank acme-utils 1.0 --reason 'broken on Windows'", "index-builder yank acme-utils 1.0 --undo"],
    "remove": ["index-builder remove acme-utils 1.0 --reason 'leaked a key'", "tail -2 packages.d/acme-utils.yaml"],
    "keys": [
        "index-builder keys new alice",
        "index-builder keys init",
        "index-builder keys status",
        "index-builder keys rotate timestamp",
        "index-builder keys revoke alice",
    ],
    "sign": [
        "index-builder build --worktree -q; index-builder sign --worktree",
        "index-builder sign --worktree --development",
        "index-builder sign --worktree --development",
    ],
    "publish": [
        _TARGET,
        "index-builder publish -q; index-builder publish --status",
        "index-builder yank six 1.16.0 --reason old; git commit -qam yank",
        "index-builder publish --dry-run",
        "index-builder publish",
        "index-builder publish",
        "index-builder publish --target lokal",
    ],
    "rollback": [
        _TARGET,
        "index-builder publish -q; index-builder yank six 1.16.0 --reason old; git commit -qam yank; index-builder publish -q",
        "index-builder rollback --reason 'six 1.16.0 is needed' -q",
        "index-builder publish",
        "index-builder publish --release-hold -q",
    ],
    "mirror-check": [
        _TARGET + "; sed -i 's#public}]#public}, {name: copy, audience: public, kind: directory, path: published/copy}]#' index.yaml; git commit -qam copy",
        "index-builder publish -q; index-builder mirror-check -q",
        "sed -i s/six-1/six-6/ published/copy/simple/six/index.html",
        "index-builder mirror-check -q",
        "index-builder publish --target copy --reconcile -q; index-builder mirror-check -q",
    ],
    "verify": [
        "index-builder build --worktree -q; index-builder sign --worktree --development; mv .development-keys/public/trust/1.root.json ../root.json",
        "index-builder verify site/public --root ../root.json -q",
        "sed -i s/six-1/six-6/ site/public/simple/six/index.html",
        "index-builder verify site/public --root ../root.json -q",
    ],
    "proxy": [
        "index-builder build --worktree -q; index-builder sign --worktree --development; mv .development-keys/public/trust/1.root.json ../root.json",
        "index-builder proxy --index site/public --root ../root.json -- sh -c 'echo $PIP_INDEX_URL'",
        "index-builder proxy --index site/public --root ../root.json -- pip install --extra-index-url https://pypi.example.org/simple/ six",
    ],
    "bump": [
        "sed -i 's/^releases:/source: {index: pypi, cooldown: 3d}\\nreleases:/' packages.d/six.yaml; index-builder bump",
        "sed -i 's/, cooldown: 3d//' packages.d/six.yaml; index-builder bump --dry-run",
        "index-builder bump acme-utils",
    ],
    "pull": [
        "index-builder pull judge 12 -q",
        "index-builder pull judge 12 --output verdict.json -q > judgement.txt; index-builder pull act verdict.json --number 12",
        "index-builder pull judge 13",
    ],
    "previews": [
        "index-builder previews tidy",
        "echo 'previews: {audience: public, kind: directory, path: ../shown, site: https://previews.example.org/}' >> index.yaml",
        "git commit -qam previews; index-builder previews tidy",
    ],
    "doctor": ["index-builder doctor"],
    "check": [
        "index-builder check --worktree",
        "sed -i 's/hosting: hosted/hosting: hostd/; s/size: [0-9]*/size: big/' packages.d/acme-utils.yaml",
        "index-builder check --worktree",
        "git checkout -q packages.d", "index-builder add --dist ../dist/ -q",
        "index-builder check --base HEAD --worktree --actor alice --offline -q",
    ],
    "preview": ["index-builder add --dist ../dist/ -q", "index-builder preview --base HEAD --worktree --port 0 -q", "C-c"],
    "build": ["index-builder build", "index-builder build", "index-builder yank six 1.16.0 --reason old", "index-builder build --worktree --dry-run"],
    "status": ["index-builder status acme-utils deprecated --reason 'use acme-core'", "index-builder status acme-utils archved"],
    "owners": ["index-builder owners acme-utils add alice", "index-builder owners acme-utils remove maintainers"],
    "prune": ["index-builder prune acme-nightly --keep 1 --dry-run", "index-builder prune acme-nightly --keep 1"],
    "migrate": ["sed -i 's/^schema: 2/schema: 1/' policies.d/maintainers.yaml", "index-builder check --worktree", "index-builder migrate"],
    "stamp": [
        "index-builder add --dist ../dist/",
        "sed -i 's/uploaded: .*/uploaded: 2026-01-05T12:00:00Z/' packages.d/acme-core.yaml   # written weeks ago",
        "index-builder stamp --base HEAD",
    ],
    "serve": ["index-builder build --quiet", "index-builder serve --port 0", "C-c"],
    "pool": [
        "index-builder pool push ../dist/",
        "index-builder pool gc --dry-run",
        "index-builder pool check",
    ],
    "host-config": [
        "sed -i 's#files: packages/#files: packages/, url: https://packages.example.org/#' index.yaml; sed -i 's/anyone: .download/maintainers: [download/' policies.d/*",
        "index-builder host-config password alice --passwords ../passwords > ../the-password",
        "index-builder host-config nginx --worktree --root public=/srv/www/index --passwords ../passwords --output ../nginx --folder /etc/index-builder",
        "cat ../nginx/public.readers",
        "index-builder host-config nginx --worktree --root public=/srv/www/index 2> ../told | sed -n 22,36p",
        "index-builder host-config nginx --worktree",
    ],
    "client-config": [
        "sed -i 's#files: packages/#files: packages/, url: https://packages.example.org/#' index.yaml",
        "index-builder client-config pip --worktree --cooldown 7",
        "printf '[project]  # ours\\nname = \"trial\"\\nversion = \"1\"\\n' > pyproject.toml",
        "index-builder client-config uv --worktree --write",
        "cat pyproject.toml",
    ],
    "list": ["index-builder list"],
    "show": ["index-builder show acme-utils", "index-builder show acme-utlis"],
    "search": [
        "index-builder search acme maintainers",
        "index-builder build -q; index-builder search utlis --index site/public",
    ],
    "can": ["index-builder can maintainers release acme-utils", "index-builder can anyone release acme-utils"],
    "who": ["index-builder who release acme-utils", "index-builder who download acme-utils"],
    "rule": ["index-builder rule file-immutable", "index-builder rule nam"],
    "policy": [
        "index-builder add --dist ../dist/ -q",
        "git add . && git commit --quiet --message 'Add acme-core'",
        "sed -i 's/maintainers: .create, /maintainers: [/' policies.d/maintainers.yaml",
        "index-builder policy replay --since HEAD~1 --worktree",
        "index-builder policy codeowners --worktree",
    ],
    "diff": ["index-builder yank six 1.16.0 --reason old", "index-builder diff HEAD"],
    "schema": ["index-builder schema index | head -8"],
    "completion": ["index-builder completion bash | head -4"],
}  # fmt: skip


#: The verbs that need a repository on GitHub.
ON_GITHUB = {"pull", "previews", "doctor"}


class Shell(Terminal):
    """bash, whose prompt tells when a command is done."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        ready = {"PS1": "$ ", "PROMPT_COMMAND": f"tmux -L {self.socket} wait-for -S ready"}
        super().__init__(folder, environment | ready, ["bash", "--norc", "--noprofile", "-i"], width=WIDTH, height=HEIGHT)
        self._wait()

    def enter(self, line: str) -> None:
        """Type a line (or press C-c) and wait for the next prompt; a server is waited for until it says that it serves."""
        if line == "C-c":
            self.press("C-c")
        else:
            self.type(line)
            self.press("Enter")
        if " serve" in line or " preview" in line:
            self.wait_until(lambda: "uv pip install" in self.screen())
        else:
            self._wait()

    def screen(self) -> str:
        """Return all that the terminal shows, from its first line on, without the last prompt."""
        return "\n".join(self.lines()).removesuffix("$").rstrip()

    def _wait(self) -> None:
        """Wait until the shell is about to print its prompt, then until the prompt is there: what is typed earlier shows twice."""
        self.tmux("wait-for", "ready")
        self.wait_until(lambda: self.lines()[-1].endswith("$"))


def upstream_files() -> list[tuple[str, bytes]]:
    """Return what the index that plays PyPI has: flask with its dependencies, six and requests, all of our own making."""
    return [
        wheel("flask", "3.1.2", requires=["click>=8.1.3", "jinja2>=3.1.2"], requires_python=">=3.9"),
        wheel("click", "8.3.1", requires_python=">=3.10"),
        wheel("jinja2", "3.1.6", requires=["markupsafe>=2.0"], requires_python=">=3.7"),
        wheel("markupsafe", "3.0.3", tag="cp312-cp312-manylinux_2_28_x86_64", requires_python=">=3.9"),
        wheel("markupsafe", "3.0.3", tag="cp312-cp312-win_amd64", requires_python=">=3.9"),
        wheel("six", "1.16.0", tag="py2.py3-none-any"), sdist("six", "1.16.0"), wheel("six", "1.17.0", tag="py2.py3-none-any"),
        sdist("six", "1.17.0"), wheel("requests", "2.32.5", requires=["idna<4"], requires_python=">=3.9"), wheel("idna", "3.11"),
    ]  # fmt: skip


def own_files() -> list[tuple[str, bytes]]:
    """Return the hosted projects of the index that sessions and how-tos begin with."""
    return [
        wheel("acme-utils", "1.0", requires_python=">=3.9"), sdist("acme-utils", "1.0", requires_python=">=3.9"),
        wheel("acme-utils", "1.1", requires_python=">=3.9"),
        *(wheel("acme-nightly", f"2.0.dev{number}") for number in (1, 2, 3)),
    ]  # fmt: skip


def prepared(folder: Path, run) -> Path:
    """Make the index repository that sessions and how-tos begin with, committed, and wheels to add; return its folder.

    `run` runs the command line in a folder; the upstream `pypi` must answer.
    """
    for name, files in {"own": own_files(), "dist": [wheel("acme-core", "0.1", requires=["acme-utils"])]}.items():
        (folder / name).mkdir(parents=True)
        for file, content in files:
            (folder / name / file).write_bytes(content)
    digest = re.search("sha256=([0-9a-f]{64})", _hash_of(wheel("requests", "2.32.5", requires=["idna<4"], requires_python=">=3.9")[1]))[1]
    (folder / "requirements.txt").write_text(f"idna==3.11\nrequests==2.32.5 \\\n    --hash=sha256:{digest}\n")
    index = folder / "index"
    run(folder, "init", "index", "--title", "Acme packages")
    policy = index / "policies.d" / "maintainers.yaml"
    policy.write_text(
        policy.read_text().replace("people: {}    # alice", "people:\n  alice").replace("maintainers: []", "maintainers: [alice]")
    )
    run(index, "add", "--dist", "../own")
    run(index, "add", "--pypi", "six==1.16.0")
    shutil.rmtree(folder / "own")
    (folder / "wheels").mkdir()
    for name, content in (
        wheel("acme-core", "0.1", requires=["acme-utils", "six>=1.16"]),
        wheel("acme-utils", "1.1", requires_python=">=3.9"),
    ):
        (folder / "wheels" / name).write_bytes(content)
    repository = pygit2.Repository(str(index))
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("Alice", "alice@example.org", 1_700_000_000, 0)
    repository.create_commit("HEAD", who, who, "An index", repository.index.write_tree(), [])
    return index


def _hash_of(content: bytes) -> str:
    import hashlib

    return f"sha256={hashlib.sha256(content).hexdigest()}"


@contextmanager
def upstream(folder: Path):
    """Serve the index that plays PyPI; yields it, and a function that runs the command line in a folder."""

    def run(where: Path, *arguments: str) -> None:
        program = [sys.executable, "-m", "index_builder", *arguments]
        done = subprocess.run(program, cwd=where, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    environment = environment_for(folder, "")
    (folder / "upstream-files").mkdir(parents=True)
    for name, content in upstream_files():
        (folder / "upstream-files" / name).write_bytes(content)
    run(folder, "init", "upstream")
    run(folder / "upstream", "add", "--dist", "../upstream-files")
    run(folder / "upstream", "build", "--worktree", "-q")
    with serving(folder / "upstream" / "site" / "public") as live:
        environment = environment_for(folder, live.simple)
        yield live, run


def record(template: Path, scratch: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return each verb's session, in a copy of the prepared folder of its own; what changes with the day is made to stand still."""
    shown = {}
    for verb, lines in TYPED.items():
        folder = scratch / verb
        shutil.copytree(template, folder, symlinks=True)
        with ExitStack() as stack:
            given = stack.enter_context(on_github(folder / "index")) if verb in ON_GITHUB else {}
            terminal = stack.enter_context(Shell(folder / "index", environment | given))
            for line in lines:
                terminal.enter(line)
            shown[verb] = still(terminal.screen())
        shutil.rmtree(folder)
    return shown


def still(text: str) -> str:
    """Return a session without the moment, the commits and the port that it happened to have."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-11-21T09:30:00Z", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "5ff7d67d7324", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "4f1c" * 16, text)
    text = re.sub(r"\b[0-9a-f]{16}\.pem\b", "3bab85f4320dad5b.pem", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC", "2027-11-21 09:30 UTC", text)
    text = re.sub(r"\b(root|timestamp|snapshot) \d{4}-\d\d-\d\d", r"\1 2027-11-21", text)
    text = re.sub(r"\bsince \d{4}-\d\d-\d\d", "since 2026-11-21", text)
    text = re.sub(r"\bversion \d{7,}", "version 1525598", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:40123", text)


def environment_for(home: Path, upstream: str) -> dict[str, str]:
    """Return what a user of a clean machine has, and the upstream that plays PyPI."""
    author = {"NAME": "Alice", "EMAIL": "1001+alice@users.noreply.github.com"}
    return {
        **{f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in author.items()},
        "HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "LANG": "C.UTF-8",
        "PIP_INDEX_URL": upstream, "INDEX_BUILDER_UNSAFE_NETWORKS": "127.0.0.0/8", "NO_PROXY": "127.0.0.1", "TERM": "screen-256color",
        "INDEX_BUILDER_KEYS": "../keys", "INDEX_BUILDER_PASSPHRASE": "correct horse battery staple",
    }  # fmt: skip
