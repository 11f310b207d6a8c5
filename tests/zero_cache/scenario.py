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
    # Milliseconds: of the first changes after the start, and of those that `compare_latencies()` has made.
    first_latencies: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    # After each stop: the endings of the files beside the replica, and how the main process ended.
    left: dict[str, list[str]] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    syncers_used: int = 0
    native_sqlite: set[str] = field(default_factory=set)
    starts: list[float] = field(default_factory=list)
    hydration: float = 0.0
    peak: int = 0

    def figures(self) -> dict[str, Any]:
        return {
            "live_changes_seen": len(self.first_latencies),
            "median_latency_of_these_ms": _rounded_median(self.first_latencies),
            "steady_changes_seen": len(self.latencies),
            "median_latency_ms": _rounded_median(self.latencies),
            "hydration_ms": round(self.hydration),
            "starts_s": [round(seconds, 1) for seconds in self.starts],
            "peak_memory_mb": round(self.peak / 1e6),
        }


def _rounded_median(milliseconds: list[float]) -> float | None:
    return round(median(milliseconds), 1) if milliseconds else None


class Scenario:
    """The whole life of a zero-cache, in two halves: between them its latency can be measured beside another's.

    A context manager, which ends whatever still runs.
    """

    def __init__(self, project: Path, home: Path, postgres: Postgres, database: str, workers: int) -> None:
        home.mkdir()
        self.postgres = postgres
        self.database = database
        self.workers = workers
        self.report = Report()
        self.server = ZeroCache(project, home, postgres.url(database), database, workers)
        self._running = ExitStack()
        self._running.callback(self.server.end)
        self._step = 0

    def __enter__(self) -> Scenario:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def until_live(self) -> None:
        """The first half, from the first start on: one client is there and follows."""
        deploy_permissions(self.server.project, self.server.settings)
        self._start()
        self.first = self._join()
        hydrated: Reply = self.first.ask("hydrate")
        self.report.hydration = hydrated["ms"]
        self.report.answers["hydrated"] = hydrated["answers"]

        live = self.first.ask("live")
        self.report.first_latencies, self.report.missed = live["latencies"], live["missed"]
        self._settled("after live changes", self.first)

    def until_the_end(self) -> None:
        """The second half."""
        self._settled("after many changes", self.first)
        others = self._several_clients()
        self._restarts(others)
        self._another_column()
        self._without_a_replica()
        self.report.peak = self.server.peak
        self.report.native_sqlite = self.server.native_sqlite

    def _several_clients(self) -> Clients:
        others = self._join(self.workers)
        self.report.answers["hydrated by others"] = others.ask("hydrate")["answers"]
        others.ask("mutate")
        self._settled("after mutations of a client", self.first, others)
        self.report.syncers_used = self.server.syncers_used()
        return others

    def _restarts(self, others: Clients) -> None:
        for clients in (self.first, others):
            clients.suspend()
        self.report.exits["killed"] = self.server.kill_a_syncer()
        self._upstream("UPDATE issue SET title = 'While nobody looked' WHERE id = 'i00777'")
        self._start()
        for clients in (self.first, others):
            clients.resume()
        self._settled("reconnected after a syncer was killed", self.first, others)
        others.close()

        self.first.suspend()
        self._stop("stopped")
        self._upstream("DELETE FROM comment WHERE id = 'cx'")
        self._start()
        self.first.resume()
        self._settled("restarted on its replica", self.first)

    def _another_column(self) -> None:
        self._upstream(f"ALTER TABLE issue ADD COLUMN {COLUMN} int4")
        self._upstream(f"UPDATE issue SET {COLUMN} = 7 WHERE id < 'i00010'")
        upgraded = self._join()
        self.report.answers["upgraded"] = [upgraded.ask("upgrade", column=COLUMN)["answers"]]
        self._upstream(f"UPDATE issue SET {COLUMN} = 8 WHERE id = 'i00003'")
        self._settled("a column more", self.first, upgraded)
        self.first.close()
        upgraded.close()

    def _without_a_replica(self) -> None:
        self._stop("stopped again")
        self.server.delete_replica()
        self.report.left["replica deleted"] = self.server.beside_the_replica()
        self._start()
        again = self._join()
        again.ask("hydrate")
        self._settled("restarted without a replica", again)
        again.close()
        self._stop("stopped at last")

    def _upstream(self, sql: str) -> None:
        self.postgres.run(self.database, sql)

    def _join(self, syncers: int | None = None) -> Clients:
        clients = Clients(self.server, syncers)
        self._running.callback(clients.end)
        return clients

    def _start(self) -> None:
        self.report.starts.append(self.server.start())

    def _stop(self, stage: str) -> None:
        self.report.exits[stage] = self.server.stop()
        self.report.left[stage] = self.server.beside_the_replica()

    def _settled(self, stage: str, *parties: Clients) -> None:
        """What all clients have once they have seen everything."""
        self._step += 1
        replies = [clients.ask("settle", step=self._step) for clients in parties]
        assert all(reply["seen"] for reply in replies), f"{stage}: not everything has arrived"
        self.report.answers[stage] = [answers for reply in replies for answers in reply["answers"]]


def compare_latencies(scenarios: list[Scenario], changes: int) -> None:
    """Make `changes` changes in each, taking turns: whatever else keeps the machine busy keeps it busy for all."""
    for n in range(changes):
        # Who comes first also takes turns.
        for scenario in scenarios if n % 2 == 0 else reversed(scenarios):
            latencies = scenario.report.latencies
            reply = scenario.first.ask("change", number=len(latencies))
            assert reply["seen"], f"change {len(latencies)} was not seen"
            latencies.append(reply["ms"])


def read_natively(native: Path, replica: Path) -> dict[str, Any]:
    """What the native driver finds in a replica."""
    command = [nodejs.node(), str(HERE / "read.mjs"), str(native), str(replica)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
