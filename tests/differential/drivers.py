"""Run claim scripts (run.cjs) on one driver: the package as npm installs it, or the same package patched."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nodejs

HERE = Path(__file__).resolve().parent
RUN = HERE / "run.cjs"
SECONDS = 240  # for one area on one driver


@cache
def listed() -> dict[str, list[str]]:
    """The claims of each area, by the scripts themselves."""
    done = subprocess.run([nodejs.node(), str(RUN), "--list"], capture_output=True, text=True, check=True)
    areas: dict[str, list[str]] = json.loads(done.stdout)
    return areas


@dataclass(frozen=True)
class Answer:
    """What one claim observed, or how it ended without."""

    observations: list[Any]
    failure: str | None


@dataclass(frozen=True)
class Driver:
    """A package folder whose Database the claims run on."""

    name: str
    package: Path
    home: Path  # for the claims' files

    def command(self, script: Path, *arguments: str) -> list[str]:
        return [nodejs.node(), "--expose-gc", str(script), str(self.package), *arguments]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.home)}

    def answers(self, area: str) -> dict[str, Answer]:
        """Every claim's answer. A claim that ends the process has that as its failure; the others still run."""
        found: dict[str, Answer] = {}
        missing = listed()[area]
        while missing:
            fresh, ending = self._run(area, missing)
            found.update(fresh)
            missing = [claim for claim in missing if claim not in found]
            if missing:
                found[missing.pop(0)] = Answer([], f"the process ended: {ending}")
        return found

    def _run(self, area: str, claims: Sequence[str]) -> tuple[dict[str, Answer], str]:
        self.home.mkdir(parents=True, exist_ok=True)
        command = self.command(RUN, area, *claims)
        with subprocess.Popen(
            command,
            # A name that is no URI to one of them is a file in the current folder.
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environment(),
        ) as process:
            try:
                out, err = process.communicate(timeout=SECONDS)
                ending = f"code {process.returncode}, {err[-2000:]}"
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                ending = f"stopped after {SECONDS} s, {err[-2000:]}"
        lines = [json.loads(line) for line in out.split("\n") if line.startswith('{"claim"') and line.endswith("}")]
        return {line["claim"]: Answer(line["observations"], line["failure"]) for line in lines}, ending
