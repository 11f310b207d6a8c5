"""Run a Node script in a process of its own, with bounded memory and time.

The bound on memory is on resident memory, watched from outside: address space (RLIMIT_AS) is no measure, V8
reserves tens of gigabytes for WebAssembly that it never touches.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason

OLDEST_NODE = 20
NO_BACKGROUND_COMPILER = "--no-concurrent-recompilation"
"""For Node: without it, a child may hang at its end.

Node's end waits for its compiler's thread. That one may wait for a collection, which the main thread does no more
(github.com/nodejs/node/issues/54918): with bedrock-sqlite as Emscripten built it, 6 of 400 children on a busy machine.
"""
_POLL = 0.05  # seconds
_STDERR_LINES = 20
_ERROR = re.compile(r"(Uncaught )?[\w.]*(Error|Exception)\b.*:|FATAL ERROR:")


@dataclass(frozen=True)
class Bounds:
    seconds: float
    heap_mb: int
    """For V8 (--max-old-space-size)."""
    resident_mb: int


@dataclass(frozen=True)
class Ending:
    """How a child ended: ``problem`` is empty if by itself and with exit code 0."""

    problem: str
    stderr: str


def last_words(stderr: str) -> str:
    """The line that says why a Node program died: its error, else the last line; empty if it said nothing.

    Below the error, Node prints the stack, the error's properties and its own version.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = (line for line in reversed(lines) if _ERROR.match(line))
    return next(errors, lines[-1] if lines else "")


def find_node(named: str | None = None) -> str:
    """The node program: as named, else by ``WASMFIX_NODE``, else on PATH."""
    wanted = named or os.environ.get("WASMFIX_NODE") or "node"
    found = shutil.which(wanted)
    if found is None:
        raise WasmfixError("Node was not found", where=wanted, remedy="install Node 20 or newer, or use --node FILE")
    return found


def run_child(
    node: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    bounds: Bounds,
    on_message: Callable[[dict[str, object]], None],
    on_text: Callable[[str], None] = lambda _line: None,
) -> Ending:
    """Run ``node arguments``, handing on each line that it prints, JSON or not; it is gone when this returns."""
    command = [node, f"--max-old-space-size={bounds.heap_mb}", "--expose-gc", NO_BACKGROUND_COMPILER, *arguments]
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own, so that what it starts can be ended with it.
            start_new_session=True,
        )
    except OSError as error:
        what = f"Node does not start ({os_reason(error)})"
        raise WasmfixError(what, where=node, remedy="install Node 20 or newer, or use --node FILE") from error
    assert process.stdout is not None
    assert process.stderr is not None
    tail: deque[bytes] = deque(maxlen=_STDERR_LINES)
    stdout = process.stdout
    readers = (
        threading.Thread(target=lambda: _each_line(stdout, on_message, on_text), daemon=True),
        threading.Thread(target=tail.extend, args=(process.stderr,), daemon=True),
    )
    for reader in readers:
        reader.start()
    try:
        problem = _watch(process, bounds)
    finally:
        _end_group(process)
        process.wait()
        for reader in readers:
            reader.join(timeout=5)
    return Ending(problem, b"".join(tail).decode(errors="replace").strip())


def _each_line(
    lines: Iterable[bytes], on_message: Callable[[dict[str, object]], None], on_text: Callable[[str], None]
) -> None:
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if isinstance(message, dict):
            on_message(message)
        else:
            on_text(line.decode(errors="replace").strip())


def _watch(process: subprocess.Popen[bytes], bounds: Bounds) -> str:
    """Wait for the end, or for a bound to be passed; says what went wrong."""
    deadline = time.monotonic() + bounds.seconds
    while True:
        try:
            code = process.wait(timeout=_POLL)
        except subprocess.TimeoutExpired:
            pass
        else:
            return _exit(code)
        if time.monotonic() > deadline:
            return f"stopped after {bounds.seconds:.0f} s"
        if resident_bytes(process.pid) > bounds.resident_mb * 1024 * 1024:
            return f"stopped at {bounds.resident_mb} MB of memory"


def _exit(code: int) -> str:
    if code == 0:
        return ""
    if code < 0:
        try:
            return f"died of {signal.Signals(-code).name}"
        except ValueError:
            return f"died of signal {-code}"
    return f"ended with exit code {code}"


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    # The group outlives its leader if the leader left something running.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where nothing tells (then V8's own heap limit is the only bound)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        pass
    try:
        psutil = import_module("psutil")
    except ImportError:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
