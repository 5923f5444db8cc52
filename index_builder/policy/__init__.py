"""Who may do what: the values that `policies.d/` is parsed into."""
