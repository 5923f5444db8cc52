"""A requirement as the dependency specifiers specification writes it (PEP 508), read with limits."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement

from index_builder.model.names import ProjectName

#: Real ones have a few dozen characters; Python refuses numbers of thousands of digits, and deep brackets exhaust its stack.
_LONGEST = 1000
_MOST_BRACKETS = 50


def parse_requirement(text: str) -> Requirement:
    """Return a requirement on a project whose name is one; raises ValueError, with a sentence, for anything else."""
    if len(text) > _LONGEST:
        msg = f"a requirement has at most {_LONGEST:,} characters"
        raise ValueError(msg)
    if text.count("(") > _MOST_BRACKETS:
        msg = f"a requirement has at most {_MOST_BRACKETS} brackets"
        raise ValueError(msg)
    try:
        parsed = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    ProjectName(parsed.name)
    return parsed
