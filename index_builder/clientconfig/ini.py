"""pip's configuration file, of which only the lines change that must: comments and all else stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from typing import Final

from index_builder.clientconfig.wanted import Edited

_SECTION: Final = re.compile(r"\s*\[([^\]]*)\]\s*(?:[;#].*)?")
_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)\s*[=:]\s*(.*)")
_GLOBAL: Final = "global"
#: Keys by which pip takes packages from elsewhere too.
_ELSEWHERE: Final = frozenset({"extra-index-url", "find-links"})


def elsewhere(text: str, url: str, *, overrides: bool) -> Iterator[str]:
    """Yield what another file of pip's names besides one index; `overrides` says that it is read after the file that names that."""
    parser = RawConfigParser()
    try:
        parser.read_string(text)
    except Error:
        return  # pip refuses to run with it, and says so itself
    for section in parser.sections():
        for name, value in parser.items(section):
            key = name.removeprefix("--").replace("_", "-")
            instead = key == "index-url" and value.strip() != url and (overrides or section != _GLOBAL)
            if key in _ELSEWHERE or instead:
                yield f"{key} of [{section}]"


def edited(text: str, settings: Mapping[str, str]) -> Edited:
    """Set keys of `[global]`, each where it stands, else at the section's end."""
    lines, section, end = text.splitlines(), "", -1
    others: list[str] = []
    missing = dict(settings)
    kept: list[str] = []
    replaced = False
    for line in lines:
        if found := _SECTION.fullmatch(line):
            section, replaced = found[1].strip(), False
        elif line[:1].isspace() and line.strip() and replaced:
            continue  # the rest of a value over several lines, which was set anew
        elif found := _KEY.fullmatch(line):
            key = found[1].lower().replace("_", "-")
            replaced = section == _GLOBAL and key in settings
            if replaced and key in missing:
                line = f"{key} = {missing.pop(key)}"  # noqa: PLW2901 - in its place
            elif replaced:
                continue
            elif key in _ELSEWHERE or key in settings:
                others.append(f"{key} of [{section}]")
        kept.append(line)
        if section == _GLOBAL and line.strip():
            end = len(kept)
    added = [f"{key} = {value}" for key, value in missing.items()]
    if end < 0:
        kept += ["", "[global]", *added] if kept and kept[-1].strip() else ["[global]", *added]
    else:
        kept[end:end] = added
    return Edited(text="\n".join(kept) + "\n", others=tuple(others))
