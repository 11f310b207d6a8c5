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
    # Milliseconds until a client has seen a change: of the first changes after the start, of many more, and of those
    # that were made while a client was at every syncer.
    first: list[float] = field(default_factory=list)
    steady: list[float] = field(default_factory=list)
    crowded: list[float] = field(default_factory=list)
    # After each stop: the endings of the files beside the replica, and how the main process ended.
    left: dict[str, list[str]] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    syncers_used: int = 0
    replicas: dict[str, Answers] = field(default_factory=dict)
    native_sqlite: set[str] = field(default_factory=set)
    starts: list[float] = field(default_factory=list)
    hydration: float = 0.0
    peak: int = 0

    def figures(self) -> dict[str, Any]:
        return {
            "live_changes_seen": len(self.first),
            "median_latency_ms": {
                "first": _rounded_median(self.first),
                "steady": _rounded_median(self.steady),
                "crowded": _rounded_median(self.crowded),
            },
            "hydration_ms": round(self.hydration),
            "starts_s": [round(seconds, 1) for seconds in self.starts],
            "peak_memory_mb": round(self.peak / 1e6),
        }


def _rounded_median(milliseconds: list[float]) -> float | None:
    return round(median(milliseconds), 1) if milliseconds else None


class Scenario:
    """The whole life of a zero-cache, in parts: between them its latency can be measured beside another's.

    A context manager, which ends whatever still runs.
    """

    def __init__(
        self, project: Path, home: Path, postgres: Postgres, database: str, workers: int, native: Path
    ) -> None:
        """`native`: the project whose driver reads the replicas afterwards."""
        home.mkdir()
        self.native = native
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

    def until_one_client(self) -> None:
        """The first part, from the first start on."""
        deploy_permissions(self.server.project, self.server.settings)
        self._start()
        self.first = self._join()
        hydrated: Reply = self.first.ask("hydrate")
        self.report.hydration = hydrated["ms"]
        self.report.answers["hydrated"] = hydrated["answers"]

    def until_many_clients(self) -> None:
        """The second part: there is one more for every syncer."""
        self._settled("after live changes", self.first)
        self.others = self._join(self.workers)
        self.report.answers["hydrated by others"] = self.others.ask("hydrate")["answers"]

    def until_the_end(self) -> None:
        """The third part."""
        self._settled("after many changes", self.first, self.others)
        self.others.ask("mutate")
        self._settled("after mutations of a client", self.first, self.others)
        self.report.syncers_used = self.server.syncers_used()
        self._restarts()
        self._schema_changes()
        self._without_a_replica()
        self.report.peak = self.server.peak
        self.report.native_sqlite = self.server.native_sqlite

    def _restarts(self) -> None:
        for clients in (self.first, self.others):
            clients.suspend()
        self.report.exits["killed"] = self.server.kill("syncer")
        self._upstream("UPDATE issue SET title = 'While nobody looked' WHERE id = 'i00777'")
        self._start()
        for clients in (self.first, self.others):
            clients.resume()
        self._settled("reconnected after a syncer was killed", self.first, self.others)
        self.others.close()

        self.first.suspend()
        self._stop("stopped")
        self._upstream("DELETE FROM comment WHERE id = 'cx'")
        self._start()
        self.first.resume()
        self._settled("restarted on its replica", self.first)

    def _schema_changes(self) -> None:
        for changes in (HERE / "schema_changes.sql").read_text(encoding="utf-8").split("\n\n"):
            self._upstream(changes)
            self._settled("other tables", self.first)
        self._upstream("DROP TABLE dropped")
        self._upstream("TRUNCATE emptied; INSERT INTO emptied VALUES ('last', NULL)")
        self._upstream(f"ALTER TABLE issue ADD COLUMN {COLUMN} int4")
        self._upstream(f"UPDATE issue SET {COLUMN} = 7 WHERE id < 'i00010'")
        # A client that comes before the replica has the column is turned away; one that comes before the rows, is
        # answered without them.
        self._settled("other tables", self.first)
        upgraded = self._join()
        self.report.answers["upgraded"] = [upgraded.ask("upgrade", column=COLUMN)["answers"]]
        self._upstream(f"UPDATE issue SET {COLUMN} = 8 WHERE id = 'i00003'")
        self._settled("a column more", self.first, upgraded)
        self.first.close()
        upgraded.close()

    def _without_a_replica(self) -> None:
        self._stop("stopped again")
        self.report.replicas["after schema changes"] = read_replica(self.native, self.server.replica)
        self.server.delete_replica()
        self.report.left["replica deleted"] = self.server.beside_the_replica()
        self._start()
        again = self._join()
        again.ask("hydrate")
        self._settled("restarted without a replica", again)
        again.close()
        self._stop("stopped at last")
        self.report.replicas["at the end"] = read_replica(self.native, self.server.replica)

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
        assert all(reply["seen"] for reply in replies), f"{self.database}, {stage}: not everything has arrived"
        self.report.answers[stage] = [answers for reply in replies for answers in reply["answers"]]


def read_replica(project: Path, replica: Path, query: str | None = None) -> Answers:
    """What the driver of a project finds in a replica; under `asked`, the rows of `query`."""
    command = [nodejs.node(), str(HERE / "read.mjs"), str(project), str(replica), *([query] if query else [])]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found: Answers = json.loads(done.stdout)
    return found


def live_changes(scenarios: list[Scenario]) -> None:
    """Make the twenty changes in each, taking turns: what else keeps the machine busy does so for all."""
    for number, name in enumerate(scenarios[0].first.ask("names")["names"]):
        for scenario in _in_turn(scenarios, number):
            reply = scenario.first.ask("live", name=name)
            if reply["seen"]:
                scenario.report.first.append(reply["ms"])
            else:
                scenario.report.missed.append(name)


def more_changes(scenarios: list[Scenario], numbers: range) -> list[list[float]]:
    """Make further changes in each, in the same way. The latencies in each."""
    latencies: dict[Scenario, list[float]] = {scenario: [] for scenario in scenarios}
    for number in numbers:
        for scenario in _in_turn(scenarios, number):
            reply = scenario.first.ask("change", number=number)
            assert reply["seen"], f"change {number} was not seen"
            latencies[scenario].append(reply["ms"])
    return list(latencies.values())


def _in_turn(scenarios: list[Scenario], number: int) -> list[Scenario]:
    """Who comes first takes turns, too."""
    return scenarios if number % 2 == 0 else scenarios[::-1]
