"""What `host-config` and `client-config` read and write."""

from index_builder.adapters.host_files import hashed, keep_out_of_git, read_text, write_changed, write_text

__all__ = ["hashed", "keep_out_of_git", "read_text", "write_changed", "write_text"]
