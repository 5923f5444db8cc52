"""An installer is to ask the proxy and nobody else: what of its command line and environment would lead it past is found here."""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

#: Options that name another index, or (`--proxy`) let somebody else answer for ours. Shortened too: pip takes `--extra-i` for one.
_INDEXES: Final = (
    "--index-url", "--pypi-url", "--extra-index-url", "--find-links", "--index", "--default-index", "--no-index", "--proxy",
    # pip reads no environment then, and where the index is stands in it.
    "--isolated",
)  # fmt: skip
#: Of uv, which takes its options whole: a configuration file may name indexes, a backend of PyTorch is one.
_WHOLE: Final = ("--config-file", "--torch-backend")
#: Options whose value is a file of requirements, which may have index options of its own.
_FILES: Final = (
    "--requirements", "--constraints", "--build-constraints", "--overrides", "--override", "--excludes", "--with-requirements",
    "--requirements-from-script",
)  # fmt: skip
_SHORT_INDEXES, _SHORT_FILES = "if", "rcb"
#: Short options of pip and uv without a value, behind which more may stand: `-Ur FILE`.
_SHORT_FLAGS: Final = "UIqvnhVy"
#: `uv pip sync FILE` and `pip-compile FILE` take such files without an option.
_SUFFIXES: Final = (".txt", ".in")
_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")
#: Longest first: one is the beginning of another.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip

#: Variables of pip and uv that are handed on. They say where to install to, with what Python, how much to say, how long to wait,
#: whose certificates to take, what to be stricter in. Any other may name an index, or a file that does, now or in a later version.
_HARMLESS: Final = frozenset({
    "PIP_BREAK_SYSTEM_PACKAGES", "PIP_CACHE_DIR", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_DISABLE_PIP_VERSION_CHECK",
    "PIP_NO_BINARY", "PIP_NO_BUILD_ISOLATION", "PIP_NO_CACHE_DIR", "PIP_NO_COLOR", "PIP_NO_COMPILE", "PIP_NO_DEPS", "PIP_NO_INPUT",
    "PIP_ONLY_BINARY", "PIP_PREFIX", "PIP_PROGRESS_BAR", "PIP_QUIET", "PIP_REQUIRE_HASHES", "PIP_REQUIRE_VIRTUALENV", "PIP_RETRIES",
    "PIP_ROOT", "PIP_ROOT_USER_ACTION", "PIP_TARGET", "PIP_TIMEOUT", "PIP_USER", "PIP_VERBOSE",
    "UV_BREAK_SYSTEM_PACKAGES", "UV_CACHE_DIR", "UV_COMPILE_BYTECODE", "UV_EXCLUDE_NEWER", "UV_FROZEN", "UV_HTTP_TIMEOUT",
    "UV_LINK_MODE", "UV_LOCKED", "UV_MANAGED_PYTHON", "UV_NATIVE_TLS", "UV_NO_BUILD", "UV_NO_BUILD_PACKAGE", "UV_NO_CACHE", "UV_NO_DEV",
    "UV_NO_MANAGED_PYTHON", "UV_NO_PROGRESS", "UV_NO_SOURCES", "UV_NO_SYNC", "UV_OFFLINE", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON",
    "UV_PYTHON_DOWNLOADS", "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_PREFERENCE", "UV_REQUIRE_HASHES", "UV_RUN_RECURSION_DEPTH",
    "UV_SYSTEM_CERTS", "UV_SYSTEM_PYTHON", "UV_TOOL_BIN_DIR", "UV_TOOL_DIR",
})  # fmt: skip

#: Returns a file's bytes, None where it is none that can be looked through, and raises FileNotFoundError.
Read = Callable[[Path], bytes | None]


class Past(NamedTuple):
    """What leads past the proxy: an option, and the file that it stands in, '' for the command line."""

    option: str
    file: str = ""


