"""What comes from a change is only text, and a command in advice is only the command."""

import pytest

from index_builder.judge.markdown import advice


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("set it to now: index-builder stamp, with the same --base", r"set it to now: `index-builder stamp`, with the same \-\-base"),
        ("put it back, then: index-builder remove a 1.0 --reason TEXT", "put it back, then: `index-builder remove a 1.0 --reason TEXT`"),
        ("index-builder keys renew; then sign", "`index-builder keys renew`; then sign"),
        ("make one (index-builder keys admit NAME) first", r"make one \(`index-builder keys admit NAME`\) first"),
        ("write `sha256: 0` there", "write `sha256: 0` there"),
        ("`index-builder add --dist FILE` puts it back", "`index-builder add --dist FILE` puts it back"),
        ("a ` alone, @carol", "a ` alone, @carol`"),
        ("nothing, if it is meant so", "nothing, if it is meant so"),
    ],
)
def test_advice(text, shown):
    """It ends where prose goes on; what stands between backticks is code anyway, and mentions nobody."""
    assert advice(text) == shown
