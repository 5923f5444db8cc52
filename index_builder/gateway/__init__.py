"""A thin server over a published tree."""
