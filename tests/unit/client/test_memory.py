"""What is kept in memory: by digest, and no more than there is room for."""

from index_builder.client.memory import Memory


def test_what_was_asked_for_longest_ago_goes_first():
    """Of three that fit two at a time, the one that nobody asked for goes; what is alone too large is not kept either."""
    memory = Memory(10)
    memory.keep("a", b"12345")
    memory.keep("b", b"12345")
    assert memory.get("a") == b"12345"
    memory.keep("a", b"12345")
    memory.keep("c", b"12345")
    assert [memory.get(name) for name in "abc"] == [b"12345", None, b"12345"]
    memory.keep("d", b"1" * 11)
    assert [memory.get(name) for name in "abcd"] == [None] * 4
    memory.keep("e", b"1" * 10)
    assert memory.get("e") == b"1" * 10
