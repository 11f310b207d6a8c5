"""One zero-cache from its first start to its last stop, on one driver: what its clients saw, and what it cost."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import nodejs
from zero_cache.postgres import Postgres
from zero_cache.service import HERE, Clients, Reply, ZeroCache, deploy_permissions

COLUMN = "estimate"
Answers = dict[str, Any]


@dataclass
class Report:
    """What is the same on every driver (`answers`, a list a stage: one entry a client), and what is its own."""

    answers: dict[str, list[Answers]] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    # After each stop: the endings of the files beside the replica.
    left: dict[str, list[str]] = field(default_factory=dict)
    syncers_used: int = 0
    starts: list[float] = field(default_factory=list)
    hydration: float = 0.0
    peak: int = 0

    def figures(self) -> dict[str, Any]:
        return {
            "live_changes_seen": len(self.latencies),
            "median_latency_ms": round(median(self.latencies), 1) if self.latencies else None,
            "hydration_ms": round(self.hydration),
            "starts_s": [round(seconds, 1) for seconds in self.starts],
            "peak_memory_mb": round(self.peak / 1e6),
        }


def play(project: Path, home: Path, postgres: Postgres, database: str, workers: int) -> Report:
    """Run the whole scenario."""
    home.mkdir()
    url = postgres.url(database)
    deploy_permissions(project, url)
    report = Report()
    with ExitStack() as stack:
        server = ZeroCache(project, home, url, workers)
        stack.callback(server.end)

        def join(syncers: int | None = None) -> Clients:
            clients = Clients(server, syncers)
            stack.callback(clients.end)
            return clients

        def start() -> None:
            report.starts.append(server.start())

        def settled(stage: str, step: int, *parties: Clients) -> None:
            replies = [clients.ask("settle", step=step) for clients in parties]
            assert all(reply["seen"] for reply in replies), f"{stage}: not everything has arrived"
            report.answers[stage] = [answers for reply in replies for answers in reply["answers"]]

        start()
        first = join()
        hydrated: Reply = first.ask("hydrate")
        report.hydration = hydrated["ms"]
        report.answers["hydrated"] = hydrated["answers"]

        live = first.ask("live")
        report.latencies, report.missed = live["latencies"], live["missed"]
        settled("after live changes", 1, first)

        others = join(workers)
        report.answers["hydrated by others"] = others.ask("hydrate")["answers"]
        others.ask("mutate")
        settled("after mutations of a client", 2, first, others)
        report.syncers_used = server.syncers_used()

        for clients in (first, others):
            clients.suspend()
        server.kill_a_syncer()
        postgres.run(database, "UPDATE issue SET title = 'While nobody looked' WHERE id = 'i00777'")
        start()
        for clients in (first, others):
            clients.resume()
        settled("reconnected after a syncer was killed", 3, first, others)
        others.close()

        first.suspend()
        server.stop()
        report.left["stopped"] = server.beside_the_replica()
        postgres.run(database, "DELETE FROM comment WHERE id = 'cx'")
        start()
        first.resume()
        settled("restarted on its replica", 4, first)

        change = f"ALTER TABLE issue ADD COLUMN {COLUMN} int4; UPDATE issue SET {COLUMN} = 7 WHERE id < 'i00010'"
        postgres.run(database, change)
        upgraded = join()
        report.answers["upgraded"] = [upgraded.ask("upgrade", column=COLUMN)["answers"]]
        postgres.run(database, f"UPDATE issue SET {COLUMN} = 8 WHERE id = 'i00003'")
        settled("a column more", 5, first, upgraded)
        first.close()
        upgraded.close()

        server.stop()
        report.left["stopped again"] = server.beside_the_replica()
        server.delete_replica()
        report.left["replica deleted"] = server.beside_the_replica()
        start()
        again = join()
        again.ask("hydrate")
        settled("restarted without a replica", 6, again)
        again.close()
        server.stop()
        report.left["stopped at last"] = server.beside_the_replica()
        report.peak = server.peak
    return report


def read_natively(native: Path, replica: Path) -> dict[str, Any]:
    """What the native driver finds in a replica."""
    command = [nodejs.node(), str(HERE / "read.mjs"), str(native), str(replica)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
