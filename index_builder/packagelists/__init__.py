"""dumb-pypi's package lists: a file name, or a JSON object, a line."""
