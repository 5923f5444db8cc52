"""The other installers, most of which read a project's own file and fill the project's own environment."""

import sys

from interop.clients.pips import CUTOFF
from interop.clients.programs import Outcome, Place
from packaging.requirements import Requirement

DAYS = 30


def write_project(place: Place, requirements: tuple[str, ...], settings: str) -> None:
    head = '[project]\nname = "trial"\nversion = "1"\nrequires-python = ">=3.11,<4"\n'
    place.write("pyproject.toml", f"{head}dependencies = {list(requirements)}\n{settings}\n")


class Uv:
    """uv's own projects for the lock, `uv pip` for the rest."""

    name = distribution = "uv"
    setting = 'index = [{ url = "ADDRESS", default = true }]'
    pointing = f"`uv pip install --default-index ADDRESS`; in a project `{setting}` under `[tool.uv]`"

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        site = place.folder / "site"
        when = ("--exclude-newer", CUTOFF) if cutoff else ()
        where = ("--default-index", place.live.simple, "--python", sys.executable, "--target", site)
        return place.outcome(place.uv("pip", "install", *where, *when, *requirements), site)

    def lock(self, place: Place, *requirements: str) -> Outcome:
        write_project(place, requirements, f"[tool.uv]\npackage = false\n{self.setting}")
        good = place.uv("lock", "--python", sys.executable) and place.uv("sync", "--locked", "--python", sys.executable)
        return place.outcome(good, lock="uv.lock")

    def pylock(self, place: Place, *requirements: str) -> Outcome:
        """Lock and sync by the standard lock file instead of uv's own."""
        index = ("--default-index", place.live.simple)
        place.write("requirements.in", "\n".join(requirements))
        good = (
            place.uv("venv", "--python", sys.executable)
            and place.uv("pip", "compile", *index, "--format", "pylock.toml", "-o", "pylock.toml", "requirements.in")
            and place.uv("pip", "sync", *index, "--python", ".venv", "pylock.toml")
        )
        return place.outcome(good, lock="pylock.toml")


class Poetry:
    """Lock and sync, for everything."""

    name, distribution = "Poetry", "poetry"
    setting = 'source = [{ name = "ours", url = "ADDRESS", priority = "primary" }]'
    pointing = f"`{setting}` under `[tool.poetry]`"

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        write_project(place, requirements, f"[tool.poetry]\npackage-mode = false\n{self.setting}")
        own = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "POETRY_KEYRING_ENABLED": "false", "POETRY_NO_INTERACTION": "1"}
        own |= {"POETRY_SOLVER_MIN_RELEASE_AGE": str(DAYS)} if cutoff else {}
        return place.outcome(place.tool("poetry", "lock", **own) and place.tool("poetry", "sync", **own), lock="poetry.lock")

    lock = install


class Pdm:
    """Lock and sync, for everything."""

    name, distribution = "PDM", "pdm"
    setting = 'source = [{ name = "pypi", url = "ADDRESS" }]'
    pointing = f"`{setting}` under `[tool.pdm]`; the name `pypi` replaces the default index"

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        write_project(place, requirements, f"[tool.pdm]\ndistribution = false\n{self.setting}")
        own = {"PDM_CHECK_UPDATE": "0", "PDM_IGNORE_ACTIVE_VENV": "1"}
        when = ("--exclude-newer", CUTOFF) if cutoff else ()
        good = place.uv("venv", "--python", sys.executable)
        return place.outcome(good and place.tool("pdm", "lock", *when, **own) and place.tool("pdm", "sync", **own), lock="pdm.lock")

    lock = install


class PipTools:
    """pip-compile with hashes and pip-sync, for everything."""

    name = distribution = "pip-tools"
    pointing = "`pip-compile --generate-hashes --index-url ADDRESS`; `pip-sync` finds the address in what that writes"

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        place.write("requirements.in", "\n".join(requirements))
        when = ("--uploaded-prior-to", CUTOFF) if cutoff else ()
        tools = place.toolbox / self.name / "bin"
        good = (
            place.run(tools / "pip-compile", "--generate-hashes", "--index-url", place.live.simple, *when, "requirements.in")
            and place.run(place.toolbox / "pipenv" / "bin" / "virtualenv", "--quiet", "--python", sys.executable, ".venv")
            and place.run(tools / "pip-sync", "--python-executable", ".venv/bin/python", "requirements.txt")
        )
        return place.outcome(good, lock="requirements.txt")

    lock = install


class Pipenv:
    """Lock and sync, for everything; with a slash at the end of the address it would ask for `/simple//beta/`."""

    name = distribution = "pipenv"
    setting = 'source = [{ name = "ours", url = "BARE", verify_ssl = true }]'
    pointing = f"`{setting}` in the Pipfile; the address has no slash at its end"

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        wanted = [Requirement(text) for text in requirements]
        lines = [f'"{one.name}" = {{ version = "{one.specifier or "*"}", extras = {sorted(one.extras)} }}' for one in wanted]
        cool = f'[pipenv]\ncool-down-period = "{DAYS}d"\n' if cutoff else ""
        place.write("Pipfile", "\n".join([self.setting, "[packages]", *lines, cool]))
        own = {"PIPENV_VENV_IN_PROJECT": "1", "PIPENV_IGNORE_VIRTUALENVS": "1", "PIPENV_NOSPIN": "1"}
        good = place.tool("pipenv", "lock", "--python", sys.executable, **own) and place.tool("pipenv", "sync", **own)
        return place.outcome(good, lock="Pipfile.lock")

    lock = install


class Hatch:
    """`hatch env create`, which uses pip; with a lock file it uses uv."""

    name = distribution = "hatch"
    pointing = '`PIP_INDEX_URL=ADDRESS hatch env create`; with `installer = "uv"` it is `UV_DEFAULT_INDEX=ADDRESS`'

    def _write(self, place: Place, requirements: tuple[str, ...], more: str = "") -> None:
        settings = f'[tool.hatch.envs.default]\npath = ".venv"\nskip-install = true\ndependencies = {list(requirements)}\n{more}'
        write_project(place, (), settings)

    def install(self, place: Place, *requirements: str, cutoff: bool = False) -> Outcome:
        """Let hatch's default installer, a pip of its own, fill the environment."""
        self._write(place, requirements)
        own = {"PIP_INDEX_URL": place.live.simple} | ({"PIP_UPLOADED_PRIOR_TO": CUTOFF} if cutoff else {})
        return place.outcome(place.tool("hatch", "env", "create", **own))

    def lock(self, place: Place, *requirements: str) -> Outcome:
        self._write(place, requirements, 'installer = "uv"\nlocked = true\n')
        own = {"UV_DEFAULT_INDEX": place.live.simple}
        return place.outcome(place.tool("hatch", "env", "lock", **own) and place.tool("hatch", "env", "create", **own), lock="pylock.toml")

    def pylock(self, place: Place, *requirements: str) -> Outcome:
        """Lock and fill the environment by hatch's default installer, pip."""
        self._write(place, requirements, "locked = true\n")
        return place.outcome(place.tool("hatch", "env", "create", PIP_INDEX_URL=place.live.simple), lock="pylock.toml")
