"""A program on a terminal of its own, that a test types into."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

_PATIENCE = 60.0
# A session whose terminal this is: Ctrl-C arrives as SIGINT.
_IN_A_SESSION = """
import os, sys
os.setsid()
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """The program runs until `end`; what it shows is in `output`."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._shown = b""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_SESSION, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=dict(env),
        )
        os.close(theirs)

    @property
    def output(self) -> str:
        # Of all at once: a piece may end within a character or a line's end.
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def expect(self, words: str) -> None:
        """Wait until the program has shown these words."""
        deadline = time.monotonic() + _PATIENCE
        while words not in self.output:
            assert time.monotonic() < deadline, self.output
            assert self._read(), self.output

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], _PATIENCE)[0]:
            return False
        try:
            piece = os.read(self._ours, 4096)
        except OSError:  # its other end is closed
            return False
        self._shown += piece
        return bool(piece)
