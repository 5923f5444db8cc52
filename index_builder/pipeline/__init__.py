"""The stages in order: the only place that knows it."""
