"""Files become lines of manifests: found, fetched, inspected, pinned; nothing is written until all are good."""
