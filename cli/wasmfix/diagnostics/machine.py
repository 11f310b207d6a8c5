"""What the machine, or the container that we are in, has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
# Files of both generations of control groups; "max" and absurdly large numbers mean no limit.
_MEMORY_FILES = ("memory.max", "memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Machine:
    """`memory` in bytes, None if unknown; `limited` says that it is a container's limit."""

    cores: float
    memory: int | None
    limited: bool


def this_machine(cgroup: Path = _CGROUP) -> Machine:
    """Cores and memory that processes started here may use."""
    physical = _physical_memory()
    limits = [limit for name in _MEMORY_FILES if (limit := _number(cgroup / name)) is not None]
    limited = bool(limits) and (physical is None or min(limits) < physical)
    return Machine(
        cores=min(float(_cores()), _quota(cgroup) or float("inf")),
        memory=min(limits) if limited else physical,
        limited=limited,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(cgroup: Path) -> float | None:
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
