"""Several processes at once on one database: operations a second of all of them together."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("together.cjs")
MODES = ("wal2", "wal")
CASTS = {
    "4 read": ("read",) * 4,
    "4 write": ("write",) * 4,
    "1 writes, 3 read": ("write", "read", "read", "read"),
}
"""What the processes of a case do."""
WARM_UP = 1.5
"""Seconds in which four processes on two cores have V8 compile, and which are counted by themselves."""


@dataclass(frozen=True)
class Outcome:
    reads: float
    """A second, of all readers."""
    commits: float
    cold: float
    """A second, of all, while they warm up."""
    worst: float
    """Milliseconds that the slowest operation took."""
    busy: int
    """Operations that ended with SQLITE_BUSY after 5 s."""


def start(node: str, package: Path, file: Path, role: str, argument: str) -> subprocess.Popen[str]:
    command = [node, str(SCRIPT), str(package), str(file), role, argument]
    environment = {**os.environ, "WASMFIX_ROW_WARN": "0"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process of the benchmark has ended with code {process.wait()}")
    message: dict[str, Any] = json.loads(line)
    return message


def alone(node: str, package: Path, file: Path, role: str, argument: str = "") -> str:
    process = start(node, package, file, role, argument)
    out, _err = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{role}: code {process.returncode}")
    return out


def run(node: str, package: Path, beside: Path, mode: str, cast: tuple[str, ...], seconds: float) -> Outcome:
    """Let a cast work on a new database in the folder `beside`.

    Raises:
        RuntimeError: a process failed, or a commit is missing afterwards.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=beside)))
        file = folder / "bench.db"
        alone(node, package, file, "make", mode)
        actors = [stack.enter_context(start(node, package, file, role, str(i))) for i, role in enumerate(cast)]
        for actor in actors:
            hear(actor)
        for actor in actors:
            assert actor.stdin is not None
            actor.stdin.write(f"{WARM_UP * 1000:.0f} {seconds * 1000:.0f}\n")
            actor.stdin.flush()
        done = [hear(actor) for actor in actors]
        for actor in actors:
            actor.wait()
        totals: dict[str, int] = {"read": 0, "write": 0}
        commits = 0
        for role, one in zip(cast, done, strict=True):
            totals[role] += one["operations"]
            if role == "write":
                commits += one["cold"] + one["operations"]
        found = json.loads(alone(node, package, file, "check"))
        if found != {"commits": commits, "integrity": "ok"}:
            raise RuntimeError(f"{commits} commits, but the database has {found}")
    return Outcome(
        reads=totals["read"] / seconds,
        commits=totals["write"] / seconds,
        cold=sum(one["cold"] for one in done) / WARM_UP,
        worst=max(one["worst"] for one in done),
        busy=sum(one["busy"] for one in done),
    )
