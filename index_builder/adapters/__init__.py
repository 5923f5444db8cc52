"""What talks to the world outside: git, HTTP, folders, clocks."""
