"""The part of the GitHub on loopback that is about a repository's git: pull requests, reviews, comments, statuses, refs, dispatches.

Each repository here has a real bare git repository; a merge is a merge commit in it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pygit2
from github_server import Call, Plain, RefusedError, Repository, route

WHO = pygit2.Signature("GitHub", "noreply@example.org")


def git_of(repository: Repository) -> pygit2.Repository:
    """Return the bare repository behind one."""
    return pygit2.Repository(str(repository.git))


def open_pull(
    repository: Repository, number: int, *, head: str, author: dict[str, Any], title: str = "A change", branch: str = ""
) -> dict[str, Any]:
    """Open a pull request for a commit that the bare repository has."""
    git_of(repository).references.create(f"refs/pull/{number}/head", head, force=True)
    pull = {
        "number": number, "state": "open", "title": title, "body": "", "draft": False, "user": author, "branch": branch,
        "created_at": "2026-11-20T08:00:00Z", "merged_at": None, "head": {"sha": head, "ref": branch or f"change-{number}"},
        "base": {"ref": "main"}, "reviews": [], "comments": [], "labels": [],
    }  # fmt: skip
    repository.pulls[number] = pull
    return pull


def _found(call: Call, owner: str, name: str, need: str = "") -> Repository:
    return call.hub.repository(f"{owner}/{name}", call.token, need)


def _pull(repository: Repository, number: str) -> dict[str, Any]:
    found = repository.pulls.get(int(number))
    if found is None:
        raise RefusedError(404, "Not Found")
    tip = git_of(repository).references.get(f"refs/pull/{number}/head")
    if tip is not None and found["state"] == "open":
        found["head"]["sha"] = str(tip.target)
    shown = {key: value for key, value in found.items() if key not in ("reviews", "comments", "branch")}
    return {**shown, "merged": found["merged_at"] is not None}


@route("GET", "/repos/{owner}/{name}/pulls")
def pulls(call: Call, owner: str, name: str) -> Any:
    repository = _found(call, owner, name, "pull-requests:read")
    state, branch = call.query.get("state", "open"), call.query.get("head", "").partition(":")[2]
    if branch and call.query["head"].partition(":")[0] != owner:
        return []
    chosen = [n for n, p in repository.pulls.items() if state in ("all", p["state"]) and (not branch or p["branch"] == branch)]
    return [_pull(repository, str(number)) for number in reversed(chosen)]


@route("POST", "/repos/{owner}/{name}/pulls")
def make_pull(call: Call, owner: str, name: str) -> Any:
    repository, body = _found(call, owner, name, "pull-requests:write"), call.json()
    call.hub.count()
    head = str(git_of(repository).references[f"refs/heads/{body['head']}"].target)
    number = max(repository.pulls, default=0) + 1
    bot = {"id": 41898282, "login": "github-actions[bot]", "type": "Bot"}
    pull = open_pull(repository, number, head=head, author=bot, title=body["title"], branch=body["head"])
    pull["body"] = body["body"]
    return Plain(content=json.dumps(_pull(repository, str(number))).encode(), status=201)


@route("GET", "/repos/{owner}/{name}/pulls/{number}")
def pull(call: Call, owner: str, name: str, number: str) -> Any:
    return _pull(_found(call, owner, name, "pull-requests:read"), number)


@route("PATCH", "/repos/{owner}/{name}/pulls/{number}")
def edit_pull(call: Call, owner: str, name: str, number: str) -> Any:
    repository = _found(call, owner, name, "pull-requests:write")
    repository.pulls[int(number)] |= call.json()
    return _pull(repository, number)


@route("GET", "/repos/{owner}/{name}/pulls/{number}/reviews")
def reviews(call: Call, owner: str, name: str, number: str) -> Any:
    return _found(call, owner, name, "pull-requests:read").pulls[int(number)]["reviews"]


@route("PUT", "/repos/{owner}/{name}/pulls/{number}/merge")
def merge(call: Call, owner: str, name: str, number: str) -> Any:
    repository, body = _found(call, owner, name, "contents:write"), call.json()
    value = _pull(repository, number)
    if value["head"]["sha"] != body["sha"]:
        raise RefusedError(409, "Head branch was modified. Review and try the merge again.")
    states = {status["context"]: status["state"] for status in repository.statuses.get(body["sha"], [])}
    if any(states.get(context) != "success" for context in repository.required):
        raise RefusedError(405, "Required status check is expected.")
    if repository.strict and _behind(repository, body["sha"], "main"):
        raise RefusedError(405, "Head branch is not up to date with the base branch.")
    if not repository.settings.get("methods", {}).get(f"allow_{METHODS[body['merge_method']]}", True):
        raise RefusedError(405, f"{body['merge_method'].title()} merges are not allowed on this repository.")
    merged = merge_into_main(repository, body["sha"], f"Merge pull request #{number}")
    repository.pulls[int(number)] |= {"state": "closed", "merged_at": "2026-11-21T08:00:00Z"}
    return {"merged": True, "sha": merged}


METHODS = {"merge": "merge_commit", "squash": "squash_merge", "rebase": "rebase_merge"}


def _behind(repository: Repository, head: str, base: str) -> int:
    git = git_of(repository)
    there = git.revparse_single(base).peel(pygit2.Commit)
    return git.ahead_behind(pygit2.Oid(hex=head), there.id)[1]


@route("GET", "/repos/{owner}/{name}/compare/{span}")
def compare(call: Call, owner: str, name: str, span: str) -> Any:
    repository = _found(call, owner, name, "contents:read")
    base, _, head = span.partition("...")
    return {"behind_by": _behind(repository, head, base)}


@route("PUT", "/repos/{owner}/{name}/pulls/{number}/update-branch")
def update(call: Call, owner: str, name: str, number: str) -> Any:
    """Merge the base into the head, as the button does."""
    repository, value = _found(call, owner, name, "pull-requests:write"), _pull(_found(call, owner, name, "contents:write"), number)
    git, head = git_of(repository), value["head"]["sha"]
    if head != call.json()["expected_head_sha"]:
        raise RefusedError(422, "expected head sha didn't match current head ref.")
    main = git.references["refs/heads/main"].target
    index = git.merge_commits(pygit2.Oid(hex=head), main)
    if index.conflicts:
        raise RefusedError(422, "merge conflict between base and head")
    made = git.create_commit(None, WHO, WHO, "Merge branch 'main'", index.write_tree(git), [pygit2.Oid(hex=head), main])
    git.references.create(f"refs/pull/{number}/head", made, force=True)
    if branch := repository.pulls[int(number)]["branch"]:
        git.references.create(f"refs/heads/{branch}", made, force=True)
    return Plain(content=b'{"message": "Updating pull request branch."}', status=202)


def merge_into_main(repository: Repository, head: str, message: str) -> str:
    """Make a merge commit of main and a commit; return it."""
    git = git_of(repository)
    main = git.references["refs/heads/main"]
    index = git.merge_commits(main.target, pygit2.Oid(hex=head))
    if index.conflicts:
        raise RefusedError(405, "Pull Request is not mergeable")
    made = git.create_commit(None, WHO, WHO, message, index.write_tree(git), [main.target, pygit2.Oid(hex=head)])
    main.set_target(made)
    return str(made)


@route("GET", "/repos/{owner}/{name}/issues/{number}/comments")
def comments(call: Call, owner: str, name: str, number: str) -> Any:
    return _found(call, owner, name, "pull-requests:read").pulls[int(number)]["comments"]


@route("POST", "/repos/{owner}/{name}/issues/{number}/comments")
def comment(call: Call, owner: str, name: str, number: str) -> Any:
    repository = _found(call, owner, name, "pull-requests:write")
    call.hub.count()
    if len(call.json()["body"]) > 65536:
        raise RefusedError(422, "Validation Failed")
    made = {"id": call.hub.next(), "body": call.json()["body"], "user": {"id": 41898282, "login": "github-actions[bot]", "type": "Bot"}}
    repository.pulls[int(number)]["comments"].append(made)
    return Plain(content=json.dumps(made).encode(), status=201)


@route("PATCH", "/repos/{owner}/{name}/issues/comments/{number}")
def edit_comment(call: Call, owner: str, name: str, number: str) -> Any:
    repository = _found(call, owner, name, "pull-requests:write")
    for value in repository.pulls.values():
        for found in value["comments"]:
            if found["id"] == int(number):
                found["body"] = call.json()["body"]
                return found
    raise RefusedError(404, "Not Found")


@route("GET", "/repos/{owner}/{name}/commits/{commit}/statuses")
def statuses(call: Call, owner: str, name: str, commit: str) -> Any:
    return list(reversed(_found(call, owner, name, "statuses:read").statuses.get(commit, [])))


@route("POST", "/repos/{owner}/{name}/issues/comments/{number}/reactions")
def react(call: Call, owner: str, name: str, number: str) -> Any:
    repository = _found(call, owner, name, "pull-requests:write")
    repository.reactions.append((int(number), call.json()["content"]))
    return Plain(content=b"{}", status=201)


@route("DELETE", "/repos/{owner}/{name}/issues/{number}/labels/{label}")
def unlabel(call: Call, owner: str, name: str, number: str, label: str) -> Any:
    labels = _found(call, owner, name, "pull-requests:write").pulls[int(number)]["labels"]
    if {"name": label} not in labels:
        raise RefusedError(404, "Label does not exist")
    labels.remove({"name": label})
    return []


@route("POST", "/repos/{owner}/{name}/statuses/{commit}")
def status(call: Call, owner: str, name: str, commit: str) -> Any:
    repository, body = _found(call, owner, name, "statuses:write"), call.json()
    if len(body["description"]) > 140 or len(repository.statuses.get(commit, [])) >= 1000:
        raise RefusedError(422, "Validation Failed")
    repository.statuses.setdefault(commit, []).append(body)
    return Plain(content=json.dumps(body).encode(), status=201)


@route("POST", "/repos/{owner}/{name}/actions/workflows/{file}/dispatches")
def dispatch(call: Call, owner: str, name: str, file: str) -> Any:
    repository, body = _found(call, owner, name, "actions:write"), call.json()
    if f".github/workflows/{file}" not in git_of(repository).references[f"refs/heads/{body['ref']}"].peel(pygit2.Commit).tree:
        raise RefusedError(404, "Not Found")
    repository.dispatches.append((file, body.get("inputs") or {}))
    return Plain(status=204)


@route("POST", "/repos/{owner}/{name}/dispatches")
def repository_dispatch(call: Call, owner: str, name: str) -> Any:
    repository, body = _found(call, owner, name, "contents:write"), call.json()
    repository.hints.append({"action": body["event_type"], "client_payload": body["client_payload"]})
    return Plain(status=204)


@route("GET", "/repos/{owner}/{name}/git/ref/{ref+}")
def ref(call: Call, owner: str, name: str, ref: str) -> Any:
    found = git_of(_found(call, owner, name)).references.get(f"refs/{ref}")
    if found is None:
        raise RefusedError(404, "Not Found")
    return {"ref": f"refs/{ref}", "object": {"sha": str(found.target), "type": "commit"}}


@route("POST", "/repos/{owner}/{name}/git/refs")
def make_ref(call: Call, owner: str, name: str) -> Any:
    git_of(_found(call, owner, name, "contents:write")).references.create(call.json()["ref"], call.json()["sha"])
    return Plain(content=b"{}", status=201)


@route("PATCH", "/repos/{owner}/{name}/git/refs/{ref+}")
def move_ref(call: Call, owner: str, name: str, ref: str) -> Any:
    repository = _found(call, owner, name, "contents:write")
    found = git_of(repository).references.get(f"refs/{ref}")
    if found is None:
        raise RefusedError(422, "Reference does not exist")
    found.set_target(call.json()["sha"])
    for number, value in repository.pulls.items():
        if value["branch"] and f"heads/{value['branch']}" == ref:
            git_of(repository).references.create(f"refs/pull/{number}/head", call.json()["sha"], force=True)
    return {"ref": f"refs/{ref}"}


@route("GET", "/repos/{owner}/{name}/git/commits/{sha}")
def commit(call: Call, owner: str, name: str, sha: str) -> Any:
    found = git_of(_found(call, owner, name))[sha].peel(pygit2.Commit)
    return {"sha": sha, "tree": {"sha": str(found.tree_id)}}


@route("POST", "/repos/{owner}/{name}/git/blobs")
def blob(call: Call, owner: str, name: str) -> Any:
    git = git_of(_found(call, owner, name, "contents:write"))
    made = git.create_blob(base64.b64decode(call.json()["content"]))
    return Plain(content=json.dumps({"sha": str(made)}).encode(), status=201)


@route("POST", "/repos/{owner}/{name}/git/trees")
def tree(call: Call, owner: str, name: str) -> Any:
    git, body = git_of(_found(call, owner, name, "contents:write")), call.json()
    index = pygit2.Index()
    index.read_tree(git[body["base_tree"]].peel(pygit2.Tree))
    for entry in body["tree"]:
        index.add(pygit2.IndexEntry(entry["path"], pygit2.Oid(hex=entry["sha"]), int(entry["mode"], 8)))
    return Plain(content=json.dumps({"sha": str(index.write_tree(git))}).encode(), status=201)


@route("POST", "/repos/{owner}/{name}/git/commits")
def make_commit(call: Call, owner: str, name: str) -> Any:
    git, body = git_of(_found(call, owner, name, "contents:write")), call.json()
    parents = [pygit2.Oid(hex=parent) for parent in body["parents"]]
    made = git.create_commit(None, WHO, WHO, body["message"], pygit2.Oid(hex=body["tree"]), parents)
    return Plain(content=json.dumps({"sha": str(made)}).encode(), status=201)


@route("GET", "/repos/{owner}/{name}/attestations/{digest}")
def attestations(call: Call, owner: str, name: str, digest: str) -> Any:
    found = _found(call, owner, name).attestations.get(digest.removeprefix("sha256:"))
    if not found:
        raise RefusedError(404, "Not Found")
    return {"attestations": [{"bundle": json.loads(bundle), "repository_id": 1} for bundle in found]}


def bare(folder: Path) -> Path:
    """Make an empty bare repository."""
    pygit2.init_repository(str(folder), bare=True, initial_head="main")
    return folder


# Settings: what a test put there, to who administers the repository.


@route("GET", "/repos/{owner}/{name}")
def about(call: Call, owner: str, name: str) -> Any:
    repository = _found(call, owner, name)
    return {"full_name": repository.name, "default_branch": "main", **repository.settings.get("methods", {})}


def _setting(call: Call, owner: str, name: str, key: str) -> Any:
    found = _found(call, owner, name, "administration:read").settings
    if key not in found:
        raise RefusedError(404, "Not Found")
    return found[key]


@route("GET", "/repos/{owner}/{name}/rules/branches/main")
def rules(call: Call, owner: str, name: str) -> Any:
    return _found(call, owner, name).settings.get("rules", [])


@route("GET", "/repos/{owner}/{name}/branches/main/protection")
def protection(call: Call, owner: str, name: str) -> Any:
    return _setting(call, owner, name, "protection")


@route("GET", "/repos/{owner}/{name}/pages")
def pages(call: Call, owner: str, name: str) -> Any:
    return _setting(call, owner, name, "pages")


@route("GET", "/repos/{owner}/{name}/actions/permissions/workflow")
def rights(call: Call, owner: str, name: str) -> Any:
    return _setting(call, owner, name, "rights")


@route("GET", "/repos/{owner}/{name}/actions/workflows")
def workflows(call: Call, owner: str, name: str) -> Any:
    states = _found(call, owner, name).settings.get("workflows", {})
    found = [{"path": f".github/workflows/{file}", "state": state} for file, state in states.items()]
    return {"total_count": len(found), "workflows": found}


@route("GET", "/repos/{owner}/{name}/environments")
def environments(call: Call, owner: str, name: str) -> Any:
    found = _found(call, owner, name).settings.get("environments", [])
    return {"total_count": len(found), "environments": found}


@route("GET", "/repos/{owner}/{name}/actions/secrets")
def secrets(call: Call, owner: str, name: str) -> Any:
    found = [{"name": secret} for secret in _setting(call, owner, name, "secrets")]
    return {"total_count": len(found), "secrets": found}


@route("GET", "/repos/{owner}/{name}/actions/permissions")
def actions(call: Call, owner: str, name: str) -> Any:
    return _setting(call, owner, name, "actions")


@route("GET", "/repos/{owner}/{name}/actions/workflows/{file}/runs")
def runs(call: Call, owner: str, name: str, file: str) -> Any:
    if call.query["event"] == "pull_request":
        ours = [run for run in _found(call, owner, name).runs if (run["file"], run["head_sha"]) == (file, call.query["head_sha"])]
        return {"total_count": len(ours), "workflow_runs": ours[::-1]}
    assert call.query == {"event": "schedule", "per_page": "1"}
    last = _found(call, owner, name).settings.get("scheduled", {}).get(file)
    return {"workflow_runs": [{"event": "schedule", "created_at": last}] if last else []}


@route("GET", "/repos/{owner}/{name}/actions/runs/{number}/artifacts")
def artifacts(call: Call, owner: str, name: str, number: str) -> Any:
    found = next(run["artifacts"] for run in _found(call, owner, name).runs if run["id"] == int(number))
    ours = [artifact for artifact in found if call.query.get("name", artifact["name"]) == artifact["name"]]
    return {"total_count": len(ours), "artifacts": ours}


@route("GET", "/repos/{owner}/{name}/actions/artifacts/{number}/zip")
def artifact(call: Call, owner: str, name: str, number: str) -> Any:
    repository = _found(call, owner, name)
    if call.token is None:
        raise RefusedError(401, "Requires authentication")
    return Plain(status=302, headers={"location": f"{call.hub.url}/storage/{repository.name}/{number}"})


@route("GET", "/repos/{owner}/{name}/environments/{environment}/deployment-branch-policies")
def branch_policies(call: Call, owner: str, name: str, environment: str) -> Any:
    found = [{"name": branch} for branch in _found(call, owner, name).settings["environment"]["branches"]]
    return {"total_count": len(found), "branch_policies": found}


@route("GET", "/repos/{owner}/{name}/environments/{environment}/secrets")
def environment_secrets(call: Call, owner: str, name: str, environment: str) -> Any:
    found = [{"name": secret} for secret in _setting(call, owner, name, "environment")["secrets"]]
    return {"total_count": len(found), "secrets": found}
