"""A plan's files come into the pool, each with its digest checked."""
