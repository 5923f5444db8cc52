"""Plain values of a YAML file as they will be after an edit."""

from __future__ import annotations

from index_builder.manifests.loader import Path, Value


def with_value(value: Value, path: Path, new: Value) -> Value:
    """Return a value with `new` at `path`; what leads there exists."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        assert isinstance(value, list)  # noqa: S101 - for the type checker: the path was followed already
        return [with_value(item, rest, new) if n == step else item for n, item in enumerate(value)]
    mapping = value if isinstance(value, dict) else {}
    return {**mapping, step: with_value(mapping.get(step, {}), rest, new)}


def without(value: Value, path: Path) -> Value:
    """Return a value without what stands at `path`."""
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        kept = [(n, item) for n, item in enumerate(value) if rest or n != step]
        return [without(item, rest) if n == step else item for n, item in kept]
    assert isinstance(value, dict)  # noqa: S101 - for the type checker: the path was followed already
    return {key: without(item, rest) if key == step else item for key, item in value.items() if rest or key != step}
