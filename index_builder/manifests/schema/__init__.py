"""The YAML files as pydantic models: the shape of each, and the JSON Schemas made from them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from index_builder.manifests.schema.configuration import IndexModel
from index_builder.manifests.schema.facts import FactsModel
from index_builder.manifests.schema.manifest import ManifestModel
from index_builder.manifests.schema.policy import PolicyModel

#: file name in schemas/ -> model
MODELS: dict[str, type[BaseModel]] = {
    "manifest.schema.json": ManifestModel,
    "index.schema.json": IndexModel,
    "policy.schema.json": PolicyModel,
    "facts.schema.json": FactsModel,
}


def json_schema(name: str) -> str:
    """Return the JSON Schema file `name` of MODELS, ending in a newline."""
    schema = _without_null(MODELS[name].model_json_schema(by_alias=True))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(head, indent=2, ensure_ascii=False) + "\n"


def _without_null(schema: Any) -> Any:
    """A key that may be left out is None here; in the file it is never null. Made-up titles go too, and YAML's examples."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    given = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    given = {key: value for key, value in given.items() if not (key == "title" and isinstance(value, str)) and key != "examples"}
    if isinstance(either := given.pop("anyOf", None), list):
        given |= next(kind for kind in either if kind != {"type": "null"})
    return {key: _without_null(value) for key, value in given.items()}
