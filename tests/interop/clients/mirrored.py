"""What bandersnatch, devpi and proxpi do with a private audience behind nginx: tests/interop/mirrors/test_behind_nginx.py sees each."""

from interop.clients.hosted import COLUMNS

MIRRORS = ("bandersnatch", "devpi", "proxpi")
#: Where a cell is another than `yes`, or `refuses` of who may not read, and why.
MIRRORED_DIFFERENCES = (
    ("metadata", ("bandersnatch",), "no", "It makes pages of its own, without core metadata."),
    ("hashes", ("devpi", "proxpi"), "no", "It hands on what it gets, with the digest of our page, by which pip and uv refuse it."),
    ("cut-off", ("devpi", "proxpi"), "no", "Its pages have no upload times."),
)


def expected_mirrored(mirror: str, column: str) -> str:
    assert column in COLUMNS
    plain = "refuses" if column in ("wrong", "missing", "refused") else "—" if column == "absent" else "yes"
    return next((word for key, mirrors, word, _ in MIRRORED_DIFFERENCES if key == column and mirror in mirrors), plain)
