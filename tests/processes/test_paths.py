"""A database that is reached by two paths is one database."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from processes.actors import Actor
from processes.conftest import Start, left
from processes.test_rules import attempt_to, seen_by

COUNT = "select count(*) from t"
ALL_MODES = pytest.mark.parametrize("mode", ["wal", "wal2", "delete"])

Way = Callable[[Actor], Path]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(params=["link", "link to the folder", "relative", "bind mount"])
def way(request: pytest.FixtureRequest, home: Path, elsewhere: Path) -> Iterator[Way]:
    """`way(actor)`: what this actor is to open."""
    with ExitStack() as undo:

        def find(actor: Actor) -> Path:
            if request.param == "link":
                link = elsewhere / "b.db"
                link.symlink_to("../home/a.db")
                return link
            if request.param == "link to the folder":
                (elsewhere / "folder").symlink_to(home)
                return elsewhere / "folder" / "a.db"
            if request.param == "relative":
                actor.ask("chdir", folder=str(elsewhere))
                return Path("../home/a.db")
            command = ["mount", "--bind", str(home), str(elsewhere)]
            if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("nothing can be mounted here")
            undo.callback(subprocess.run, ["umount", "-l", str(elsewhere)], check=True)
            return elsewhere / "a.db"

        yield find


@ALL_MODES
def test_two_paths_to_a_file_are_one_database(start: Start, native: Path, home: Path, way: Way, mode: str) -> None:
    file = home / "a.db"
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    a.exec("begin immediate; insert into t values(1)")
    b.open(way(b))
    assert attempt_to(b, "begin immediate") == "SQLITE_BUSY"
    a.exec("commit")
    b.exec("insert into t values(2)")
    assert a.value(COUNT) == 2
    b.exec("begin immediate; insert into t values(3)")
    assert attempt_to(a, "begin immediate") == "SQLITE_BUSY"
    b.exec("commit")
    assert a.value(COUNT) == 3
    a.close()
    b.close()
    assert left(file) == ["a.db"]
    assert seen_by(native, start, file, COUNT) == (3, "ok")


@ALL_MODES
def test_the_files_beside_a_linked_database_lie_beside_the_database(
    start: Start, home: Path, elsewhere: Path, mode: str
) -> None:
    link = elsewhere / "b.db"
    link.symlink_to("../home/a.db")
    a = start().open(link)
    a.pragma(f"journal_mode={mode}")
    a.exec("create table t(x); begin immediate; insert into t values(1)")
    assert left(link) == ["b.db"]
    assert "a.db-wasmfix" in left(home / "a.db")
