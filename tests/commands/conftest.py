"""The command line as a user runs it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nodejs
from conftest import own_environment


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.out)
        return content

    def one_line(self) -> str:
        """What a user reads when it went wrong."""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("wasmfix: ")
        return self.err.strip()


class Wasmfix:
    """`wasmfix("patch", folder)`, with the tests' Node on PATH."""

    def __call__(
        self, *arguments: str | Path, variables: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Ran:
        path = os.pathsep.join([str(Path(nodejs.node()).parent), os.environ["PATH"]])
        # What takes long on a busy machine is told on stderr; these tests are about the rest that stands there.
        quiet = {"PATH": path, "COLUMNS": "80", "WASMFIX_PROGRESS": "0"}
        environment = own_environment(**{**quiet, **(variables or {})})
        command = [sys.executable, "-m", "wasmfix", *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def wasmfix() -> Wasmfix:
    return Wasmfix()
