"""Make the benchmark work: a package list of P projects, and the same as manifests in a bare git repository.

usage: workload.py PROJECTS OUT_DIR [--git]

OUT_DIR/packages.jsonl   one JSON object a file, in dumb-pypi's own input format
OUT_DIR/changed.jsonl    the same with one file added, for the incremental measure
OUT_DIR/repo.git         with --git: packages.d/<two letters>/<project>.yaml at branch main, and branch changed
The lists depend on PROJECTS alone: same number, same bytes.
"""

import hashlib
import json
import random
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

INDEX = b"schema: 1\ntitle: Bench\naudiences:\n  public: {url: https://bench.example.org/, files: packages/}\n"
SYLLABLES = ["ka", "lo", "mi", "ra", "te", "nu", "so", "pa", "ve", "di", "qu", "ze", "har", "tor", "bel", "fin", "gra", "mon", "sta", "pro"]


def project_names(count: int, rng: random.Random) -> list[str]:
    names: set[str] = set()
    while len(names) < count:
        parts = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
        names.add("-".join(parts))
    return sorted(names, key=lambda n: hashlib.sha256(n.encode()).digest())


def files_of(name: str, rng: random.Random, clock: list[int]) -> list[dict]:
    """A heavy-tailed number of releases, each a wheel and an sdist."""
    releases = min(200, max(1, int(rng.paretovariate(1.2) * 1.7)) // 2 + 1)
    rows = []
    for i in range(releases):
        version = f"{i // 20}.{i % 20}.{rng.randint(0, 9)}"
        stem = f"{name.replace('-', '_')}-{version}"
        for filename in (f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"):
            clock[0] += 61
            rows.append(
                {
                    "filename": filename,
                    "hash": "sha256=" + hashlib.sha256(filename.encode()).hexdigest(),
                    "requires_python": ">=3.9",
                    "upload_timestamp": clock[0],
                    "uploaded_by": "ci",
                }
            )
    return rows


def manifest(name: str, rows: list[dict]) -> bytes:
    """The manifest form is the project's own: adapt this function to it, and nothing else."""
    releases = defaultdict(list)
    for row in rows:
        version = row["filename"].removesuffix(".tar.gz").split("-")[1]
        releases[version].append(row)
    out = [f"schema: 1\nname: {name}\nowners: [bench]\nhosting: linked\nreleases:\n"]
    for version, group in releases.items():
        out.append(f"  {version}:\n    files:\n")
        out += [
            f"      - {{name: {r['filename']}, sha256: {r['hash'][7:]}, size: 1234, "
            f"uploaded: {datetime.fromtimestamp(r['upload_timestamp'], UTC):%Y-%m-%dT%H:%M:%SZ}, requires-python: '>=3.9', url: https://files.example.org/{r['filename']}}}\n"
            for r in group
        ]
    return "".join(out).encode()


def write_git(projects: dict[str, list[dict]], changed: tuple[str, list[dict]], path: Path) -> None:
    import pygit2

    repo = pygit2.init_repository(str(path), bare=True)
    who = pygit2.Signature("bench", "bench@example.org", 1_700_000_000, 0)

    def commit(ref: str, contents: dict[str, list[dict]], parents: list) -> object:
        shards: dict[str, list] = defaultdict(list)
        for name, rows in contents.items():
            shards[name[:2]].append((name, repo.create_blob(manifest(name, rows))))
        folder = repo.TreeBuilder()
        for shard, entries in shards.items():
            inner = repo.TreeBuilder()
            for name, oid in entries:
                inner.insert(f"{name}.yaml", oid, pygit2.enums.FileMode.BLOB)
            folder.insert(shard, inner.write(), pygit2.enums.FileMode.TREE)
        root = repo.TreeBuilder()
        root.insert("packages.d", folder.write(), pygit2.enums.FileMode.TREE)
        root.insert("index.yaml", repo.create_blob(INDEX), pygit2.enums.FileMode.BLOB)
        return repo.create_commit(ref, who, who, ref, root.write(), parents)

    first = commit("refs/heads/main", projects, [])
    commit("refs/heads/changed", {**projects, changed[0]: changed[1]}, [first])


def main() -> None:
    count, out = int(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    rng, clock = random.Random(count), [1_500_000_000]
    projects = {name: files_of(name, rng, clock) for name in project_names(count, rng)}
    lines = [json.dumps(row) for rows in projects.values() for row in rows]
    (out / "packages.jsonl").write_text("\n".join(lines) + "\n")
    name = next(iter(projects))
    extra = {**projects[name][0], "filename": f"{name.replace('-', '_')}-99.0.0.tar.gz"}
    extra["hash"] = "sha256=" + hashlib.sha256(extra["filename"].encode()).hexdigest()
    (out / "changed.jsonl").write_text("\n".join([*lines, json.dumps(extra)]) + "\n")
    if "--git" in sys.argv:
        write_git(projects, (name, [*projects[name], extra]), out / "repo.git")
    print(f"{len(projects)} projects, {len(lines)} files")


if __name__ == "__main__":
    main()
