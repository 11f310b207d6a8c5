"""The server: whether it replicates logically at all, and what its slots hold."""

from __future__ import annotations

from collections.abc import Iterator

from wasmfix.diagnostics.checks.database_subject import OLDEST, DatabaseSubject, check
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.diagnostics.sizes import show_size
from wasmfix.postgres.server import Slot, find_slots

INACTIVE = 64 * 2**20
"""Bytes of WAL from which a slot that nobody reads is worth a word: a zero-cache that is just restarted holds less."""
BEHIND = 2**30
"""Bytes of WAL from which a slot that is read is too far behind."""


@check("server", "WF309", "WF310", "WF316")
def server(subject: DatabaseSubject, _tell: Tell) -> Iterator[Item]:
    of = subject.server
    kind = "PGlite, PostgreSQL" if of.pglite else "PostgreSQL"
    yield Fact("database", "server", f"{kind} {of.words}, {subject.name}")
    if of.version < OLDEST:
        yield finding(
            "WF310",
            subject.name,
            f"Zero wants PostgreSQL 15 or later, this is {of.words}",
            remedy="Upgrade the server.",
            data={"version": of.version},
        )
    if of.pglite:
        # No logical replication: who runs Zero on it imitates that, with change-tracking triggers.
        return
    yield Fact("database", "wal_level", of.wal_level)
    if of.wal_level != "logical":
        yield finding(
            "WF309",
            subject.name,
            f"wal_level is {of.wal_level}: there is no logical replication, zero-cache does not start",
            remedy="Run ALTER SYSTEM SET wal_level = 'logical' as a superuser, or set it where your provider has the "
            "server's settings, and restart the server.",
            data={"wal_level": of.wal_level},
        )
    if not of.may_replicate:
        yield finding(
            "WF316",
            of.user,
            "the user may not replicate, so a zero-cache that logs in with this name makes no slot",
            evidence=[f"{subject.name}: rolreplication is false for {of.user}"],
            remedy=f'Run ALTER ROLE "{of.user}" WITH REPLICATION as a superuser; nothing if Zero has another user.',
        )


@check("slots", "WF311", "WF312", "WF313", "WF314")
def slots(subject: DatabaseSubject, _tell: Tell) -> Iterator[Item]:
    of = subject.server
    if of.pglite:
        return
    found = find_slots(subject.database)
    yield Fact("database", "replication slots", f"{of.slots} of {of.max_slots}")
    yield Fact("database", "WAL senders", f"{of.senders} of {of.max_senders}")
    for slot in found:
        yield from _of_slot(slot)
    for what, used, most, setting in (
        ("replication slot", of.slots, of.max_slots, "max_replication_slots"),
        ("WAL sender", of.senders, of.max_senders, "max_wal_senders"),
    ):
        if used >= most:
            yield finding(
                "WF314",
                subject.name,
                f"all of the {most} {what}s are in use, and zero-cache needs one more when it starts or syncs anew",
                evidence=[f"{setting} = {most}", *(f"{slot.name}: {_state(slot)}" for slot in found)],
                remedy=f"Drop a slot that nobody uses, or raise {setting} and restart the server.",
                data={"setting": setting, "used": used, "most": most},
            )


def _of_slot(slot: Slot) -> Iterator[Item]:
    lag = slot.lag or 0
    drop = f"SELECT pg_drop_replication_slot('{slot.name}')"
    evidence = [f"{slot.name}: {_state(slot)}"]
    data = {"slot": slot.name, "active": slot.active, "wal_status": slot.status, "lag_bytes": slot.lag}
    if slot.status == "lost":
        yield finding(
            "WF311",
            slot.name,
            "the slot has lost its WAL, who reads it cannot go on from here",
            evidence=evidence,
            remedy=f"Run {drop}; zero-cache then syncs anew. Raise max_slot_wal_keep_size, so that it lasts longer.",
            data=data,
        )
    elif not slot.active and (lag >= INACTIVE or slot.status == "unreserved"):
        yield finding(
            "WF312",
            slot.name,
            f"nobody reads the slot, and it holds {show_size(lag)} of WAL on the server's disk",
            evidence=evidence,
            remedy=f"Start the zero-cache that it belongs to; if there is none any more, run {drop}.",
            data=data,
        )
    elif slot.active and lag >= BEHIND:
        yield finding(
            "WF313",
            slot.name,
            f"who reads the slot is {show_size(lag)} of WAL behind",
            evidence=evidence,
            remedy="Look at the log of zero-cache's change-streamer, and for one long transaction in the database.",
            data=data,
        )


def _state(slot: Slot) -> str:
    kind = "logical" if slot.logical else "physical"
    place = "" if slot.here or not slot.logical else ", of another database"
    held = f", {show_size(slot.lag)} behind" if slot.lag is not None else ""
    return f"{kind}{place}, {'active' if slot.active else 'inactive'}, wal_status {slot.status or 'none'}{held}"


CHECKS = (server, slots)
