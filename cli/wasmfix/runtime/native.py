"""SQLite's own locks (POSIX record locks, os_unix.c), taken as a reader that writes nothing.

On Linux they are *open file description* locks (fcntl(2), F_OFD_SETLK): they exclude other processes' POSIX locks and
are excluded by them, but closing another descriptor of the same file in this process, or another connection here,
does not drop them, as it would drop POSIX locks. Elsewhere they are POSIX locks, with that trap.

The trap is there for others everywhere: when we close a descriptor of a file, the POSIX locks that another SQLite in
this process (Python's own `sqlite3`) has on the file are gone, whatever ours are. So such a file is not opened at all,
where that can be seen (is_open_here()).

Only shared locks are taken, on descriptors that are open for reading, and nobody is waited for while one is held.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

PENDING, RESERVED, SHARED, SHARED_COUNT = 0x40000000, 0x40000001, 0x40000002, 510
"""Bytes of the database file (sqlite.org/fileformat2.html#the_lock_byte_page, os.h)."""
READ_LOCK_0 = 123
"""Byte of `FILE-shm` that is WAL_READ_LOCK(0); the next four are the others."""
DEAD_MAN = 128
"""Byte of `FILE-shm` that every native connection holds shared as long as it is open (unixLockSharedMemory)."""

AVAILABLE = sys.platform != "win32" and struct.calcsize("P") == 8

# struct flock.
_DARWIN = sys.platform == "darwin"
_FLOCK = struct.Struct("@qqihh" if _DARWIN else "@hhqqi4x")


def try_shared(fd: int, start: int, count: int = 1) -> bool:
    """Take a shared lock on bytes; False if somebody has one of them exclusively."""
    kind = getattr(fcntl, "F_OFD_SETLK", fcntl.F_SETLK)
    try:
        fcntl.fcntl(fd, kind, _flock(fcntl.F_RDLCK, start, count))
    except (BlockingIOError, PermissionError):  # EAGAIN, EACCES
        return False
    return True


def release(fd: int, start: int, count: int = 1) -> None:
    kind = getattr(fcntl, "F_OFD_SETLK", fcntl.F_SETLK)
    with suppress(OSError):
        fcntl.fcntl(fd, kind, _flock(fcntl.F_UNLCK, start, count))


def is_held(fd: int, start: int, count: int = 1) -> bool:
    """Whether anybody else has a lock, shared or exclusive, on one of the bytes."""
    kind = getattr(fcntl, "F_OFD_GETLK", fcntl.F_GETLK)
    answer = fcntl.fcntl(fd, kind, _flock(fcntl.F_WRLCK, start, count))
    assert isinstance(answer, bytes)
    fields = _FLOCK.unpack(answer)
    found: Any = fields[3] if _DARWIN else fields[0]
    return bool(found != fcntl.F_UNLCK)


def try_share_database(fd: int) -> bool:
    """SHARED on the database file, as unixLock() takes it; False if a writer is in the way."""
    if not try_shared(fd, PENDING):
        return False
    done = try_shared(fd, SHARED, SHARED_COUNT)
    release(fd, PENDING)
    return done


def is_open_here(path: Path) -> bool:
    """Whether another SQLite in this process has the file open; False where that cannot be seen (not Linux).

    A descriptor of ours has O_NONBLOCK (files.open_quietly()), one of SQLite's has not. SQLite's is open for writing,
    or, if the connection is read-only, has POSIX locks at times (proc_pid_fdinfo(5)).
    """
    if sys.platform != "linux":
        return False
    with suppress(OSError):
        wanted = path.stat()
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the listing's own is closed by now
                fd = int(link.name)
                status = os.fstat(fd)
                if (status.st_ino, status.st_dev) != (wanted.st_ino, wanted.st_dev):
                    continue
                flags = fcntl.fcntl(fd, fcntl.F_GETFL)
                if flags & os.O_NONBLOCK:
                    continue
                if flags & os.O_ACCMODE == os.O_RDWR or "POSIX" in Path(f"/proc/self/fdinfo/{fd}").read_text():
                    return True
    return False


def release_database(fd: int) -> None:
    release(fd, SHARED, SHARED_COUNT)


def try_read_locks(shm: int, slots: Iterable[int]) -> bool:
    """WAL_READ_LOCK(i) for each of `slots`, shared; all or none."""
    taken: list[int] = []
    for slot in slots:
        if not try_shared(shm, READ_LOCK_0 + slot):
            for other in taken:
                release(shm, READ_LOCK_0 + other)
            return False
        taken.append(slot)
    return True


def _flock(kind: int, start: int, count: int) -> bytes:
    if _DARWIN:
        return _FLOCK.pack(start, count, 0, kind, os.SEEK_SET)
    return _FLOCK.pack(kind, os.SEEK_SET, start, count, 0)
