"""Copies of open files: by reference where the file system can, else inside the kernel where it can."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.runtime.files import PrivateFile, read_at, temporary_file, write_all

CHUNK = 4 * 2**20
"""Bytes copied at a time."""

Between = Callable[[PrivateFile, int], None]

_FICLONE = 0x40049409  # linux/fs.h; the same number on every machine but MIPS, PowerPC and SPARC


def copy_file(fd: int, folder: Path, *, between: Between | None = None) -> PrivateFile:
    """A private copy of an open file, as long as the file is now.

    Args:
        folder: of the file. Where the file system can share blocks (btrfs, xfs), the copy is an unnamed file there,
            and made in no time; else it is in the temporary folder.
        between: called after each chunk with the copy and the number of bytes copied so far.
    """
    clone = _clone(fd, folder)
    if clone is not None:
        if between is not None:
            between(clone, clone.size())
        return clone
    target = PrivateFile(temporary_file())
    try:
        _copy(fd, target, between)
    except OSError as error:
        target.close()
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            what = f"no room for a copy of the database ({os_reason(error)})"
            raise WasmfixError(what, where=folder, remedy="make room in the temporary folder, or set TMPDIR") from error
        raise
    except BaseException:
        target.close()
        raise
    return target


def _clone(fd: int, folder: Path) -> PrivateFile | None:
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        # Unnamed: nothing shows in the folder, and its times stay.
        clone = os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    file: IO[bytes] = os.fdopen(clone, "r+b", buffering=0)
    try:
        fcntl.ioctl(clone, _FICLONE, fd)
    except OSError:
        file.close()
        return None
    return PrivateFile(file)


def _copy(fd: int, target: PrivateFile, between: Between | None) -> None:
    # Not to the end: a WAL may grow faster than it is copied.
    size = os.fstat(fd).st_size
    done = 0
    while done < size:
        count = _copy_chunk(fd, target.fd, done, min(CHUNK, size - done))
        if count == 0:
            return
        done += count
        if between is not None:
            between(target, done)


def _copy_chunk(fd: int, to: int, offset: int, size: int) -> int:
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(fd, to, size, offset, offset)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF):
                raise
    data = read_at(fd, size, offset)
    write_all(to, data, offset)
    return len(data)
