"""What was measured, whether or not anything is wrong with it: renderers draw tables and bars of these."""

from __future__ import annotations

from dataclasses import dataclass

from wasmfix.diagnostics.finding import Finding


@dataclass(frozen=True)
class Fact:
    """A line of the report's head: `Fact("replica", "journal mode", "wal2")`."""

    section: str
    name: str
    value: str


@dataclass(frozen=True)
class TableFacts:
    """A table of the replica. Sizes in bytes; None: not measured."""

    name: str
    rows: int
    exact: bool = True
    """False: an estimate, or counting was cut short."""
    size: int | None = None
    """Of the table's pages, without its indexes."""
    index_size: int | None = None
    average: float | None = None
    """Of a row."""
    largest: int | None = None
    """The largest row."""
    published: bool = True
    """False: a table of Zero's or SQLite's own."""


@dataclass(frozen=True)
class Projection:
    """What hydrating a table, or a query, is expected to cost."""

    name: str
    kind: str
    """`table` or `query`."""
    rows_touched: int
    rows_kept: int
    heap: int
    """JavaScript heap at the peak, in bytes."""
    error: float | None = None
    """How far off it may be: 0.25 is a quarter, up or down."""


@dataclass(frozen=True)
class HeapLimit:
    """The heap that a process of zero-cache has, in bytes, and who says so (`--heap-limit`, `NODE_OPTIONS in .env`)."""

    limit: int
    source: str


Item = Finding | Fact | TableFacts | Projection | HeapLimit
"""What a check yields."""
