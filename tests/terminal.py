"""A real terminal: a program in tmux that is typed to, and whose screen is read."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

_NUMBERS = count()


class Terminal:
    """A program in a terminal of its own, ended with the block."""

    def __new__(cls, *_arguments, **_options):
        """Choose the name of the terminal's tmux server, which what runs in it may want to know."""
        terminal = super().__new__(cls)
        terminal.socket = f"tests-{os.getpid()}-{next(_NUMBERS)}"
        return terminal

    def __init__(self, folder: Path, environment: dict[str, str], program: Sequence[str], *, width: int = 118, height: int = 50) -> None:
        words = [f"{name}={value}" for name, value in environment.items()]
        size = ["-x", str(width), "-y", str(height)]
        self.tmux("-f", os.devnull, "new-session", "-d", "-s", "one", *size, "-c", str(folder), "env", "-i", *words, *program)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.tmux("kill-server")

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names, such as Enter, Tab, C-c."""
        self.tmux("send-keys", "-t", "one", *keys)

    def type(self, text: str) -> None:
        """Type text as it stands."""
        self.tmux("send-keys", "-t", "one", "-l", text)

    def lines(self) -> list[str]:
        """Return the screen and what has scrolled off it, without space at the ends of lines and below."""
        shown = self.tmux("capture-pane", "-p", "-S", "-", "-t", "one").splitlines()
        return "\n".join(line.rstrip() for line in shown).rstrip().split("\n")

    def wait_until(self, seen: Callable[[], bool]) -> None:
        """Look at the screen until it is as it should be."""
        deadline = time.monotonic() + 60
        while not seen():
            assert time.monotonic() < deadline, "\n".join(self.lines())
            time.sleep(0.02)

    def tmux(self, *arguments: str) -> str:
        """Run a command of tmux on this terminal's server."""
        done = subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=True, timeout=60)
        return done.stdout
