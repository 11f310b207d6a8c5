"""A consistent view of a database file that others may be writing to, with nothing beside it touched.

How it is taken depends on who is there:

*native* (a process of native SQLite has the WAL open: it holds the dead-man switch in `FILE-shm`). In wal2 mode the
database is copied without any lock (follow.py). Where that is too large, or in wal mode, we take SHARED on the
database and two shared read locks in `FILE-shm`: 0 and 4 in wal mode, 1 and 4 in wal2 mode. Each checkpoint needs one
of them exclusively (READ_LOCK(0) in wal mode; 1 and 2, or 3 and 4, in wal2 mode: wal2CheckpointOk()), and so does
whoever begins a WAL anew (1 to 4; or 2 to 4, or 1 to 3: wal2RestartOk()). As a lock is granted only when no such
operation runs, from then on the database file does not change and the WALs only grow. Writers are not held up; only
checkpoints wait, until we have a copy, or of a large database until we are done. Read marks cannot be set without
writing into `FILE-shm`, and need not be: no mark is read.

*engine* (`FILE-wasmfix` has a row of somebody alive: a patched driver). Its locks are rows in that file, and a row of
ours would have to be written. So the database is copied without any lock, however large.

*nobody*: the files are read where they are, and after each read the database's modification time is looked at.
A WAL frame can only be overwritten after a checkpoint, which writes the database: so that one file is enough. If it
changes, the read fails with one clear error.

*a rollback journal* (not WAL): whoever reads the database where it is would hold up its writers. It is copied
under a SHARED lock. A journal that a crashed writer left is rolled back in the copy, by SQLite itself.

Small databases are copied in any case: that takes milliseconds, and then neither side notices the other.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.runtime import native, wal
from wasmfix.runtime.codes import SnapshotError
from wasmfix.runtime.copying import copy_file
from wasmfix.runtime.files import Content, PinnedFile, open_beside, open_quietly, read_at, same_file
from wasmfix.runtime.follow import Follower, MissedError
from wasmfix.runtime.lock_table import read_table

SMALL = 128 * 2**20
"""Bytes of database and WALs together up to which a copy is the simplest; about 100 ms."""
LARGE = 2**30
"""Bytes up to which a database that a native process writes to is copied."""

RESTORE = "restore it from a backup; a replica of zero-cache may be deleted instead, and is then copied anew"
"""The remedy for a damaged file: it may be anybody's database, and the only copy."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_FULL = 1000
"""Frames at which a wal2 writer goes on in the other log, unless it is told otherwise (wal_autocheckpoint)."""
_ROLLBACK, _WAL, _WAL2 = 1, 2, 3
"""Header byte 19 (sqlite.org/fileformat2.html; 3: the bedrock branch)."""
_SLOTS = {_WAL: (0, 4), _WAL2: (1, 4)}
_TICK = 0.05
"""Seconds. The clock of a file's modification time is no coarser (ext4: 4 ms)."""
_PAUSE = 0.005
_FOLLOWS = 3
"""Attempts to copy without locks where locks would do as well."""
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HOT = ("a writer has crashed and left a journal, which was rolled back in a copy",)


@dataclass
class Snapshot:
    """What an engine may read, and how it was got."""

    path: Path
    how: str
    """`copy`, `locks` or `watch`."""
    views: dict[str, Content]
    notes: tuple[str, ...] = ()
    """What is odd about the files, a clause each."""
    private: bool = False
    """The views are copies that the engine may write to: it has a journal to roll back."""
    closing: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        self.closing.close()


