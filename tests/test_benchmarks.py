"""The benchmark runs, so that its figures can be taken again; what they are is nobody's test."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.long
def test_it_measures_three_builds(tmp_path):
    """A tiny workload gives a row for the full build, for one file more, and for no change."""
    command = [sys.executable, ROOT / "benchmarks" / "run.py", "20", "--runs", "1", "--work", tmp_path]
    # The benchmark is a script beside its workload, not a part of the package that is tested without its folder.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| (full|one more|nothing) \| ([a-z ]+) \| \d+\.\d\d s", done.stdout, re.MULTILINE)
    assert rows == [(kind, tool) for kind in ("full", "one more", "nothing") for tool in ("list", "list html", "git", "git people")]
    assert "on disk" in done.stdout


def test_the_workload_depends_on_its_size_alone(tmp_path):
    """The same number of projects gives the same bytes, and another one other bytes."""
    for name, count in (("a", "5"), ("b", "5"), ("c", "6")):
        subprocess.run([sys.executable, ROOT / "benchmarks" / "workload.py", count, tmp_path / name], check=True, capture_output=True)
    a, b, c = ((tmp_path / name / "changed.jsonl").read_bytes() for name in "abc")
    assert a == b != c
