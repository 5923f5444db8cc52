"""Bytes of a wheel or sdist become core metadata and problems; nothing is extracted, built or imported."""
