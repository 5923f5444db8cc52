"""Bytes of YAML become projects and problems, and edits of them; the only place that knows pydantic."""
