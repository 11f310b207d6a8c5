"""The memory curve of a process, drawn with block characters: any width, any terminal, and readable in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

BLOCKS = " ▁▂▃▄▅▆▇█"
HEIGHT = 10
MARGIN = 11  # "   512 MB ┤"
MB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    seconds: float
    rss: int  # bytes
    calls: int


def draw(samples: Sequence[Sample], *, limit: int, healthy: int, width: int, height: int = HEIGHT) -> Text:
    """The curve with its axes.

    Args:
        samples: in order of time, at least one.
        limit: bytes; the top of the drawing, where the process is stopped.
        healthy: bytes that the same work needs with an honest driver; marked on the axis.
        width: characters of a line, margin included.
        height: lines of the plot, axis excluded.
    """
    columns = _columns(samples, max(10, width - MARGIN - 1))
    healthy_row = min(height - 1, int(healthy / limit * height))
    text = Text()
    for row in reversed(range(height)):
        label, tick = "", "│"
        if row == height - 1:
            label, tick = f"{limit // MB} MB", "┤"
        elif row == healthy_row:
            label, tick = f"{healthy // MB} MB", "┤"
        text.append(f"{label:>{MARGIN - 2}} {tick}", "dim")
        for value in columns:
            eighths = round(value / limit * height * 8) - row * 8
            text.append(BLOCKS[max(0, min(8, eighths))], _colour(row, height))
        text.append("\n")
    text.append(" " * (MARGIN - 1) + "└" + "─" * len(columns) + "\n", "dim")
    end = f"{samples[-1].seconds:.1f} s"
    text.append(" " * MARGIN + "0" + end.rjust(len(columns) - 1), "dim")
    return text


def _columns(samples: Sequence[Sample], count: int) -> list[int]:
    """One value a column: the last sample at or before its moment. Time runs over the full width."""
    last = samples[-1].seconds or 1.0
    values, index = [], 0
    for column in range(count):
        moment = last * column / (count - 1)
        while index + 1 < len(samples) and samples[index + 1].seconds <= moment:
            index += 1
        values.append(samples[index].rss)
    return values


def _colour(row: int, height: int) -> str:
    if row >= height * 0.8:
        return "red"
    return "yellow" if row >= height * 0.4 else "green"
