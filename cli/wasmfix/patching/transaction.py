"""Changing a package's files: all or nothing, at whatever moment the process dies.

1. *Stage.* In `.wasmfix/`: `new/` gets every file that will be put in place, `originals/` and `undo/` a second name
   of every file that will be replaced or removed. The package itself is untouched; if we die here, the next run
   sweeps the folder away.
2. *Journal.* `journal.json` appears, by rename. From here on the change can always be completed: everything that it
   needs is on disk.
3. *Change.* One rename or removal a file, in order; the record is the last file.
4. *Commit.* The journal is removed. What is left over is swept away.

An error in 3 turns round: `journal.json` is renamed to `rollback.json` (which needs no space), the changes are undone
in reverse. Each step looks first whether it has been done, so whoever finds a journal can simply run it again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from wasmfix import __version__
from wasmfix.errors import WasmfixError, os_reason
from wasmfix.patching import files
from wasmfix.patching.files import FileState, inside, read_state
from wasmfix.patching.record import (
    FOLDER,
    JOURNAL,
    NEW,
    ORIGINALS,
    REINSTALL,
    ROLLBACK,
    SCHEMA_VERSION,
    UNDO,
    check_home,
    parse_times,
    read_record,
    read_versioned,
)

LOCK_WAIT = 60.0
"""Seconds that a second wasmfix waits for the first, whose files go to the disk one by one: a slow one takes long."""


@dataclass(frozen=True)
class Change:
    """One path, from what is there to what shall be there (None: nothing)."""

    path: str
    before: FileState | None
    after: FileState | None
    content: bytes | None = None
    """What to write; None takes it from `source`."""
    source: str | None = None
    """A file of the package (an original) that becomes this path, as the same inode."""
    pristine: bool = False
    """True if `before` is what the package manager installed: it is kept, not only until the commit."""

    @property
    def staged(self) -> str | None:
        return f"{NEW}/{stored_name(self.path)}" if self.after else None

    @property
    def backup(self) -> str | None:
        return f"{ORIGINALS if self.pristine else UNDO}/{stored_name(self.path)}" if self.before else None


@dataclass(frozen=True)
class Transaction:
    """A set of changes to one package."""

    action: str
    """`patch` or `restore`, for messages."""
    changes: tuple[Change, ...]
    made_folders: tuple[str, ...] = ()
    """Folders to make, parents first."""
    removed_folders: tuple[str, ...] = ()
    """Folders to remove, children first."""
    forward_times: Mapping[str, int] | None = None
    """Modification times that folders get when the transaction is done."""
    backward_times: Mapping[str, int] | None = None
    """Those that they get when it has been undone."""


def stored_name(path: str) -> str:
    return quote(path, safe="")


@contextlib.contextmanager
def locked(package: Path, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Only one wasmfix at a time in a package. The lock is on the folder itself, so nothing is left behind.

    Raises:
        WasmfixError: another one still has it after `wait` seconds, or the folder cannot be opened.
    """
    busy = WasmfixError("another wasmfix is at work here", where=package, remedy="wait for it, then run this again")
    if sys.platform == "win32":  # folders cannot be locked there
        import tempfile

        from filelock import FileLock, Timeout

        name = hashlib.sha256(os.fsencode(package)).hexdigest()
        lock = FileLock(Path(tempfile.gettempdir()) / f"wasmfix-{name}.lock")
        try:
            with lock.acquire(timeout=wait):
                yield
        except Timeout:
            raise busy from None
        return
    import fcntl

    try:
        handle = os.open(package, os.O_RDONLY)
    except OSError as error:
        remedy = "give yourself permission to read it, or reinstall the package"
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=package, remedy=remedy) from error
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise busy from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def interrupted(package: Path) -> bool:
    """True if a run was cut off after it began to change files. Only reads.

    Raises:
        WasmfixError: what is there is not ours.
    """
    check_home(package)
    return (package / JOURNAL).exists() or (package / ROLLBACK).exists()


def execute(package: Path, transaction: Transaction) -> None:
    """Do it all, or nothing. Call with the lock held, after `recover`.

    Raises:
        WasmfixError: it could not be done; the package is as it was.
    """
    check_home(package)
    worker = _Worker(package, transaction)
    try:
        worker.stage()
        worker.forward()
        worker.commit()
    except BaseException as error:
        raise worker.undone(error) from error
    worker.sweep_after_commit()


