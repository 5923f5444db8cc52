"""A wheel's .dist-info folder is one, and says of the wheel what is true."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha512

import pytest
from unit.inspection.archives import (
    CODE,
    DEFLATED,
    INFO,
    METADATA,
    WHEEL,
    WHEEL_NAME,
    ZipMember,
    look,
    messages,
    record_of,
    record_row,
    rules,
    wheel,
    wheel_members,
    wheel_with,
    zip_file,
)

INFO_RULE, TAGS, ENTRY, RECORD = "wheel-dist-info", "wheel-tags", "wheel-entry-points", "wheel-record"
RIGHT = record_of(wheel_members(record=None))
DATA = "acme_tools-1.2.data"
ROW = record_row("acme_tools/code.py", CODE)


def with_info(name: str, content: bytes = b"") -> bytes:
    return wheel([ZipMember(name=name.encode(), content=content)])


def both(one: str, other: str) -> bytes:
    return wheel([ZipMember(name=other.encode()), ZipMember(name=one.encode())])


def short_record(rows: int) -> bytes:
    """Return the RECORD with so many short rows more."""
    return (RIGHT + "".join(f"{n},,\n" for n in range(rows))).encode()


LAYOUT = {
    "no .dist-info": (zip_file([ZipMember(name=b"acme_tools/__init__.py")]), "has none"),
    "no members": (zip_file([]), "has none"),
    "a file called like the folder": (zip_file([ZipMember(name=INFO.encode())]), f"{INFO} has no WHEEL"),
    "two .dist-info": (with_info("other-1.dist-info/METADATA"), f"{INFO} and other-1.dist-info"),
    "two that differ in case": (with_info("Acme_tools-1.2.dist-info/METADATA"), f"Acme_tools-1.2.dist-info and {INFO}"),
    "two whose suffixes differ in case": (with_info("acme_tools-1.2.DIST-INFO/METADATA"), f"acme_tools-1.2.DIST-INFO and {INFO}"),
    "one in capitals": (wheel(info="acme_tools-1.2.DIST-INFO"), "acme_tools-1.2.DIST-INFO is not named after"),
    "of another project": (wheel(info="other-1.2.dist-info"), "other-1.2.dist-info is not named after acme-tools 1.2"),
    "of another version": (wheel(info="acme_tools-1.3.dist-info"), "acme_tools-1.3.dist-info is not named after"),
    "of no version": (wheel(info="acme_tools.dist-info"), "not named after"),
    "of no possible version": (wheel(info="acme_tools-x.dist-info"), "not named after"),
    "METADATA in other letters": (with_info(f"{INFO}/metadata", METADATA), "differ only in case"),
    "RECORD in other letters": (with_info(f"{INFO}/Record"), "differ only in case"),
    "a file called like another": (with_info("other-1.dist-info"), f"{INFO} and other-1.dist-info"),
    "an .egg-info": (with_info("other-1.EGG-INFO/PKG-INFO"), f"{INFO} and other-1.EGG-INFO"),
    "a file called .egg-info": (with_info("other.egg-info"), f"{INFO} and other.egg-info"),
    "METADATA by way of .data": (with_info(f"acme_tools-1.2.data/purelib/{INFO}/METADATA", METADATA), "over the first"),
    "a second project by way of .data": (with_info("acme_tools-1.2.data/platlib/pip-1.DIST-INFO/RECORD"), "pip-1.DIST-INFO/RECORD"),
    "METADATA by way of data in .data": (with_info(f"{DATA}/data/lib/python3.12/site-packages/{INFO}/METADATA"), "over the first"),
    "an .egg-info by way of .data": (with_info(f"{DATA}/purelib/other.egg-info"), "other.egg-info would be installed"),
    "a .data of another project": (with_info("evil-1.data/purelib/x.py"), f"is in evil-1.data, but the wheel's .data folder is {DATA}"),
    "a .data of another version": (with_info("acme_tools-1.2.0.data/purelib/x.py"), "is in acme_tools-1.2.0.data"),
    "a .data in other letters": (with_info("Acme_tools-1.2.data/purelib/x.py"), "is in Acme_tools-1.2.data"),
    "a .data with a suffix in other letters": (with_info("acme_tools-1.2.DATA/purelib/x.py"), "is in acme_tools-1.2.DATA"),
    "a file called .data": (with_info("evil.data"), "evil.data is in evil.data"),
    "a file called like the .data folder": (with_info(DATA), f"{DATA} is a file where"),
    "an unknown scheme": (with_info(f"{DATA}/stdlib/os.py"), f"{DATA}/stdlib/os.py has none of purelib, platlib, headers"),
    "a scheme in other letters": (with_info(f"{DATA}/Purelib/x.py"), "has none of purelib"),
    "an unknown scheme's folder": (wheel([ZipMember(name=f"{DATA}/x/".encode(), content=b"")]), "has none of purelib"),
    "a file beside the schemes": (with_info(f"{DATA}/x.py"), "has none of purelib"),
    "a file called like a scheme": (with_info(f"{DATA}/purelib"), f"{DATA}/purelib is a file where"),
    "a file over a member": (with_info(f"{DATA}/purelib/acme_tools/code.py"), "acme_tools/code.py would be installed as one file"),
    "a file of data over a member": (with_info(f"{DATA}/data/lib/python3.12/site-packages/acme_tools/code.py"), "as one file"),
    "a file of data over a member on Windows": (with_info(f"{DATA}/data/Lib/site-packages/acme_tools/code.py"), "as one file"),
    "a file in both libraries": (both(f"{DATA}/purelib/x.py", f"{DATA}/platlib/x.py"), f"{DATA}/purelib/x.py and {DATA}/platlib/x.py"),
    "a script that is data too": (both(f"{DATA}/scripts/acme", f"{DATA}/data/bin/acme"), "would be installed as one file"),
    "no METADATA": (wheel(metadata=None), f"{INFO} has no METADATA"),
    "no WHEEL": (wheel(wheel=None), f"{INFO} has no WHEEL"),
    "no RECORD": (wheel(record=None), f"{INFO} has no RECORD"),
    "WHEEL that is not UTF-8": (wheel(wheel=WHEEL + b"X: \xff\n"), f"{INFO}/WHEEL is not UTF-8"),
    "RECORD that is not UTF-8": (wheel(record=b"\xff,,\n"), f"{INFO}/RECORD is not UTF-8"),
    "entry_points.txt that is not UTF-8": (wheel(entry_points=b"\xff"), f"{INFO}/entry_points.txt is not UTF-8"),
}


@pytest.mark.parametrize(("content", "said"), [pytest.param(*row, id=name) for name, row in LAYOUT.items()])
def test_a_wheel_without_its_one_dist_info_is_refused(content, said):
    """Installers choose among several folders in their own ways, so there is one, complete and rightly named."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [(INFO_RULE, False)], messages(found)
    assert said in messages(found)
    assert found.metadata is None


