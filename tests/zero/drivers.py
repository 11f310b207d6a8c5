"""Zero in a project: which driver it runs on is the project's affair."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs

DEMO = Path(__file__).resolve().parents[2] / "demo"


@dataclass(frozen=True)
class Zero:
    """Zero on one driver."""

    project: Path
    home: Path  # a folder for this driver's replicas

    def run(self, script: Path, *arguments: str) -> dict[str, Any]:
        """Run one of our Node scripts on this project; its stdout is one line of JSON."""
        command = [nodejs.node(), str(script), str(self.project), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def write_replica(self, name: str) -> Path:
        path = self.home / name
        self.run(DEMO / "replica.mjs", str(path))
        return path
