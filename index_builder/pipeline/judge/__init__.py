"""A change is judged against its base: read, held against every rule, and decided by the base's own policies."""
