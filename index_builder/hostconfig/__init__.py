"""Audiences and who may download from them become configuration of the hosts that serve their trees. Pure."""
