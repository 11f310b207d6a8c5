"""Tables and paths for people: rich on a terminal, one tab-free line a row when piped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

_SHORTEST = 16
"""Columns of a terminal that the last cell of a row has at least."""


def shown_path(path: Path, root: Path) -> str:
    """A path as the user would type it from the project's root."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) and path != root else str(path)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headers; columns are aligned, and a terminal's width is respected.

    A cell may have several lines; in a pipe they become one, with commas.
    """
    if sys.stdout.isatty():
        # Imported late: a second `patch` has no table, and rich takes a while.
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console(highlight=False)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        lines = [
            [header, *(line for row in rows for line in row[column].split("\n"))]
            for column, header in enumerate(headers)
        ]
        widths = [max(map(cell_len, column)) for column in lines]
        # What has to be broken is the last column; where the others have no room alone, all are: nothing is cut off.
        fits = sum(width + 2 for width in widths[:-1]) + min(widths[-1], _SHORTEST) <= console.width
        for column, header in enumerate(headers):
            table.add_column(header, overflow="fold", no_wrap=fits and column < len(headers) - 1)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        return
    rows = [[", ".join(cell.split("\n")) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    for row in [headers, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