def test_metadata_twice_is_refused():
    """pip and uv both install a second METADATA, and neither says so."""
    members = wheel_members()
    found = look(zip_file([*members, ZipMember(name=f"{INFO}/METADATA".encode(), content=METADATA)]), WHEEL_NAME)
    assert rules(found) == [("archive-two-readings", False)]
    assert f"{INFO}/METADATA is in the archive twice" in messages(found)


CONTENT = {
    "WHEEL of version 2": (wheel(wheel=WHEEL.replace(b"1.0", b"2.0")), [(INFO_RULE, False)], "'2.0'"),
    "WHEEL of version 10": (wheel(wheel=WHEEL.replace(b"1.0", b"10.0")), [(INFO_RULE, False)], "'10.0'"),
    "WHEEL without a version": (wheel(wheel=b"Tag: py3-none-any\n"), [(INFO_RULE, False)], "''"),
    "an empty WHEEL": (wheel(wheel=b""), [(INFO_RULE, False), (TAGS, True)], "tags none"),
    "other tags": (wheel(wheel=WHEEL.replace(b"py3-", b"py2-")), [(TAGS, True)], "py2-none-any"),
    "more tags": (wheel(wheel=WHEEL + b"Tag: py2-none-any\n"), [(TAGS, True)], "py2-none-any, py3-none-any"),
    "no tag": (wheel(wheel=b"Wheel-Version: 1.0\n"), [(TAGS, True)], "tags none"),
    "a tag that is none": (wheel(wheel=WHEEL + b"Tag: any\n"), [(TAGS, True)], "any, py3-none-any"),
    "a tag that stands for billions": (
        wheel(wheel=WHEEL + b"Tag: " + b"-".join([b".".join([b"a"] * 2000)] * 3)),
        [(TAGS, True)],
        "the file name says otherwise",
    ),
    "messages in WHEEL": (wheel(wheel=b"Content-Type: message/rfc822\n\n" * 5000), [(INFO_RULE, False), (TAGS, True)], "tags none"),
    "unparsable entry points": (wheel(entry_points=b"acme = acme_tools:main\n"), [(ENTRY, False)], "cannot be parsed"),
    "an entry point without a value": (wheel(entry_points=b"[console_scripts]\nacme\n"), [(ENTRY, False)], "cannot be parsed"),
    "a script twice": (wheel(entry_points=b"[console_scripts]\na = b:c\na = d:e\n"), [(ENTRY, False)], "'a'"),
    "a script name with a slash": (wheel(entry_points=b"[console_scripts]\n../evil = a:b\n"), [(ENTRY, False)], "'../evil'"),
    "a script name with a space": (wheel(entry_points=b"[gui_scripts]\na b = a:b\n"), [(ENTRY, False)], "'a b'"),
    "a script name with a colon": (wheel(entry_points=b"[gui_scripts]\nc:evil = a:b\n"), [(ENTRY, False)], "'c:evil'"),
    "a script name of dots": (wheel(entry_points=b"[console_scripts]\n.. = a:b\n"), [(ENTRY, False)], "'..'"),
    "a default section": (wheel(entry_points=b"[DEFAULT]\nx = a:b\n"), [(ENTRY, False)], "the section 'DEFAULT'"),
    "an empty default section": (wheel(entry_points=b"[DEFAULT]\n"), [(ENTRY, False)], "the section 'DEFAULT'"),
    "a default section in other letters": (wheel(entry_points=b"[ default ]\n"), [(ENTRY, False)], "the section ' default '"),
    "a section of scripts with spaces": (
        wheel(entry_points=b"[ console_scripts ]\n../x = a:b\n"),
        [(ENTRY, False)] * 2,
        "the section ' console_scripts '",
    ),
    "a line that goes on": (wheel(entry_points=b"[console_scripts]\na = b:c\n  ../x = d:e\n"), [(ENTRY, False)], "'a' goes on"),
    "a line that goes on after an empty one": (
        wheel(entry_points=b"[console_scripts]\na = b:c\n\n  x = d:e\n"),
        [(ENTRY, False)],
        "'a' goes on",
    ),
    "a line that goes on elsewhere": (wheel(entry_points=b"[other]\na = b:c\n\t[console_scripts]\n"), [(ENTRY, False)], "'a' goes on"),
    "a hundred spaces": (wheel(entry_points=b"[other]\na" + b" " * 100 + b"= b:c\n"), [(ENTRY, False)], "a hundred spaces"),
    **{
        f"a script called {name}": (wheel(entry_points=f"[gui_scripts]\n{name} = a:b\n".encode()), [(ENTRY, False)], f"{name!r} would take")
        for name in ("python", "Python", "python3", "python3.12", "python3.13t", "pythonw", "pythonw.exe", "python.exe")
    },
    "a member that RECORD misses": (wheel(record=RIGHT.replace(ROW, "").encode()), [(RECORD, True)], "does not list acme_tools/code.py"),
    "a digest that differs": (
        wheel(record=RIGHT.replace(ROW, record_row("acme_tools/code.py", b"x" * len(CODE))).encode()),
        [(RECORD, True)],
        "acme_tools/code.py is not what RECORD says",
    ),
    "a size that differs": (
        wheel(record=RIGHT.replace(f",{len(CODE)}\n", ",1\n").encode()),
        [(RECORD, True)] * 2,
        "acme_tools/code.py is not",
    ),
    "no digest": (
        wheel(record=RIGHT.replace(ROW, "acme_tools/code.py,,\n").encode()),
        [(RECORD, True)],
        "no SHA-2 digest of acme_tools/code.py",
    ),
    "md5": (wheel(record=RIGHT.replace(ROW, "acme_tools/code.py,md5=abc,300\n").encode()), [(RECORD, True)], "no SHA-2 digest"),
    "an extra row": (wheel(record=(RIGHT + "missing.py,,\n").encode()), [(RECORD, True)], "'missing.py', which is not in the wheel"),
    "a row twice": (wheel(record=(ROW + RIGHT).encode()), [(RECORD, True)], "'acme_tools/code.py' twice"),
    "a row of one column": (wheel(record=(RIGHT + "x\n").encode()), [(RECORD, True)] * 2, "'x' in a row that is not"),
    "a row of two columns": (
        wheel(record=RIGHT.replace(ROW, ROW.rpartition(",")[0] + "\n").encode()),
        [(RECORD, True)],
        "'acme_tools/code.py' in a row that is not",
    ),
    "an empty RECORD": (wheel(record=b"\n"), [(RECORD, True)] * 5, "does not list acme_tools/__init__.py"),
    "an unparsable RECORD": (wheel(record=b'"a'), [(RECORD, False)], "RECORD cannot be parsed"),
    "RECORD with quotes in the middle": (wheel(record=b'"a"b,,\n'), [(RECORD, False)], "RECORD cannot be parsed"),
}


