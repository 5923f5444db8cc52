"""The one list of clients and behaviours, and which clients differ from a plain yes."""

from conftest import LONG
from interop.clients import pips, readers, tools

PIPS = tuple(pips.Pip(version) for version in pips.LINES)
#: The names of those that only a long run drives; their cells are what it found, and what it checks.
SELDOM = frozenset() if LONG else frozenset(f"pip {version}" for version in pips.BETWEEN)
UV = tools.Uv()
HATCH = tools.Hatch()
TOOLS = (tools.Poetry(), tools.Pdm(), tools.PipTools(), tools.Pipenv(), HATCH)
INSTALLERS = (*PIPS, UV, *TOOLS)
PYPI_SIMPLE = tuple(readers.Reader("pypi-simple", form) for form in ("JSON", "HTML"))
MOUSEBENDER = tuple(readers.Reader("mousebender", form) for form in ("JSON", "HTML"))
UNEARTH = readers.Reader("unearth")
READERS = (*PYPI_SIMPLE, *MOUSEBENDER, UNEARTH)
CLIENTS = (*INSTALLERS, *READERS)

# What is asked of an installer: each is one run, with a server and a folder of its own.
WANTED = {
    "first": ("beta[fast]", "iota", "epsilon"),
    "pinned": ("iota==1.1", "epsilon==2.0a1"),
    "spelt": ("Gamma.Ray",),
    "respelt": ("GAMMA_RAY",),
    "swapped": ("eta",),
    "dated": ("zeta",),
    "stolen": ("delta",),
    "lock": ("beta[fast]", "iota", "epsilon"),
    "pylock": ("beta[fast]", "iota", "epsilon"),
}

BEHAVIOURS = {
    "install": ("Installs", "a project and what it depends on install"),
    "extras": ("Extras", "`beta[fast]` brings what the extra depends on"),
    "requires-python": ("Requires-Python", "a release for another Python is passed over"),
    "yanked": ("Yanked", "a yanked release is passed over"),
    "pinned": ("Pinned", "a yanked release and a pre-release install when exactly they are asked for"),
    "pre-releases": ("Pre-releases", "a final release is preferred to a newer pre-release"),
    "hashes": ("Hashes", "a file that was swapped behind its digest is refused"),
    "metadata": ("Core metadata", "dependencies are read from `.metadata` files before any wheel is asked for"),
    "cut-off": ("Cut-off", "what was uploaded after a moment is left out"),
    "names": ("Names", "`Gamma.Ray` is found, however its name is written"),
    "quarantine": ("Quarantine", "of a quarantined project nothing installs"),
    "lock": ("Lock", "a lock file with digests is written, and an environment is filled from it"),
}

YES, NO, PARTLY, READS, NONE = "yes", "no", "partly", "reads", "—"


def _through(last: str) -> tuple[str, ...]:
    names = [pip.name for pip in PIPS]
    return tuple(names[: names.index(f"pip {last}") + 1])


def _names(clients) -> tuple[str, ...]:
    return tuple(client.name for client in clients)


# Behaviour, clients, the word of their cells, and why it is not a plain yes.
DIFFERENCES = (
    ("install", _names([*PYPI_SIMPLE, UNEARTH]), PARTLY, "It downloads files and installs none."),
    ("install", _names(MOUSEBENDER), READS, "It parses pages that another program fetches."),
    ("install", ("mousebender HTML",), READS, "It warns that it knows version 1.1 and no newer, and reads the page all the same."),
    ("extras", _names(READERS), NONE, "It does not resolve dependencies."),
    ("requires-python", _through("8.1.1"), NO, "It is older than the attribute, and installs the release for Python 4."),
    ("requires-python", _names([*PYPI_SIMPLE, *MOUSEBENDER]), READS, "It hands the value to its caller."),
    ("yanked", _through("18.1"), NO, "It is older than PEP 592, and installs the yanked release."),
    ("yanked", _names([*PYPI_SIMPLE, *MOUSEBENDER]), READS, "It hands the reason to its caller, unchanged."),
    ("pinned", _names([*PYPI_SIMPLE, *MOUSEBENDER]), NONE, "It chooses no release."),
    ("pre-releases", _names([*PYPI_SIMPLE, *MOUSEBENDER]), NONE, "It chooses no release."),
    ("pre-releases", ("unearth",), NO, "It chooses the pre-release, unless its caller says `allow_prereleases=False`."),
    ("hashes", ("pip 22.3.1",), NO, "It does not check the digest of a JSON page, and installs the swapped file."),
    (
        "hashes", ("pip-tools",), NO,
        "`pip-compile` locks the digest of what it downloads, and does not compare it with the page's: a file swapped before installs.",
    ),
    ("hashes", _names(MOUSEBENDER), NONE, "It downloads nothing."),
    ("metadata", _through("22.3.1"), NO, "It is older than PEP 714, and reads the wheels."),
    ("metadata", _names([*MOUSEBENDER, UNEARTH]), READS, "It hands the digest of the `.metadata` file to its caller."),
    ("metadata", _names(PYPI_SIMPLE), READS, "It fetches and checks the `.metadata` file when its caller asks for it."),
    ("cut-off", _through("25.3"), NONE, "It has no `--uploaded-prior-to`."),
    ("cut-off", ("Poetry",), YES, "By `solver.min-release-age`, which counts days back from today."),
    ("cut-off", ("pipenv",), YES, "By `cool-down-period`, which counts days back from today."),
    ("cut-off", ("hatch",), YES, "By the environment of the pip that it runs: `PIP_UPLOADED_PRIOR_TO`."),
    ("cut-off", ("pypi-simple JSON", "mousebender JSON"), READS, "It hands the upload time to its caller."),
    ("cut-off", ("pypi-simple HTML", "mousebender HTML"), NO, "It does not know uv's attribute `data-upload-time`."),
    (
        "names", ("pip 1.5.6", "pip 8.1.1"), PARTLY,
        "The server redirects it to the page, where it does not know `gamma_ray-3.0` for a wheel of `Gamma.Ray`; `GAMMA_RAY` installs.",
    ),
    ("quarantine", ("mousebender HTML",), YES, "It sees no file, and does not read the status."),
    ("lock", _through("23.3.2"), NONE, "It has no `pip lock`."),
    ("lock", ("pip 25.3",), PARTLY, "`pip lock` writes a pylock.toml, which `pip install` cannot read yet."),
    ("lock", ("uv",), YES, "`uv lock` with `uv sync`, and `uv pip compile --format pylock.toml` with `uv pip sync`."),
    ("lock", ("hatch",), YES, 'With `installer = "uv"`; its pip installer writes the lock file and refuses to install from it.'),
    ("lock", _names(READERS), NONE, "It installs nothing."),
)  # fmt: skip


def expected(client: str, behaviour: str) -> str:
    """Return the word of a cell."""
    return next((word for key, clients, word, _ in DIFFERENCES if key == behaviour and client in clients), YES)
