"""The command line, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nodejs
from conftest import own_environment

Wasmfix = Callable[..., dict[str, Any]]


@pytest.fixture
def wasmfix() -> Wasmfix:
    """`wasmfix("status", project)`: what it says with --json; it must not fail."""

    def run(command: str, project: Path, *options: str) -> dict[str, Any]:
        path = os.pathsep.join([str(Path(nodejs.node()).parent), os.environ["PATH"]])
        words = [sys.executable, "-m", "wasmfix", command, str(project), "--json", *options]
        done = subprocess.run(
            words, env=own_environment(PATH=path), capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    return run
