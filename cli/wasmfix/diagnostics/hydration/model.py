"""Heap that a view-syncer takes to hydrate queries, from rows and their sizes. Constants and source: model.toml.

Two moments can be the peak. While rows are *sent*, the view-syncer has a record of every row so far, and the contents
of one page of rows; with an EXISTS that is read from its child's side, all rows of that child too. When all is sent,
the records are *serialized*, all in one piece.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmfix.diagnostics.hydration.counts import Counts
from wasmfix.diagnostics.hydration.sizes import RowSize

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ERROR = 0.25
"""How far off a projection may be, up or down (docs/hydration.md)."""


@dataclass(frozen=True)
class _Record:
    """Bytes a row that is kept."""

    record: int
    """With a key of one column and without characters, for one query."""
    key_column: int
    """For each further column of the key."""
    key_character: int
    query: int
    """For each further query that keeps the row."""

    def bytes(self, size: RowSize, queries: float) -> float:
        columns = self.key_column * max(0, size.key_columns - 1)
        return self.record + columns + self.key_character * size.key + self.query * max(0.0, queries - 1)


@dataclass(frozen=True)
class Model:
    page: int
    base: int
    row: int
    column: int
    patch: int
    sent: _Record
    serialized: _Record

    def contents(self, size: RowSize) -> float:
        """Bytes of a row as an object."""
        return self.row + self.column * size.columns + size.values

    def heap(self, together: Counts, each: Sequence[Counts], sizes: Mapping[str, RowSize]) -> int:
        """Bytes of heap at the peak.

        Args:
            together: rows of all queries.
            each: the same of each query, in the order in which they are hydrated.
            sizes: of the rows of each table that is named in the counts.
        """
        queries = {
            table: sum(counts.kept.get(table, 0) for counts in each) / (number or 1)
            for table, number in together.kept.items()
        }
        sent, serialized = (
            sum(number * record.bytes(sizes[table], queries[table]) for table, number in together.kept.items())
            for record in (self.sent, self.serialized)
        )
        held = max(
            (sum(number * self.contents(sizes[table]) for table, number in counts.held.items()) for counts in each),
            default=0.0,
        )
        return self.base + int(max(sent + self._page(each, sizes) + held, serialized))

    def _page(self, each: Sequence[Counts], sizes: Mapping[str, RowSize]) -> float:
        """Bytes of the page of rows that has the most."""
        runs = []
        for counts in each:
            total = sum(number * (self.contents(sizes[table]) + self.patch) for table, number in counts.kept.items())
            if counts.rows_kept:
                runs.append((counts.rows_kept, total / counts.rows_kept))
        ends = [0]
        for rows, _ in runs:
            ends.append(ends[-1] + rows)
        # Density is even within a query: the heaviest window begins or ends where a query does.
        starts = {*ends, *(end - self.page for end in ends)}
        return max((_between(runs, start, start + self.page) for start in starts), default=0.0)


def load_model() -> Model:
    """The constants."""
    content = tomllib.loads((Path(__file__).with_name("model.toml")).read_text(encoding="utf-8"))
    numbers = {name: content[name] for name in ("page", "base", "row", "column", "patch")}
    return Model(**numbers, sent=_Record(**content["sent"]), serialized=_Record(**content["serialized"]))


def _between(runs: Sequence[tuple[int, float]], start: int, end: int) -> float:
    total, at = 0.0, 0
    for rows, density in runs:
        total += max(0, min(end, at + rows) - max(start, at)) * density
        at += rows
    return total
