"""Zero in a project: which driver it runs on is the project's affair."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs

DEMO = Path(__file__).resolve().parents[2] / "demo"
ASK = Path(__file__).with_name("ask.mjs")


@dataclass(frozen=True)
class Zero:
    """Zero on one driver."""

    project: Path
    home: Path  # a folder for this driver's replicas

    def run(self, script: Path, *arguments: str) -> dict[str, Any]:
        """Run one of our Node scripts on this project; its stdout is one line of JSON."""
        command = [*nodejs.ending_node(), str(script), str(self.project), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def ask(self, replica: Path) -> dict[str, Any]:
        """The answers of ask.mjs on a copy of the replica, in a folder `asked` of its own: once for each home."""
        folder = self.home / "asked"
        folder.mkdir()
        return self.run(ASK, str(shutil.copyfile(replica, folder / "replica.db")))

    def write_replica(self, name: str) -> Path:
        path = self.home / name
        self.run(DEMO / "replica.mjs", str(path))
        return path
