"""The file itself: its journal mode, its logs, its pages, and what lies beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wasmfix.diagnostics.checks.replica_subject import (
    SECTION,
    ReplicaSubject,
    TimeIsUpError,
    check,
    cure,
    is_damage,
)
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Severity
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.diagnostics.sizes import show_size
from wasmfix.errors import WasmfixError
from wasmfix.runtime import SqlError, native
from wasmfix.runtime.files import open_quietly
from wasmfix.runtime.lock_table import SUFFIX as LOCK_TABLE
from wasmfix.runtime.lock_table import read_table
from wasmfix.runtime.wal import FRAME_HEADER_BYTES, HEADER_BYTES, find_damage

_EXPECTED = "wal2"
_BACKUP = "ZERO_LITESTREAM_BACKUP_URL"
_COPY = "-serving-copy"
"""Beside a replica that is backed up zero-cache has a copy, which its view-syncers read."""
_STARVED = 64 * 2**20
"""Bytes. A WAL is checkpointed and used anew from some 4 MB on."""
_MANY_FREE = 0.25
_FREE_BYTES = 64 * 2**20
_INTEGRITY_SECONDS = 60.0
_PROBLEMS = 10


def is_open_on_engine(replica: Path) -> bool:
    """Whether a process on the engine has the replica open."""
    # RuntimeError: a loop of symbolic links, before Python 3.13. What is wrong is said when it is opened.
    with suppress(OSError, RuntimeError, WasmfixError):
        return bool(read_table(replica.resolve()))
    return False


def is_open_on_native(replica: Path) -> bool:
    """Whether a native process has it open in WAL mode. Not to be asked while we hold locks in its `-shm`."""
    if not native.AVAILABLE:
        return False
    try:
        shm = open_quietly(Path(f"{replica.resolve()}-shm"))
    except (OSError, RuntimeError):
        return False
    try:
        return native.is_held(shm, native.DEAD_MAN)
    except OSError:
        return False
    finally:
        os.close(shm)


def _mode(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    mode = str(_one(subject, "PRAGMA journal_mode"))
    yield Fact(SECTION, "journal mode", mode)
    yield Fact(SECTION, "SQLite", subject.db.sqlite_version)
    if mode == _EXPECTED or not subject.is_zeros:
        return
    backed_up = subject.options.setting(_BACKUP) is not None or any(
        Path(f"{path}{_COPY}").exists() for path in (subject.path, subject.file)
    )
    if mode == "wal" and backed_up:
        yield Fact(SECTION, "role", f"the backup; view-syncers read {subject.name}{_COPY}")
        return
    what = f"its journal mode is {mode}, Zero's view-syncer wants {_EXPECTED}"
    remedy = "Stop zero-cache and start it again: it sets the mode before anything else has the file open."
    yield finding("WF204", subject.name, what, remedy=remedy, data={"mode": mode})


def _sizes(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    sizes = subject.files
    page, pages, free = (_number(subject, f"PRAGMA {name}") for name in ("page_size", "page_count", "freelist_count"))
    yield Fact(SECTION, "size", f"{show_size(sizes.get('', 0))}, {pages:,} pages of {page:,} bytes")
    for suffix in ("-wal", "-wal2"):
        if suffix in sizes:
            rest = max(0, sizes[suffix] - HEADER_BYTES) % (FRAME_HEADER_BYTES + page)
            # Of one that is written to right now the last frame is not whole for a moment.
            cut = f", cut within a frame, of which {rest:,} bytes are left" if rest and not subject.in_use else ""
            yield Fact(SECTION, suffix[1:], f"{show_size(sizes[suffix])}{cut}")
    yield Fact(SECTION, "free pages", f"{free:,} ({show_size(free * page)})")
    yield Fact(
        SECTION, "read as", {"copy": "a copy", "locks": "it is, under read locks"}.get(subject.db.snapshot.how, "it is")
    )
    log = sizes.get("-wal", 0) + sizes.get("-wal2", 0)
    if log > max(_STARVED, sizes.get("", 0) // 2):
        yield finding(
            "WF205",
            subject.name,
            f"its WAL has {show_size(log)}: checkpoints do not get through",
            evidence=[f"{subject.name}{suffix}: {size:,} bytes" for suffix, size in sizes.items()],
            remedy="Look for a process or a tool that keeps a read transaction open, and end it.",
            data={"wal": sizes.get("-wal", 0), "wal2": sizes.get("-wal2", 0)},
        )
    if free * page > _FREE_BYTES and free > pages * _MANY_FREE:
        yield finding(
            "WF206",
            subject.name,
            f"{free / pages:.0%} of its pages are free ({show_size(free * page)})",
            remedy="Set ZERO_REPLICA_VACUUM_INTERVAL_HOURS, so that zero-cache vacuums it at a start.",
            data={"free": free, "pages": pages, "page_size": page},
        )


def _integrity(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    try:
        with subject.doing("checking the pages", _INTEGRITY_SECONDS):
            said = [str(line) for (line,) in subject.db.execute(f"PRAGMA quick_check({_PROBLEMS})")]
    except TimeIsUpError:
        yield Fact(SECTION, "integrity", f"not known: quick_check was ended after {_INTEGRITY_SECONDS:.0f} s")
        return
    except SqlError as error:
        if is_damage(error):
            raise
        # One table that SQLite does not read, as for its collation, is no damage of the file.
        yield Fact(SECTION, "integrity", f"not known: {error.what}")
        return
    if said == ["ok"]:
        yield Fact(SECTION, "integrity", "ok (quick_check)")
        return
    what, remedy = "quick_check finds damage", cure(zeros=subject.is_zeros)
    yield from subject.once(finding("WF202", subject.name, what, evidence=said[:_PROBLEMS], remedy=remedy))


def _beside(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    notes = subject.db.snapshot.notes
    for note in notes:
        # The one note about a journal is of something that was cured in the copy.
        lost = "lost" in note
        severity = None if lost else Severity.WARNING
        remedy = cure(zeros=subject.is_zeros) if lost else "Nothing: the next process that opens it rolls it back."
        yield finding("WF207", subject.name, note, severity=severity, remedy=remedy)
    if not notes:
        yield from _damaged_logs(subject)
    if subject.on_engine and subject.on_native:
        what = "a native driver and the engine have it open at the same time: neither sees the other's locks"
        remedy = "Stop all of them, and start them on one driver: wasmfix status shows which is which."
        yield finding("WF208", subject.name, what, remedy=remedy)
    left = _left_over(subject, in_use=subject.in_use)
    if left:
        yield finding(
            "WF209",
            subject.name,
            "files beside it were left by processes that are gone",
            evidence=left,
            remedy="Nothing: the next process that opens the replica takes them over or removes them.",
        )


def _damaged_logs(subject: ReplicaSubject) -> Iterator[Item]:
    for suffix, good in zip(("-wal", "-wal2"), subject.db.recovered, strict=True):
        content = subject.db.snapshot.views.get(suffix)
        # One that is written to may end anywhere.
        damage = find_damage(content, good) if content is not None and not subject.in_use else None
        if damage is None or _was_opened(subject):
            continue
        remedy, severity = cure(zeros=subject.is_zeros), None
        what = f"frame {damage.frame:,} of its {suffix} is damaged"
        if damage.commits > 1:
            what += f": SQLite takes it for the end of the log, and {damage.commits:,} commits after it are lost"
        else:
            # Who is killed between the last frame of a transaction and the word of it (walRewriteChecksums(),
            # walIndexWriteHdr()) leaves the same.
            what += ", or its writer was killed while it committed: SQLite leaves out the commit after it"
            remedy, severity = f"Nothing, if a process that writes it was killed. Else: {remedy}", Severity.WARNING
        yield finding("WF207", subject.name, what, severity=severity, remedy=remedy)
        return  # what another log has is ignored then, or older


def _was_opened(subject: ReplicaSubject) -> bool:
    """Whether somebody has opened it since we looked at its locks, before the snapshot."""
    path = subject.path
    return subject.db.snapshot.how == "locks" or is_open_on_engine(path) or is_open_on_native(path)


def _left_over(subject: ReplicaSubject, *, in_use: bool) -> list[str]:
    """Files that should be gone when nobody has the replica open."""
    mode = str(_one(subject, "PRAGMA journal_mode"))
    reasons = {
        f"{LOCK_TABLE}-lock": "the mutex of the engine's lock table, of an owner that is dead",
        LOCK_TABLE: "the engine's lock table, without an owner that is alive",
        "-journal": f"a rollback journal, in {mode} mode",
        "-wal2": f"the second log of wal2, in {mode} mode",
        "-wal": f"a log, in {mode} mode",
    }
    if in_use:
        del reasons[LOCK_TABLE], reasons[f"{LOCK_TABLE}-lock"]
    if mode in ("wal", "wal2"):
        del reasons["-wal"]
    else:
        del reasons["-journal"]  # in use, or there is a note
    if mode == "wal2":
        del reasons["-wal2"]
    beside = ((suffix, Path(f"{subject.file}{suffix}")) for suffix in reasons)
    return [f"{path.name}: {reasons[suffix]}" for suffix, path in beside if path.exists() or path.is_symlink()]


def _one(subject: ReplicaSubject, sql: str) -> object:
    row = subject.db.execute(sql).one()
    return row[0] if row else None


def _number(subject: ReplicaSubject, sql: str) -> int:
    value = _one(subject, sql)
    return value if isinstance(value, int) else 0


CHECKS = (
    check("journal-mode", ("WF204",), _mode),
    check("sizes", ("WF205", "WF206"), _sizes),
    check("files-beside", ("WF207", "WF208", "WF209"), _beside),
    check("integrity", (), _integrity),
)
