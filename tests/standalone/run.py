"""The names of the packages, and the command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import own_environment

ZERO = "@rocicorp/zero-sqlite3"
BEDROCK = "bedrock-sqlite"
VERSION = "1.1.4"

MakeProject = Callable[..., Path]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wasmfix", *map(str, arguments)]
    return subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)


def wasmfix(*arguments: str | Path, code: int = 0) -> str:
    """What the command says, on stdout and stderr; it has to end with that exit code."""
    done = run(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
