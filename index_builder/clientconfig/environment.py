"""conda's environment.yml, of which only the lines change that must."""

from __future__ import annotations

from typing import Final

import yaml

from index_builder.clientconfig.wanted import Edited
from index_builder.errors import EditError

_NEW: Final = """\
dependencies:
  - pip
  - pip:
      - --index-url {url}
"""
_INDEX: Final = ("--index-url", "-i ", "-i=")
_ELSEWHERE: Final = ("--extra-index-url", "--find-links", "-f ")


def edited(text: str, name: str, url: str) -> Edited:
    """Make pip's part of an environment use one index. Raises EditError for what is no such file."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        msg = f"{name} is no YAML: {str(error).splitlines()[0]}"
        raise EditError(msg, fix=f"correct {name}") from error
    wanted = f"--index-url {url}"
    dependencies = _value(node, "dependencies")
    if dependencies is None:
        return Edited(text=text + ("" if not text or text.endswith("\n") else "\n") + _NEW.format(url=url))
    if not isinstance(dependencies, yaml.SequenceNode) or dependencies.flow_style or not dependencies.value:
        msg = f"the dependencies of {name} are no list with a line for each"
        raise EditError(msg, fix="write each on a line of its own, after '- '")
    items = next((found for item in dependencies.value if (found := _value(item, "pip")) is not None), None)
    if items is None:
        first = dependencies.value[0].start_mark.column - 2
        lines = [f"{' ' * first}- pip:", f"{' ' * first}    - {wanted}"]
        return Edited(text=_inserted(text, dependencies.value[-1].end_mark.line + 1, lines))
    return _with_index(text, name, items, wanted)


def _with_index(text: str, name: str, items: yaml.Node, wanted: str) -> Edited:
    if not isinstance(items, yaml.SequenceNode) or items.flow_style or not items.value:
        msg = f"pip's dependencies in {name} are no list with a line for each"
        raise EditError(msg, fix="write each on a line of its own, after '- '")
    others = tuple(str(item.value) for item in items.value if str(item.value).startswith(_ELSEWHERE))
    old = next((item for item in items.value if str(item.value).startswith(_INDEX)), None)
    if old is not None:
        return Edited(text=text[: old.start_mark.index] + wanted + text[old.end_mark.index :], others=others)
    start = items.value[0].start_mark
    return Edited(text=_inserted(text, start.line, [f"{' ' * (start.column - 2)}- {wanted}"]), others=others)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _inserted(text: str, line: int, lines: list[str]) -> str:
    kept = text.splitlines()
    kept[line:line] = lines
    return "\n".join(kept) + "\n"
