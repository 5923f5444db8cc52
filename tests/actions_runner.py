"""A runner of GitHub Actions on this machine: workflows of a real git repository, with the files, variables and tokens of real ones.

It runs the `run:` steps as they are written, in bash. A job's token may do what its `permissions:` say and nothing else; a pull
request's gets no right to write and no secret. Of `uses:` it knows checkout, artifacts, Pages and the builder itself, which is the
one that is tested. Jobs wait for those they need, outputs and artifacts are passed on, and a workflow that ends starts those that
listen to it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pygit2
import pytest
import yaml
from github_pulls import WHO, git_of
from github_server import GitHub, Token
from github_tokens import verified
from published import CREDENTIALS
from servers import running

BUILDER = Path(sys.executable).parent
#: Events in which the workflow is the change's own: no secret, and no right to write.
STRANGERS = ("pull_request", "pull_request_review")


@dataclass(kw_only=True)
class Run:
    """What became of a workflow: each job's result by its name, its outputs, what its steps printed, and the artifacts."""

    workflow: str
    event: str
    results: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    artifacts: dict[str, Path] = field(default_factory=dict)


class Runner:
    """Runs the workflows of a repository on the GitHub on loopback."""

    def __init__(self, hub: GitHub, name: str, folder: Path, secrets: Mapping[str, str] | None = None) -> None:
        self.hub, self.name, self.folder, self.secrets = hub, name, folder, dict(secrets or {})
        self.repository = hub.repositories[name]
        self.variables: dict[str, str] = {}
        self.runs: list[Run] = []
        self.pages: Path | None = None
        self.sign: Callable[[Path], bytes] = lambda path: pytest.fail(f"nobody said how {path} is attested")
        self._numbers = count(1)

    def event(self, event: str, payload: dict[str, Any], *, only: str = "") -> list[Run]:
        """Let something happen, and all that follows from it; return the runs, in order."""
        first = len(self.runs)
        self._happen(event, payload, only)
        while self.repository.dispatches:
            file, inputs = self.repository.dispatches.pop(0)
            self._happen("workflow_dispatch", {"inputs": inputs}, file)
        return self.runs[first:]

    @contextmanager
    def serving_pages(self, certificate: Path) -> Iterator[str]:
        """Serve what was deployed to Pages last, over TLS; yield its URL."""

        class Handler(SimpleHTTPRequestHandler):
            def translate_path(handler, path: str) -> str:  # noqa: N805 - `self` is the runner
                return str((self.pages or self.folder / "nothing") / urlsplit(path).path.lstrip("/"))

            def log_message(handler, *args: object) -> None:  # noqa: N805
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        with running(server, certificate) as url:
            yield f"{url}/"

    def pull_request(self, number: int) -> list[Run]:
        """Let a pull request be opened or pushed to."""
        return self.event("pull_request", {"number": number, "pull_request": self._of_pull(number)})

    def review(self, number: int) -> list[Run]:
        """Let the last review of a pull request be submitted."""
        review = self.repository.pulls[number]["reviews"][-1]
        return self.event("pull_request_review", {"number": number, "pull_request": self._of_pull(number), "review": review})

    def _of_pull(self, number: int) -> dict[str, Any]:
        pull = self.repository.pulls[number]
        head = str(git_of(self.repository).references[f"refs/pull/{number}/head"].target)
        base = str(git_of(self.repository).references["refs/heads/main"].target)
        return {"number": number, "user": pull["user"], "head": {"sha": head}, "base": {"sha": base, "ref": "main"}}

    def comment(self, number: int, body: str, user: dict[str, Any]) -> list[Run]:
        """Let somebody comment on a pull request."""
        pull = self.repository.pulls[number]
        pull["comments"].append({"id": self.hub.next(), "body": body, "user": {"type": "User", **user}})
        issue = {"number": number, "state": pull["state"], "user": pull["user"], "pull_request": {}}
        return self.event("issue_comment", {"issue": issue, "comment": {"id": pull["comments"][-1]["id"], "body": body, "user": user}})

    def _happen(self, event: str, payload: dict[str, Any], only: str = "") -> None:
        commit = self._merge_of(payload) if event in STRANGERS else self._main()
        payload = {**payload, "repository": {"default_branch": "main", "full_name": self.name}}
        tree = commit.peel(pygit2.Commit).tree[".github/workflows"]
        for entry in sorted(tree, key=lambda entry: entry.name):
            workflow = yaml.safe_load(entry.data)
            on = workflow.get("on", workflow.get(True))
            if (only and entry.name != only) or not _listens(on, event, payload, self._workflow_name(payload)):
                continue
            run = _Job(self, workflow, event, payload, str(commit.id)).run_all()
            self.runs.append(run)
            if event != "workflow_run":
                self._happen(
                    "workflow_run", {"workflow_run": {"name": workflow["name"], "head_sha": _head(payload, commit), "conclusion": ""}}
                )

    @staticmethod
    def _workflow_name(payload: dict[str, Any]) -> str:
        return str(payload.get("workflow_run", {}).get("name", ""))

    def _main(self) -> Any:
        return git_of(self.repository).references["refs/heads/main"].peel(pygit2.Commit)

    def _merge_of(self, payload: dict[str, Any]) -> Any:
        """Return the merge that GitHub would make, which is where a pull request's own workflows come from."""
        git = git_of(self.repository)
        base, head = (pygit2.Oid(hex=payload["pull_request"][side]["sha"]) for side in ("base", "head"))
        index = git.merge_commits(base, head)
        made = git.create_commit(None, WHO, WHO, "merge", index.write_tree(git), [base, head])
        git.references.create(f"refs/pull/{payload['number']}/merge", made, force=True)
        return git[made]


