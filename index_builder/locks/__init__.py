"""Lock files of other tools, read: which files they pin, by digest."""
