"""What comes with the package: its templates and workflows, and which builder it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import index_builder
from index_builder import __version__

_PACKAGE = Path(index_builder.__file__).parent


def builder() -> str:
    """Return which builder this is: its version, and a digest of its code and of the libraries that decide what pages say."""
    from importlib.metadata import version  # noqa: PLC0415 - for builds only

    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    for library in ("jinja2", "markupsafe", "nh3", "orjson", "packaging", "readme_renderer"):
        digest.update(f"{library} {version(library)}".encode())
    return f"{__version__} {digest.hexdigest()[:16]}"


def _templates() -> Path:
    """Return the folder of the built-in templates: in the installed package, or beside it in a source checkout."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


def workflows() -> dict[str, str]:
    """Return the workflows of an index on GitHub, by file name; the builder's own repository is what they use."""
    return {path.name: path.read_text("utf-8") for path in sorted((_templates() / "github").glob("*.yml"))}


def host_templates() -> dict[str, str]:
    """Return the built-in templates of configuration files by name."""
    return _named(".jinja")


def templates() -> dict[str, str]:
    """Return the built-in templates of pages by name, with what lies beside them."""
    return _named(".html", ".css", ".js", ".svg")


def _named(*endings: str) -> dict[str, str]:
    folder = _templates()
    found = sorted(path for path in folder.rglob("*") if path.suffix in endings)
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}
