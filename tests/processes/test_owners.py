"""Owners of locks in other pid namespaces and containers: who counts as dead, and who must not."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

import nodejs
from conftest import ROOT
from processes.actors import HERE, Actor
from processes.conftest import left
from processes.test_rules import SqliteError

HOLD = "begin immediate; insert into t values (0)"
INSERT = "insert into t values (1)"

BUILT = """
set -e
mount -t overlay overlay -o lowerdir=/,upperdir={layer}/diff,workdir={layer}/work {layer}/merged
mount -t proc proc {layer}/merged/proc
mount -t tmpfs tmpfs {layer}/merged/dev
for each in {shared}; do mkdir -p "{layer}/merged$each"; mount --bind "$each" "{layer}/merged$each"; done
# As a runtime does, which takes longer.
sleep 0.05
ln -s /proc/self/fd {layer}/merged/dev/fd
exec chroot {layer}/merged {program}
"""
"""What a container's runtime does, with the kernel's own tools."""


class Namespaced(Actor):
    """An actor that another program starts. Its end is awaited: its locks are those of a dead process."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def kill(self) -> None:
        """SIGKILL to it and to all that it has started."""
        if self.process.poll() is not None:
            return
        for process in [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        # The pipe ends when the last process that has it does.
        self.process.stdout.read()

    def inner_pid(self) -> int:
        """The first process of the namespace, as it is called out here."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(task.read_text().split()[0])


def actor_command(package: Path) -> list[str]:
    return [nodejs.node(), str(HERE / "actor.cjs"), str(package)]


class Containers:
    """Starts containers that share a folder with us, and processes in them."""

    def __init__(self, stack: ExitStack, package: Path, shared: Path) -> None:
        self._stack = stack
        self._package = package
        node = Path(nodejs.node()).parent
        self._shared = [shared, package, HERE, ROOT / "build", node]
        self.layers = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))

    def layer(self) -> Path:
        """A container's writable layer, by a name as runtimes give them."""
        layer = self.layers / secrets.token_hex(32)
        for name in ("diff", "work", "merged"):
            (layer / name).mkdir(parents=True)
        return layer

    def run(self, layer: Path, program: list[str]) -> list[str]:
        """The command for a run of the container: a new pid namespace, the layer as its root."""
        shared = " ".join(shlex.quote(str(path.resolve())) for path in self._shared)
        script = BUILT.format(layer=layer, shared=shared, program=shlex.join(program))
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]

    def start(self, layer: Path) -> Namespaced:
        return self._enter(self.run(layer, actor_command(self._package)))

    def nested(self, within: Namespaced, how: str) -> Namespaced:
        """A process in a pid namespace of its own inside a running container."""
        inner = f"{how} {shlex.join(actor_command(self._package))}"
        enter = ["nsenter", "-t", str(within.inner_pid()), "-m", "-p", "-r", "-w", "sh", "-c", inner]
        return self._enter(enter)

    def beside(self, other: Namespaced | None = None) -> Namespaced:
        """A process in a pid namespace that has no /proc of its own: a new one, or that of another such process."""
        within = ["unshare", "--pid", "--fork", "--kill-child"]
        if other is not None:
            within = ["nsenter", "-t", str(other.inner_pid()), "-p"]
        return self._enter([*within, *actor_command(self._package)])

    def _enter(self, command: list[str]) -> Namespaced:
        return self._stack.enter_context(Namespaced(command))


def permitted() -> bool:
    """Whether containers can be made here."""
    if sys.platform != "linux" or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for name in ("diff", "work", "merged"):
            Path(folder, name).mkdir()
        options = f"lowerdir=/,upperdir={folder}/diff,workdir={folder}/work"
        try_it = f"mount -t overlay overlay -o {options} {folder}/merged && mount -t proc proc {folder}/merged/proc"
        command = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", try_it]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not permitted(), reason="no namespaces and overlays for us here")


@pytest.fixture
def containers(engine: Path, tmp_path: Path) -> Iterator[Containers]:
    with ExitStack() as stack:
        yield Containers(stack, engine, tmp_path)


@pytest.fixture
def prepared(containers: Containers, file: Path) -> Path:
    """A database with a table."""
    actor = containers.start(containers.layer())
    actor.open(file).pragma("journal_mode=wal2")
    actor.exec("create table t(x)")
    actor.close()
    actor.kill()
    assert left(file) == ["a.db"]
    return file


def refused(actor: Actor, sql: str = INSERT) -> bool:
    try:
        actor.exec(sql)
    except SqliteError as error:
        assert error.code == "SQLITE_BUSY"
        return True
    return False


def test_a_container_that_was_killed_in_a_write_does_not_lock_itself_out(
    containers: Containers, prepared: Path
) -> None:
    layer = containers.layer()
    first = containers.start(layer)
    first.open(prepared).exec(INSERT)
    first.exec(HOLD)
    first.kill()
    assert "a.db-wasmfix" in left(prepared)

    again = containers.start(layer)
    again.open(prepared).exec(INSERT)
    assert again.value("select count(*) from t") == 2
    assert again.pragma("integrity_check") == "ok"
    again.close()
    assert left(prepared) == ["a.db"]


def test_another_container_counts_as_alive_even_when_it_was_killed(containers: Containers, prepared: Path) -> None:
    first, second = containers.start(containers.layer()), containers.start(containers.layer())
    first.open(prepared).exec(HOLD)
    second.open(prepared, timeout=100)
    assert refused(second)
    # Nobody can tell from the second one. Its first process has the same pid and may have the same start time.
    first.kill()
    assert refused(second)


