"""Core metadata must be of the file's project and version, and readable in one way."""

from __future__ import annotations

import pytest
from unit.inspection.archives import METADATA, SDIST_NAME, WHEEL_NAME, look, messages, rules, sdist, wheel

from index_builder.inspection.metadata import parse_metadata

HEAD = b"Metadata-Version: 2.1\nName: acme-tools\nVersion: 1.2\n"
BRACKETS = b"(" * 5000
INVALID, NAME = "metadata-invalid", "metadata-name"

WRONG = {
    "another name": (METADATA.replace(b"Acme.Tools", b"acme-tool"), NAME, "'acme-tool', the file name says acme-tools"),
    "no possible name": (METADATA.replace(b"Acme.Tools", b"-acme"), NAME, "'-acme'"),
    "a name in Cyrillic": (METADATA.replace(b"Acme", "\N{CYRILLIC CAPITAL LETTER A}cme".encode()), NAME, "the file name says acme-tools"),
    "a name of two lines": (METADATA.replace(b"Acme.Tools", b"Acme\n .Tools"), NAME, "the file name says acme-tools"),
    "another version": (METADATA.replace(b": 1.2", b": 1.2.1"), NAME, "'1.2.1', the file name says 1.2"),
    "a local version": (METADATA.replace(b": 1.2", b": 1.2+local"), NAME, "'1.2+local'"),
    "no possible version": (METADATA.replace(b": 1.2", b": one"), NAME, "'one'"),
    "a version of 5,000 digits": (METADATA.replace(b": 1.2", b": " + b"9" * 5000), NAME, "the file name says 1.2"),
    "no name": (METADATA.replace(b"Name: Acme.Tools\n", b""), INVALID, "no Name"),
    "no version": (METADATA.replace(b"Version: 1.2\n", b""), INVALID, "no Version"),
    "no metadata version": (METADATA.replace(b"Metadata-Version: 2.1\n", b""), INVALID, "no Metadata-Version"),
    "an empty name": (METADATA.replace(b"Acme.Tools", b""), INVALID, "no Name"),
    "Name twice": (b"Name: acme-tools\n" + METADATA, INVALID, "Name twice"),
    "Name twice in other letters": (b"NAME: other\n" + METADATA, INVALID, "Name twice"),
    "Version twice": (b"Version: 1.2\n" + METADATA, INVALID, "Version twice"),
    "Metadata-Version twice": (b"Metadata-Version: 2.1\n" + METADATA, INVALID, "Metadata-Version twice"),
    "Requires-Python twice": (b"Requires-Python: >=3\n" + METADATA, INVALID, "Requires-Python twice"),
    "an invalid Requires-Python": (METADATA.replace(b">=3.9", b">=three"), INVALID, "Requires-Python"),
    "an invalid Requires-Dist": (METADATA.replace(b"six>=1", b"six >= one two"), INVALID, "Requires-Dist: 'six >= one two'"),
    "a Requires-Dist with an invalid marker": (METADATA.replace(b"six>=1", b"six; moon == 'full'"), INVALID, "Requires-Dist"),
    "a Requires-Dist of many brackets": (METADATA.replace(b"six>=1", b"six; " + BRACKETS), INVALID, "more than 50 brackets"),
}

UNREADABLE = {
    "latin-1": (METADATA.replace(b"Hello", b"H\xe9llo"), "not UTF-8, at byte"),
    "UTF-16": (METADATA.decode().encode("utf-16"), "not UTF-8, at byte 0"),
    "NUL": (METADATA.replace(b"Hello", b"H\0llo"), "NUL"),
    "a message of parts": (b"Content-Type: multipart/mixed; boundary=x\n" + METADATA, "in parts"),
    "messages in messages": (HEAD + b"Content-Type: message/rfc822\n\n" * 5000, "in parts"),
    "a million fields": (HEAD + b"Classifier: x\n" * 20_001, "more than 20,000 fields"),
    "millions of short lines": (HEAD + b"a:\n" * 200_000, "or 200,000 line ends"),
    "millions of old line ends": (HEAD + b"a:\r" * 200_000, "or 200,000 line ends"),
    "a description of 8 MiB": (HEAD + b"\n" + b"x" * 8 * 1024 * 1024, "more than 8,388,608 bytes"),
    "many kinds of fields": (HEAD + b"".join(b"X-%d: x\n" % n for n in range(201)), "200 kinds"),
}


@pytest.fixture(params=["wheel", "sdist"])
def inspected(request):
    """Return a function that puts metadata into a wheel or sdist and inspects that."""
    if request.param == "wheel":
        return lambda content: look(wheel(metadata=content), WHEEL_NAME)
    return lambda content: look(sdist(pkg_info=content), SDIST_NAME)


@pytest.mark.parametrize(("content", "rule", "said"), [pytest.param(*row, id=name) for name, row in WRONG.items()])
def test_metadata_that_disagrees_or_is_invalid_is_refused(inspected, content, rule, said):
    """What installers would read as another project, version or requirement is an error in every hosting."""
    found = inspected(content)
    assert rules(found) == [(rule, False)], messages(found)
    assert said in messages(found)


@pytest.mark.parametrize(("content", "said"), [pytest.param(*row, id=name) for name, row in UNREADABLE.items()])
def test_metadata_that_cannot_be_read_in_one_way_is_refused(inspected, content, said):
    """Bytes that are no plain list of fields are not read any further."""
    found = inspected(content)
    assert rules(found) == [(INVALID, False)], messages(found)
    assert said in messages(found)
    assert found.metadata is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEAD, id="the least"),
        pytest.param(HEAD.replace(b"acme-tools", b"ACME__Tools"), id="a name in another spelling"),
        pytest.param(HEAD.replace(b": 1.2", b": v1.2.0"), id="a version in another spelling"),
        pytest.param(HEAD.replace(b"\n", b"\r\n"), id="Windows line ends"),
        pytest.param(METADATA + b"Content-Type: multipart/mixed\n\n", id="what looks like a field in the description"),
        pytest.param(HEAD + "Author: Zoë\n\nÜber uns.\n".encode(), id="beyond ASCII"),
        pytest.param(HEAD + b"Classifier: x\n" * 500 + b"X-Own: y\nX-Own: z\n", id="fields of one's own"),
        pytest.param(HEAD + b"Requires-Dist: a[b,c] (>=1,<2) ; (python_version < '4') and (os_name != 'x')\n", id="brackets"),
        pytest.param(HEAD + b"Requires-Dist: a @ https://example.org/a.zip\n", id="a requirement by URL"),
    ],
)
def test_valid_metadata_is_given_byte_by_byte(inspected, content):
    """Spellings that normalize to the same are the same, and the bytes are not touched."""
    found = inspected(content)
    assert rules(found) == [], messages(found)
    assert found.metadata is not None
    assert found.metadata.content == content


def test_every_wrong_requirement_is_reported():
    """All problems of a file are found at once, in the order of the file."""
    content = METADATA.replace(b"six>=1", b"a b\nRequires-Dist: c d\nRequires-Dist: e").replace(b">=3.9", b"three")
    found = look(wheel(metadata=content), WHEEL_NAME)
    assert rules(found) == [(INVALID, False)] * 3
    assert [text in messages(found) for text in ("'three'", "'a b'", "'c d'", "'e'")] == [True, True, True, False]


def test_metadata_found_good_earlier_is_parsed_again():
    """The bytes alone give requires-python back, or nothing where there is none."""
    assert parse_metadata(METADATA).requires_python == ">=3.9"
    assert parse_metadata(HEAD).requires_python == ""
    assert parse_metadata(METADATA).raw["requires_dist"] == ["six>=1"]
