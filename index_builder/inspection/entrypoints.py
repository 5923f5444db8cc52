"""entry_points.txt: which scripts an installer makes.

Source: the entry points specification. Installers read the file line by line, with a configparser of their own, or
with Python's: what these read differently is not accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from re import IGNORECASE
from re import compile as regex

from index_builder.inspection.finding import Finding

_SECTIONS = ("console_scripts", "gui_scripts")
_SCRIPT = regex(r"(?!\.+$)[\w.-]+")
_INTERPRETER = regex(r"pythonw?[\d.]*[dt]?(?:\.exe)?", IGNORECASE)
#: configparser's time grows with the square of a run of spaces.
_GAP = regex(r"[^\S\n]{100}")


class _EntryPoints(ConfigParser):
    """Names of entry points may differ in case alone."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def check_entry_points(text: str) -> Iterator[Finding]:
    """Yield what installers read differently in entry_points.txt, and scripts that are not to be made."""
    yield from (Finding(rule="wheel-entry-points", message=message) for message in _complaints(text))


def _complaints(text: str) -> Iterator[str]:
    if _GAP.search(text):
        yield "entry_points.txt has a hundred spaces in a row"
        return
    # No section has an empty name, so [DEFAULT] is seen as a section like others.
    parser = _EntryPoints(delimiters=("=",), strict=True, interpolation=None, default_section="")
    try:
        parser.read_string(text)
    except ConfigParserError as error:
        yield f"entry_points.txt cannot be parsed: {str(error).partition(chr(10))[0]}"
        return
    for section in parser.sections():
        plain = section.strip().casefold()
        if plain == "default" or (plain in _SECTIONS and plain != section):
            yield f"entry_points.txt has the section {section!r}, which some read as another"
        for name, value in parser[section].items():
            if "\n" in value:
                yield f"the entry point {name!r} goes on in another line, which some read as an entry point of its own"
            if plain in _SECTIONS:
                yield from _script(name)


def _script(name: str) -> Iterator[str]:
    if not _SCRIPT.fullmatch(name):
        yield f"the script name {name!r} has more than letters, digits and '._-'"
    elif _INTERPRETER.fullmatch(name):
        yield f"the script {name!r} would take the place of the interpreter"
