"""The incident in a child process: watched, drawn while it happens, and stopped at a limit."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curve import Sample
from stage import DemoError, telling_line

HERE = Path(__file__).resolve().parent
TIME_LIMIT = 90.0  # seconds: a slow machine gets there; a child that hangs without growing does not stay
# Above the limit at which the parent stops the child: the safety net under it.
HEAP_LIMIT_MB = 1024


@dataclass
class Incident:
    samples: list[Sample] = field(default_factory=list)
    stack: list[dict[str, Any]] = field(default_factory=list)
    hydrating: str = ""
    started: float = 0.0
    rows: int = 0

    @property
    def last(self) -> Sample:
        return self.samples[-1]

    def reaches(self, size: int) -> float:
        """Seconds from the start until the process would hold `size` bytes, at its pace so far."""
        first = self.samples[0]
        return (size - first.rss) * self.last.seconds / max(1, self.last.rss - first.rss)


def run(
    node: str,
    project: Path,
    replica: Path,
    environment: Mapping[str, str],
    limit: int,
    watch: Callable[[Incident], None],
) -> Incident:
    """Let Zero hydrate over the stub driver until its process holds `limit` bytes, then kill it.

    `watch` is called after each sample.

    Raises:
        DemoError: the child ended, or did not grow, before the limit.
    """
    flags = [f"--max-old-space-size={HEAP_LIMIT_MB}"]
    command: Sequence[str] = [node, *flags, str(HERE / "incident.mjs"), str(project), str(replica)]
    incident = Incident()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        late = threading.Event()

        def stop_late_child() -> None:
            late.set()
            child.kill()

        watchdog = threading.Timer(TIME_LIMIT, stop_late_child)
        watchdog.start()
        try:
            assert child.stdout is not None
            for line in child.stdout:
                said = json.loads(line)
                _take(incident, said, time.monotonic())
                if "rss" in said:
                    watch(incident)
                    if incident.last.rss >= limit:
                        return incident
        finally:
            watchdog.cancel()
            child.kill()
        error = child.stderr.read().strip() if child.stderr else ""
    if late.is_set():
        raise DemoError(f"the child did not reach {limit >> 20} MB in {TIME_LIMIT:.0f} s and was stopped")
    telling = telling_line(error) if error else "it hydrated every query"
    raise DemoError(f"the incident did not happen, the child ended by itself: {telling}")


def _take(incident: Incident, line: dict[str, Any], now: float) -> None:
    if "rss" in line:
        if not incident.samples:
            incident.started = now
        incident.samples.append(Sample(now - incident.started, line["rss"], line["calls"]))
    elif "stack" in line:
        incident.stack = line["stack"]
    elif "hydrating" in line:
        incident.hydrating = line["hydrating"]
    elif "hydrated" in line:
        incident.rows += line["rows"]
