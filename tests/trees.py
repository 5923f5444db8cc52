"""Folders compared file by file, and index repositories made by hand."""

from pathlib import Path

INDEX = (
    "schema: 1\ntitle: Test index\nupstreams: {pypi: default}\naudiences:\n  public: {url: https://index.example.org/, files: packages/}\n"
)
POLICY = "schema: 2\ngroups: {team: []}\n"


def contents(root: Path) -> dict[str, bytes]:
    """Return every file of a tree by its relative path."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def linked(name: str, versions: list[str]) -> str:
    """Return the manifest of a linked project; its digests follow from its file names."""
    import hashlib

    lines = ["schema: 1", f"name: {name}", "owners: [team]", "hosting: linked", "releases:"]
    for version in versions:
        lines += [f"  {version}:", "    files:"]
        for file in (f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.tar.gz"):
            digest = hashlib.sha256(file.encode()).hexdigest()
            facts = f"size: 1234, uploaded: 2026-01-02T03:04:05Z, requires-python: '>=3.9', url: https://files.example.org/{file}"
            lines.append(f"      - {{name: {file}, sha256: {digest}, {facts}}}")
    return "\n".join(lines) + "\n"


def write_index(root: Path, manifests: dict[str, str]) -> None:
    """Write an index repository's files."""
    for path, text in {
        "index.yaml": INDEX,
        "policies.d/team.yaml": POLICY,
        **{f"packages.d/{n}.yaml": t for n, t in manifests.items()},
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
