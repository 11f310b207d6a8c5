"""The heap that a process of zero-cache has."""

from __future__ import annotations

from wasmfix.diagnostics.checks.project_environment import NODE_OPTIONS, heap_limit
from wasmfix.diagnostics.facts import HeapLimit
from wasmfix.diagnostics.machine import Machine
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.sizes import show_size

_GB = 1024**3
_LARGE = 15 * _GB


def find_limit(options: Options, machine: Machine) -> HeapLimit:
    """As given, else as the project sets it, else Node's own for this machine or container."""
    if options.heap_limit is not None:
        return HeapLimit(options.heap_limit, "--heap-limit")
    setting = options.setting(NODE_OPTIONS)
    limit = heap_limit(setting.value) if setting else None
    if setting is not None and limit is not None:
        place = setting.place(options.project.root) if options.project else "the environment"
        return HeapLimit(limit, f"{NODE_OPTIONS} in {place}")
    if machine.memory is None:
        return HeapLimit(4 * _GB, "Node's default")
    whose = "the container's" if machine.limited else "this machine's"
    return HeapLimit(default_limit(machine.memory), f"Node's default for {whose} {show_size(machine.memory)}")


def default_limit(memory: int) -> int:
    """What Node takes without `--max-old-space-size`, 64 bits: half of the memory up to 2 GB, 4 GB from 15 GB on.

    Seen with Node 22.20 on `/proc/meminfo` of 1 to 17 GB (`v8.getHeapStatistics().heap_size_limit`, which has 48 MB
    more for new objects from 15 GB on, less below); V8: `Heap::HeapSizeFromPhysicalMemory`.
    """
    return 4 * _GB if memory >= _LARGE else min(memory // 2, 2 * _GB)
