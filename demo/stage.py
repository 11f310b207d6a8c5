"""What the demo is drawn with: headings, proofs, and programs that are run before the visitor's eyes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

TEXT_WIDTH = 100
INDENT = 3
TIME_WIDTH = 8  # kept free at the right edge for "123.4 s"
TIME_FROM = 0.05  # seconds: a shorter step shows no time


class DemoError(Exception):
    """A step did not prove what it should: the message says what, and what to do."""


class Stage:
    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            # A pipe under LANG=C or on Windows: the drawing is UTF-8 all the same.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        self.console = Console(highlight=False)
        self.width = min(self.console.width, TEXT_WIDTH)
        self._step = 0

    @property
    def live(self) -> bool:
        """True on a terminal, where things may move."""
        return self.console.is_terminal

    def title(self, text: str, subtitle: str) -> None:
        self.console.print()
        self.console.print(Rule(Text(text, "bold cyan"), align="left", style="cyan"), width=self.width)
        self.console.print(Text(subtitle, "dim"), width=self.width)

    def step(self, text: str) -> None:
        self._step += 1
        self.console.print()
        self.console.print(Text.assemble((f"{self._step}  ", "bold cyan"), (text, "bold")), width=self.width)

    def say(self, text: str, style: str = "") -> None:
        """A paragraph."""
        self._paragraph("", Text.from_markup(text, style=style), "")

    def proof(self, text: str, seconds: float | None = None) -> None:
        """A line that says what has been shown, with the time it took at the right edge."""
        took = "" if seconds is None or seconds < TIME_FROM else f"{seconds:.1f} s"
        self._paragraph("✓ ", Text.from_markup(text), took)

    def _paragraph(self, mark: str, text: Text, right: str) -> None:
        # Not rich's Padding and Table: they fill lines with blanks, which a pipe would keep.
        room = self.width - INDENT - len(mark) - TIME_WIDTH
        for number, line in enumerate(text.wrap(self.console, room)):
            line.rstrip()
            shown = Text(" " * INDENT)
            shown.append(mark if number == 0 else " " * len(mark), "green")
            shown.append_text(line)
            if right and number == 0:
                shown.append(f"{right:>{self.width - shown.cell_len}}", "dim")
            self.console.print(shown, no_wrap=True)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """A spinner while something without a display of its own runs; nothing in a pipe."""
        if not self.live:
            yield
            return
        with self.console.status(f"{text} …", spinner="dots"):
            yield

    def failed(self, error: DemoError) -> None:
        self.console.print()
        where = f"step {self._step} failed: " if self._step else ""
        line = Text.assemble((f"✗ {where}", "bold red"), str(error))
        self.console.print(line, width=self.width)

    def show_command(self, command: Sequence[str], environment: Mapping[str, str], shown: str) -> float:
        """Run a program whose own output is part of the show; return the seconds it took.

        Raises:
            DemoError: the program's exit code is not 0.
        """
        self.console.print(Text.assemble(("   $ ", "dim"), (shown, "bold")))
        self.console.file.flush()
        started = time.monotonic()
        code = subprocess.run(command, env=dict(environment), check=False).returncode
        if code != 0:
            raise DemoError(f"`{shown}` ended with exit code {code}; its own words are above")
        return time.monotonic() - started


def run_quietly(command: Sequence[str], environment: Mapping[str, str], what: str, cwd: Path | None = None) -> str:
    """Run a program and return its stdout.

    Raises:
        DemoError: with the program's last words.
    """
    done = subprocess.run(
        command, env=dict(environment), cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        telling = telling_line(done.stderr or done.stdout)
        raise DemoError(f"{what} ended with exit code {done.returncode}: {telling}")
    return done.stdout


def telling_line(output: str) -> str:
    """The line that says what went wrong: Node ends with its version, npm with the name of a log."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for sign in ("Error: ", "rror"):
        found = next((line for line in lines if sign in line), None)
        if found is not None:
            return found
    return lines[-1] if lines else "it said nothing"


def relative(path: Path) -> str:
    """The path as the visitor would type it."""
    return os.path.relpath(path)
