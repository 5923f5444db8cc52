"""Completion, as someone sees it who presses Tab in a real shell."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from distributions import wheel
from terminal import Terminal

#: shell -> how it starts without anybody's configuration, and how it reads the script.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(index-builder completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u; source <(index-builder completion zsh)"),
    "fish": (["fish", "--no-config", "-i"], "index-builder completion fish | source"),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("index-builder bui", "index-builder build "),
        ("index-builder build --aud", "index-builder build --audience "),
        ("index-builder pool pus", "index-builder pool push "),
        ("index-builder yank acme-u", "index-builder yank acme-utils "),
        ("index-builder status acme-utils quar", "index-builder status acme-utils quarantined "),
    ],
)
def test_tab_completes(repo, cli, dist, shell, typed, completed):
    """Verbs, options, sub-verbs, choices and the projects of the index are completed by Tab."""
    assert cli("add", "--dist", dist(wheel("acme-utils", "1.0"), wheel("other", "1.0"))).code == 0
    program, read = SHELLS[shell]
    assert shutil.which(program[0]), f"{shell} is not here: make programs"
    environment = {"HOME": str(repo.parent), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "TERM": "screen"}
    with Terminal(repo, environment, program) as terminal:
        terminal.type(f"{read}; printf 're%s\\n' ady")
        terminal.press("Enter")
        terminal.wait_until(lambda: "ready" in terminal.lines())
        terminal.type(typed)
        terminal.wait_until(lambda: terminal.lines()[-1].endswith(typed))
        terminal.press("Tab")
        terminal.wait_until(lambda: completed.rstrip() in terminal.lines()[-1])


def test_an_unknown_shell_is_told(cli):
    """Other shells are refused with the ones there are."""
    done = cli("completion", "tcsh")
    assert (done.code, "'bash', 'zsh', 'fish'" in done.err) == (2, True)
