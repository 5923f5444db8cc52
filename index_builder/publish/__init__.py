"""Wanted against present: what a tree, or a target, must be given, in which order, and what must go."""