class _AgainError(Exception):
    """Somebody was in the way; `what` says so if it stays that way."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def take_snapshot(
    path: Path, *, copy: bool = False, patience: float = 10.0, tick: Callable[[int], None] | None = None
) -> Snapshot:
    """A snapshot of the database in the file `path`.

    Args:
        copy: copy it, however large it is, so that checkpoints wait only for the copy.
        patience: seconds to wait for a writer that is in the way.
        tick: called now and then with the number of bytes copied.

    Raises WasmfixError for what is no readable database, SnapshotError if a writer never lets us.
    """
    if "\0" in str(path):
        name = str(path).replace("\0", "\\0")
        raise WasmfixError("no such file: a name has no NUL character", where=name, remedy="name the database's file")
    with _explained(path):
        real = path.resolve(strict=True)
        if native.is_open_here(real):
            # A connection of Python's sqlite3 that nobody holds any more is open until then: it refers to itself.
            gc.collect()
        if native.is_open_here(real):
            what = "another SQLite has it open in this process, and would lose its locks when it is read here"
            raise WasmfixError(what, where=path, remedy="close that connection before, or read it in another process")
        deadline = time.monotonic() + patience
        while True:
            try:
                return _attempt(path, real, copy, tick)
            except _AgainError as error:
                if time.monotonic() > deadline:
                    remedy = "try again when it is quieter, or stop the writer"
                    raise SnapshotError(error.what, where=path, remedy=remedy) from None
            time.sleep(_PAUSE)


def _attempt(path: Path, real: Path, copy: bool, tick: Callable[[int], None] | None) -> Snapshot:
    with ExitStack() as stack:
        fd = open_quietly(real)
        stack.callback(os.close, fd)
        mode = _check_header(path, fd)
        snapshot: Snapshot
        if read_table(real):
            snapshot = _beside_engine(path, real, fd, mode, stack, tick)
        elif mode == _ROLLBACK:
            snapshot = _rollback(path, real, fd, copy, stack, tick)
        else:
            snapshot = _with_wal(path, real, fd, mode, copy, stack, tick)
        if not same_file(real, fd):
            raise _AgainError("is being replaced all the time")
        _cut_wal2(snapshot.views)
        snapshot.closing = stack.pop_all()
        return snapshot


def _cut_wal2(views: dict[str, Content]) -> None:
    """Cut a `-wal2` that ends within its first frame to its header, which counts as much.

    SQLite asks which page of the WAL index its last frame is in, and for frame 0 of this WAL the unsigned answer is
    some billions (walFramePage2(), called by walIndexRecoverOne()): it runs out of memory.
    """
    content = views.get("-wal2")
    if content is None:
        return
    data = bytearray(wal.HEADER_BYTES)
    header = wal.parse_header(bytes(data[: content.read_into(memoryview(data), 0)]))
    if header is not None and header.ends_in_first_frame(content.size()):
        content.truncate(wal.HEADER_BYTES)


# WAL, native or nobody


def _with_wal(
    path: Path, real: Path, fd: int, mode: int, copy: bool, stack: ExitStack, tick: Callable[[int], None] | None
) -> Snapshot:
    if mode == _WAL2 and _is_native_there(real) and _room_for(_total(real, fd)):
        for _ in range(_FOLLOWS):
            with suppress(MissedError):
                return _follow(path, real, fd, stack, tick)
    held = _take_read_locks(real, fd, mode, stack)
    watch = None if held else _watcher(path, fd)
    files = {"": fd}
    for suffix in ("-wal", "-wal2") if mode == _WAL2 else ("-wal",):
        beside = _beside(real, suffix)
        try:
            files[suffix] = open_beside(beside)
        except FileNotFoundError:
            continue
        stack.callback(os.close, files[suffix])
    sizes = {suffix: os.fstat(each).st_size for suffix, each in files.items()}
    for suffix, each in files.items():
        if not same_file(_beside(real, suffix), each):
            raise _AgainError("its WAL is being replaced all the time")
    notes = _look_at_wals(path, fd, mode, files)
    views: dict[str, Content] = {}
    total = sum(sizes.values())
    if copy or total <= SMALL or (held and _room_for(total)):
        # Under locks the WALs only grow, and a cut through one is as after a crash.
        for suffix, each in files.items():
            content = copy_file(each, real.parent, between=_ticking(tick) if suffix == "" else None)
            stack.callback(content.close)
            views[suffix] = content
        how = "copy"
    else:
        for suffix, each in files.items():
            views[suffix] = PinnedFile(each, sizes[suffix], watch)
        how = "locks" if held else "watch"
    if watch is not None:
        try:
            watch()
        except SnapshotError as error:
            raise _AgainError("is being written to all the time") from error
        # Who came in between has had no checkpoint yet; but from now on its locks count.
        if how == "watch" and read_table(real):
            raise _AgainError("is being opened all the time")
    if how == "copy" and held:
        held.close()
    if "-wal2" in views and views.get("-wal") is None:
        # As native does it: see the note.
        del views["-wal2"]
    return Snapshot(path, how, views, notes)


def _take_read_locks(real: Path, fd: int, mode: int, stack: ExitStack) -> ExitStack | None:
    """Locks that keep checkpoints away, if a native process has the WAL open."""
    if not native.AVAILABLE:
        return None
    with ExitStack() as locks:
        try:
            shm = open_beside(_beside(real, "-shm"))
        except FileNotFoundError:
            shm = -1
        if shm >= 0:
            locks.callback(os.close, shm)
        if not native.try_share_database(fd):
            raise _AgainError("another process has it locked exclusively")
        locks.callback(native.release_database, fd)
        if shm < 0 or not native.is_held(shm, native.DEAD_MAN):
            return None
        if not native.try_read_locks(shm, _SLOTS[mode]):
            raise _AgainError("a checkpoint is running all the time")
        if not same_file(_beside(real, "-shm"), shm):
            raise _AgainError("is being opened all the time")
        # The mode is changed under an exclusive lock only.
        if _mode(read_at(fd, _HEADER_BYTES, 0)) != mode:
            raise _AgainError("its journal mode is being changed")
        held = locks.pop_all()
        stack.callback(held.close)
        return held
    return None


def _is_native_there(real: Path) -> bool:
    """Whether a native process has the WAL open."""
    if not native.AVAILABLE:
        # Then nobody can tell, and no lock would help.
        return True
    try:
        shm = open_beside(_beside(real, "-shm"))
    except FileNotFoundError:
        return False
    try:
        return native.is_held(shm, native.DEAD_MAN)
    finally:
        os.close(shm)


def _total(real: Path, fd: int) -> int:
    """Bytes of the database and its WALs."""
    total = os.fstat(fd).st_size
    for suffix in ("-wal", "-wal2"):
        with suppress(FileNotFoundError):
            total += _beside(real, suffix).stat().st_size
    return total


def _room_for(size: int) -> bool:
    """Whether a copy is worth while: not too large, and the temporary folder stays half empty."""
    return size <= LARGE and size * 2 < shutil.disk_usage(tempfile.gettempdir()).free


def _watcher(path: Path, fd: int) -> Callable[[], None]:
    """A function that raises SnapshotError once the database file has been written to."""
    before = os.fstat(fd)
    if -_TICK < time.time() - before.st_mtime < _TICK:
        raise _AgainError("is being written to all the time")

    def watch() -> None:
        now = os.fstat(fd)
        if now.st_mtime_ns != before.st_mtime_ns or now.st_size != before.st_size:
            raise SnapshotError("was written to while it was read", where=path, remedy="run it again")

    return watch


# The engine


def _beside_engine(
    path: Path, real: Path, fd: int, mode: int, stack: ExitStack, tick: Callable[[int], None] | None
) -> Snapshot:
    if mode == _ROLLBACK:
        return _unlocked_copy(path, real, fd, stack, tick)
    try:
        return _follow(path, real, fd, stack, tick)
    except MissedError:
        raise _AgainError("its WAL is overwritten faster than it can be copied") from None


def _follow(path: Path, real: Path, fd: int, stack: ExitStack, tick: Callable[[int], None] | None) -> Snapshot:
    views = Follower(real, fd, tick).copy()
    for content in views.values():
        stack.callback(content.close)
    return Snapshot(path, "copy", views)


def _unlocked_copy(path: Path, real: Path, fd: int, stack: ExitStack, tick: Callable[[int], None] | None) -> Snapshot:
    """Of a database with a rollback journal, from between two transactions of the engine's writers.

    Whoever writes the database has EXCLUSIVE in its row, and counts when it is given up: if nobody has it before and
    after, and no count has changed, nothing was written.
    """
    before = read_table(real)
    if any(row.writes_database for row in before):
        raise _AgainError("is being written to all the time")
    hot = _journal(real)
    if hot and any(row.has_transaction for row in before):
        hot = False
    content = copy_file(fd, real.parent, between=_ticking(tick))
    stack.callback(content.close)
    views: dict[str, Content] = {"": content}
    if hot:
        hot = _add_journal(path, real, views, stack)
    after = read_table(real)
    rows = [(row.owner, row.count) for row in before]
    if any(row.writes_database for row in after) or rows != [(row.owner, row.count) for row in after]:
        raise _AgainError("is being written to all the time")
    return Snapshot(path, "copy", views, _HOT if hot else (), private=hot)


# Rollback journals


def _rollback(
    path: Path, real: Path, fd: int, copy: bool, stack: ExitStack, tick: Callable[[int], None] | None
) -> Snapshot:
    with ExitStack() as lock:
        if native.AVAILABLE:
            if not native.try_share_database(fd):
                raise _AgainError("another process is writing to it")
            lock.callback(native.release_database, fd)
        # As hasHotJournal(): a journal whose writer holds RESERVED is in use, and has not touched the database yet.
        journal = _journal(real)
        in_use = native.AVAILABLE and native.is_held(fd, native.RESERVED)
        hot = journal and not in_use
        size = os.fstat(fd).st_size
        if not (copy or hot or in_use or size <= SMALL) and time.time() - os.fstat(fd).st_mtime > 60:
            lock.close()
            _check_size(path, fd)
            return Snapshot(path, "watch", {"": PinnedFile(fd, size, _watcher(path, fd))})
        watch = None if native.AVAILABLE else _watcher(path, fd)
        content = copy_file(fd, real.parent, between=_ticking(tick))
        stack.callback(content.close)
        views: dict[str, Content] = {"": content}
        if hot:
            hot = _add_journal(path, real, views, stack)
        else:
            _check_size(path, content.fd)
        if watch is not None:
            watch()
        return Snapshot(path, "copy", views, _HOT if hot else (), private=hot)


def _add_journal(path: Path, real: Path, views: dict[str, Content], stack: ExitStack) -> bool:
    try:
        fd = open_beside(_beside(real, "-journal"))
    except FileNotFoundError:
        return False
    stack.callback(os.close, fd)
    views["-journal"] = copied = copy_file(fd, real.parent)
    stack.callback(copied.close)
    # It ends so if it has the name of a super-journal, which decides whether the transaction counts
    # (sqlite.org/atomiccommit.html, section 5).
    if read_at(copied.fd, len(_JOURNAL_MAGIC), max(0, copied.size() - len(_JOURNAL_MAGIC))) == _JOURNAL_MAGIC:
        what = "a writer has crashed in the middle of a transaction over several databases"
        raise WasmfixError(what, where=path, remedy="open it once with the program that writes it")
    return True


def _journal(real: Path) -> bool:
    """Whether there is a journal with content (a first byte of 0: PRAGMA journal_mode = PERSIST has ended it)."""
    try:
        fd = open_beside(_beside(real, "-journal"))
    except FileNotFoundError:
        return False
    try:
        return read_at(fd, 1, 0) not in (b"", b"\0")
    finally:
        os.close(fd)


# What is wrong with a file


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise WasmfixError("no such file", where=path, remedy="name the database's file") from error
    except PermissionError as error:
        where = error.filename or path
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=where, remedy="run as its owner") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _loop(path) from error
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=error.filename or path) from error
    except RuntimeError as error:  # Path.resolve() before Python 3.13
        raise _loop(path) from error


def _loop(path: Path) -> WasmfixError:
    return WasmfixError("a loop of symbolic links", where=path, remedy="name the database's file")


def _check_header(path: Path, fd: int) -> int:
    """The journal mode (header byte 19)."""
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        raise WasmfixError("is a folder", where=path, remedy="name the database's file in it")
    if not stat.S_ISREG(status.st_mode):
        raise WasmfixError("is not a file", where=path, remedy="name the database's file")
    header = read_at(fd, _HEADER_BYTES, 0)
    if not header:
        return _ROLLBACK  # an empty file is a database without tables
    remedy = "name the database's file; its -wal and -shm belong to it"
    if not header.startswith(_MAGIC[: len(header)]):
        raise WasmfixError("is not an SQLite database", where=path, remedy=remedy)
    if len(header) < _HEADER_BYTES:
        what = f"is cut off: it has {len(header)} bytes of its header's {_HEADER_BYTES}"
        raise WasmfixError(what, where=path, remedy=RESTORE)
    page_size = _page_size(header)
    if page_size & (page_size - 1) or not 512 <= page_size <= 65536:
        what = f"is damaged: its header has the page size {page_size}"
        raise WasmfixError(what, where=path, remedy=RESTORE)
    if header[19] > _WAL2:
        what = f"has the file format {header[18]}.{header[19]} of a future SQLite; 3 is the last one known"
        raise WasmfixError(what, where=path, remedy="update wasmfix and the package whose engine it uses")
    return _mode(header)


def _mode(header: bytes) -> int:
    return max(header[19], _ROLLBACK) if len(header) > 19 else _ROLLBACK


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    return 65536 if size == 1 else size


def _check_size(path: Path, fd: int) -> None:
    """Raises WasmfixError if the file is shorter than its header says. Without a WAL only."""
    header = read_at(fd, _HEADER_BYTES, 0)
    if len(header) < _HEADER_BYTES or header[24:28] != header[92:96]:
        return  # the number of pages is not kept (versions before 3.7.0)
    wanted = int.from_bytes(header[28:32], "big") * _page_size(header)
    size = os.fstat(fd).st_size
    if size < wanted:
        what = f"is cut off: it has {size:,} of {wanted:,} bytes"
        raise WasmfixError(what, where=path, remedy=RESTORE)


def _look_at_wals(path: Path, fd: int, mode: int, files: dict[str, int]) -> tuple[str, ...]:
    """Notes on the WALs; raises WasmfixError for one of another database."""
    page_size = _page_size(read_at(fd, _HEADER_BYTES, 0))
    headers = {suffix: wal.read_header(each) for suffix, each in files.items() if suffix}
    for suffix, header in headers.items():
        if header is None:
            continue
        where = f"{path}{suffix}"
        remedy = "move it away if it was put there by hand: its commits are then gone"
        if header.page_size != page_size:
            what = f"belongs to another database: its pages have {header.page_size} bytes, the database's {page_size}"
            raise WasmfixError(what, where=where, remedy=remedy)
        if header.is_wal2 != (mode == _WAL2):
            what = "belongs to another database, or was left from another journal mode"
            raise WasmfixError(what, where=where, remedy=remedy)
        cookie = wal.newest_schema_cookie(PinnedFile(files[suffix], os.fstat(files[suffix]).st_size), header)
        # Checkpoints bring it from the WAL into the database, and it only grows.
        if cookie is not None and cookie < int.from_bytes(read_at(fd, 4, wal.SCHEMA_COOKIE_AT), "big"):
            what = "belongs to another database, or to an older copy of this one: the database's schema is newer"
            raise WasmfixError(what, where=where, remedy=remedy)
    if all(header is None for header in headers.values()):
        _check_size(path, fd)
        return ()
    if mode != _WAL2:
        return ()
    first, second = headers.get("-wal"), headers.get("-wal2")
    if second is not None and second.ends_in_first_frame(os.fstat(files["-wal2"]).st_size):
        return (
            "its -wal2 is cut off within its first frame: the commits in it are lost if they were not in -wal;"
            " native SQLite fails to open it",
        )
    if first is not None and first.ends_in_first_frame(os.fstat(files["-wal"]).st_size):
        return ("its -wal is cut off within its first frame: its commits are lost, and those of a -wal2 that follows",)
    if first is None and second is not None and ("-wal" not in files or os.fstat(files["-wal"]).st_size <= 32):
        return ("its -wal is missing or empty: SQLite then ignores the -wal2, and the commits in both are lost",)
    if first is not None and second is None and first.count > 0:
        return ("its -wal2 is missing, though it has been used: the commits in it are lost if they were not in -wal",)
    if first is not None and "-wal2" not in files and first.frames(os.fstat(files["-wal"]).st_size) >= _FULL:
        # The first time that it is left nothing is written into -wal. Who opens a wal2 database makes both files.
        return ("its -wal2 is missing, and its -wal is full: the commits that came after it are lost",)
    if first is not None and second is not None:
        for newer, older in (("-wal2", "-wal"), ("-wal", "-wal2")):
            if _is_torn_off(files, headers, newer, older):
                what = f"its {older} ends before its {newer} begins, it was cut off"
                return (f"{what}: the commits in between and after are lost",)
    return ()


def _is_torn_off(files: dict[str, int], headers: dict[str, wal.WalHeader | None], newer: str, older: str) -> bool:
    """Whether recovery ignores the newer log (walIndexRecover()): its salts are the checksum of the older one's end."""
    after, before = headers[newer], headers[older]
    if after is None or before is None or (before.count + 1) & 15 != after.count & 15:
        return False
    follows = wal.read_frame(_whole(files[newer]), after, 1)
    if follows is None or follows.salts != after.salts:
        return False  # begun, and nothing is in it
    content = _whole(files[older])
    # From the end on: there it is, unless an earlier use of the log was longer, or a transaction was undone.
    for number in range(before.frames(content.size()), 0, -1):
        frame = wal.read_frame(content, before, number)
        if frame is not None and (frame.salts, frame.checksum) == (before.salts, after.salts):
            return False
    return True


def _whole(fd: int) -> PinnedFile:
    return PinnedFile(fd, os.fstat(fd).st_size)


def _beside(real: Path, suffix: str) -> Path:
    return Path(f"{real}{suffix}")


def _ticking(tick: Callable[[int], None] | None) -> Callable[[object, int], None] | None:
    return None if tick is None else lambda _copy, done: tick(done)
