"""The tests of zero-cache have a PostgreSQL, whoever runs them and wherever."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zero_cache import postgres
from zero_cache.postgres import NoPostgresError, Postgres, Way


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wasmfix-postgres-") as name:
        yield Path(name)


@pytest.mark.parametrize("way", postgres.ways(), ids=lambda way: str(way.name))
def test_a_server_starts_and_replicates_logically(way: Way, folder: Path) -> None:
    if not way.is_allowed():
        pytest.skip(f"not allowed here: to run programs {way.name}")
    server = Postgres(folder, way)
    try:
        assert server.run("postgres", "SHOW wal_level; SELECT 1 + 1") == ["logical", "2"]
    finally:
        server.stop()


def test_a_way_that_is_not_allowed_gives_way_to_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = Way("forbidden", ("/bin/false",))
    missing = Way("missing", ("no such program",))
    monkeypatch.setattr(postgres, "ways", lambda: [forbidden, missing])
    with pytest.raises(NoPostgresError, match=r"forbidden: initdb.*; missing: .*no such program"):
        postgres.start(folder)
