"""Ends a call that computes without ever reading: such a call never comes back to Python to look at a mark.

A thread waits for a byte in a pipe: `interrupt()` writes one, and so does CPython's own signal handler for SIGINT
(signal.set_wakeup_fd()), while C runs in the main thread. After a grace, in which the call may end at a read and the
connection live on, the thread makes WebAssembly trap.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

AVAILABLE = sys.platform != "win32"  # select() takes no pipes there

GRACE = 0.5
"""Seconds."""
_PERIOD = 0.25
_WISH, _END = b"\0", b"\xff"


class Watchdog:
    """Of one instance.

    Args:
        stop: makes the call that is running trap; from any thread.
        call: the number of the call that is running, 0 if none is.
        overdue: whether that call should have ended by its time limit.
        timed: whether calls have a time limit.
    """

    def __init__(
        self, stop: Callable[[], None], call: Callable[[], int], overdue: Callable[[], bool], *, timed: bool
    ) -> None:
        self._stop = stop
        self._call = call
        self._overdue = overdue
        self._timed = timed
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._thread = threading.Thread(target=self._watch, name="wasmfix-watchdog", daemon=True)
        self._thread.start()

    def wish(self) -> None:
        """The call that is running shall end."""
        with suppress(OSError):
            os.write(self._write, _WISH)

    @contextmanager
    def woken_by_signals(self) -> Iterator[None]:
        """In the main thread: SIGINT is a wish, too."""
        try:
            before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        except ValueError:
            yield
            return
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        with suppress(OSError):
            os.write(self._write, _END)
        self._thread.join()
        os.close(self._read)
        os.close(self._write)

    def _watch(self) -> None:
        while True:
            ready, _, _ = select.select([self._read], [], [], _PERIOD if self._timed else None)
            if ready:
                told = os.read(self._read, 64)
                if _END in told:
                    return
                call = self._call()
                if call and (_WISH in told or signal.SIGINT in told):
                    time.sleep(GRACE)
                    if self._call() == call:
                        self._stop()
            elif self._overdue():
                self._stop()
