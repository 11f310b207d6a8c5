"""One instance of the engine: its memory, its calls, and what must not happen in between.

No Python exception crosses C: an import keeps it in `pending` and returns a code, and the outermost call raises it.
So does Ctrl-C: while C runs, SIGINT only sets a mark. (Raised inside a host's own trampoline, KeyboardInterrupt would
be printed and forgotten, and the import would have "succeeded".) The mark is looked at on every read; for a call that
does not read there is a watchdog, which makes WebAssembly trap.
If WebAssembly traps, the instance is dead: it refuses all further work.
"""

from __future__ import annotations

import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from wasmfix.errors import WasmfixError
from wasmfix.runtime import codes, watchdog
from wasmfix.runtime.codes import SqlError
from wasmfix.runtime.files import Content
from wasmfix.runtime.host import PAGE, Export, Guest, Host, Import, TrapError
from wasmfix.runtime.vfs import Vfs
from wasmfix.runtime.watchdog import Watchdog

ABI = 1
"""wasm/c/engine.h, WF_ABI."""

_INITIAL_PAGES = 48
_MAXIMUM_PAGES = 65535
_INT = struct.Struct("<i")
_UNSIGNED = struct.Struct("<I")
_DOUBLE = struct.Struct("<d")
# wf_buf: cells, heap, parameters; bytes.
_CELLS, _HEAP, _PARAMETERS = 65536, 262144, 65536
_LOOK_SECONDS = 0.1
"""Between two calls of `progress`."""