@pytest.mark.parametrize(("content", "expected", "said"), [pytest.param(*row, id=name) for name, row in CONTENT.items()])
def test_what_dist_info_says_is_checked(content, expected, said):
    """Each file of .dist-info has its rule; what old files have is tolerated; the metadata is given all the same."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == expected, messages(found)
    assert said in messages(found)
    assert found.metadata is not None
    assert found.metadata.content == METADATA


GOOD = {
    "complete": wheel(),
    "without entry points": wheel(entry_points=None),
    "other entry points": wheel(entry_points=b"[console_scripts]\nA.b-c_1 = a:b\na.b-c_1 = a:b\n[other.group]\nany name/at all = x\n"),
    "scripts that begin with python": wheel(entry_points=b"[console_scripts]\npython-acme = a:b\npythonic = a:b\npython3-acme = a:b\n"),
    "indented entry points": wheel(entry_points=b"\n    [console_scripts]\n    # a comment\n    acme = a:b\n    tools = a:b\n"),
    "a later minor version of WHEEL": wheel(wheel=WHEEL.replace(b"1.0", b"1.9")),
    "padded digests": wheel(record=RIGHT.replace(",300\n", "=,300\n").encode()),
    "rows without sizes": wheel(record=RIGHT.replace(",300\n", ",\n").encode()),
    "empty rows": wheel(record=RIGHT.replace("\n", "\n\n").encode()),
    "Windows line ends": wheel(record=RIGHT.replace("\n", "\r\n").encode()),
    "quoted paths": wheel(record=RIGHT.replace("acme_tools/code.py", '"acme_tools/code.py"').encode()),
    "signatures of RECORD": zip_file(
        [*wheel_members(), ZipMember(name=f"{INFO}/RECORD.jws".encode()), ZipMember(name=f"{INFO}/RECORD.p7s".encode())]
    ),
    "folders": wheel([ZipMember(name=f"{INFO}/licenses/".encode(), content=b"", mode=0o040755)]),
    "a .data folder": with_info("acme_tools-1.2.data/purelib/acme/x.py"),
    "a .data folder of all schemes": wheel(
        [ZipMember(name=f"{DATA}/{name}".encode(), content=b"") for name in ("", "scripts/", "data/", "data/share/")]
        + [ZipMember(name=f"{DATA}/{name}/x".encode()) for name in ("headers", "scripts", "data", "data/share", "data/lib")]
    ),
    "a .data folder deeper": with_info("acme_tools/other.data/x.py"),
    "a .dist-info in test files": with_info("acme_tools/tests/other-1.dist-info/METADATA"),
    "the name in another spelling": wheel(info="Acme.Tools-1.2.dist-info"),
    "the version in another spelling": wheel(info="acme_tools-1.2.0.dist-info"),
}


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in GOOD.items()])
def test_a_good_wheel_gives_its_metadata_byte_by_byte(content):
    """No findings, METADATA as it is, and requires-python as it is written there."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [], messages(found)
    assert found.metadata is not None
    assert found.metadata.content == METADATA
    assert found.metadata.requires_python == ">=3.9"


