"""Newer releases: looked for where manifests say, added to manifests, proposed."""
