"""The demo itself, as a visitor starts it, with its output in a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 80


def play(**environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "COLUMNS": str(WIDTH), **environment}
    command = [sys.executable, "demo"]
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_the_demo_plays_to_its_end_in_a_pipe() -> None:
    done = play()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    # Its own lines: what `wasmfix` says in between is for programs to read, one line a fact.
    own = [line for line in done.stdout.splitlines() if re.match(r"   |\d  |wasmfix ─", line)]
    assert len(own) > 40
    assert [line for line in own if len(line) > WIDTH or line.endswith(" ")] == []
    assert done.stdout.count("= same") == 8
    assert re.search(r"stopped at 5\d\d MB after", done.stdout)
    assert "under node_modules are as before" in done.stdout


def test_a_step_that_fails_says_what_and_the_demo_ends_non_zero(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = play(WASMFIX_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert done.returncode == 1
    assert "✗ step 3 failed: `wasmfix patch " in done.stdout
    assert not re.search(r"^4  ", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout + done.stderr
