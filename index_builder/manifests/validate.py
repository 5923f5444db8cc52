"""A document against its model: pydantic's errors as problems, each at its line and with a fix."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from index_builder.model.problem import Problem
from index_builder.model.rules import RULES

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from index_builder.manifests.loader import Document, Path

M = TypeVar("M", bound=BaseModel)

_SHAPES = {
    "model_type": "a mapping (`key: value` lines) is expected here",
    "dict_type": "a mapping (`key: value` lines) is expected here",
    "list_type": "a list (`- item` lines) is expected here",
    "string_type": "a single value is expected here, not a list or mapping",
    "int_type": "a whole number is expected here",
    "int_parsing": "a whole number is expected here",
    "too_short": "at least one is needed here",
}


def validate(document: Document, model: type[M]) -> tuple[M | None, list[Problem]]:
    """Return the document as `model`, or every problem of its shape."""
    try:
        return model.model_validate(document.value), []
    except ValidationError as error:
        return None, [_problem(document, model, detail) for detail in error.errors(include_url=False)]


def _problem(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    path, of_key = _path(detail["loc"])
    kind, last = detail["type"], path[-1] if path else ""
    rule, message, fix = "invalid-value", f"{detail['msg'][0].lower()}{detail['msg'][1:]}", ""
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        near = get_close_matches(str(last), known, n=1, cutoff=0.6)
        rule, message, of_key = "unknown-key", f"there is no key '{last}' here", True
        fix = f"did you mean '{near[0]}'?" if near else f"the keys here are: {', '.join(known)}"
    elif kind == "missing":
        rule, message, fix, of_key = "missing-key", f"the key '{last}' is missing", f"add `{last}:`", True
    elif kind in RULES:
        rule, message = kind, detail["msg"]
    elif kind == "string_pattern_mismatch":
        message = f"'{detail['input']}' does not have the form {detail['ctx']['pattern'].strip('^$')}"
    elif kind in _SHAPES:
        message = _SHAPES[kind]
        if kind == "list_type" and isinstance(detail["input"], str):
            fix = f"write it as [{detail['input']}]"
    elif kind in ("enum", "literal_error"):
        message = f"'{detail['input']}' is not one of {detail['ctx']['expected']}"
        near = get_close_matches(str(detail["input"]).lower(), str(detail["ctx"]["expected"]).split("'"), n=1)
        fix = f"did you mean '{near[0]}'?" if near else ""
    return Problem(rule=rule, message=message, place=document.place(path, of_key=of_key), fix=fix)


def _path(location: Path) -> tuple[Path, bool]:
    if location and location[-1] == "[key]":
        return location[:-1], True
    return location, False


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the mapping at `path` may have, by walking the model's JSON Schema."""
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    here = schema
    for step in path:
        here = _inside(here, step, definitions)
    return sorted(here.get("properties", {}))


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _inside(schema: dict[str, object], step: str | int, definitions: dict[str, dict[str, object]]) -> dict[str, object]:
    properties = schema.get("properties")
    if isinstance(step, int):
        found = schema.get("items")
    elif isinstance(properties, dict):
        found = properties.get(step)
    else:
        found = schema.get("additionalProperties")
    return _resolved(found, definitions)


def _resolved(schema: object, definitions: dict[str, dict[str, object]]) -> dict[str, object]:
    if not isinstance(schema, dict):
        return {}
    if isinstance(any_of := schema.get("anyOf"), list):
        return _resolved(any_of[0], definitions)
    if isinstance(reference := schema.get("$ref"), str):
        return definitions[reference.rpartition("/")[2]]
    return schema
