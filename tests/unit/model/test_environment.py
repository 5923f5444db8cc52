"""Environments know the wheels that installers would take there."""

import pytest
from packaging.markers import Marker

from index_builder.model.environment import EVERYWHERE, Environment
from index_builder.model.filename import parse_filename


@pytest.mark.parametrize(
    ("python", "platform", "tag", "fits"),
    [
        ("3.11", "linux_x86_64", "py3-none-any", True),
        ("3.11", "linux_x86_64", "py2.py3-none-any", True),
        ("3.11", "linux_x86_64", "cp311-cp311-manylinux_2_17_x86_64", True),
        ("3.11", "linux_x86_64", "cp311-cp311-manylinux1_x86_64", True),
        ("3.11", "linux_x86_64", "cp38-abi3-manylinux2014_x86_64", True),
        ("3.11", "linux_x86_64", "cp312-cp312-manylinux_2_17_x86_64", False),
        ("3.11", "linux_x86_64", "cp312-abi3-manylinux_2_17_x86_64", False),
        ("3.11", "linux_x86_64", "cp311-cp311-manylinux_2_17_aarch64", False),
        ("3.11", "linux_x86_64", "cp311-cp311-manylinux_2_34_x86_64", False),
        ("3.11", "manylinux_2_34_x86_64", "cp311-cp311-manylinux_2_34_x86_64", True),
        ("3.11", "linux_x86_64", "cp311-cp311-musllinux_1_2_x86_64", False),
        ("3.11", "musllinux_1_2_x86_64", "cp311-cp311-musllinux_1_1_x86_64", True),
        ("3.11", "musllinux_1_2_x86_64", "cp311-cp311-manylinux_2_17_x86_64", False),
        ("3.11", "macosx_14_0_arm64", "cp311-cp311-macosx_11_0_universal2", True),
        ("3.11", "macosx_14_0_arm64", "cp311-cp311-macosx_15_0_arm64", False),
        ("3.11", "win_amd64", "cp311-cp311-win_amd64", True),
        ("3.11", "win_amd64", "cp311-cp311-win32", False),
        ("3.11", "win_amd64", "pp310-pypy310_pp73-win_amd64", False),
    ],
)
def test_wheels_that_fit(python, platform, tag, fits):
    """A wheel fits where pip and uv would install it, and nowhere else."""
    assert Environment.of(python, platform).fits(parse_filename(f"demo-1.0-{tag}.whl")) is fits


def test_an_sdist_fits_nowhere():
    """An sdist must be built first, so it fits no environment as it is."""
    assert not Environment.of("3.11", "linux_x86_64").fits(parse_filename("demo-1.0.tar.gz"))


@pytest.mark.parametrize(
    ("platform", "marker"),
    [
        ("linux_aarch64", "sys_platform == 'linux' and platform_machine == 'aarch64' and os_name == 'posix'"),
        ("macosx_14_0_arm64", "sys_platform == 'darwin' and platform_system == 'Darwin' and platform_machine == 'arm64'"),
        ("win_amd64", "sys_platform == 'win32' and platform_machine == 'AMD64' and os_name == 'nt'"),
        ("win32", "platform_machine == 'x86' and platform_system == 'Windows'"),
        ("musllinux_1_2_x86_64", "python_version == '3.12' and platform_machine == 'x86_64' and implementation_name == 'cpython'"),
    ],
)
def test_markers_see_the_platform(platform, marker):
    """Markers are evaluated for the environment that is named, not for this machine."""
    assert Marker(marker).evaluate(Environment.of("3.12", platform).markers)


@pytest.mark.parametrize(
    ("python", "platform"), [("2.7", "linux_x86_64"), ("3.011", "win32"), ("3.11", "linux"), ("3.11", "win"), ("3.11", "linux_z80")]
)
def test_what_is_no_environment_is_refused(python, platform):
    """Other words are refused with a sentence that shows the right form."""
    with pytest.raises(ValueError, match="write it as"):
        Environment.of(python, platform)


def test_every_default_environment_has_markers_and_tags():
    """What stands for all clients covers three systems and at least five Pythons."""
    assert {e.markers["sys_platform"] for e in EVERYWHERE} == {"linux", "darwin", "win32"}
    assert len({e.python for e in EVERYWHERE}) >= 5
    assert all(e.tags for e in EVERYWHERE)
