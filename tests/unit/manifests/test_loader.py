"""YAML is read as strings, lists and mappings; what two readers would read differently is refused with its place."""

from __future__ import annotations

import pytest

from index_builder.manifests.loader import MAX_BYTES, at, load

REFUSED = [
    (b"a: 1\nb: 2\na: 3\n", [("yaml-duplicate-key", 3, 1)]),
    (b"a: 1\n\"a\": 3\n'a': 2\n", [("yaml-duplicate-key", 2, 1), ("yaml-duplicate-key", 3, 1)]),
    (b"x:\n  - {k: 1, k: 2}\ny: {z: 1, z: 2}\n", [("yaml-duplicate-key", 2, 12), ("yaml-duplicate-key", 3, 11)]),
    (b"a: &x 1\nb: *x\n", [("yaml-alias", 1, 4), ("yaml-alias", 2, 4)]),
    (b"a: &x 1\n", [("yaml-alias", 1, 4)]),
    (b"a: *nowhere\n", [("yaml-alias", 1, 4)]),
    (b"a: &x [*x]\n", [("yaml-alias", 1, 4), ("yaml-alias", 1, 8)]),
    (b"<<: {a: 1}\n", [("yaml-alias", 1, 1)]),
    (b"a: 1\nb:\n  <<: [x]\n", [("yaml-alias", 3, 3)]),
    (b"a: !!str 1\n", [("yaml-tag", 1, 4)]),
    (b"a: !!python/object:x {}\nb: !local [1]\nc: ! x\n", [("yaml-tag", 1, 4), ("yaml-tag", 2, 4), ("yaml-tag", 3, 4)]),
    (b"? [a]\n: 1\n? {b: 1}\n: 2\n", [("yaml-syntax", 1, 3), ("yaml-syntax", 3, 3)]),
    (b"a: 1\n---\nb: 2\n", [("yaml-syntax", 2, 1)]),
    (b"", [("yaml-syntax", 1, 1)]),
    (b"# nothing but a comment\n", [("yaml-syntax", 1, 1)]),
    (b"a:\n\tb: 1\n", [("yaml-syntax", 2, 1)]),
    (b"a: 1\n  b: 2\n", [("yaml-syntax", 2, 4)]),
    (b"a: [1, 2\n", [("yaml-syntax", 2, 1)]),
    (b"a: @x\n", [("yaml-syntax", 1, 4)]),
    (b"%YAML 7.0\n---\na: 1\n", [("yaml-syntax", 1, 1)]),
    (b"a: 1\nb: \x00\n", [("yaml-encoding", 2, 4)]),
    (b"a: \x1b[0m\n", [("yaml-encoding", 1, 4)]),
    (b"a: \xc2\x9b\n", [("yaml-encoding", 1, 4)]),
    (b"a: 1\rb: 2\n", [("yaml-encoding", 1, 5)]),
    ("a: x\u0085b: 2\n".encode(), [("yaml-encoding", 1, 5)]),
    ("a: 1\n# x\u2028b: 2\n".encode(), [("yaml-encoding", 2, 4)]),
    ("é: 1\né: \ufffe\n".encode(), [("yaml-encoding", 2, 4)]),
    (b"a: 1\nb: caf\xe9\n", [("yaml-encoding", 2, 7)]),
    (b"a: \xed\xa0\x80\n", [("yaml-encoding", 1, 4)]),
    ("é: é".encode() + b"\xff", [("yaml-encoding", 1, 5)]),
    (b"\xef\xbb\xbfa: 1\n", [("yaml-encoding", 1, 1)]),
    ("a: 1\n".encode("utf-16"), [("yaml-encoding", 1, 1)]),
    ("a: 1\n".encode("utf-16-be"), [("yaml-encoding", 1, 1)]),
    (b"a: " + b"[" * 32 + b"]" * 32 + b"\n", [("yaml-depth", 1, 35)]),
    (b"- " * 40 + b"x\n", [("yaml-depth", 1, 65)]),
    (b"a: 1\na: 2\nb: *x\nc: [\n", [("yaml-duplicate-key", 2, 1), ("yaml-alias", 3, 4), ("yaml-syntax", 5, 1)]),
]


