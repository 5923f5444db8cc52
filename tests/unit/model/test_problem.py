"""Problems travel from workers whole."""

import pickle

from index_builder.model.problem import Place, Problem, ProblemsFoundError


def test_what_is_raised_in_a_worker_arrives():
    """Pickled and back, an error has its problems and its words."""
    problem = Problem(rule="theme", message="a", place=Place(path="theme/a.html", line=2), fix="b")
    back = pickle.loads(pickle.dumps(ProblemsFoundError([problem])))
    assert back.problems == (problem,)
    assert back.message == "1 problem found"
