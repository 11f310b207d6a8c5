"""`patch` and `restore` killed, or refused by the system, at each of their file operations.

The operation at which it happens counts up until a run gets through.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from patching.packages import write_catalogue, write_driver
from trees import snapshot
from wasmfix.errors import WasmfixError
from wasmfix.patching import files
from wasmfix.patching.assess import State
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.record import Inputs
from wasmfix.patching.run import Patcher, restore
from wasmfix.project.package import read_package

Tree = dict[str, tuple[object, ...]]
Act = Callable[[Path], object]

SHIM = """// orez sqlite shim - wasm
// mode: wasm, journal_mode: wal2
const { Database, SqliteError } = require('bedrock-sqlite');
Object.getPrototypeOf(new Database(':memory:').prepare('select 1')).scanStatusV2 = () => [];
module.exports = Database;
module.exports.SqliteError = SqliteError;
"""


@pytest.fixture(autouse=True)
def disarmed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # What a process wrote outlives its death; fsync is for power cuts, which no test can make, and takes minutes here.
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    yield
    files.faults.arm(0)


@pytest.fixture
def lean(package: Path) -> Path:
    """The package without its SQLite source's bulk, with a shim: each path of a patch is taken, copies are cheap."""
    source = package / "deps" / "sqlite3" / "sqlite3.c"
    content = source.read_bytes()
    source.unlink()
    source.write_bytes(content[:40_000] + content[-300:])
    for unconcerned in ("README.md", "LICENSE", "shell.js", "binding.gyp", "lib/methods", "lib/index.d.ts"):
        path = package / unconcerned
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    index = package / "lib" / "index.js"
    index.rename(index.with_name("index.js.orez-backup"))
    index.write_text(SHIM)
    return package


def content_of(package: Path) -> Tree:
    """A snapshot in which the record does not tell when folders were changed: a kill may cost their old times."""
    found = snapshot(package)
    record = package / ".wasmfix" / "record.json"
    if record.exists():
        content = json.loads(record.read_text())
        del content["folder_times"]
        found[".wasmfix/record.json"] = (json.dumps(content),)
    return found


class Case:
    """One action on copies of one tree."""

    def __init__(self, start: Path, patcher: Patcher, action: str) -> None:
        self.start = start
        self.patcher = patcher
        self.action = action
        self.loader = "lib/database.js" if (start / "lib").is_dir() else "dist/driver.js"
        self._number = itertools.count()
        self.original = snapshot(start)
        whole = self.copy()
        self.patch(whole)
        self.patched = content_of(whole)

    def copy(self, source: Path | None = None) -> Path:
        target = self.start.with_name(f"copy-{next(self._number)}")
        return Path(shutil.copytree(source or self.start, target, symlinks=True))

    def act(self, package: Path) -> None:
        (self.restore if self.action == "restore" else self.patch)(package)

    def patch(self, package: Path) -> None:
        self.patcher.patch(read_package(package))

    def restore(self, package: Path) -> None:
        restore(read_package(package))

    def state(self, package: Path) -> State:
        return self.patcher.assess(read_package(package)).state

    def killed_at(self, package: Path, operation: int) -> bool:
        """Act in a child that dies before that operation; False if it got through."""
        child = os.fork()
        if child == 0:
            try:
                files.faults.arm(operation, "kill")
                self.act(package)
                os._exit(0)
            except BaseException:
                os._exit(1)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def check_both_ways_on(self, package: Path) -> None:
        """Whatever was left there, the next patch patches it and the next restore restores it, completely."""
        other = self.copy(package)
        self.patch(package)
        assert content_of(package) == self.patched
        self.restore(other)
        assert snapshot(other) == self.original
        shutil.rmtree(package)
        shutil.rmtree(other)


def mode_switch(folder: Path, patcher: Patcher, mode: str) -> Case:
    """From one mode to the other: files of ours go, others come, and some are rewritten from their originals."""
    catalogue = load_catalogue(write_catalogue(folder / "catalogue"))
    package = write_driver(folder / "driver")
    towards = replace(patcher, catalogue=catalogue, engine=mode)
    case = Case(package, towards, f"to {mode}")
    replace(towards, engine="shim" if mode == "rebuild" else "rebuild").patch(read_package(package))
    assert case.state(package) is State.STALE
    return case


