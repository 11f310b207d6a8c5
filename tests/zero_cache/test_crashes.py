"""A patched zero-cache loses nothing when its processes are killed in the middle of their work."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from zero_cache.conftest import TEMPLATE
from zero_cache.postgres import Postgres
from zero_cache.scenario import read_replica
from zero_cache.service import Clients, ZeroCache, deploy_permissions

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="zero-cache is stopped with SIGTERM"),
    pytest.mark.timeout(1800),
]

WORKERS = 2
DATABASE = "crashes"
# What is killed, and how it is said to zero-cache. Each while transactions are on their way into the replica.
CRASHES: dict[str, Callable[[ZeroCache], object]] = {
    "the replicator, which writes": lambda server: server.kill("replicator"),
    "a syncer, which reads": lambda server: server.kill("syncer"),
    "the change-streamer": lambda server: server.kill("change-streamer"),
    "all": ZeroCache.kill_all,
}
# Of 200 rows each; the kill comes when the first of them are in the replica, and long before the last. If the machine
# stood still meanwhile, and it was too late, the same is done again.
TRANSACTIONS = 60
PAUSE = 0.02
ATTEMPTS = 5


@pytest.fixture
def running(
    postgres: Postgres, engine_project: Path, tmp_path: Path
) -> Iterator[tuple[ZeroCache, Callable[[], Clients]]]:
    """A zero-cache, not started yet, and what makes a client of it."""
    postgres.run("postgres", f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE}")
    server = ZeroCache(engine_project, tmp_path, postgres.url(DATABASE), DATABASE, WORKERS)
    with ExitStack() as stack:
        stack.callback(server.end)

        def join() -> Clients:
            clients = Clients(server)
            stack.callback(clients.end)
            return clients

        yield server, join


def write_much(postgres: Postgres, step: int) -> list[str]:
    """Transactions upstream, one after another."""
    update = "UPDATE issue SET title = 'Crash {step}-{n} ' || repeat('x', {length}), priority = {priority}"
    where = "WHERE id >= 'i{first:05}' AND id < 'i{last:05}'; SELECT pg_sleep({pause});"
    statement = f"{update} {where}\n"
    return postgres.run(
        DATABASE,
        "".join(
            statement.format(
                step=step, n=n, length=n * 7, priority=n % 20, first=n * 200, last=n * 200 + 200, pause=PAUSE
            )
            for n in range(TRANSACTIONS)
        ),
    )


def wait_until_written(replica: Path, step: int) -> None:
    """Wait until the replicator has committed the first transactions of a step, and writes others."""
    logs = [replica.with_name(f"{replica.name}{suffix}") for suffix in ("-wal", "-wal2")]
    # Once something of the third transaction, or a later one, is in a log, the second is committed.
    later = re.compile(rf"Crash {step}-([2-9]|\d\d) ".encode())
    while not any(log.exists() and later.search(log.read_bytes()) for log in logs):
        time.sleep(0.01)
    time.sleep(5 * PAUSE)


def arrived(project: Path, replica: Path, scratch: Path, step: int) -> int:
    """How many rows of a step are in a replica that nobody has open: looked up in a copy, which stays as it is."""
    scratch.mkdir()
    for path in replica.parent.glob(f"{replica.name}*"):
        shutil.copy(path, scratch)
    found = read_replica(
        project, scratch / replica.name, f"SELECT count(*) AS n FROM issue WHERE title LIKE 'Crash {step}-%'"
    )
    assert found["integrity"] == "ok"
    return int(found["asked"][0]["n"])


def test_nothing_is_lost_when_processes_are_killed_while_the_replica_is_written(
    running: tuple[ZeroCache, Callable[[], Clients]], postgres: Postgres, native_project: Path, tmp_path: Path
) -> None:
    server, join = running
    deploy_permissions(server.project, server.settings)
    server.start()
    first = join()
    first.ask("hydrate")
    step = 0
    for what, crash in CRASHES.items():
        rows = 200 * TRANSACTIONS
        for _ in range(ATTEMPTS):
            step += 1
            with ThreadPoolExecutor() as pool:
                writing = pool.submit(write_much, postgres, step)
                wait_until_written(server.replica, step)
                crash(server)
                first.suspend()
                rows = arrived(native_project, server.replica, tmp_path / f"copy-{step}", step)
                assert rows > 0
                assert rows % 200 == 0
                writing.result()
            server.start()
            first.resume()
            assert first.ask("settle", step=step)["seen"], f"killed: {what}"
            if rows < 200 * TRANSACTIONS:
                break
        assert rows < 200 * TRANSACTIONS, f"killed, but not in the middle of its work: {what}"

    step += 1
    seen = first.ask("settle", step=step)["answers"][0]
    new = join()
    new.ask("hydrate")
    assert new.ask("settle", step=step)["answers"][0] == seen
    new.close()
    first.close()
    server.stop()
    assert server.beside_the_replica() == [""]
    survived = read_replica(native_project, server.replica)
    assert survived["integrity"] == "ok"

    server.delete_replica()
    server.start()
    server.stop()
    assert read_replica(native_project, server.replica)["tables"] == survived["tables"]