@pytest.mark.parametrize(("content", "expected"), REFUSED, ids=[repr(content[:24]) for content, _ in REFUSED])
def test_what_two_readers_read_differently_is_refused(content: bytes, expected: list[tuple[str, int, int]]) -> None:
    """Each is a problem with its rule, line and column, and all of them are reported at once."""
    document, problems = load("packages.d/x.yaml", content)
    assert document is None
    assert [(p.rule, p.place.line, p.place.column) for p in problems] == expected
    assert {p.place.path for p in problems} == {"packages.d/x.yaml"}


@pytest.mark.parametrize("unit", [b"[", b"- ", b"{a: ", b"? ", b"[{a: "])
def test_four_mebibytes_of_nesting_end_quickly(unit: bytes) -> None:
    """However deep a file nests, the answer is a problem and not the end of the interpreter."""
    document, problems = load("x.yaml", unit * (MAX_BYTES // len(unit)))
    assert document is None
    assert [problem.rule for problem in problems] == ["yaml-depth"]


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    """A billion laughs are as many problems as there are lines, not a billion values."""
    bomb = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20))
    document, problems = load("x.yaml", bomb.encode())
    assert document is None
    assert {problem.rule for problem in problems} == {"yaml-alias"}
    assert len(problems) == 1 + 20 * 3


def test_size_is_limited() -> None:
    """A byte over 4 MiB is refused, 4 MiB are not."""
    line = b"a: 1\n#"
    assert load("x.yaml", line + b"x" * (MAX_BYTES - len(line)))[0] is not None
    document, problems = load("x.yaml", line + b"x" * (MAX_BYTES - len(line) + 1))
    assert document is None
    assert [problem.rule for problem in problems] == ["yaml-size"]
    assert "4,194,305" in problems[0].message


def test_depth_of_32_is_fine() -> None:
    """32 levels are read, the root included."""
    assert load("x.yaml", b"a: " + b"[" * 31 + b"]" * 31)[0] is not None


@pytest.mark.parametrize(
    ("content", "fix"),
    [(b"a:\n\tb: 1\n", "indent with spaces"), (b"a: @x\n", "put it in quotes"), (b"a: `x`\n", "put it in quotes"), (b"a: [\n", "")],
)
def test_common_slips_have_a_fix(content: bytes, fix: str) -> None:
    """A tab and a reserved character are explained; where there is nothing to say, nothing is said."""
    assert load("x.yaml", content)[1][0].fix == fix


def test_scalars_stay_strings() -> None:
    """No word, number, date or empty value turns into anything else than the string that was written."""
    text = "v: 1.10\nw: no\nb: false\nn: null\nt: ~\nd: 2026-11-21\no: 010\ne:\nq: '<<'\n1.10: 1.1\n1.1: x\n'<<': y\n"
    document, problems = load("x.yaml", text.encode())
    assert problems == []
    assert document is not None
    assert document.value == {
        "v": "1.10", "w": "no", "b": "false", "n": "null", "t": "~", "d": "2026-11-21", "o": "010", "e": "", "q": "<<",
        "1.10": "1.1", "1.1": "x", "<<": "y",
    }  # fmt: skip


def test_crlf_and_astral_text_are_read() -> None:
    """Windows line ends and any Unicode letters are fine."""
    document, problems = load("x.yaml", "a: 😀é\r\nb: [1,\r\n 2]\r\n".encode())
    assert problems == []
    assert document is not None
    assert document.value == {"a": "😀é", "b": ["1", "2"]}


def test_places_are_found() -> None:
    """A path leads to its value or key, and one that leads nowhere to the nearest thing above."""
    document, _ = load("x.yaml", "😀: 1\nb:\n  - c: 2\n    d: [e, f]\n".encode())
    assert document is not None
    place = document.place
    assert (place(("b", 0, "d", 1)).line, place(("b", 0, "d", 1)).column) == (4, 12)
    assert (place(("b", 0, "d"), of_key=True).line, place(("b", 0, "d"), of_key=True).column) == (4, 5)
    assert (place(("b", 0, "z"), of_key=True).line, place(("b", 0, "z")).line) == (3, 3)
    assert (place(("b", 7, "z"), of_key=True).line, place(("b", 7)).line) == (2, 3)
    assert (place(("😀",)).line, place(("😀",)).column) == (1, 4)


def test_values_are_found() -> None:
    """`at` follows keys and numbers, and says so where there is nothing."""
    value = {"a": [{"b": "c"}]}
    assert at(value, ("a", 0, "b")) == "c"
    for path in (("x",), ("a", 1), ("a", "0"), ("a", 0, "b", "c")):
        with pytest.raises(KeyError):
            at(value, path)
