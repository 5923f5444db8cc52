"""What file names say."""

from __future__ import annotations

import pytest
from packaging.version import Version

from index_builder.model.filename import parse_filename
from index_builder.model.names import NormalizedName

GOOD = [
    # text, project asked for, kind, project, version, number of tags, stem, suffix, a word of `legacy`
    ("acme_utils-1.2.0-py3-none-any.whl", None, "wheel", "acme-utils", "1.2.0", 1, "acme_utils-1.2.0-py3-none-any", ".whl", ""),
    ("Acme.Utils-1.0-1x-cp311.cp312-abi3-linux_x86_64.whl", None, "wheel", "acme-utils", "1.0", 2, "Acme.Utils-1.0-1x-cp311.cp312-abi3-linux_x86_64", ".whl", ""),
    ("a-1!2.0+local.1-py3-none-any.whl", None, "wheel", "a", "1!2.0+local.1", 1, "a-1!2.0+local.1-py3-none-any", ".whl", ""),
    ("acme_utils-1.2.0.tar.gz", None, "sdist", "acme-utils", "1.2.0", 0, "acme_utils-1.2.0", ".tar.gz", ""),
    ("acme-utils-1.2.0.tar.gz", None, "sdist", "acme-utils", "1.2.0", 0, "acme-utils-1.2.0", ".tar.gz", "acme_utils-1.2.0.tar.gz"),
    ("Acme_Utils-1.2.0.tar.gz", None, "sdist", "acme-utils", "1.2.0", 0, "Acme_Utils-1.2.0", ".tar.gz", "PEP 625"),
    ("acme_utils-1.2.0.zip", None, "sdist", "acme-utils", "1.2.0", 0, "acme_utils-1.2.0", ".zip", ".zip"),
    ("acme_utils-1.2.0.tar.bz2", None, "sdist", "acme-utils", "1.2.0", 0, "acme_utils-1.2.0", ".tar.bz2", ".tar.bz2"),
    ("a-1.0-beta1.tar.gz", "a", "sdist", "a", "1.0b1", 0, "a-1.0-beta1", ".tar.gz", "a-1.0b1.tar.gz"),
    ("foo-2-1.0.tar.gz", "foo-2", "sdist", "foo-2", "1.0", 0, "foo-2-1.0", ".tar.gz", "foo_2-1.0.tar.gz"),
    ("foo-2-1.tar.gz", "foo", "sdist", "foo", "2.post1", 0, "foo-2-1", ".tar.gz", "PEP 625"),
    ("foo-2-1.tar.gz", "foo-2", "sdist", "foo-2", "1", 0, "foo-2-1", ".tar.gz", "PEP 625"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "kind", "project", "version", "tags", "stem", "suffix", "legacy"), GOOD)
def test_names_are_taken_apart(
    text: str, wanted: str | None, kind: str, project: str, version: str, tags: int, stem: str, suffix: str, legacy: str
) -> None:
    """A wheel's or sdist's name gives project, version and tags, and says how an old one departs from PEP 625."""
    name = parse_filename(text, project=NormalizedName(wanted) if wanted else None)
    assert (name.text, name.kind, name.project, name.version, len(name.tags)) == (text, kind, project, Version(version), tags)
    assert (name.stem, name.suffix) == (stem, suffix)
    assert legacy in name.legacy
    assert bool(legacy) == bool(name.legacy)


BAD = [
    "", "a.exe", "a-1.0.egg", "a-1.0.tgz", "a.tar.gz", "-1.0.tar.gz", "a-x.tar.gz", "a-1.0-py3-none.whl", "a-x-py3-none-any.whl",
    "a--1.0-py3-none-any.whl", "_a-1.0-py3-none-any.whl", "a_-1.0-py3-none-any.whl", "a-1.0-b1-py3-none-any.whl", "../a-1.0.tar.gz",
    "a b-1.0.tar.gz", "\u0430-1.0.tar.gz", "a-1.0.tar.gz\n", "a-1.0%2e.tar.gz", ".a-1.0.tar.gz", "a" * 250 + "-1.0.tar.gz", "a-1.0.TAR.GZ",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_other_names_are_refused(text: str) -> None:
    """What is neither a wheel's nor an sdist's name raises ValueError."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_filename(text)


def test_an_sdist_of_another_project_is_refused() -> None:
    """The project that is asked for must be in the name."""
    with pytest.raises(ValueError, match="of other"):
        parse_filename("a-1.0.tar.gz", project=NormalizedName("other"))
