"""Lets `python -m index_builder` do what `index-builder` does."""

from index_builder.cli import main

if __name__ == "__main__":
    main()
