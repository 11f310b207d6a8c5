"""A copy of a database in WAL mode that somebody writes to, made without any lock.

It is what a base backup is: a copy of the database file that is torn, as checkpoints write while it is being copied,
and all the WAL that was written or checkpointed meanwhile. Why that is a snapshot:

- A checkpoint writes only pages that are in a WAL. So a page of the copy is right unless a frame of that page was in a
  WAL at the beginning or was written since; and then the last such frame has the right content, and replaces the
  page whole.
- So nothing is missing if no WAL was overwritten before all of its committed frames were copied.

*wal*: the WAL must not be begun anew while we copy. Its header is written before the first frame is overwritten
(sqlite3WalFrames()); if the header is the same after the WAL was copied at the end, all frames are there.

*wal2*: writers append to one WAL, the *current* one, until it has 1000 frames, and then begin the other one anew, if
that is checkpointed. A thread looks at both headers every two milliseconds. A WAL that is not the current one does
not change, and is copied at the first look after the switch; its header tells, afterwards, that it was still whole.
The salts of the current WAL's header are the checksum of the last frame of the one before (wal.c, STARTUP/RECOVERY),
which proves that this is its end and that no WAL in between was missed. Frames of a WAL that has been begun anew
since are checkpointed by then: they go into the part of the copy that is made already, the rest will have them.

At the end the engine gets the copy and the WALs, the current one as far as it was written at that moment, and
recovers from them as after a crash: half a transaction at the end does not count.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wasmfix.runtime.copying import copy_file
from wasmfix.runtime.files import Content, MemoryFile, PrivateFile, open_beside, read_at, same_file
from wasmfix.runtime.wal import FRAME_HEADER_BYTES, HEADER_BYTES, WalHeader, read_frame, read_header

SUFFIXES = ("-wal", "-wal2")
_TRIES = 50
_MANY = 6
_PERIOD = 0.002
"""Seconds. The hardest writer takes some tens of milliseconds for the 1000 frames of a WAL."""
_IN_MEMORY = 8 * 2**20


def no_wal() -> PrivateFile:
    """A `-wal` that does not count, but is there: recovery cuts off a `-wal2` beside an empty one."""
    content = PrivateFile()
    content.write(memoryview(bytes(2 * HEADER_BYTES)), 0)
    return content


class MissedError(Exception):
    """A WAL was overwritten before it could be copied: begin again."""


@dataclass
class _Copy:
    """A WAL that is complete."""

    which: int
    header: WalHeader
    frames: int
    content: Content


class Follower:
    """Copies one database.

    Args:
        path: of the database, without symbolic links.
        fd: an open descriptor of it.
        tick: called now and then while the database is being copied, with the number of bytes so far.
    """

    def __init__(self, path: Path, fd: int, tick: Callable[[int], None] | None = None) -> None:
        self._path = path
        self._fd = fd
        self._tick = tick
        self._fds: list[int | None] = [None, None]
        self._current: tuple[int, bytes] | None = None
        self._before: _Copy | None = None
        self._void: bytes | None = None
        self._started = False
        self._due: list[_Copy] = []
        """Complete and checkpointed, to be written into the copy."""
        self._lock = threading.Lock()
        """For `_due`, while the thread runs."""
        self._stop = threading.Event()
        self._failure: BaseException | None = None

    def copy(self) -> dict[str, Content]:
        """The views: the database, and the WALs. Raises MissedError, or OSError."""
        database: PrivateFile | None = None
        try:
            self._look()
            with self._looking():
                database = copy_file(self._fd, self._path.parent, between=self._between)
            views = self._finish(database)
        except BaseException:
            if database is not None:
                database.close()
            self._drop()
            raise
        finally:
            for fd in self._fds:
                if fd is not None:
                    os.close(fd)
        return views

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """A thread of its own looks: writing the copy may stop for longer than a WAL lives."""
        thread = threading.Thread(target=self._look_on, name="wasmfix-follow", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _look_on(self) -> None:
        try:
            while not self._stop.wait(_PERIOD):
                self._look()
        except BaseException as error:
            self._failure = error

    def _between(self, database: PrivateFile, done: int) -> None:
        if self._failure is not None:
            raise MissedError
        if len(self._due) > _MANY:
            self._apply(database, done)
        if self._tick is not None:
            self._tick(done)

    def _look(self) -> None:
        """Notice a switch of WALs, and copy the one that was left."""
        self._open()
        headers = self._headers()
        now = self._find_current(headers)
        if self._started and now == self._current:
            return
        if not self._started:
            self._started = True
            self._current = now
            return
        # Both of the last look have been overwritten, or the files are others.
        if now is None or self._current is None:
            raise MissedError
        which, _ = now
        before = self._before
        if which == self._current[0] or before is None or before.header.data != self._current[1]:
            raise MissedError
        self._current = now

    def _open(self) -> None:
        if not same_file(self._path, self._fd):
            raise MissedError
        for i, suffix in enumerate(SUFFIXES):
            path = Path(f"{self._path}{suffix}")
            fd = self._fds[i]
            if fd is None:
                with suppress(FileNotFoundError):
                    self._fds[i] = open_beside(path)
            elif not same_file(path, fd):
                raise MissedError

    def _headers(self) -> list[WalHeader | None]:
        return [read_header(fd) if fd is not None else None for fd in self._fds]

    def _find_current(self, headers: list[WalHeader | None]) -> tuple[int, bytes] | None:
        """Which WAL is the current one, as walIndexRecover() decides; the other one, if it counts, is copied."""
        first, second = headers
        if first is None:
            # A switch to -wal is just writing its header; what was there is checkpointed.
            return (1, second.data) if second is not None and second.is_wal2 else None
        if not first.is_wal2:
            return 0, first.data
        if second is None:
            return 0, first.data
        if (first.count + 1) & 15 == second.count & 15:
            newer, older = 1, 0
        elif (second.count + 1) & 15 == first.count & 15:
            newer, older = 0, 1
        else:
            newer = 0 if first.count <= second.count else 1
            header = headers[newer]
            assert header is not None
            return newer, header.data
        header, previous = headers[newer], headers[older]
        assert header is not None
        assert previous is not None
        before = self._before
        if before is not None and before.header.data == previous.data:
            return newer, header.data
        if header.data == self._void:
            return older, previous.data
        copied = self._copy_complete(older, previous, header)
        if copied is None:
            # What follows does not belong to it: recovery would not count it either.
            self._void = header.data
            return older, previous.data
        if before is not None:
            if before.which == older or (self._current is not None and self._current[1] != previous.data):
                copied.content.close()
                raise MissedError
            with self._lock:
                self._due.append(before)
        self._before = copied
        return newer, header.data

    def _copy_complete(self, which: int, header: WalHeader, following: WalHeader) -> _Copy | None:
        fd = self._fds[which]
        assert fd is not None
        content = self._copy_wal(fd)
        if read_header(fd) != header:
            content.close()
            raise MissedError
        number = 0
        frames = 0
        while True:
            number += 1
            frame = read_frame(content, header, number)
            if frame is None or frame.salts != header.salts:
                break
            if frame.database_pages and frame.checksum == following.salts:
                frames = number
                break
        if frames == 0:
            content.close()
            return None
        return _Copy(which, header, frames, content)

    def _copy_wal(self, fd: int) -> Content:
        """Into memory: that is fast, whatever the disk is doing. A large one into a file."""
        size = os.fstat(fd).st_size
        return MemoryFile(read_at(fd, size, 0)) if size <= _IN_MEMORY else copy_file(fd, self._path.parent)

    def _apply(self, database: PrivateFile, limit: int | None = None) -> None:
        """Write the frames of WALs that have been overwritten since into the copy, in order.

        `limit`: the copy has so many bytes yet; the rest will be copied after these frames were checkpointed. A page
        that had a newer content already when it was copied is in a newer WAL, too.
        """
        with self._lock:
            due, self._due = self._due, []
        for copied in due:
            page_size = copied.header.page_size
            for number in range(1, copied.frames + 1):
                frame = read_frame(copied.content, copied.header, number)
                assert frame is not None
                if limit is not None and frame.page * page_size > limit:
                    continue
                buffer = memoryview(bytearray(page_size))
                offset = HEADER_BYTES + (number - 1) * copied.header.frame_bytes + FRAME_HEADER_BYTES
                copied.content.read_into(buffer, offset)
                database.write(buffer, (frame.page - 1) * page_size)
            copied.content.close()

    def _finish(self, database: PrivateFile) -> dict[str, Content]:
        """The current WAL as it is now, between two looks that agree."""
        for _ in range(_TRIES):
            self._look()
            views: dict[str, Content] = {}
            if self._current is not None:
                which, data = self._current
                fd = self._fds[which]
                assert fd is not None
                content = self._copy_wal(fd)
                views[SUFFIXES[which]] = content
                header = read_header(fd)
                if header is None or header.data != data:
                    content.close()
                    continue
            self._apply(database)
            if self._before is not None:
                views[SUFFIXES[self._before.which]] = self._before.content
            elif "-wal2" in views:
                views["-wal"] = no_wal()
            views[""] = database
            return views
        raise MissedError

    def _drop(self) -> None:
        if self._before is not None:
            self._before.content.close()
        for copied in self._due:
            copied.content.close()