def test_longer_digests_count():
    """RECORD may have SHA-384 or SHA-512 digests, and they are checked too."""
    digest = urlsafe_b64encode(sha512(CODE).digest()).decode().rstrip("=")
    row = f"acme_tools/code.py,sha512={digest},300\n"
    assert rules(look(wheel(record=RIGHT.replace(ROW, row).encode()), WHEEL_NAME)) == []
    wrong = row.replace(digest[:4], "AAAA")
    assert rules(look(wheel(record=RIGHT.replace(ROW, wrong).encode()), WHEEL_NAME)) == [(RECORD, True)]


def test_compressed_tags_are_the_same_as_separate_ones():
    """`py2.py3-none-any` in the file name is two tags in WHEEL, written apart or together."""
    apart = WHEEL + b"Tag: py2-none-any\n"
    together = WHEEL.replace(b"py3-", b"py2.py3-")
    name = "acme_tools-1.2-py2.py3-none-any.whl"
    assert rules(look(wheel(wheel=apart), name)) == []
    assert rules(look(wheel(wheel=together), name)) == []
    assert rules(look(wheel(), name)) == [(TAGS, True)]


def test_a_wrong_checksum_is_found_in_members_that_record_does_not_need():
    """RECORD itself and its signatures have no digest; their bytes are checked against the archive."""
    last = len(wheel_members()) - 1
    assert rules(look(wheel_with(last, crc=1), WHEEL_NAME)) == [("archive-format", False)]
    signature = ZipMember(name=f"{INFO}/RECORD.jws".encode(), crc=1, method=DEFLATED)
    assert rules(look(zip_file([*wheel_members(), signature]), WHEEL_NAME)) == [("archive-format", False)]