def _head(payload: dict[str, Any], commit: Any) -> str:
    return str(payload["pull_request"]["head"]["sha"]) if "pull_request" in payload else str(commit.id)


def _listens(on: Any, event: str, payload: dict[str, Any], workflow: str) -> bool:
    if isinstance(on, str | list):
        return event in ([on] if isinstance(on, str) else on)
    if event not in on:
        return False
    return event != "workflow_run" or workflow in on[event]["workflows"]


class _Unseekable(io.RawIOBase):
    """A stream that only goes on."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return self._stream.write(content)


class _Job:
    """The jobs of one run of a workflow."""

    def __init__(self, runner: Runner, workflow: dict[str, Any], event: str, payload: dict[str, Any], commit: str) -> None:
        self.runner, self.workflow, self.event, self.payload, self.commit = runner, workflow, event, payload, commit
        self.folder = runner.folder / f"run-{next(runner._numbers)}"
        self.run = Run(workflow=workflow["name"], event=event)
        head = payload["pull_request"]["head"]["sha"] if "pull_request" in payload else commit
        self.listed: dict[str, Any] = {
            "id": runner.hub.next(), "file": f"{workflow['name']}.yml", "event": event, "head_sha": head, "status": "in_progress",
            "artifacts": [],
        }  # fmt: skip
        runner.repository.runs.append(self.listed)

    def run_all(self) -> Run:
        waiting = dict(self.workflow["jobs"])
        while waiting:
            ready = next(name for name, job in waiting.items() if not set(_needs(job)) & set(waiting))
            self._job(ready, waiting.pop(ready))
        self.listed["status"] = "completed"
        return self.run

    def _job(self, name: str, job: dict[str, Any]) -> None:
        needs = {need: {"result": self.run.results[need], "outputs": self.run.outputs[need]} for need in _needs(job)}
        context = self._context(needs)
        good = all(need["result"] == "success" for need in needs.values())
        condition = str(job.get("if", ""))
        asked = _value(condition, {**context, "$good": good}) if condition else True
        if not _true(asked) or (not good and "cancelled()" not in condition and "always()" not in condition):
            self.run.results[name], self.run.outputs[name] = "skipped", {}
            return
        matrix = job.get("strategy", {}).get("matrix", {})
        results = []
        outputs: dict[str, str] = {}
        for variables in _combinations({key: _value_of(value, context) for key, value in matrix.items()}):
            result, outputs = self._once(name, job, {**context, "matrix": variables})
            results.append(result)
        self.run.results[name] = "success" if all(result == "success" for result in results) else "failure"
        self.run.outputs[name] = outputs

    def _context(self, needs: dict[str, Any]) -> dict[str, Any]:
        secrets = {} if self.event in STRANGERS else self.runner.secrets
        return {
            "github": {"event": self.payload, "event_name": self.event, "repository": self.runner.name, "ref": "refs/heads/main", "ref_name": "main"},
            "needs": needs, "secrets": secrets, "vars": self.runner.variables, "inputs": self.payload.get("inputs", {}), "steps": {}, "$good": True,
        }  # fmt: skip

    def _once(self, name: str, job: dict[str, Any], context: dict[str, Any]) -> tuple[str, dict[str, str]]:
        number = next(self.runner._numbers)
        token = f"token-of-{name}-{number}"
        permissions = {key: str(level) for key, level in (job.get("permissions") or self.workflow.get("permissions") or {}).items()}
        if self.event in STRANGERS:
            permissions = dict.fromkeys(permissions, "read")
        self.runner.hub.tokens[token] = Token(login="github-actions[bot]", repository=self.runner.name, permissions=permissions)
        context["github"], context["job"] = {**context["github"], "token": token}, name
        workspace = self.folder / f"{name}-{number}"
        workspace.mkdir(parents=True)
        (workspace.parent / f"{workspace.name}-event.json").write_text(json.dumps(self.payload))
        environment = self._environment(workspace, {**(self.workflow.get("env") or {}), **(job.get("env") or {})}, context)
        context["steps"], context["$good"] = {}, True
        try:
            for step in job["steps"]:
                self._step(step, workspace, environment, context)
        finally:
            del self.runner.hub.tokens[token]
        outputs = {key: _text(_value_of(value, context)) for key, value in job.get("outputs", {}).items()}
        return ("success" if context["$good"] else "failure"), outputs

    def _environment(self, workspace: Path, more: dict[str, Any], context: dict[str, Any]) -> dict[str, str]:
        beside = f"{workspace}-"
        given = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH", "COVERAGE_PROCESS_START") if name in os.environ}
        kept = {name: value for name, value in os.environ.items() if name.startswith(("INDEX_BUILDER_", "PIP_", "UV_", "AWS_", "SSL_"))}
        return {
            **given, **kept, "CI": "true", "NO_PROXY": "127.0.0.1", "GIT_CONFIG_GLOBAL": os.devnull, "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
            "GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.runner.hub.url, "GITHUB_SERVER_URL": self.runner.hub.url,
            "GITHUB_REPOSITORY": self.runner.name, "GITHUB_EVENT_NAME": self.event, "GITHUB_EVENT_PATH": f"{beside}event.json",
            "GITHUB_OUTPUT": f"{beside}output", "GITHUB_STEP_SUMMARY": f"{beside}summary", "GITHUB_PATH": f"{beside}path",
            "GITHUB_SHA": self.commit, "GITHUB_ACTOR": "alice", "RUNNER_TEMP": f"{beside}temp", "GITHUB_WORKSPACE": str(workspace),
            **{key: _text(_value_of(value, context)) for key, value in more.items()},
        }  # fmt: skip

    def _step(self, step: dict[str, Any], workspace: Path, environment: dict[str, str], context: dict[str, Any]) -> None:
        condition = str(step.get("if", "success()"))
        if not _true(_value(condition, context)) or not (context["$good"] or "always()" in condition or "cancelled()" in condition):
            return
        given = {key: _value_of(value, context) for key, value in (step.get("with") or {}).items()}
        outputs: dict[str, str] = {}
        if "run" in step:
            assert "${{" not in step["run"], "an expression in run: is a way to inject commands"
            own = {key: _text(_value_of(value, context)) for key, value in (step.get("env") or {}).items()}
            outputs, good = self._bash(step["run"], workspace, {**environment, **own})
            context["$good"] = context["$good"] and good
        else:
            outputs = self._used(step["uses"].partition("@")[0], given, workspace, environment, context)
        if "id" in step:
            context["steps"][step["id"]] = {"outputs": outputs}

    def _bash(self, script: str, workspace: Path, environment: dict[str, str]) -> tuple[dict[str, str], bool]:
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"):
            Path(environment[name]).write_text("")
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
        done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False, timeout=300)
        self.run.log += f"$ {script}\n{done.stdout}{done.stderr}[{done.returncode}]\n"
        self.run.summary += Path(environment["GITHUB_STEP_SUMMARY"]).read_text()
        lines = Path(environment["GITHUB_OUTPUT"]).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines), done.returncode == 0

    def _keep(self, name: str, folder: Path) -> None:
        """Keep an artifact as GitHub does: as an archive that was written as it went, each size after its member."""
        packed = io.BytesIO()
        with zipfile.ZipFile(_Unseekable(packed), "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
        repository, content = self.runner.repository, packed.getvalue()
        made = {
            "id": self.runner.hub.next(), "name": name, "size_in_bytes": len(content), "expired": False,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        }  # fmt: skip
        repository.contents[made["id"]] = content
        self.listed["artifacts"].append(made)

    def _used(
        self, action: str, given: dict[str, Any], workspace: Path, environment: dict[str, str], context: dict[str, Any]
    ) -> dict[str, str]:
        if action == "actions/checkout":
            default = f"refs/pull/{self.payload['number']}/merge" if self.event in STRANGERS else "refs/heads/main"
            ref = f"refs/heads/{given['ref']}" if "ref" in given else default
            depth = [] if given.get("fetch-depth") == 0 else ["--depth=1"]
            url = f"file://{self.runner.repository.git}"
            for command in (["init", "-q"], ["remote", "add", "origin", url], ["fetch", "-q", *depth, "origin", f"+{ref}:refs/checkout"],
                            ["checkout", "-q", "--detach", "refs/checkout"]):  # fmt: skip
                subprocess.run(["git", "-C", str(workspace), *command], check=True, capture_output=True, env=environment)
        elif action == "actions/upload-artifact":
            target = self.folder / "artifacts" / given["name"]
            source = workspace / given["path"]
            target.mkdir(parents=True)
            shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, target)
            self.run.artifacts[given["name"]] = target
            self._keep(given["name"], target)
        elif action == "actions/download-artifact":
            shutil.copytree(self.run.artifacts[given["name"]], workspace / given.get("path", "."), dirs_exist_ok=True)
        elif action == "actions/deploy-pages":
            self.runner.pages = self.folder / "pages"
            with tarfile.open(self.run.artifacts["github-pages"] / "artifact.tar") as archive:
                archive.extractall(self.runner.pages, filter="data")
            return {"page_url": "https://acme.example.org/index/"}
        elif action == "aws-actions/configure-aws-credentials":
            claims = self._identity(context, audience="sts.amazonaws.com")
            assert (claims["repository"], claims["environment"]) == (self.runner.name, self.workflow["jobs"][context["job"]]["environment"])
            assert given["role-to-assume"] in (self.runner.variables.get(f"AWS_{kind}ROLE_ARN") for kind in ("", "PREVIEW_"))
            environment |= {**CREDENTIALS, "AWS_REGION": given["aws-region"]}
        elif action == "actions/attest-build-provenance":
            self._identity(context, audience="sigstore")
            assert self.runner.hub.tokens[context["github"]["token"]].permissions["attestations"] == "write"
            bundles = [self.runner.sign(path) for path in sorted(workspace.glob(given["subject-path"]))]
            (workspace / "bundles.jsonl").write_bytes(b"\n".join(bundles))
            return {"bundle-path": str(workspace / "bundles.jsonl")}
        elif action == "./" or action.startswith("index-builder/"):
            environment["PATH"] = f"{BUILDER}{os.pathsep}{environment['PATH']}"
        else:
            raise AssertionError(action)
        return {}

    def _identity(self, context: dict[str, Any], *, audience: str) -> dict[str, Any]:
        """Have GitHub say who this job is, and believe it by the key that it publishes, as a provider does."""
        job = self.workflow["jobs"][context["job"]]
        return verified(self.runner.hub, context["github"]["token"], audience, environment=_value_of(job.get("environment"), context))


def _needs(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


def _combinations(matrix: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    assert len(matrix) <= 1
    if not matrix:
        yield {}
    for key, values in matrix.items():
        yield from ({key: value} for value in values)


# Expressions: the part of GitHub's language that the workflows use.

_TOKENS = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|[!(),])|([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)|([0-9]+))")


def _value_of(text: Any, context: dict[str, Any]) -> Any:
    """Return a value with its expressions replaced; one that is nothing else keeps its type."""
    if not isinstance(text, str):
        return text
    if found := re.fullmatch(r"\$\{\{(.*?)\}\}", text.strip()):
        return _value(found[1], context)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(_value(found[1], context)), text)


def _text(value: Any) -> str:
    return "" if value is None else ("true" if value else "false") if isinstance(value, bool) else str(value)


def _true(value: Any) -> bool:
    return value not in (None, "", 0, False)


def _value(text: str, context: dict[str, Any]) -> Any:
    parts = [next((t for t in found if t), "") for found in _TOKENS.findall(re.sub(r"^\$\{\{|\}\}$", "", text.strip()))]
    parser = _Parser(parts, context)
    value = parser.any()
    assert not parser.parts, f"cannot read {text!r}"
    return value


class _Parser:
    def __init__(self, parts: list[str], context: dict[str, Any]) -> None:
        self.parts, self.context = parts, context

    def _binary(self, operators: tuple[str, ...], inner: Callable[[], Any], apply: Callable[[str, Any, Any], Any]) -> Any:
        value = inner()
        while self.parts and self.parts[0] in operators:
            operator = self.parts.pop(0)
            value = apply(operator, value, inner())
        return value

    def any(self) -> Any:
        return self._binary(("||",), self._all, lambda _, a, b: a if _true(a) else b)

    def _all(self) -> Any:
        return self._binary(("&&",), self._equal, lambda _, a, b: b if _true(a) else a)

    def _equal(self) -> Any:
        return self._binary(("==", "!="), self._not, lambda o, a, b: (_text(a) == _text(b)) == (o == "=="))

    def _not(self) -> Any:
        if self.parts[0] == "!":
            self.parts.pop(0)
            return not _true(self._not())
        return self._one()

    def _one(self) -> Any:
        part = self.parts.pop(0)
        if part == "(":
            value = self.any()
            assert self.parts.pop(0) == ")"
            return value
        if part.startswith("'"):
            return part[1:-1].replace("''", "'")
        if part.isdigit():
            return int(part)
        if self.parts and self.parts[0] == "(":
            return self._call(part)
        if part in ("true", "false"):
            return part == "true"
        value: Any = self.context
        for key in part.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _call(self, name: str) -> Any:
        self.parts.pop(0)
        arguments = []
        while self.parts[0] != ")":
            arguments.append(self.any())
            if self.parts[0] == ",":
                self.parts.pop(0)
        self.parts.pop(0)
        functions: dict[str, Callable[..., Any]] = {
            "fromJSON": json.loads, "startsWith": lambda text, start: _text(text).lower().startswith(start.lower()),
            "always": lambda: True, "cancelled": lambda: False, "success": lambda: self.context["$good"],
            "failure": lambda: not self.context["$good"],
        }  # fmt: skip
        return functions[name](*arguments)
