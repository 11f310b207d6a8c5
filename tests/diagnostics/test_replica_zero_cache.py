"""The replica of a real zero-cache 1.9.0, while it runs and after it: nothing is wrong with it, and nothing is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import installed
from diagnostics.replicas import diagnosed, driver, fact, found
from diagnostics.upstream import Upstream
from wasmfix.diagnostics import Report, Severity
from wasmfix.engine import build_engine
from zero_cache.postgres import Postgres
from zero_cache.service import ZeroCache

CHAT = """
CREATE TABLE message (id text PRIMARY KEY, body text, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE "Member" (channel int, account text, PRIMARY KEY (channel, account));
CREATE TABLE log (line text);
CREATE SCHEMA other;
CREATE TABLE other.document (id int PRIMARY KEY, content jsonb, secret text);
INSERT INTO message SELECT 'm' || i, repeat('word ', i % 50) FROM generate_series(1, 5000) i;
INSERT INTO "Member" SELECT i % 10, 'a' || i FROM generate_series(1, 300) i;
INSERT INTO log VALUES ('a line');
INSERT INTO other.document SELECT i, jsonb_build_object('text', repeat('x', i * 100)) FROM generate_series(1, 40) i;
CREATE PUBLICATION zero_chat FOR TABLE message, "Member", log, other.document (id, content);
"""


@pytest.fixture(scope="module")
def upstream(postgres_server: Postgres, engine_cache: None) -> Upstream:
    build_engine(driver())
    return Upstream(postgres_server, CHAT, own=True)


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZeroCache]:
    folder = tmp_path_factory.mktemp("zero-cache")
    zero = ZeroCache(installed("@rocicorp/zero", "1.9.0"), folder, upstream.url, "diagnosed", 1)
    zero.settings["ZERO_APP_PUBLICATIONS"] = "zero_chat"
    try:
        zero.start()
        yield zero
    finally:
        zero.end()
        # Others look at all slots of the server.
        slots = "FROM pg_replication_slots WHERE slot_name LIKE 'diagnosed%'"
        deadline = time.monotonic() + 120
        while upstream.run(f"SELECT 1 {slots} AND active"):
            assert time.monotonic() < deadline, "the slot is still read"
            time.sleep(0.1)
        upstream.run(f"SELECT pg_drop_replication_slot(slot_name) {slots}")


def rows(report: Report) -> dict[str, int]:
    return {each.name: each.rows for each in report.tables if each.published}


def wrong(report: Report) -> list[str]:
    return [f"{each.id} {each.subject}: {each.what}" for each in report.findings if each.severity is not Severity.NOTE]


def look(service: ZeroCache, upstream: Upstream) -> Report:
    return diagnosed(Path(service.replica), database_url=upstream.url, publications=("zero_chat",))


def test_while_it_runs_and_after_it(service: ZeroCache, upstream: Upstream) -> None:
    report = look(service, upstream)
    # It has no key.
    assert [each.subject for each in found(report, "WF214")] == ["log"]
    assert wrong(report) == ["WF214 log: Zero does not sync it: it has no primary key and no unique index"]
    assert fact(report, "journal mode") == "wal2"
    assert rows(report) == {"message": 5000, "Member": 300, "log": 1, "other.document": 40}
    upstream.run("INSERT INTO message SELECT 'n' || i, 'later' FROM generate_series(1, 77) i")
    deadline = time.monotonic() + 120
    while rows(report)["message"] != 5077:
        assert time.monotonic() < deadline, rows(report)
        time.sleep(0.2)
        report = look(service, upstream)
    assert len(wrong(report)) == 1
    assert service.stop() == 0
    stopped = look(service, upstream)
    assert rows(stopped) == rows(report)
    assert len(wrong(stopped)) == 1