@pytest.fixture(params=["patch", "restore", "update", "to rebuild", "to shim"])
def case(request: pytest.FixtureRequest, lean: Path, patcher: Patcher, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A fresh patch; a restore; a patch over one that an older wasmfix made of other files; changes of the mode."""
    if request.param.startswith("to "):
        folder = lean.parent / "modes"
        folder.mkdir()
        return mode_switch(folder, replace(patcher, amalgamation=read_package(lean)), request.param.removeprefix("to "))
    case = Case(lean, patcher, request.param)
    if case.action == "restore":
        case.patch(lean)
    elif case.action == "update":
        with monkeypatch.context() as older:
            older.setattr("wasmfix.patching.run.engine_scripts", lambda: {"addon.cjs": b"old", "old/gone.js": b"old"})
            older.setattr("wasmfix.patching.run.current_inputs", lambda toolchain: Inputs("0.0.1", "old", toolchain))
            case.patch(lean)
        assert case.state(lean) is State.STALE
    return case


def loader_is_whole(package: Path, case: Case) -> bool:
    """The loader is the original one, or the patched one and all that it loads is there."""
    now = snapshot(package)
    if now["lib/database.js"] == case.original["lib/database.js"]:
        return True
    return all(now.get(path) == entry for path, entry in case.patched.items() if path.startswith("wasmfix/"))


def test_killed_at_any_operation_the_next_run_finishes(case: Case) -> None:
    states = set()
    for operation in itertools.count(1):
        package = case.copy()
        if not case.killed_at(package, operation):
            break
        if case.action in ("patch", "restore"):
            assert loader_is_whole(package, case), f"killed at operation {operation}"
        left = snapshot(package, times=True)
        states.add(case.state(package))
        assert snapshot(package, times=True) == left, "status changed something"
        case.check_both_ways_on(package)
    assert operation > 30
    assert State.INTERRUPTED in states


def test_killed_while_finishing_the_run_after_that_finishes(case: Case) -> None:
    # In the middle of the changes: that is where finishing has most to do.
    package = case.copy()
    total = next(number for number in itertools.count(1) if not case.killed_at(case.copy(), number))
    middle = next(
        number
        for number in range(total * 3 // 4, 0, -1)
        if case.killed_at(package := case.copy(), number) and case.state(package) is State.INTERRUPTED
    )
    assert middle
    for operation in itertools.count(1):
        again = case.copy(package)
        if not case.killed_at(again, operation):
            break
        case.check_both_ways_on(again)
    assert operation > 3


@pytest.mark.parametrize("kind", ["ENOSPC", "EROFS", "EACCES", "EIO"])
def test_refused_once_at_any_operation_everything_is_undone(case: Case, kind: str) -> None:
    before = snapshot(case.start)
    package = case.copy()
    after_copy = case.copy()
    case.act(after_copy)
    after = content_of(after_copy)
    refused = 0
    for operation in itertools.count(1):
        files.faults.arm(operation, kind)
        try:
            case.act(package)
        except WasmfixError as error:
            assert "\n" not in str(error)
            assert os.strerror(getattr(__import__("errno"), kind)) in str(error)
            refused += 1
            if "left-overs" not in str(error):
                assert snapshot(package) == before, f"operation {operation}: {error}"
                continue
            files.faults.arm(0)
            case.act(package)
        reached = files.faults.count
        assert content_of(package) == after
        if reached < operation:
            break
        shutil.rmtree(package)
        package = case.copy()
    assert refused > 25


def test_refused_from_any_operation_on_the_next_run_finishes(case: Case) -> None:
    """A disk that stays full, or read-only: undoing fails too."""
    for operation in itertools.count(1):
        package = case.copy()
        files.faults.arm(operation, "EROFS", until=10**9)
        try:
            case.act(package)
        except WasmfixError as error:
            assert "\n" not in str(error)
        files_used = files.faults.count
        files.faults.arm(0)
        if files_used < operation:
            break
        case.check_both_ways_on(package)


def test_an_interrupt_undoes_what_was_begun(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(case.start)
    renames = itertools.count(1)
    rename_over = files.rename_over

    def interrupted(path: Path, target: Path) -> None:
        # The journal is the first; then the files.
        if next(renames) == 3:
            raise KeyboardInterrupt
        rename_over(path, target)

    monkeypatch.setattr(files, "rename_over", interrupted)
    with pytest.raises(KeyboardInterrupt):
        case.act(case.start)
    assert snapshot(case.start) == before


def test_somebody_elses_edit_of_an_interrupted_package_is_not_overwritten(case: Case) -> None:
    package = next(
        package
        for number in itertools.count(10)
        if case.killed_at(package := case.copy(), number) and case.state(package) is State.INTERRUPTED
    )
    edited = package / case.loader
    edited.unlink()
    edited.write_text("mine")
    before = snapshot(package)
    with pytest.raises(WasmfixError, match=rf"{re.escape(edited.name)}: was changed by someone else since"):
        case.act(package)
    assert snapshot(package)[case.loader] == before[case.loader]
