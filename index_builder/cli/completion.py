"""`completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from index_builder.cli import PROGRAM, group

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script that teaches a shell to complete commands and options.

    \b
    Examples:
      index-builder completion bash >> ~/.bash_completion
      index-builder completion zsh > ~/.zfunc/_index-builder
      index-builder completion fish > ~/.config/fish/completions/index-builder.fish
    """
    variable = f"_{PROGRAM.upper().replace('-', '_')}_COMPLETE"
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - for the type checker: click knows these three
    click.echo(found(group, {}, PROGRAM, variable).source())