def recover(package: Path, action: str, force: bool = False) -> str | None:
    """Finish, or finish undoing, what an earlier run could not. Call with the lock held.

    Args:
        action: what the user asked for now, `patch` or `restore`; for messages.
        force: overwrite files that somebody changed in between.

    Returns:
        what was finished, in words; None if there was nothing.

    Raises:
        WasmfixError: it could not be finished, or what is there is not ours.
    """
    check_home(package)
    if not (package / FOLDER).exists():
        return None
    try:
        for name, backward in ((ROLLBACK, True), (JOURNAL, False)):
            content = read_versioned(package / name)
            if content is None:
                continue
            worker = _Worker(package, _load(content, package / name), action, force)
            if backward:
                worker.backward()
                files.remove(package / ROLLBACK)
                worker.sweep_after_undo()
                return f"undid an interrupted {worker.transaction.action}"
            worker.forward()
            worker.commit()
            worker.sweep_after_commit()
            return f"finished an interrupted {worker.transaction.action}"
        _sweep(package)
    except OSError as error:
        raise WasmfixError(
            f"an interrupted run cannot be finished ({os_reason(error)})",
            where=_where(package, error),
            remedy=_remedy(error),
        ) from error
    return None


class _Worker:
    """Carries out one transaction in one package."""

    def __init__(self, package: Path, transaction: Transaction, action: str = "", force: bool = False) -> None:
        self.package = package
        self.transaction = transaction
        self.action = action or transaction.action
        self.force = force
        status = package.stat()
        self.owner = (status.st_uid, status.st_gid) if files.is_root() else None

    def stage(self) -> None:
        for folder in (FOLDER, NEW, UNDO, ORIGINALS):
            files.make_folder(self.package / folder, self.owner)
        for change in self.transaction.changes:
            path = inside(self.package, change.path)
            if read_state(path) != change.before:
                raise WasmfixError("was changed while wasmfix was at work", where=path, remedy="run this again")
            if change.backup is not None:
                files.keep(path, self.package / change.backup)
            if change.staged is None:
                continue
            staged = self.package / change.staged
            if change.source is not None:
                files.keep(self.package / change.source, staged)
            else:
                assert change.content is not None
                assert change.after is not None
                files.write_new(staged, change.content, change.after.mode, self.owner)
        journal = self.package / NEW / "journal.json"
        files.write_new(journal, _dump(self.transaction), 0o644, self.owner)
        for folder in (NEW, UNDO, ORIGINALS, FOLDER):
            files.sync_folder(self.package / folder)
        files.rename_over(journal, self.package / JOURNAL)
        files.sync_folder(self.package / FOLDER)
        files.sync_folder(self.package)

    def forward(self) -> None:
        for folder in self.transaction.made_folders:
            files.make_folder(inside(self.package, folder), self.owner)
        for change in self.transaction.changes:
            self._put(change)
        for folder in self.transaction.removed_folders:
            files.remove_folder(inside(self.package, folder))
        self._sync()

    def commit(self) -> None:
        files.remove(self.package / JOURNAL)

    def backward(self) -> None:
        for folder in reversed(self.transaction.removed_folders):
            files.make_folder(inside(self.package, folder), self.owner)
        for change in reversed(self.transaction.changes):
            self._take_back(change)
        for folder in reversed(self.transaction.made_folders):
            files.remove_folder(inside(self.package, folder))
        self._sync()

    def undone(self, error: BaseException) -> BaseException:
        """Undo everything, and return what to raise: an OSError as one line of ours, all else as it came."""
        outcome = "nothing was changed"
        try:
            if (self.package / JOURNAL).exists():
                files.rename_over(self.package / JOURNAL, self.package / ROLLBACK)
                self.backward()
                files.remove(self.package / ROLLBACK)
            self.sweep_after_undo()
        except OSError as second:
            outcome = f"undoing it failed too ({os_reason(second)}) and is left to the next run"
        if not isinstance(error, OSError):
            return error
        what = f"cannot {self.transaction.action} ({os_reason(error)}), {outcome}"
        return WasmfixError(what, where=_where(self.package, error), remedy=_remedy(error))

    def sweep_after_undo(self) -> None:
        _sweep(self.package, self.transaction.backward_times)

    def sweep_after_commit(self) -> None:
        try:
            _sweep(self.package, self.transaction.forward_times)
        except OSError as error:
            raise WasmfixError(
                f"{self.transaction.action} is done, but left-overs could not be removed ({os_reason(error)})",
                where=self.package / FOLDER,
                remedy=f"run: wasmfix {self.transaction.action}",
            ) from error

    def _put(self, change: Change) -> None:
        path = inside(self.package, change.path)
        now = read_state(path)
        if change.after is None:
            if now is not None:
                self._check(path, now, change.before)
                files.remove(path)
            return
        assert change.staged is not None
        staged = self.package / change.staged
        if read_state(staged) is not None:
            if now is not None and not change.after.same_content(now):
                self._check(path, now, change.before)
            files.rename_over(staged, path)
        elif not change.after.same_content(now):
            raise WasmfixError("is missing, an interrupted run cannot be finished", where=staged, remedy=REINSTALL)

    def _take_back(self, change: Change) -> None:
        path = inside(self.package, change.path)
        now = read_state(path)
        if change.before is None:
            if now is not None:
                self._check(path, now, change.after)
                files.remove(path)
            return
        if change.before.same_content(now):
            return
        assert change.backup is not None
        backup = self.package / change.backup
        if read_state(backup) is None:
            raise WasmfixError("is missing, an interrupted run cannot be undone", where=backup, remedy=REINSTALL)
        if now is not None:
            self._check(path, now, change.after)
        files.rename_over(backup, path)

    def _check(self, path: Path, now: FileState, expected: FileState | None) -> None:
        if not now.same_content(expected) and not self.force:
            raise WasmfixError(
                "was changed by someone else since",
                where=path,
                remedy=f"run: wasmfix {self.action} --force to overwrite it",
            )

    def _sync(self) -> None:
        folders = {(self.package / change.path).parent for change in self.transaction.changes}
        for folder in sorted(folders | {self.package}):
            if folder.is_dir():
                files.sync_folder(folder)


