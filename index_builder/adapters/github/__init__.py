"""GitHub's REST API, as far as an index needs it."""
