"""What a command loads: nothing heavy, before there is something to do with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import own_environment

HEAVY = {"rich", "wasmtime", "wasmer", "psycopg", "ast_grep_py", "packaging", "hypothesis", "jsonschema", "ziglang"}


def loaded(*arguments: str | Path) -> set[str]:
    """The top-level packages that a run of the command line imports."""
    command = [sys.executable, "-X", "importtime", "-m", "wasmfix", *map(str, arguments)]
    environment = own_environment(PATH=os.environ["PATH"])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["ci", "--help"], ["patch", "-h"], ["diagnose", "-h"]]
)
def test_nothing_heavy_is_loaded_to_say_how_it_is_used(arguments: list[str]) -> None:
    modules = loaded(*arguments)
    assert {"wasmfix", "click"} <= modules
    assert modules & HEAVY == set()


def test_what_is_loaded_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert "rich" in loaded("ci", tmp_path)
