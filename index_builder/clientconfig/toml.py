"""TOML files of which only the keys change that must: tomlkit keeps comments, order and spaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from index_builder.clientconfig.wanted import Edited
from index_builder.errors import EditError

Document = tomlkit.TOMLDocument


def edited(text: str, name: str, change: Callable[[Document], Sequence[str]]) -> Edited:
    """Change a document; `change` returns the other indexes in it. Raises EditError for what is no TOML, or has something else there."""
    try:
        document = tomlkit.parse(text)
        others = change(document)
        return Edited(text=tomlkit.dumps(document), others=tuple(others))
    except (TOMLKitError, TypeError, AttributeError, ValueError) as error:
        msg = f"{name} cannot be edited: {error}"
        raise EditError(msg, fix=f"correct {name}, or copy what is printed without --write") from error


def table(document: Any, *path: str) -> Any:
    """Return a table by its path, made where it is not there; the outer ones are not shown by themselves."""
    here = document
    for key in path:
        if key not in here:
            here[key] = tomlkit.table(is_super_table=True)
        here = here[key]
    return here


def entry(holder: Any, key: str, values: Mapping[str, object]) -> list[str]:
    """Set one entry of an array of tables, known by its `name`; return the addresses of the others."""
    if key not in holder:
        holder[key] = tomlkit.aot()
    entries = holder[key]
    found = next((one for one in entries if one.get("name") == values["name"]), None)
    if found is None:
        found = tomlkit.table()
        for name, value in values.items():
            found[name] = value
        entries.append(found)
    else:
        for name, value in values.items():
            if found.get(name) != value:
                found[name] = value
    return [str(one.get("url", one.get("name", "?"))) for one in entries if one.get("name") != values["name"]]
