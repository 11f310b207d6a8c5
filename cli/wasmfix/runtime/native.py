"""SQLite's own locks (POSIX record locks, os_unix.c), taken as a reader that writes nothing.

On Linux they are *open file description* locks (fcntl(2), F_OFD_SETLK): they exclude other processes' POSIX locks and
are excluded by them, but closing another descriptor of the same file in this process, or another connection here,
does not drop them, as it would drop POSIX locks. Elsewhere they are POSIX locks, with that trap.

Only shared locks are taken, on descriptors that are open for reading, and nobody is waited for while one is held.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
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
