"""Who signs what: roles and keys (TUF), metadata for a tree, and what of it waits for whom. Bytes and values in, bytes out."""
