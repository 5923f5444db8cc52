"""Whatever a manifest looks like, an edit changes what it means to change and nothing else."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from unit.manifests.yamltext import documents, texts, values
from yaml.nodes import CollectionNode, MappingNode, Node

from index_builder.manifests.editor import Editor
from index_builder.manifests.scalar import Flow

Path = tuple[Any, ...]
_MARK = re.compile(r"# (c\d+;) é 😀: \[x")
thorough = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


def paths(value: Any, here: Path = ()) -> list[Path]:
    """Return the paths of everything in a value, without its own."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for step, item in inner for path in [(*here, step), *paths(item, (*here, step))]]


def follow(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def without(value: Any, path: Path) -> Any:
    step, *rest = path
    if isinstance(value, list):
        return [without(item, rest) if n == step else item for n, item in enumerate(value) if rest or n != step]
    return {key: without(item, rest) if key == step else item for key, item in value.items() if rest or key != step}


def changed(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if isinstance(value, list):
        return [changed(item, rest, new) if n == step else item for n, item in enumerate(value)]
    return {**value, step: changed(value.get(step), rest, new)}


def span(text: str, path: Path) -> tuple[int, int]:
    """Return the first character of an entry's key (or item), and the last of the line on which its value ends."""
    parser = yaml.CBaseLoader(text)
    node = parser.get_single_node()
    key: Node = node
    for step in path:
        if isinstance(node, MappingNode):
            key, node = next(pair for pair in node.value if pair[0].value == step)
        else:
            key = node = node.value[step]
    start, end = key.start_mark.index, node
    while isinstance(end, CollectionNode) and not end.flow_style:
        end = end.value[-1][1] if isinstance(end, MappingNode) else end.value[-1]
    stop = text.find("\n", len(text[: end.end_mark.index].rstrip()))
    return start, len(text) if stop < 0 else stop


def is_insertion(before: str, after: str) -> bool:
    """Say whether `after` is `before` with one run of characters more."""
    head = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    return len(after) >= len(before) and after.endswith(before[head:])


def is_subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(character in rest for character in short)


def check_comments(text: str, comments: dict[str, Path], after: str, touched: Path) -> None:
    """Demand that every comment that does not belong to what was touched is still there, in order."""
    kept = [mark for mark in _MARK.findall(text) if comments[mark][: len(touched)] != touched]
    left = [mark for mark in _MARK.findall(after) if mark in kept]
    assert left == kept


@st.composite
def in_flow_or_block(draw: st.DrawFn) -> Any:
    """Draw a value, and sometimes ask for it on one line."""
    value = draw(values)
    return Flow(value) if isinstance(value, dict) and draw(st.booleans()) else value


@thorough
@given(documents(), st.data(), in_flow_or_block())
def test_a_value_is_replaced_and_the_rest_stays(document: Any, data: st.DataObject, new: Any) -> None:
    """Setting a key that is there changes what stands behind it, and no character before the key or below the value."""
    text, value, comments = document
    path = data.draw(st.sampled_from([p for p in paths(value) if isinstance(p[-1], str)]))
    editor = Editor("x.yaml", text)
    editor.set(path, new)
    assert editor.value == changed(value, path, new)
    start, stop = span(text, path)
    assert editor.text.startswith(text[:start])
    assert editor.text.endswith(text[stop:])
    check_comments(text, comments, editor.text, path)


@thorough
@given(documents(), st.data(), texts, in_flow_or_block())
def test_a_key_is_inserted_and_the_rest_stays(document: Any, data: st.DataObject, key: str, new: Any) -> None:
    """Setting a new key inserts one run of text into a mapping that has others; an empty one makes room on its line."""
    text, value, comments = document
    mappings = [path for path in [(), *paths(value)] if isinstance(follow(value, path), dict) and key not in follow(value, path)]
    assume(mappings)
    path = data.draw(st.sampled_from(mappings))
    editor = Editor("x.yaml", text)
    editor.set((*path, key), new)
    assert editor.value == changed(value, (*path, key), new)
    if follow(value, path):
        assert is_insertion(text, editor.text)
    check_comments(text, comments, editor.text, path if not follow(value, path) else ("nothing",))


@thorough
@given(documents(), st.data(), st.lists(in_flow_or_block(), min_size=1, max_size=3))
def test_a_list_is_extended_and_the_rest_stays(document: Any, data: st.DataObject, new: list[Any]) -> None:
    """Extending inserts one run of text into a list that has items; an empty one makes room on its line."""
    text, value, comments = document
    lists = [path for path in paths(value) if isinstance(follow(value, path), list)]
    assume(lists)
    path = data.draw(st.sampled_from(lists))
    editor = Editor("x.yaml", text)
    editor.extend(path, new)
    assert editor.value == changed(value, path, [*follow(value, path), *new])
    if follow(value, path):
        assert is_insertion(text, editor.text)
    check_comments(text, comments, editor.text, path if not follow(value, path) else ("nothing",))


@thorough
@given(documents(), st.data())
def test_an_entry_is_deleted_and_the_rest_stays(document: Any, data: st.DataObject) -> None:
    """Deleting only takes characters away, from the entry to the end of its lines; what it empties becomes {} or []."""
    text, value, comments = document
    candidates = [path for path in paths(value) if len(path) > 1 or len(value) > 1]
    assume(candidates)
    path = data.draw(st.sampled_from(candidates))
    editor = Editor("x.yaml", text)
    editor.delete(path)
    assert editor.value == without(value, path)
    start, stop = span(text, path)
    left = len(follow(value, path[:-1])) - 1
    if left:
        assert is_subsequence(editor.text, text) or is_subsequence(editor.text.replace("#\n", "\n", 1), text)
        if isinstance(path[-1], str):
            assert len(text) - len(editor.text) <= stop - text.rfind("\n", 0, start) + 12
    check_comments(text, comments, editor.text, path)
