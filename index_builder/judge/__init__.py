"""A change is judged: what it does, which rules it breaks, whose word it needs. Pure: it takes values, and asks nobody."""
