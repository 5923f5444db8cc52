"""Real files of much used projects are not refused as mirrored ones."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from itertools import chain

import pytest
from pypi_simple import DistributionPackage, PyPISimple
from unit.inspection.archives import look

from index_builder.inspection.inspect import problems_of
from index_builder.model.filename import FileName, parse_filename
from index_builder.model.names import NormalizedName
from index_builder.model.problem import Place
from index_builder.model.project import Hosting

PROJECTS = (
    "attrs", "boto3", "certifi", "cffi", "charset-normalizer", "click", "cryptography", "flask", "idna", "jinja2", "jsonschema",
    "lxml", "markupsafe", "numpy", "packaging", "pillow", "pip", "psutil", "pydantic", "pytest", "python-dateutil", "pytz", "pyyaml",
    "requests", "rich", "setuptools", "six", "sqlalchemy", "tqdm", "typing-extensions", "urllib3", "virtualenv", "werkzeug", "wheel",
)  # fmt: skip
MOST_BYTES = 15 * 1024 * 1024
PLACE = Place(path="packages.d/x.yaml")


def smallest(files: dict[FileName, DistributionPackage], kind: str) -> list[FileName]:
    """Return the smallest file of a kind in the newest final release that has one."""
    final = [name for name, file in files.items() if name.kind == kind and not name.version.is_prerelease and not file.is_yanked]
    newest = max((name.version for name in final), default=None)
    found = [name for name in final if name.version == newest and (files[name].size or 0) < MOST_BYTES]
    return sorted(found, key=lambda name: (files[name].size or 0, name.text))[:1]


def named(packages: list[DistributionPackage], project: str) -> Iterator[tuple[FileName, DistributionPackage]]:
    """Yield what can be listed: the oldest files of some projects are installers and versions of before PEP 440."""
    for package in packages:
        with suppress(ValueError):
            yield parse_filename(package.filename, project=NormalizedName.of(project)), package


def errors_of(project: str) -> tuple[list[str], int]:
    """Return the errors in a project's newest wheel and sdist as mirrored files, and how many were looked at."""
    with PyPISimple() as upstream:
        files = dict(named(upstream.get_project_page(project).packages, project))
        chosen = smallest(files, "wheel") + smallest(files, "sdist")
        errors = list(chain.from_iterable(errors_in(upstream, name, files[name]) for name in chosen))
    return errors, len(chosen)


def errors_in(upstream: PyPISimple, name: FileName, file: DistributionPackage) -> list[str]:
    answer = upstream.s.get(file.url, timeout=60)
    answer.raise_for_status()
    assert sha256(answer.content).hexdigest() == file.digests["sha256"]
    problems = problems_of(look(answer.content, name.text), name, Hosting.MIRRORED, PLACE)
    return [f"{p.rule}: {p.message}" for p in problems if p.severity == "error"]


@pytest.mark.network
def test_the_newest_files_of_real_projects_are_not_refused():
    """Each project's newest wheel and sdist pass every rule that holds for mirrored files."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = dict(zip(PROJECTS, pool.map(errors_of, PROJECTS), strict=True))
    assert {project: errors for project, (errors, _) in found.items() if errors} == {}
    assert sum(count for _, count in found.values()) >= 60
