"""Lock files made from a real index, and environments made from them."""

import re

import pytest
from interop.clients.behaviours import HATCH, NONE, PARTLY, PIPS, TOOLS, UV, YES

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
LOCKED = {"alpha": "1.0", "beta": "2.0", "gamma-ray": "3.0", "iota": "1.0", "epsilon": "1.0"}


def runs(scenario, *clients):
    return pytest.mark.parametrize("run", [pytest.param((one.name, scenario), id=one.name) for one in clients], indirect=True)


def digests(site) -> set[str]:
    """Return the digests of the five wheels that are to be locked, out of their addresses."""
    stems = {f"{name.replace('-', '_')}-{version}" for name, version in LOCKED.items()}
    wheels = [path for path in (site / "packages").rglob("*.whl") if path.name.rsplit("-", 3)[0] in stems]
    return {"".join(path.parts[-4:-1]) for path in wheels}


def locked(run) -> set[str]:
    return set(re.findall(r"\b[0-9a-f]{64}\b", run.lock))


@runs("lock", PIPS[-1], UV, *TOOLS)
def test_lock_and_sync(run, site, cell):
    """The lock file has the digest of each of the five wheels, and the environment made from it has the five."""
    assert run.good, run.said
    assert len(digests(site)) == len(LOCKED)
    assert digests(site) <= locked(run)
    assert run.versions == LOCKED
    cell("lock", YES)


@runs("pylock", UV)
def test_uv_compiles_and_syncs_the_standard_lock_file(run, site):
    """`uv pip compile` writes a pylock.toml with just those digests, and `uv pip sync` installs from it."""
    assert run.good, run.said
    assert run.lock.count("[[packages]]") == len(LOCKED)
    assert locked(run) == digests(site)
    assert run.versions == LOCKED


@runs("pylock", HATCH)
def test_hatch_locks_by_pip_and_does_not_install(run, site):
    """By its default installer hatch writes a pylock.toml with just those digests, and says that it cannot install from it."""
    assert not run.good
    assert "with the pip locker is not yet supported" in run.said
    assert locked(run) == digests(site)


@runs("lock", PIPS[-2])
def test_pip_25_3_locks_and_does_not_install(run, site, cell):
    """`pip lock` writes a pylock.toml with just those digests; this line of pip cannot read it yet."""
    assert not run.good
    assert "Invalid requirement: 'lock-version" in run.said
    assert locked(run) == digests(site)
    cell("lock", PARTLY)


@runs("lock", *PIPS[:-2])
def test_older_lines_have_no_lock(run, cell):
    """Older lines of pip do not know the command."""
    assert not run.good
    assert 'unknown command "lock"' in run.said
    cell("lock", NONE)
