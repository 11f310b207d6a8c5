"""The file operations of a transaction: every system call that changes something goes through here.

Each is announced to `faults` first. That is where tests make the process die, or the call fail, before the n-th
operation: `WASMFIX_FAULT_AT=n`, and in `WASMFIX_FAULT` either `kill` (default) or the name of an errno.
`WASMFIX_FAULT_UNTIL` is the last operation that fails (default: the same one).

Paths are refused unless each folder between the package and the file is a real folder: nothing is ever written
through a symlink. Hard links are safe because no file is opened for writing but a new one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason


@dataclass(frozen=True)
class FileState:
    """What is at a path: content and mode. A symlink counts as its target's text."""

    sha256: str
    mode: int
    symlink: bool = False

    def to_json(self) -> dict[str, object]:
        return {"sha256": self.sha256, "mode": f"{self.mode:04o}", "symlink": self.symlink}

    @classmethod
    def from_json(cls, content: dict[str, object]) -> FileState:
        return cls(str(content["sha256"]), int(str(content["mode"]), 8), bool(content.get("symlink", False)))

    def same_content(self, other: FileState | None) -> bool:
        return other is not None and self.sha256 == other.sha256 and self.symlink == other.symlink


def content_state(content: bytes, mode: int) -> FileState:
    """The state that a file with this content will have."""
    return FileState(hashlib.sha256(content).hexdigest(), mode)


