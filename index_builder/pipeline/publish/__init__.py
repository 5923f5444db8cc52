"""A commit becomes what readers get at each of its targets."""
