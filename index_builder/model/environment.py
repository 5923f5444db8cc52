"""A client's environment: a Python and a platform, and which wheels fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from index_builder.model.filename import FileName

_PYTHON = re.compile(r"3\.(0|[1-9][0-9]?)")
_PLATFORM = re.compile(
    r"(?P<linux>linux)_(?P<arch>x86_64|aarch64|i686|armv7l|ppc64le|s390x|riscv64)"
    r"|(?P<libc>manylinux_2|musllinux_1)_(?P<minor>[0-9]{1,2})_(?P<built>x86_64|aarch64|i686|armv7l|ppc64le|s390x|riscv64)"
    r"|macosx_(?P<mac_major>1[0-9]|2[0-9])_(?P<mac_minor>[0-9]{1,2})_(?P<mac>x86_64|arm64)"
    r"|(?P<windows>win32|win_amd64|win_arm64)"
)
#: What plain `linux_ARCH` stands for, as for uv's `ARCH-unknown-linux-gnu`: glibc 2.28, which every distribution in support has.
PLAIN_GLIBC = 28
#: The oldest glibc with a platform tag (PEP 600), and the names that wheels had before it.
_OLDEST_GLIBC = 5
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_MACHINES = ("x86_64", "aarch64", "arm64", "i686", "armv7l", "ppc64le", "s390x", "riscv64")
#: How a platform tag begins -> sys_platform, platform_system, os_name.
_SYSTEMS = {
    "macosx": ("darwin", "Darwin", "posix"),
    "win": ("win32", "Windows", "nt"),
    "": ("linux", "Linux", "posix"),
}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """CPython of one minor version on one platform, named by a wheel's platform tag."""

    python: str
    platform: str

    @classmethod
    def of(cls, python: str, platform: str) -> Self:
        """Return the environment of `3.11` and `linux_x86_64`; raises ValueError, with a sentence, for what is none."""
        if not _PYTHON.fullmatch(python):
            msg = f"{python!r} is not a Python version: write it as 3.11"
            raise ValueError(msg)
        if not _PLATFORM.fullmatch(platform):
            msg = (
                f"{platform!r} is not a platform tag: write it as linux_x86_64, manylinux_2_34_aarch64, musllinux_1_2_x86_64, "
                "macosx_14_0_arm64 or win_amd64"
            )
            raise ValueError(msg)
        return cls(python=python, platform=platform)

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """Every wheel tag that installs here."""
        version = (3, int(self.python.partition(".")[2]))
        platforms = list(_platforms(self.platform))
        interpreter = f"cp{version[0]}{version[1]}"
        return frozenset(cpython_tags(version, platforms=platforms)) | frozenset(compatible_tags(version, interpreter, platforms))

    def fits(self, name: FileName) -> bool:
        """Say whether a wheel installs here; an sdist has no tags, and is said to fit nowhere."""
        return not self.tags.isdisjoint(name.tags)

    @property
    def markers(self) -> dict[str, str]:
        """The environment as markers see it (PEP 508), without extras; what a tag does not tell is ''."""
        system, name, os_name = next(words for prefix, words in _SYSTEMS.items() if self.platform.startswith(prefix))
        return {
            "python_version": self.python, "python_full_version": f"{self.python}.99", "implementation_version": f"{self.python}.99",
            "implementation_name": "cpython", "platform_python_implementation": "CPython", "sys_platform": system,
            "platform_system": name, "os_name": os_name, "platform_machine": self._machine, "platform_release": "",
            "platform_version": "", "extra": "",
        }  # fmt: skip

    @property
    def _machine(self) -> str:
        if self.platform.startswith("win"):
            return {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64"}[self.platform]
        return next(machine for machine in _MACHINES if self.platform.endswith(machine))

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform}"


#: What clients may have where `index.yaml` does not say: the Pythons that get security fixes, on what most people use.
EVERYWHERE = tuple(
    Environment.of(f"3.{minor}", platform)
    for minor in range(10, 16)
    for platform in ("linux_x86_64", "linux_aarch64", "macosx_15_0_arm64", "macosx_15_0_x86_64", "win_amd64")
)


def _platforms(platform: str) -> Iterator[str]:
    """Yield the platform tags of wheels that install on a platform."""
    found = _PLATFORM.fullmatch(platform)
    assert found is not None  # noqa: S101 - Environment.of has checked it
    if found["windows"]:
        yield platform
    elif found["mac"]:
        yield from mac_platforms((int(found["mac_major"]), int(found["mac_minor"])), found["mac"])
    elif found["libc"] == "musllinux_1":
        yield from (f"musllinux_1_{minor}_{found['built']}" for minor in range(int(found["minor"]), 0, -1))
        yield f"linux_{found['built']}"
    else:
        arch = found["arch"] or found["built"]
        newest = PLAIN_GLIBC if found["linux"] else int(found["minor"])
        for minor in range(newest, _OLDEST_GLIBC - 1, -1):
            yield f"manylinux_2_{minor}_{arch}"
            if minor in _LEGACY:
                yield f"{_LEGACY[minor]}_{arch}"
        yield f"linux_{arch}"