def test_findings_of_several_kinds_are_reported_together():
    """One look at a wheel tells everything that is wrong with it."""
    content = wheel(
        wheel=WHEEL.replace(b"py3-", b"py2-"), metadata=METADATA.replace(b": 1.2", b": 1.3"), record=RIGHT.replace(ROW, "").encode()
    )
    assert rules(look(content, WHEEL_NAME))[:3] == [("metadata-name", False), (TAGS, True), (RECORD, True)]


BOMBS = {
    "a WHEEL of 1 MiB": (wheel(wheel=WHEEL + b"a:\n" * 350_000), f"{INFO}/WHEEL has"),
    "entry points of 1 MiB": (wheel(entry_points=b"[a]\n" + b"#\n" * 600_000), f"{INFO}/entry_points.txt has"),
    "a RECORD of short rows": (wheel(record=b"a\n" * 500_000), f"{INFO}/RECORD has 1,000,000 bytes"),
    "a RECORD of empty rows": (wheel(record=b"\n" * 400_000), "RECORD has more than 1,012 rows for 6 members"),
    "a RECORD of files that are not there": (wheel(record=short_record(1007)), "RECORD has more than 1,012 rows for 6 members"),
}


@pytest.mark.parametrize(("content", "said"), [pytest.param(*row, id=name) for name, row in BOMBS.items()])
def test_a_dist_info_that_only_takes_time_and_memory_is_refused(content, said):
    """What is far longer than the wheel gives reason for is not parsed."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [("archive-bomb", False)], messages(found)
    assert said in messages(found)


def test_a_poor_record_gives_a_thousand_findings_and_every_member_is_read():
    """RECORD may have a thousand rows too many; a bad member after the thousandth finding is still found."""
    twice = "\n".join(["acme_tools/code.py,,"] * 1000) + "\n"
    found = look(wheel(record=twice.encode()), WHEEL_NAME)
    assert rules(found) == [(RECORD, True)] * 1000
    members = wheel_members(record=twice.encode())
    members[1] = replace(members[1], crc=1)
    assert rules(look(zip_file(members), WHEEL_NAME)) == [("archive-format", False)]
