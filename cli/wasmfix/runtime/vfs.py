"""The engine's files: a small name space of its own, read-only but for what is private.

The engine never learns a real path. Its database is `/db`, beside it `/db-wal`, `/db-wal2`, `/db-journal`: whatever a
snapshot has. Nothing that it asks for can create, change or touch a file beside the replica; what it writes
(sorting, or rolling back a journal in a private copy) goes into unnamed temporary files.

Only one connection works on a view, so locks are granted as they come, and the WAL index is memory of the
engine: it makes one from the frozen WAL, as after a crash (wal.c, walIndexRecover).
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wasmfix.runtime import codes
from wasmfix.runtime.files import Content, PrivateFile
from wasmfix.runtime.host import Import
from wasmfix.runtime.wal import VERSION_WAL2

if TYPE_CHECKING:
    from wasmfix.runtime.instance import Instance

MAIN = "/db"

# Flags of xOpen and xAccess (sqlite.org/c3ref/c_open_autoproxy.html, c_access_exists.html).
_READONLY, _READWRITE, _CREATE, _DELETE_ON_CLOSE = 0x1, 0x2, 0x4, 0x8
_ACCESS_EXISTS = 0
_SHARED = 1
_REGION = 32768
"""Bytes of a region of the WAL index (wal.c, WALINDEX_PGSZ)."""


class Vfs:
    """The files of one instance.

    Args:
        views: by suffix (`""`, `-wal`, `-wal2`, `-journal`) what the snapshot has.
        private: the views are copies of our own, which may be written.
    """

    def __init__(self, instance: Instance, views: dict[str, Content], *, private: bool) -> None:
        self._instance = instance
        self._named: dict[str, Content] = {MAIN + suffix: content for suffix, content in views.items()}
        self._private = private
        self._open: dict[int, Content] = {}
        self._temporary: set[int] = set()
        self._next = 1
        self._regions: list[int] = []
        self._errno = 0

    def imports(self) -> dict[str, Import]:
        """By the names of wasm/c/imports.h. None of them raises."""
        safe = self._safe
        return {
            "vfs_open": safe(self._open_file, -codes.CANTOPEN),
            "vfs_close": safe(self._close, codes.IOERR),
            "vfs_read": safe(self._read, codes.IOERR_READ),
            "vfs_write": safe(self._write, codes.IOERR_WRITE),
            "vfs_truncate": safe(self._truncate, codes.IOERR),
            "vfs_sync": lambda _file, _flags: codes.OK,
            "vfs_size": safe(self._size, codes.IOERR),
            "vfs_lock": lambda _file, level: codes.OK if level <= _SHARED or self._private else codes.BUSY,
            "vfs_unlock": lambda _file, _level: codes.OK,
            "vfs_check_reserved": safe(self._check_reserved, codes.IOERR),
            "vfs_has_moved": lambda _file: 0,
            "vfs_shm_map": safe(self._shm_map, codes.NOMEM),
            "vfs_shm_lock": lambda _file, _offset, _slots, _flags: codes.OK,
            "vfs_shm_barrier": lambda _file: None,
            "vfs_shm_unmap": lambda _file, _delete: codes.OK,
            "vfs_delete": safe(self._delete, codes.IOERR),
            "vfs_access": safe(self._access, codes.IOERR),
            "vfs_full_path": safe(self._full_path, codes.CANTOPEN),
            "vfs_last_error": lambda: self._errno,
            "randomness": safe(self._randomness, 0),
            "sleep": lambda microseconds: time.sleep(microseconds / 1e6),
            "now": lambda: time.time() * 1000,
            "local_time": safe(self._local_time, 1),
        }

    def close(self) -> None:
        """Closes what the engine has left open. The views are the snapshot's."""
        for number in self._temporary:
            self._open[number].close()
        self._temporary.clear()
        self._open.clear()
        self._regions.clear()

    def _safe(self, method: Callable[..., int], failure: int) -> Import:
        """`method`, whose exceptions wait in the instance until C is left."""
        instance = self._instance

        def guarded(*arguments: int | float) -> int:
            if instance.pending is not None:
                return failure
            try:
                return method(*arguments)
            except OSError as error:
                self._errno = error.errno or 0
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    return codes.FULL if failure > 0 else failure
                instance.pending = error
                return failure
            except BaseException as error:
                instance.pending = error
                return failure

        return guarded

    def _open_file(self, name_at: int, flags: int, out_flags: int, out_characteristics: int) -> int:
        name = self._instance.text(name_at)
        number = self._next
        if name == "" or flags & _DELETE_ON_CLOSE:
            self._open[number] = PrivateFile()
            self._temporary.add(number)
        elif name in self._named:
            content = self._named[name]
            self._open[number] = content
            if not content.writable:
                flags = flags & ~(_READWRITE | _CREATE) | _READONLY
        elif flags & _CREATE and (self._private or name.startswith(f"{MAIN}-wal")):
            # A WAL that does not exist is an empty one.
            self._named[name] = self._open[number] = PrivateFile()
        else:
            return -codes.CANTOPEN
        self._next += 1
        self._instance.put_int(out_flags, flags)
        self._instance.put_int(out_characteristics, 0)
        return number

    def _close(self, number: int) -> int:
        content = self._open.pop(number)
        if number in self._temporary:
            self._temporary.remove(number)
            content.close()
        return codes.OK

    def _read(self, number: int, to: int, count: int, offset: float) -> int:
        self._instance.check(count)
        target = self._instance.slice(to, count)
        done = self._open[number].read_into(target, int(offset))
        if done == count:
            return codes.OK
        target[done:] = bytes(count - done)
        return codes.IOERR_SHORT_READ

    def _write(self, number: int, source: int, count: int, offset: float) -> int:
        self._instance.check()
        content = self._open[number]
        if not content.writable:
            return codes.READONLY
        content.write(self._instance.slice(source, count), int(offset))
        return codes.OK

    def _truncate(self, number: int, size: float) -> int:
        self._open[number].truncate(int(size))
        return codes.OK

    def _size(self, number: int, out: int) -> int:
        self._instance.put_double(out, self._open[number].size())
        return codes.OK

    def _check_reserved(self, _number: int, out: int) -> int:
        self._instance.put_int(out, 0)
        return codes.OK

    def _shm_map(self, _number: int, region: int, _size: int, extend: int, out: int) -> int:
        regions = self._regions
        if region >= len(regions) and not extend:
            self._instance.put_int(out, 0)
            return codes.OK
        while region >= len(regions):
            at = self._instance.allocate(_REGION)
            if at == 0:
                return codes.NOMEM
            self._instance.slice(at, _REGION)[:] = bytes(_REGION)
            regions.append(at)
        self._instance.put_int(out, regions[region])
        return codes.OK

    def recovered(self) -> tuple[int, int]:
        """The frames of `-wal` and of `-wal2` that the WAL index has (wal.c, WalIndexHdr)."""
        if not self._regions:
            return 0, 0
        version, second, _, _, first = struct.unpack("<5I", self._instance.slice(self._regions[0], 20))
        return first, second & 0x7FFFFFFF if version >= VERSION_WAL2 else 0

    def _delete(self, name_at: int, _sync: int) -> int:
        name = self._instance.text(name_at)
        if name not in self._named:
            return codes.IOERR_DELETE_NOENT
        if not self._private:
            return codes.READONLY
        # Somebody may have it open still; the snapshot closes it.
        del self._named[name]
        return codes.OK

    def _access(self, name_at: int, flags: int, out: int) -> int:
        content = self._named.get(self._instance.text(name_at))
        # An empty file does not count, as in os_unix.c.
        there = content is not None and content.size() > 0
        if flags != _ACCESS_EXISTS:
            there = content is not None and content.writable
        self._instance.put_int(out, int(there))
        return codes.OK

    def _full_path(self, name_at: int, room: int, out: int) -> int:
        name = self._instance.text(name_at).encode("utf-8", "surrogateescape")
        if len(name) + 1 > room:
            return codes.CANTOPEN
        self._instance.slice(out, len(name) + 1)[:] = name + b"\0"
        return codes.OK

    def _randomness(self, count: int, out: int) -> int:
        self._instance.slice(out, count)[:] = os.urandom(count)
        return count

    def _local_time(self, seconds: float, out: int) -> int:
        try:
            t = time.localtime(seconds)
        except (OverflowError, OSError, ValueError):
            return 1
        weekday = (t.tm_wday + 1) % 7  # struct tm begins with Sunday
        fields = (t.tm_sec, t.tm_min, t.tm_hour, t.tm_mday, t.tm_mon - 1, t.tm_year - 1900, weekday, t.tm_yday - 1)
        self._instance.slice(out, 36)[:] = struct.pack("<9i", *fields, t.tm_isdst)
        return 0
