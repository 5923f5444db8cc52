"""What all models of YAML files share: no unknown keys, and every key with a sentence and an example."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _kebab(name: str) -> str:
    return name.removesuffix("_").replace("_", "-")


class Shape(BaseModel):
    """A mapping of a YAML file; keys are written with hyphens."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab, defer_build=True)


def key(meaning: str, example: str, **constraints: Any) -> Any:
    """Return a field with its meaning and an example, as YAML, for editors and for the reference.

    Shape and type stay where they are: in the field's annotation.
    """
    return Field(description=meaning, examples=[example], **constraints)
