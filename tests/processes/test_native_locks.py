"""Locks of native SQLite that the engine sees, on file systems that name a file in two ways."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import nodejs

WHO = "console.log(require(process.argv[1] + '/wasmfix/foreign-locks.js').foreignLocks(process.argv[2]))"
PENDING = 0x40000000

# The process that locks is the script's own Python: `hold(path)` locks as a reader of SQLite does and says who it is,
# `ask(path)` says whom the engine's code sees.
PREPARED = """
import fcntl, os, subprocess
def hold(path, at={pending} + 2, length=510):
    global held
    held = open(path, "rb")
    fcntl.lockf(held, fcntl.LOCK_SH, length, at)
def ask(path):
    out = subprocess.run([{node!r}, "-e", {who!r}, {engine!r}, path], capture_output=True, text=True, check=True).stdout
    return out.strip()
def make(path):
    open(path, "wb").close()
    return path
def inode(path):
    return os.stat(path).st_ino
def superblock(path):
    here = max((line.split() for line in open("/proc/self/mountinfo") if path.startswith(line.split()[4])),
        key=lambda fields: len(fields[4]))
    return here[2]
def by_stat(path):
    device = os.stat(path).st_dev
    return f"{{os.major(device)}}:{{os.minor(device)}}"
"""


class Machine:
    """Runs Python as root of its own mount namespace, after commands of the shell."""

    def __init__(self, engine: Path, folder: Path) -> None:
        self._engine = engine
        self._folder = folder

    def run(self, commands: str, program: str) -> None:
        prepared = PREPARED.format(pending=PENDING, node=nodejs.node(), who=WHO, engine=str(self._engine))
        script = f"{prepared}\n{textwrap.dedent(program)}"
        shell = f'set -e; mount -t tmpfs tmpfs {self._folder}; cd {self._folder}; {commands}\nexec "$0" -c "$1"'
        command = ["unshare", "--mount", "sh", "-c", shell, sys.executable, script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def permitted(folder: str) -> bool:
    if sys.platform != "linux":
        return False
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc/locks is Linux's")


@pytest.fixture
def machine(engine: Path, tmp_path: Path) -> Machine:
    folder = tmp_path / "mounted"
    folder.mkdir()
    if not permitted(str(folder)):
        pytest.skip("no mounts for us here")
    return Machine(engine, folder)


@pytest.fixture
def held(file: Path) -> Iterator[int]:
    """A file of which this process has the lock of a reader."""
    file.write_bytes(b"")
    descriptor = os.open(file, os.O_RDONLY)
    fcntl.lockf(descriptor, fcntl.LOCK_SH, 510, PENDING + 2)
    yield descriptor
    os.close(descriptor)


def seen(engine: Path, file: Path) -> str:
    command = [nodejs.node(), "-e", WHO, str(engine), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_native_reader_is_seen(engine: Path, file: Path, held: int) -> None:
    assert seen(engine, file) == str(os.getpid())
    fcntl.lockf(held, fcntl.LOCK_UN)
    assert seen(engine, file) == "null"


def test_locks_on_other_bytes_are_not_those_of_sqlite(engine: Path, file: Path, held: int) -> None:
    fcntl.lockf(held, fcntl.LOCK_UN)
    fcntl.lockf(held, fcntl.LOCK_SH, 100, 0)
    fcntl.lockf(held, fcntl.LOCK_SH, 0, PENDING + 512)
    assert seen(engine, file) == "null"


def test_a_native_lock_on_the_wal_index_is_seen(engine: Path, file: Path) -> None:
    file.write_bytes(b"")
    index = file.with_name(f"{file.name}-shm")
    with index.open("wb") as opened:
        fcntl.lockf(opened, fcntl.LOCK_EX, 1, 128)
        assert seen(engine, file) == str(os.getpid())


def test_a_file_of_another_device_with_the_same_inode_number_is_another(machine: Machine) -> None:
    machine.run(
        "mkdir a b; mount -t tmpfs one a; mount -t tmpfs two b",
        """
        one, two = make(os.path.abspath("a/x.db")), make(os.path.abspath("b/x.db"))
        assert inode(one) == inode(two)
        hold(one)
        assert ask(one) == str(os.getpid())
        assert ask(two) == "null"
        """,
    )


OVERLAY = """
mkdir up low m; mount -t tmpfs one up; mount -t tmpfs two low; mkdir up/d up/w
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do : > low/$i; done; : > low/below.db
mount -t overlay overlay -o lowerdir=low,upperdir=up/d,workdir=up/w,xino={xino} m
"""


@pytest.mark.parametrize("xino", ["off", "on"])
def test_it_is_seen_where_stat_names_another_device_than_the_lock(machine: Machine, xino: str) -> None:
    machine.run(
        OVERLAY.format(xino=xino),
        f"""
        above, below = make(os.path.abspath("m/above.db")), os.path.abspath("m/below.db")
        if {xino == "off"}:
            assert superblock(above) != by_stat(above) != by_stat(below)
        for path in (above, below):
            hold(path)
            assert ask(path) == str(os.getpid()), path
            held.close()
            assert ask(path) == "null", path
        """,
    )


def test_files_of_two_layers_with_one_inode_number_are_two(machine: Machine) -> None:
    machine.run(
        OVERLAY.format(xino="off"),
        """
        below = os.path.abspath("m/below.db")
        made = (make(os.path.abspath(f"m/{n}.db")) for n in range(30))
        above = next(path for path in made if inode(path) >= inode(below))
        assert inode(above) == inode(below) and superblock(above) == superblock(below)
        hold(below)
        assert ask(below) == str(os.getpid())
        assert ask(above) == "null"
        """,
    )


def test_a_path_with_a_space_and_one_that_a_longer_mount_point_begins_with(machine: Machine) -> None:
    machine.run(
        "mkdir 'a b' a; mount -t tmpfs one 'a b'; mount -t tmpfs two a",
        """
        for path in (make(os.path.abspath("a b/x.db")), make(os.path.abspath("a bx.db"))):
            hold(path)
            assert ask(path) == str(os.getpid())
        """,
    )
