"""Old forms of the YAML files, and the edits that bring a file to the present one. ADR 7."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from index_builder.errors import EditError

if TYPE_CHECKING:
    from index_builder.manifests.editor import Editor
    from index_builder.manifests.loader import Path, Value

#: kind of file -> the number that its `schema:` has today. Each kind counts for itself.
CURRENT: Final = {"index": 1, "manifest": 1, "policy": 2}


def kind_of(path: str) -> str:
    """Return which kind of file stands at a path of the repository."""
    if path == "index.yaml":
        return "index"
    return "policy" if path.startswith("policies.d/") else "manifest"


def is_outdated(path: str, value: Value) -> bool:
    """Say whether a file has an older form that is known here."""
    return _number(value) in {number for kind, number in _STEPS if kind == kind_of(path)}


def is_present(path: str, value: Value) -> bool:
    """Say whether a file has the present form."""
    return _number(value) == CURRENT[kind_of(path)]


def migrate(path: str, text: str) -> str:
    """Return a file's text in the present form: only what must change does. Raises EditError where that cannot be done."""
    from index_builder.manifests.editor import Editor  # noqa: PLC0415 - for old files only

    editor = Editor(path, text)
    kind = kind_of(path)
    while step := _STEPS.get((kind, _number(editor.value))):
        number = _number(editor.value)
        step(editor)
        editor.set(("schema",), str(number + 1))
    if (number := _number(editor.value)) != CURRENT[kind]:
        msg = f"{path} says schema {number}, and this builder knows no way from there to {CURRENT[kind]}"
        raise EditError(msg, fix="use the newest index-builder")
    return editor.text


def _number(value: Value) -> int:
    written = value.get("schema") if isinstance(value, dict) else None
    return int(written) if isinstance(written, str) and re.fullmatch("[1-9][0-9]{0,3}", written) else 0


def _origins(editor: Editor) -> None:
    """Policies, 1 to 2: what a requirement says of where bytes may come from is called `origins`, as in a manifest."""
    editor.rename_all([(*path, "sources") for path in _requirements(editor.value)], "origins")


def _requirements(value: Value) -> Iterator[Path]:
    """Yield where requirements stand that have the old key."""
    rules = value.get("rules") if isinstance(value, dict) else None
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        required = rule.get("require") if isinstance(rule, dict) else None
        for n, requirement in enumerate(required if isinstance(required, list) else []):
            if isinstance(requirement, dict) and "sources" in requirement:
                yield "rules", number, "require", n


#: (kind, number) -> the edits that lead from this number to the next.
_STEPS: Final[dict[tuple[str, int], Callable[[Editor], None]]] = {("policy", 1): _origins}