def environment_for(environment: Mapping[str, str], simple: str, host: str, nowhere: str) -> tuple[dict[str, str], list[str]]:
    """Return an installer's environment, in which `simple` is the only index, and the names of what was left out of it.

    `nowhere` is a file that is empty. Names count in any case: pip takes PIP_extra_index_url too.
    """
    left = sorted(name for name in environment if name.upper().startswith(("PIP_", "UV_")) and name.upper() not in _HARMLESS)
    kept = {name: value for name, value in environment.items() if name not in left}
    # Configuration files may name more indexes: pip reads none then, uv none of its own.
    kept |= {"PIP_INDEX_URL": simple, "PIP_CONFIG_FILE": nowhere, "UV_DEFAULT_INDEX": simple, "UV_NO_CONFIG": "1"}
    direct = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    kept["NO_PROXY"] = kept["no_proxy"] = ",".join(filter(None, (direct, host)))
    return kept, [name for name in left if name not in kept]


def leading_past(command_line: Sequence[str], environment: Mapping[str, str], read: Read) -> Past | None:
    """Return the first thing by which an installer would ask another index, also in files of requirements that it is given."""
    return next(_Search(environment, read).of_command(command_line), None)


class _Search:
    """Looks through a command line, and each file once."""

    def __init__(self, environment: Mapping[str, str], read: Read) -> None:
        self._environment, self._read = environment, read
        self._seen: set[Path] = set()

    def of_command(self, arguments: Sequence[str]) -> Iterator[Past]:
        # `uv --directory DIR` reads files from there.
        folders = [Path(), *(Path(text) for text in _values(arguments, "--directory"))]
        yield from (Past(name) for name in _indexes(arguments))
        bare = [argument for argument in arguments if argument.endswith(_SUFFIXES) and not argument.startswith("-")]
        for text in (*_files(arguments), *bare):
            for folder in folders:
                yield from self._of_file(text, folder)

    def _of_file(self, text: str, folder: Path) -> Iterator[Past]:
        """Look through a file of requirements; of what is not there, the installer will say so itself."""
        if re.match(r"https?:|-$", text, re.IGNORECASE):
            yield Past(f"-r {text}")
            return
        path = folder / (unquote(urlsplit(text).path) if text.lower().startswith("file:") else text)
        try:
            path = path.resolve()
            if path in self._seen:
                return
            self._seen.add(path)
            content = self._read(path)
        except (OSError, RuntimeError, ValueError):
            return
        if content is None:
            yield Past(f"-r {text}")
            return
        for tokens in self._lines(content):
            yield from (Past(name, text) for name in _indexes(tokens) if name != "--no-index")
            for inner in _files(tokens):
                yield from self._of_file(inner, path.parent)

    def _lines(self, content: bytes) -> Iterator[list[str]]:
        """Yield the words of each line, and of those that a backslash joins: what only looks like a part of a comment counts too."""
        text = _decoded(content)
        joined = re.sub(r"\\\r?\n", "", text)
        for line in (*text.splitlines(), *(joined.splitlines() if joined != text else ())):
            plain = _VARIABLE.sub(lambda found: self._environment.get(found[1], found[0]), _COMMENT.sub("", line))
            try:
                yield shlex.split(plain)
            except ValueError:
                yield plain.split()


def _indexes(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the options that name an index: long, cut short, or short with more behind or before it."""
    for argument in arguments:
        name = argument.partition("=")[0]
        if name.startswith("--"):
            if name in _WHOLE or (len(name) > len("--i") and any(option.startswith(name) for option in _INDEXES)):
                yield name
        elif any(letter in _SHORT_INDEXES for letter, _ in _letters(argument)):
            yield argument[:2] if argument[1] in _SHORT_INDEXES else argument


def _files(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the values of options for files of requirements."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, has_value, value = argument.partition("=")
        if len(name) > len("--r") and any(option.startswith(name) for option in _FILES):
            yield value if has_value else following
        for letter, rest in _letters(argument):
            if letter in _SHORT_FILES:
                yield rest.removeprefix("=") or following


def _values(arguments: Sequence[str], option: str) -> Iterator[str]:
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, has_value, value = argument.partition("=")
        if name == option:
            yield value if has_value else following


def _letters(argument: str) -> Iterator[tuple[str, str]]:
    """Yield the short options that are written as one, each with what stands behind it."""
    if not argument.startswith("-") or argument.startswith("--"):
        return
    for place, letter in enumerate(argument[1:], 2):
        yield letter, argument[place:]
        if letter not in _SHORT_FLAGS:
            return


def _decoded(content: bytes) -> str:
    """Return a file's text as pip reads it: options are ASCII in whatever it is written."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.removeprefix(mark).decode(encoding, errors="replace")
    return content.decode("utf-8", errors="replace")
