"""The engine's own lock table, `FILE-wasmfix` (docs/locks.md, wasm/js/lock-table.js), looked at only.

384 bytes of header, then rows of 128: a byte for each of twelve locks (0 free, 1 shared, 2 exclusive), at 12 a count
of exclusive locks given up, at 16 the owner's name, `<boot>.<pid namespace>[.…]:<pid>:<start>:<thread>:<start>:<id>`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wasmfix.runtime.files import open_beside, read_at

SUFFIX = "-wasmfix"

_MAGIC = b"wasmfix locks "
_HEADER, _ROW, _OWNER = 384, 128, 16
_MOST = 4096
_SHARED, _RESERVED = 9, 10
_EXCLUSIVE = 2


@dataclass(frozen=True)
class Row:
    slots: bytes
    count: bytes
    owner: bytes

    @property
    def writes_database(self) -> bool:
        """EXCLUSIVE on the database file: without it no engine writes there (but a checkpoint, in WAL mode)."""
        return self.slots[_SHARED] == _EXCLUSIVE

    @property
    def has_transaction(self) -> bool:
        return self.slots[_RESERVED] != 0 or self.writes_database


def read_table(database: Path) -> tuple[Row, ...]:
    """The rows that are alive, or may be. None if there is no table."""
    try:
        fd = open_beside(Path(f"{database}{SUFFIX}"))
    except FileNotFoundError:
        return ()
    try:
        data = read_at(fd, _HEADER + _MOST * _ROW, 0)
    finally:
        os.close(fd)
    if not data.startswith(_MAGIC):
        return ()
    rows = []
    for at in range(_HEADER, len(data) - _ROW + 1, _ROW):
        owner = data[at + _OWNER : at + _ROW].split(b"\0", 1)[0]
        if owner and not _is_dead(owner.decode("latin-1")):
            rows.append(Row(data[at : at + 12], data[at + 12 : at + _OWNER], owner))
    return tuple(rows)


def _is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine, this boot and our pid namespace, and is gone."""
    if sys.platform != "linux":
        return False
    parts = owner.split(":")
    if len(parts) < 3 or not parts[1].isdigit() or ".".join(parts[0].split(".")[:2]) != _world():
        return False
    started = ""
    with suppress(OSError):
        # proc_pid_stat(5); the name, in parentheses, may hold anything.
        fields = Path(f"/proc/{parts[1]}/stat").read_text(errors="replace").rpartition(")")[2].split()
        started = fields[19] if fields[0] not in "ZX" else ""
    return parts[2] != "" and started != parts[2]


def _world() -> str:
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        namespace = "".join(filter(str.isdigit, str(Path("/proc/self/ns/pid").readlink())))
        if str(Path("/proc/self").readlink()) == str(os.getpid()):
            return f"{boot}.{namespace}"
    return "?"
