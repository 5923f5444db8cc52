"""What a project needs, by extra."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from index_builder.render.web.requirements import by_extra


@pytest.mark.parametrize(
    ("line", "plain", "extras"),
    [
        ("b>=1", ">=1", {}),
        ("b[x] (>2); python_version < '3'", "[x] (>2); python_version < '3'", {}),
        ("b; extra == 'e'", None, {"e": ""}),
        ("b>1; os_name == 'nt' and extra == \"e\"", None, {"e": ">1; os_name == 'nt'"}),
        ('b ; extra == "x" and python_version < "3.9"', None, {"x": '; python_version < "3.9"'}),
        ("b; extra == 'all' or extra == 'dev'", None, {"all": "", "dev": ""}),
        ("b; (extra == 'a' or extra == 'b') and os_name == 'nt'", None, {"a": "; os_name == 'nt'", "b": "; os_name == 'nt'"}),
        ("b; extra == 'a' or os_name == 'nt'", "; os_name == 'nt'", {"a": ""}),
        ("b; extra == 'a' and (os_name == 'nt' or os_name == 'x')", None, {"a": "; os_name == 'nt' or os_name == 'x'"}),
        ("b; 'a' == extra and os_name not in 'nt x'", None, {"a": "; os_name not in 'nt x'"}),
        ("b; extra != 'a'", "", {}),
        ("b @ https://example.org/b;c.whl ; extra == 'a'", None, {"a": "@ https://example.org/b;c.whl"}),
        ("b; extra == 'A_b'", None, {"A_b": ""}),
        ("b; extra == 'a", "; extra == 'a", {}),
        ("b; extra == 'a' and", "; extra == 'a' and", {}),
        ("b; extra == 'a') or (", "; extra == 'a') or (", {}),
        ("b; extra ** 'a'", "; extra ** 'a'", {}),
        ("b; " + "(" * 30 + "extra == 'a'" + ")" * 30, "; " + "(" * 30 + "extra == 'a'" + ")" * 30, {}),
        ("<script>", None, {}),
    ],
)  # fmt: skip
def test_requirements_are_told_by_extra(line, plain, extras):
    """Extras' requirements stand under their extra, without its marker; what cannot be read stays as it is."""
    found = by_extra([line], [])
    assert found.plain == (() if plain is None else (("b", plain),))
    assert dict(found.extras) == {extra: (("b", text),) for extra, text in extras.items()}


def test_each_extra_is_told_once_though_it_brings_nothing():
    """Extras are those that the project provides, spelled as it spells them."""
    found = by_extra(["b; extra == 'a-b'", "c; extra == 'z'"], ["none", "A_B"])
    assert found.extras == (("A_B", (("b", ""),)), ("none", ()), ("z", (("c", ""),)))


ATOMS = st.sampled_from(["extra == 'a'", "extra == 'b'", "extra != 'a'", "os_name == 'nt'", "python_version < '3'"])
MARKERS = st.recursive(
    ATOMS, lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"), max_leaves=6
)


@given(MARKERS, st.sampled_from(["nt", "posix"]), st.sampled_from(["", "a", "b"]))
def test_what_is_told_is_what_the_marker_says(marker, system, extra):
    """On each system and for each extra, what is shown holds where packaging says that the whole marker does, with the extra or without any."""
    found = by_extra([f"n; {marker}"], ["a", "b"])
    shown = [text for _, text in (*found.plain, *dict(found.extras).get(extra, ()))]
    environment = {"os_name": system, "python_version": "3.11"}
    holds = [not text or Marker(text.removeprefix(";")).evaluate({**environment, "extra": ""}) for text in shown]
    asked = Marker(marker)
    assert any(holds) == any(asked.evaluate({**environment, "extra": one}) for one in ("", extra))