def read_state(path: Path) -> FileState | None:
    """The state of the file at `path`, None if nothing is there.

    Raises:
        WasmfixError: it is neither a file nor a symlink, or cannot be read.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = os.fsencode(path.readlink())
            return FileState(hashlib.sha256(target).hexdigest(), 0o777, symlink=True)
        if stat.S_ISREG(status.st_mode):
            return content_state(path.read_bytes(), stat.S_IMODE(status.st_mode))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        remedy = "give yourself permission to read it, or reinstall the package"
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=path, remedy=remedy) from error
    raise WasmfixError("is not a file", where=path, remedy="move it away and run wasmfix again")


def relative(path: str) -> str:
    """The path, if it stays in the folder from which it is meant, and is not that folder.

    Raises:
        ValueError: it does not.
    """
    parts = Path(path).parts
    if not parts or Path(path).anchor or ".." in parts or "\0" in path:
        raise ValueError(path)
    return path


def inside(package: Path, path: str) -> Path:
    """The path of a file in the package, if every folder on the way is a real one (or absent).

    Raises:
        WasmfixError: a symlink or a file on the way, or a path that leaves the package.
    """
    try:
        parts = Path(relative(path)).parts
    except ValueError:
        raise WasmfixError(f"the path {path!r} leaves the package", where=package) from None
    folder = package
    for part in parts[:-1]:
        folder /= part
        try:
            mode = folder.lstat().st_mode
        except FileNotFoundError:
            break
        except OSError as error:
            raise WasmfixError(f"cannot be read ({os_reason(error)})", where=folder) from error
        if not stat.S_ISDIR(mode):
            link = stat.S_ISLNK(mode)
            what = "is a symlink, wasmfix does not write through it" if link else "is not a folder"
            raise WasmfixError(what, where=folder, remedy="reinstall the package")
    return package.joinpath(*parts)


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


class _Faults:
    """Counts operations; asked to, it stops at one."""

    def __init__(self) -> None:
        self.count = 0
        self.at = int(os.environ.get("WASMFIX_FAULT_AT", "0"))
        self.until = int(os.environ.get("WASMFIX_FAULT_UNTIL", self.at))
        self.kind = os.environ.get("WASMFIX_FAULT", "kill")

    def arm(self, at: int, kind: str = "kill", until: int | None = None) -> None:
        self.count, self.at, self.kind, self.until = 0, at, kind, at if until is None else until

    def step(self, path: Path) -> None:
        self.count += 1
        if not self.at or not self.at <= self.count <= self.until:
            return
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        number: int = getattr(errno, self.kind)
        raise OSError(number, os.strerror(number), str(path))


faults = _Faults()
"""For tests."""


def make_folder(path: Path, owner: tuple[int, int] | None = None) -> None:
    """mkdir; an existing real folder is fine.

    Args:
        owner: as for `write_new`; a folder that an earlier run left without it gets it, too.
    """
    if not is_folder(path):
        faults.step(path)
        path.mkdir(mode=0o755)
    if owner is not None:
        status = path.lstat()
        if (status.st_uid, status.st_gid) != owner:
            faults.step(path)
            _give(path, owner)


def is_folder(path: Path) -> bool:
    """Whether a real folder is there, not a symlink to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def remove_folder(path: Path) -> None:
    """rmdir. An absent one is fine, and one with something in it stays: that is somebody else's."""
    faults.step(path)
    try:
        path.rmdir()
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def write_new(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Create a file with this content and mode, on disk when this returns.

    Args:
        owner: user and group, for a root who works in somebody's project; None leaves them.
    """
    faults.step(path)
    # O_EXCL refuses whatever is there, a symlink too.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        # In two writes, so that a test can stop between them.
        half = len(content) // 2
        for start, end in ((0, half), (half, len(content))):
            faults.step(path)
            while start < end:
                start += os.write(handle, content[start:end])
        faults.step(path)
        if hasattr(os, "fchmod"):  # Windows has it from CPython 3.13 on, and no modes to speak of.
            os.fchmod(handle, mode)
        if owner is not None:
            _give(handle, owner)
        faults.step(path)
        os.fsync(handle)
    finally:
        os.close(handle)


def _give(what: Path | int, owner: tuple[int, int]) -> None:
    """chown, as far as it goes: the root of a container may know neither the owner (EINVAL) nor how to give (EPERM)."""
    for user, group in (owner, (owner[0], -1)):
        try:
            if isinstance(what, int):
                os.fchown(what, user, group)
            else:
                os.chown(what, user, group, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EPERM):
                raise
        else:
            return


# File systems without hard links, and Linux' protection of files that belong to someone else.
_NO_LINKS = (errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES)


def keep(path: Path, kept: Path) -> None:
    """Make `kept` a second name of what is at `path`: the same inode, or a copy where links are not possible."""
    try:
        faults.step(kept)
        os.link(path, kept, follow_symlinks=False)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        _copy(path, kept)


def _copy(path: Path, copied: Path) -> None:
    status = path.lstat()
    owner = (status.st_uid, status.st_gid) if is_root() else None
    if stat.S_ISLNK(status.st_mode):
        faults.step(copied)
        copied.symlink_to(path.readlink())
        if owner is not None:
            _give(copied, owner)
        return
    write_new(copied, path.read_bytes(), stat.S_IMODE(status.st_mode), owner)
    set_times(copied, status.st_atime_ns, status.st_mtime_ns)


def rename_over(path: Path, target: Path) -> None:
    """Atomic: `target` is either what it was or what `path` was."""
    faults.step(target)
    with _about_its_folder(target):
        path.replace(target)


def remove(path: Path) -> None:
    """unlink; an absent one is fine."""
    faults.step(path)
    with _about_its_folder(path):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _about_its_folder(path: Path) -> Iterator[None]:
    """Names the folder in an error, where that is what does not let its entries be changed."""
    try:
        yield
    except OSError as error:
        about_folder = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
        raise OSError(error.errno, error.strerror, str(path.parent if about_folder else path)) from error


def set_times(path: Path, access_ns: int, modification_ns: int) -> None:
    faults.step(path)
    os.utime(path, ns=(access_ns, modification_ns))


def sync_folder(path: Path) -> None:
    """Renames and removals in the folder are on disk when this returns."""
    faults.step(path)
    if os.name == "nt":  # a folder cannot be opened there, nor need it be: NTFS logs renames
        return
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
