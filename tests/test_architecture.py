"""The house is built as its plan says."""

import subprocess
import sys
from pathlib import Path

import index_builder

ROOT = Path(__file__).parent.parent


def test_imports_follow_the_layers():
    """Every import-linter contract of pyproject.toml is kept."""
    script = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_tested_is_the_built_wheel():
    """The package under test is installed with its templates inside, not the source folder."""
    package = Path(index_builder.__file__).parent
    assert package != ROOT / "index_builder", "run the tests with `make test`, which builds and installs the wheel"
    assert (package / "templates" / "simple" / "detail.html").is_file()


def test_ports_stay_small():
    """A protocol that adapters fill has at most six methods."""
    import importlib
    import inspect
    import pkgutil

    from index_builder import ports

    rooms = [importlib.import_module(room.name) for room in pkgutil.iter_modules(ports.__path__, f"{ports.__name__}.")]
    found = [port for room in rooms for _, port in inspect.getmembers(room, inspect.isclass) if port.__module__ == room.__name__]
    assert len(found) > 20
    for port in found:
        methods = [key for key, value in vars(port).items() if inspect.isfunction(value) and not key.startswith("_")]
        assert len(methods) <= 6, port.__name__


def test_what_is_not_signed_is_published_without_tuf():
    """TUF, and whatever its signers bring with them, is imported where an index has keys: it takes as long as a small build."""
    script = "import sys, index_builder.cli.publish; print({'tuf', 'securesystemslib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
