"""A git repository of YAML manifests becomes a static Python package index."""

__version__ = "0.1.0"
