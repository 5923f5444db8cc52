"""The lines of pip: the newest on the Python of the tests, the older ones on Debian's PyPy, a Python 3.9."""

import shutil
import sys
from dataclasses import dataclass

from interop.clients.programs import Outcome, Place
from packaging.version import Version

LINES = ("1.5.6", "8.1.1", "9.0.3", "18.1", "19.3.1", "20.3.4", "22.3.1", "23.3.2", "25.3", "26.3")
#: Lines that are run where everything is, see LONG: those before and after them behave alike, but for what the table says.
BETWEEN = ("8.1.1", "18.1", "19.3.1", "23.3.2", "25.3")
LAST_ON_PYPY = Version("23.3.2")
CUTOFF = "2024-01-01T00:00:00Z"

# Python 3.8 took linux_distribution away, and pkg_resources before pip 8.1.2 knows PyPy's finder under its old name only.
MENDED = """\
import importlib.machinery
import pkgutil
import platform

platform.linux_distribution = lambda: ("", "", "")
pkgutil.ImpImporter = importlib.machinery.FileFinder
"""
LAST_MENDED = Version("8.1.1")


@dataclass(frozen=True)
class Pip:
    """One line of pip, run from a folder that holds nothing else."""

    version: str
    pointing = "`pip install --index-url ADDRESS`"
    distribution = "pip"

    @property
    def name(self) -> str:
        return f"pip {self.version}"

    def run(self, place: Place, *arguments) -> bool:
        number = Version(self.version)
        python = shutil.which("pypy3") if number <= LAST_ON_PYPY else sys.executable
        assert python, "pypy3 is missing: apt-get install pypy3"
        mended = place.folder / "mended"
        mended.mkdir(exist_ok=True)
        (mended / "sitecustomize.py").write_text(MENDED if number <= LAST_MENDED else "")
        path = f"{place.toolbox / self.name}:{mended}"
        return place.run(python, "-W", "ignore", "-m", "pip", *arguments, PYTHONPATH=path)

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        site = place.folder / "site"
        when = ("--uploaded-prior-to", CUTOFF) if cutoff else ()
        good = self.run(place, "install", "--index-url", place.live.simple, "--target", site, *when, *requirements)
        return place.outcome(good, site)

    def lock(self, place: Place, *requirements: str) -> Outcome:
        """Write a pylock.toml, and install what it says."""
        site, index = place.folder / "site", ("--index-url", place.live.simple)
        good = self.run(place, "lock", *index, *requirements)
        good = good and self.run(place, "install", *index, "--target", site, "-r", "pylock.toml")
        return place.outcome(good, site, "pylock.toml")
