"""Problems have a rule of the list, and one order."""

from __future__ import annotations

import pytest

from index_builder.model.problem import Place, Problem, ProblemsFoundError, in_order


def test_a_problem_has_a_known_rule() -> None:
    """A rule that the reference does not list cannot be reported."""
    with pytest.raises(KeyError, match="no-such-rule"):
        Problem(rule="no-such-rule", message="x", place=Place(path="x"))


def test_problems_have_one_order() -> None:
    """They are sorted by file, line, column, then rule."""
    places = [
        ("b", 1, 1, "yaml-tag"),
        ("a", 10, 1, "yaml-tag"),
        ("a", 2, 5, "yaml-tag"),
        ("a", 2, 1, "yaml-tag"),
        ("a", 2, 1, "yaml-alias"),
    ]
    problems = [Problem(rule=rule, message="x", place=Place(path=path, line=line, column=column)) for path, line, column, rule in places]
    assert in_order(problems) == tuple(problems[::-1])
    assert str(ProblemsFoundError(problems)) == "5 problems found"
    assert str(ProblemsFoundError(problems[:1])) == "1 problem found"
