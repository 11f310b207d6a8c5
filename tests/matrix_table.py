"""Tables in docs/ whose rows are results of tests.

A table stands between two comments, `<!-- table: NAME -->` and `<!-- end of table -->`. A test says what it found with
`record`: that has to be what the row in the document says. With WASMFIX_WRITE_TABLES=1 (`make matrix` sets it) the row
is written instead, and a test that cannot run here writes that.

The first column is the key of a row. Cells must not tell of the machine: no paths, no seconds. What may differ from run
to run goes into a column that is named in `unchecked`.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

WRITE = "WASMFIX_WRITE_TABLES"
_END = "<!-- end of table -->"


@dataclass(frozen=True)
class MatrixTable:
    """One table. `keys` are all its rows, in their order."""

    file: Path
    name: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    unchecked: Collection[str] = ()

    def record(self, key: str, cells: Mapping[str, str]) -> None:
        """The test of this row has found these cells (all columns but the first)."""
        assert key in self.keys, f"{key} is no row of the table {self.name}"
        assert tuple(cells) == self.columns[1:], f"the columns are {self.columns}"
        found = [key, *cells.values()]
        if _writing():
            self._write(found)
            return
        documented = self.rows().get(key)
        assert documented is not None, f"{self.file.name} has no row {key}; {self._remedy}"
        for column, cell, said in zip(self.columns, found, documented, strict=True):
            if column not in self.unchecked:
                assert said == cell, f"{self.file.name}, {key}, {column}: it says {said!r}; {self._remedy}"

    def not_run(self, key: str, reason: str) -> None:
        """This machine cannot run the test of this row: skips it."""
        assert key in self.keys, f"{key} is no row of the table {self.name}"
        if _writing():
            where = f"{platform.system()} {platform.machine()}"
            self._write([key, *[""] * (len(self.columns) - 2), f"not run on {where}: {reason}"])
        pytest.skip(reason)

    def rows(self) -> dict[str, list[str]]:
        """What the document says, by key."""
        _before, table, _after = self._parts()
        lines = [_cells(line) for line in table.splitlines() if line.startswith("|")]
        return {cells[0]: cells for cells in lines[2:]}

    def assert_complete(self) -> None:
        """The document has a row for each key, in order, and no other."""
        _before, table, _after = self._parts()
        header = next((_cells(line) for line in table.splitlines() if line.startswith("|")), [])
        assert header == list(self.columns), self._remedy
        assert list(self.rows()) == list(self.keys), self._remedy

    @property
    def _remedy(self) -> str:
        return f"run: make matrix (or pytest with {WRITE}=1), and look at the difference"

    def _parts(self) -> tuple[str, str, str]:
        text = self.file.read_text(encoding="utf-8")
        begin = f"<!-- table: {self.name} -->"
        found = re.search(f"(.*{re.escape(begin)}\n)(.*?)({re.escape(_END)}.*)", text, re.DOTALL)
        assert found is not None, f"{self.file} has no line {begin}, or no {_END} after it"
        return found[1], found[2], found[3]

    def _write(self, row: Sequence[str]) -> None:
        before, _table, after = self._parts()
        rows = {**self.rows(), row[0]: list(row)}
        lines = [self.columns, ["---"] * len(self.columns), *(rows[key] for key in self.keys if key in rows)]
        table = "".join(f"| {' | '.join(_escaped(cell) for cell in line)} |\n" for line in lines)
        self.file.write_text(f"{before}{table}{after}", encoding="utf-8")


def _writing() -> bool:
    return os.environ.get(WRITE) == "1"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip())[1:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]