def _where(package: Path, error: OSError) -> Path:
    """What an error is about. Of what we staged nothing is left when the user reads it."""
    path = Path(error.filename) if isinstance(error.filename, str) else package
    return package if path.is_relative_to(package / FOLDER) else path


def _remedy(error: OSError) -> str:
    return {
        errno.ENOSPC: "free some space and run this again",
        errno.EDQUOT: "free some space and run this again",
        errno.EROFS: "make the file system writable and run this again",
        errno.EACCES: "give yourself write permission and run this again",
        errno.EPERM: "give yourself write permission and run this again",
    }.get(error.errno or 0, "mend that and run this again")


def _sweep(package: Path, times: Mapping[str, int] | None = None) -> None:
    """Remove what a finished (or never begun) transaction left in `.wasmfix`; without a record, the folder too."""
    home = package / FOLDER
    record = read_record(package)
    kept = {file.original for file in record.files} if record else set()
    for folder in (NEW, UNDO, ORIGINALS):
        for file in sorted((package / folder).glob("*")):
            # A folder in there is none of ours.
            if f"{folder}/{file.name}" not in kept and not files.is_folder(file):
                files.remove(file)
        if files.is_folder(package / folder) and not (folder == ORIGINALS and kept - {None}):
            files.remove_folder(package / folder)
    if record is None and files.is_folder(home):
        files.remove_folder(home)
        files.sync_folder(package)
    for name, modified in (times or {}).items():
        path = package if name == "." else inside(package, name)
        if files.is_folder(path) and path.stat().st_mtime_ns != modified:
            files.set_times(path, path.stat().st_atime_ns, modified)


def _dump(transaction: Transaction) -> bytes:
    content = {
        "schema_version": SCHEMA_VERSION,
        "wasmfix": __version__,
        "action": transaction.action,
        "changes": [
            {
                "path": change.path,
                "before": change.before.to_json() if change.before else None,
                "after": change.after.to_json() if change.after else None,
                "pristine": change.pristine,
            }
            for change in transaction.changes
        ],
        "made_folders": list(transaction.made_folders),
        "removed_folders": list(transaction.removed_folders),
        "forward_times": transaction.forward_times,
        "backward_times": transaction.backward_times,
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _load(content: dict[str, object], file: Path) -> Transaction:
    def times(key: str) -> dict[str, int] | None:
        return parse_times(content[key]) if content.get(key) is not None else None

    def texts(key: str) -> tuple[str, ...]:
        value = content[key]
        if not isinstance(value, list):
            raise TypeError(key)
        return tuple(str(item) for item in value)

    def states(items: object) -> Sequence[Change]:
        if not isinstance(items, list):
            raise TypeError("changes")
        return [
            Change(
                path=str(item["path"]),
                before=FileState.from_json(item["before"]) if item["before"] else None,
                after=FileState.from_json(item["after"]) if item["after"] else None,
                pristine=bool(item["pristine"]),
            )
            for item in items
        ]

    try:
        return Transaction(
            action=str(content["action"]),
            changes=tuple(states(content["changes"])),
            made_folders=texts("made_folders"),
            removed_folders=texts("removed_folders"),
            forward_times=times("forward_times"),
            backward_times=times("backward_times"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WasmfixError("is damaged", where=file, remedy=REINSTALL) from error