@pytest.mark.parametrize(
    "how",
    [
        "exec unshare --pid --fork --kill-child --mount-proc",
        "exec unshare --pid --fork --kill-child",
        # As if the runtime had made it.
        "exec unshare --mount --pid --fork --kill-child sh -c 'umount /proc; mount -t proc proc /proc; exec \"$@\"' -",
    ],
    ids=["own proc over it", "no proc of its own", "own proc instead of it"],
)
def test_a_pid_namespace_inside_the_container_is_alive(containers: Containers, prepared: Path, how: str) -> None:
    outer = containers.start(containers.layer())
    outer.open(prepared, timeout=100).exec(HOLD)
    inner = containers.nested(outer, how)
    inner.open(prepared, timeout=100)
    assert refused(inner)
    outer.exec("commit")
    inner.exec(HOLD)
    assert refused(outer)
    inner.exec("commit")
    assert outer.value("select count(*) from t") == 2


def test_the_proc_of_another_pid_namespace_is_not_asked(containers: Containers, prepared: Path) -> None:
    first = containers.beside()
    first.open(prepared).exec(HOLD)
    second = containers.beside(first)
    second.open(prepared, timeout=100)
    # /proc has a process of the first one's number, which is another.
    assert refused(second)
    first.exec("commit")
    second.exec(INSERT)


OWNER = "const o = require(process.argv[1] + '/wasmfix/owner.js'); const file = process.argv[2];"


def say(command: list[str]) -> tuple[str, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip(), done.stderr


def test_the_name_of_an_owner_fits_into_its_row(containers: Containers, engine: Path) -> None:
    program = [nodejs.node(), "-e", f"{OWNER} console.log(o.newOwner())", str(engine)]
    layer = containers.layer()
    runs = [say(containers.run(layer, program))[0] for _ in range(2)]
    other, _ = say(containers.run(containers.layer(), program))
    assert all(len(owner) <= 110 and owner.isascii() for owner in [*runs, other])
    # <boot>.<pid namespace>.<container>.<run>
    assert len({owner.split(":")[0].split(".")[2] for owner in runs}) == 1
    assert len({owner.split(":")[0].split(".")[3] for owner in runs}) == 2
    assert other.split(":")[0].split(".")[2] != runs[0].split(":")[0].split(".")[2]


@pytest.mark.parametrize(
    ("owner", "alive", "unknown"),
    [
        ("o.newOwner()", True, False),
        ("o.newOwner().replace(/:[0-9]+:[0-9]+:[0-9]+:/, ':4194303:1:4194303:')", False, False),
        ("o.newOwner().replace(/[.][0-9]+/, '.1')", True, True),
        ("'00000000' + o.newOwner().slice(8)", False, False),
        ("'nonsense'", True, True),
    ],
    ids=["this thread", "no such process", "another pid namespace", "before the last boot", "no owner's name"],
)
def test_who_cannot_be_judged_is_told_from_the_living(
    engine: Path, file: Path, owner: str, alive: bool, unknown: bool
) -> None:
    program = f"{OWNER} const w = {owner}; console.log(JSON.stringify([o.isAlive(w, file), o.isUnknown(w, file)]))"
    out, _ = say([nodejs.node(), "-e", program, str(engine), str(file)])
    assert json.loads(out) == [alive, unknown]


def test_an_unknown_owner_is_warned_of_once_with_the_file_to_delete(engine: Path, file: Path) -> None:
    program = f"{OWNER} for (const name of [file, file, file + 2]) o.warnOfUnknown('0a0b0c0d.17:42:5:42:5:aa', name)"
    _, err = say([nodejs.node(), "-e", program, str(engine), str(file)])
    lines = [line for line in err.splitlines() if "WasmfixWarning" in line]
    assert len(lines) == 2
    assert "[WASMFIX_UNKNOWN_OWNER]" in lines[0]
    assert f"delete {file}," in lines[0]
    assert "process 42 of another container or machine (0a0b0c0d.17)" in lines[0]


ID = "0123456789abcdef" * 4
PROC = "22 21 0:21 / /proc rw - proc proc rw"
DEV = "23 21 0:22 / /dev rw - tmpfs tmpfs rw"
HOSTNAME = "24 21 8:1 /var/lib/docker/containers/{}/hostname /etc/hostname rw - ext4 /dev/sda1 rw"


def root(upper: str, kind: str = "overlay") -> str:
    return f"21 20 0:20 / / rw,relatime - {kind} overlay rw,lowerdir=/l/a:/l/b,upperdir={upper},workdir=/w"


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([root(f"/var/lib/docker/overlay2/{ID}/diff"), PROC, DEV], True),
        ([root("/var/lib/containerd/snapshots/42/fs"), PROC, DEV, HOSTNAME.format(ID)], True),
        ([root("/var/lib/containerd/snapshots/42/fs"), PROC, DEV], False),
        ([root(f"/var/lib/docker/overlay2/{ID}/diff"), PROC, PROC, DEV], False),
        ([root(f"/var/lib/docker/overlay2/{ID}/diff"), PROC, DEV, DEV], False),
        ([root(f"/var/lib/docker/overlay2/{ID}/diff"), PROC, DEV.replace("tmpfs", "devtmpfs")], False),
        ([root(f"/var/lib/docker/overlay2/{ID}/diff", "ext4"), PROC, DEV], False),
    ],
    ids=["docker", "containerd", "two nodes may have it", "own proc", "own dev", "the host's dev", "no overlay"],
)
def test_a_container_has_a_name_only_if_nobody_else_can_have_it(engine: Path, lines: list[str], named: bool) -> None:
    program = "console.log(require(process.argv[1] + '/wasmfix/container.js').nameOf(process.argv[2], 7n) !== '')"
    out, _ = say([nodejs.node(), "-e", program, str(engine), "\n".join(lines)])
    assert out == str(named).lower()
