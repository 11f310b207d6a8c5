"""What the engine sees as files: a snapshot's, which nothing changes, and private ones that live in temporary files."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from wasmfix.errors import WasmfixError, os_reason

_O_NOATIME = getattr(os, "O_NOATIME", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)


class Content(Protocol):
    """Bytes that the engine reads. Errors are OSError, or what `watch` of a PinnedFile raises."""

    writable: bool

    def size(self) -> int: ...

    def read_into(self, target: memoryview, offset: int) -> int:
        """Fill `target` from `offset` on; the number of bytes, fewer than wanted only at the end."""

    def write(self, data: memoryview, offset: int) -> None: ...

    def truncate(self, size: int) -> None: ...

    def close(self) -> None: ...


class PinnedFile:
    """The first `length` bytes of an open file. Truncating shortens the view, never the file."""

    writable = False

    def __init__(self, fd: int, length: int, watch: Callable[[], None] | None = None) -> None:
        self.fd = fd
        self._length = length
        self._watch = watch

    def size(self) -> int:
        return self._length

    def read_into(self, target: memoryview, offset: int) -> int:
        wanted = min(len(target), self._length - offset)
        count = read_into(self.fd, target[:wanted], offset) if wanted > 0 else 0
        # After the bytes: what was written before them has moved the file's time by now.
        if self._watch is not None:
            self._watch()
        return count

    def write(self, data: memoryview, offset: int) -> None:
        raise PermissionError("a snapshot is not written to")

    def truncate(self, size: int) -> None:
        self._length = min(self._length, size)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class MemoryFile:
    """Bytes that we have read already."""

    writable = False

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def size(self) -> int:
        return len(self._data)

    def read_into(self, target: memoryview, offset: int) -> int:
        data = self._data[offset : offset + len(target)]
        target[: len(data)] = data
        return len(data)

    def write(self, data: memoryview, offset: int) -> None:
        raise PermissionError("a snapshot is not written to")

    def truncate(self, size: int) -> None:
        self._data = self._data[:size]

    def close(self) -> None:
        self._data = memoryview(b"")


class PrivateFile:
    """A temporary file without a name."""

    writable = True

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self.file = file if file is not None else temporary_file()
        self.fd = self.file.fileno()

    def size(self) -> int:
        return os.fstat(self.fd).st_size

    def read_into(self, target: memoryview, offset: int) -> int:
        return read_into(self.fd, target, offset)

    def write(self, data: memoryview, offset: int) -> None:
        write_all(self.fd, data, offset)

    def truncate(self, size: int) -> None:
        os.ftruncate(self.fd, size)

    def close(self) -> None:
        self.file.close()


def open_quietly(path: Path) -> int:
    """A descriptor for reading that does not move the file's access time, where the system allows that."""
    # Not to wait for a writer if it is a FIFO.
    flags = os.O_RDONLY | _O_BINARY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    if _O_NOATIME:
        try:
            return os.open(path, flags | _O_NOATIME)
        except PermissionError:
            pass  # the file is somebody else's
    return os.open(path, flags)


def open_beside(path: Path) -> int:
    """open_quietly() of what lies beside a database: WasmfixError if it is there, and is no file."""
    fd = open_quietly(path)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    what = "is a folder" if stat.S_ISDIR(mode) else "is not a file"
    raise WasmfixError(what, where=path, remedy="move it away: the database has a file of its own under this name")


def same_file(path: Path, fd: int) -> bool:
    """Whether the file still has its name."""
    try:
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    here = os.fstat(fd)
    return (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev)


def temporary_file() -> IO[bytes]:
    """An unnamed file in the system's temporary folder (TMPDIR)."""
    try:
        return tempfile.TemporaryFile(prefix="wasmfix-", buffering=0)
    except OSError as error:
        what = f"no temporary file can be made ({os_reason(error)})"
        raise WasmfixError(what, remedy="make room in the temporary folder, or set TMPDIR") from error


if hasattr(os, "preadv"):

    def read_into(fd: int, target: memoryview, offset: int) -> int:
        """Fill `target`; the number of bytes, fewer only at the end of the file."""
        count = os.preadv(fd, [target], offset)
        if count == len(target) or count == 0:
            return count
        while count < len(target):
            more = os.preadv(fd, [target[count:]], offset + count)
            if more == 0:
                break
            count += more
        return count

    def write_all(fd: int, data: memoryview | bytes, offset: int) -> None:
        done = 0
        view = memoryview(data)
        while done < len(view):
            done += os.pwrite(fd, view[done:], offset + done)

else:  # Windows

    def read_into(fd: int, target: memoryview, offset: int) -> int:
        """Fill `target`; the number of bytes, fewer only at the end of the file."""
        os.lseek(fd, offset, os.SEEK_SET)
        count = 0
        while count < len(target):
            data = os.read(fd, len(target) - count)
            if not data:
                break
            target[count : count + len(data)] = data
            count += len(data)
        return count

    def write_all(fd: int, data: memoryview | bytes, offset: int) -> None:
        os.lseek(fd, offset, os.SEEK_SET)
        done = 0
        view = memoryview(data)
        while done < len(view):
            done += os.write(fd, view[done:])


def read_at(fd: int, count: int, offset: int) -> bytes:
    """Up to `count` bytes, fewer at the end of the file."""
    buffer = bytearray(count)
    return bytes(buffer[: read_into(fd, memoryview(buffer), offset)])
