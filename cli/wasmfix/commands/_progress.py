"""What a long look is at: a line that is rewritten on a terminal's stderr, now and then a line elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from wasmfix.diagnostics.run import Tell

_QUIET = 1.0
"""Seconds in which nothing is said: most runs are over by then."""
_PAUSE = 5.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def shown_progress() -> Iterator[Tell]:
    """A `Tell` that shows on stderr what is being done; nothing if WASMFIX_PROGRESS is 0."""
    if os.environ.get("WASMFIX_PROGRESS") == "0":
        yield lambda _what, _done=None, _total=None: None
        return
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.text import Text

    from wasmfix.report.plain import plain

    status = Console(stderr=True).status("")
    begin, started = time.monotonic(), False

    def tell(what: str, done: int | None = None, total: int | None = None) -> None:
        nonlocal started
        if not started and time.monotonic() - begin > _QUIET / 4:
            status.start()
            started = True
        if started:
            status.update(Text(plain(_line(what, done, total))))

    try:
        yield tell
    finally:
        status.stop()


class _Lines:
    def __init__(self) -> None:
        self._next = time.monotonic() + _QUIET
        self._last = ""

    def __call__(self, what: str, done: int | None = None, total: int | None = None) -> None:
        line = _line(what, done, total)
        if time.monotonic() >= self._next and line != self._last:
            self._next, self._last = time.monotonic() + _PAUSE, line
            click.echo(line, err=True)


def _line(what: str, done: int | None, total: int | None) -> str:
    if done is None:
        return what
    return f"{what}: {done:,} of {total:,} ({done / total:.0%})" if total else f"{what}: {done:,}"
