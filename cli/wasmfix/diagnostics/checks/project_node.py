"""The Node that the project would run in."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from wasmfix.errors import WasmfixError

_ASK = "process.versions.node + ' ' + process.versions.modules"
_PATIENCE = 30
"""Seconds."""
_ABI = re.compile(r"node\.abi(\d+)\.")


@dataclass(frozen=True)
class NodeProgram:
    program: str
    version: str
    abi: int
    """What native addons are built for: `process.versions.modules`."""


def ask_node(named: str | None) -> NodeProgram | None:
    """What Node says of itself; None if there is none here: the project may run in a container that has one."""
    # Imported late: it brings in what runs children.
    from wasmfix.verification.child import find_node

    try:
        program = find_node(named)
        command = [program, "-p", _ASK]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (WasmfixError, OSError, ValueError, subprocess.TimeoutExpired):
        return None
    found = re.fullmatch(r"(\d+\.\d+\.\d+)\S* (\d+)", done.stdout.strip())
    return NodeProgram(program, found[1], int(found[2])) if found else None


def fitting(binaries: tuple[str, ...], abi: int) -> tuple[str, ...]:
    """The native binaries that this ABI can load, as far as their names tell."""
    return tuple(file for file in binaries if (named := _ABI.search(file)) is None or int(named[1]) == abi)