class Instance:
    """An engine over the files of a snapshot.

    Args:
        memory_limit: bytes of WebAssembly memory; beyond them SQLITE_NOMEM.
        timeout: seconds that one call may take, None: any time.
        progress: called with the bytes read so far, at most ten times a second; it may raise.
    """

    def __init__(
        self,
        host: Host,
        wasm: Path,
        views: dict[str, Content],
        *,
        private: bool,
        memory_limit: int,
        cache: Path | None,
        timeout: float | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.pending: BaseException | None = None
        self.progress = progress
        self.timeout = timeout
        self._interrupted = False
        self._depth = 0
        self._deadline: float | None = None
        self._next_look = 0.0
        self._bytes_read = 0
        self._dead: str | None = None
        self._exports: dict[str, Export] = {}
        self._calls = 0
        self._running = 0
        """The number of the outermost call that is running."""
        self._watchdog: Watchdog | None = None
        self.vfs = Vfs(self, views, private=private)
        imports = {**self._refused(), **self.vfs.imports()}
        pages = max(_INITIAL_PAGES, min(_MAXIMUM_PAGES, memory_limit // PAGE))
        self._guest: Guest = host.instantiate(
            wasm, imports, initial_pages=_INITIAL_PAGES, maximum_pages=pages, cache=cache
        )
        self._view = self._guest.memory()
        if watchdog.AVAILABLE:
            stop, timed = self._guest.stop, timeout is not None
            self._watchdog = Watchdog(stop, lambda: self._running, self._is_overdue, timed=timed)
        self.call("_initialize")
        if self.call("wf_abi") != ABI:
            raise WasmfixError("an engine of another version of wasmfix", where=wasm, remedy="build it: wasmfix build")
        code = int(self.call("wf_start", 0))
        if code != codes.OK:
            raise SqlError("SQLite does not start", code)
        self.call("wf_set_value_limit", 0)

    # Memory

    def slice(self, at: int, count: int) -> memoryview:
        """`count` bytes of memory, to be used before the next call."""
        at &= 0xFFFFFFFF
        view = self._view
        if at + count > len(view):
            view = self._view = self._guest.memory()
        return view[at : at + count]

    def copy(self, at: int, count: int) -> bytes:
        return bytes(self.slice(at, count))

    def get_int(self, at: int) -> int:
        value: int = _INT.unpack(self.slice(at, 4))[0]
        return value

    def put_int(self, at: int, value: int) -> None:
        self.slice(at, 4)[:] = _UNSIGNED.pack(value & 0xFFFFFFFF)

    def put_double(self, at: int, value: float) -> None:
        self.slice(at, 8)[:] = _DOUBLE.pack(value)

    def text(self, at: int) -> str:
        """A zero-terminated text."""
        if at == 0:
            return ""
        end = at & 0xFFFFFFFF
        chunk = 256
        data = b""
        while True:
            self.slice(end, 0)
            piece = bytes(self._view[end : end + chunk])
            nul = piece.find(0)
            if nul >= 0 or not piece:
                data += piece[: max(nul, 0)]
                return data.decode("utf-8", "replace")
            data += piece
            end += len(piece)

    def allocate(self, count: int) -> int:
        """Memory of the engine's, 0 if there is none; also usable while C runs."""
        self._require_life()
        return int(self._export("wf_malloc")(count) or 0) & 0xFFFFFFFF

    @contextmanager
    def text_argument(self, data: bytes) -> Iterator[int]:
        """The address of a zero-terminated copy."""
        at = self.allocate(len(data) + 1)
        if at == 0:
            raise SqlError("out of memory", codes.NOMEM)
        self.slice(at, len(data) + 1)[:] = data + b"\0"
        try:
            yield at
        finally:
            if self._dead is None:
                self._export("wf_free")(at)

    def new_buffer(self) -> int:
        """The address of a wf_buf (wasm/c/engine.h)."""
        at = int(self.call("wf_buf_new", _CELLS, _HEAP, _PARAMETERS))
        if at == 0:
            raise SqlError("out of memory", codes.NOMEM)
        return at

    # Calls

    def has(self, name: str) -> bool:
        return self._guest.export(name) is not None

    def call(self, name: str, *arguments: int | float) -> Any:
        """Call an export; raises what an import kept."""
        self._require_life()
        export = self._export(name)
        if self._depth:
            return export(*arguments)
        self._depth += 1
        self._calls += 1
        self._guest.begin()
        if self.timeout is not None:
            self._deadline = time.monotonic() + self.timeout
        self._running = self._calls
        try:
            # One that came before the number above had no call to end: the watchdog has let it pass.
            self._require_no_interrupt()
            with _quiet_interrupts(self.interrupt, self._watchdog):
                result = export(*arguments)
        except TrapError as error:
            raise self._trapped(error) from error
        finally:
            self._running = 0
            self._depth -= 1
            self._deadline = None
        pending, self.pending = self.pending, None
        if pending is not None:
            raise pending
        self._require_no_interrupt()
        return result

    def _require_life(self) -> None:
        if self._dead is not None:
            raise WasmfixError(f"SQLite has stopped ({self._dead})", remedy="open the file again")

    def _require_no_interrupt(self) -> None:
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    def _trapped(self, error: TrapError) -> BaseException:
        self._dead = str(error)
        if self._interrupted:
            self._interrupted = False
            return KeyboardInterrupt()
        if self._is_overdue():
            return self._too_long()
        return SqlError(f"SQLite on WebAssembly was interrupted in the middle of a call ({error})", codes.INTERNAL)

    def _is_overdue(self) -> bool:
        deadline = self._deadline
        return deadline is not None and time.monotonic() > deadline + watchdog.GRACE

    def _too_long(self) -> SqlError:
        return SqlError(f"took longer than {self.timeout:g} s", codes.INTERRUPT)

    @property
    def is_dead(self) -> bool:
        return self._dead is not None

    def interrupt(self) -> None:
        """End the call that is running, else the next one, from any thread. It raises KeyboardInterrupt."""
        self._interrupted = True
        if self._watchdog is not None:
            self._watchdog.wish()

    def check(self, count: int = 0) -> None:
        """On every read (of `count` bytes) and write: raises what shall end the call."""
        self._bytes_read += count
        self._require_no_interrupt()
        if self._deadline is None and self.progress is None:
            return
        now = time.monotonic()
        if self._deadline is not None and now > self._deadline:
            raise self._too_long()
        if self.progress is not None and now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self.progress(self._bytes_read)

    def close(self) -> None:
        """May be called twice."""
        self.vfs.close()
        watching, self._watchdog = self._watchdog, None
        if watching is not None:
            watching.close()

    def _export(self, name: str) -> Export:
        export = self._exports.get(name)
        if export is None:
            export = self._guest.export(name)
            if export is None:
                raise WasmfixError(f"the engine has no {name}", remedy="build it again: wasmfix build")
            self._exports[name] = export
        return export

    @staticmethod
    def _refused() -> dict[str, Import]:
        """The imports for user functions and virtual tables of the host, which has none here."""
        refused: dict[str, Import] = {}
        for name in ("log_statement", "function_call", "aggregate_step", "aggregate_value", "table_connect"):
            refused[name] = lambda *_: 1
        for name in ("table_filter", "table_next"):
            refused[name] = lambda *_: -1
        refused["table_column"] = lambda *_: 1
        for name in ("function_destroy", "table_disconnect", "table_close"):
            refused[name] = lambda *_: None
        return refused


@contextmanager
def _quiet_interrupts(interrupt: Callable[[], None], watching: Watchdog | None) -> Iterator[None]:
    """While C runs, SIGINT calls `interrupt`. Only in the main thread, where signals arrive; own handlers stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        interrupt()

    signal.signal(signal.SIGINT, handle)
    try:
        with watching.woken_by_signals() if watching is not None else nullcontext():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
