"""Building an engine in front of the user: what is being done, and how long it takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from wasmfix.engine import BuiltEngine, CompilerError, build_engine


def build_shown(package_dir: Path, *, toolchain: str, title: str) -> BuiltEngine:
    """`build_engine` with a progress display on stderr, and the compiler's words there when it fails."""
    try:
        with _display(title) as tell:
            return build_engine(package_dir, toolchain=toolchain, progress=tell)
    except CompilerError as error:
        # Here, because the error itself is one line.
        click.echo(error.detail, err=True)
        raise


@contextmanager
def _display(title: str) -> Iterator[Callable[[str], None]]:
    """A spinner with a clock on a terminal, a line for each step elsewhere; nothing until there is something to do."""
    if not sys.stderr.isatty():
        yield lambda step: click.echo(f"{title}: {step}", err=True)
        return
    # Imported late: a warm build has nothing to show.
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task("", start=False, visible=False)

    def tell(step: str) -> None:
        progress.start()
        progress.start_task(task)
        progress.update(task, description=f"{title}: {step}", visible=True)

    try:
        yield tell
    finally:
        progress.stop()
