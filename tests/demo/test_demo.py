"""The demo itself, as a visitor starts it, with its output in a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 80


def test_the_demo_plays_to_its_end_in_a_pipe() -> None:
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PYTHONUTF8": "1"}
    command = [sys.executable, "demo"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    # Its own lines: what `wasmfix` says in between is for programs to read, one line a fact.
    own = [line for line in done.stdout.splitlines() if re.match(r"   |\d  |wasmfix ─", line)]
    assert len(own) > 40
    assert [line for line in own if len(line) > WIDTH or line.endswith(" ")] == []
    assert done.stdout.count("= same") == 8
    assert re.search(r"stopped at 5\d\d MB after", done.stdout)
    assert "every byte" in done.stdout
