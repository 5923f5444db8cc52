"""Frozen values only: what the stages hand to each other."""
