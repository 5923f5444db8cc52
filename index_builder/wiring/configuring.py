"""What `host-config` and `client-config` read and write."""

from index_builder.adapters.host_files import hashed, read_text, write_changed, write_text

__all__ = ["hashed", "read_text", "write_changed", "write_text"]
