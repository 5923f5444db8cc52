"""What an installer's side does with an index: check it, and hand on only what was checked."""
