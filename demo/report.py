"""What hydrate.mjs measured, and two of them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.text import Text
from stage import DemoError


@dataclass(frozen=True)
class Part:
    """One thing that Zero did: how many rows (or estimates) came of it, a digest of them, and how long it took."""

    name: str
    rows: int
    digest: str
    ms: float


@dataclass(frozen=True)
class Report:
    sqlite: str
    cost: Part
    read: Part
    queries: tuple[Part, ...]
    peak: int  # bytes: the most that the process ever had resident
    process_ms: float  # from the start of the process to its end, Zero's own loading included

    @classmethod
    def from_json(cls, answer: dict[str, Any], process_ms: float) -> Report:
        cost, read = answer["cost"], answer["read"]
        return cls(
            sqlite=answer["sqlite"],
            cost=Part("cost model: estimates", cost["estimates"], cost["digest"], cost["ms"]),
            read=Part(f"TableSource: {read['tables']} tables", read["rows"], read["digest"], read["ms"]),
            queries=tuple(Part(**query) for query in answer["queries"]),
            peak=answer["peak"],
            process_ms=process_ms,
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.cost, self.read, *self.queries)

    @property
    def hydrated_rows(self) -> int:
        return sum(query.rows for query in self.queries)

    @property
    def hydration_ms(self) -> float:
        return sum(query.ms for query in self.queries)


def check_equal(native: Report, wasm: Report) -> None:
    """
    Raises:
        DemoError: some part has other rows on the two drivers.
    """
    for ours, theirs in zip(wasm.parts, native.parts, strict=True):
        if (ours.rows, ours.digest) != (theirs.rows, theirs.digest):
            raise DemoError(f"“{ours.name}” is not the same: {theirs.rows} rows on native, {ours.rows} on WebAssembly")
    if native.sqlite != wasm.sqlite:
        raise DemoError(f"SQLite is {native.sqlite} on native and {wasm.sqlite} on WebAssembly")


def comparison(native: Report, wasm: Report) -> list[Text]:
    """The table of both, a line a part."""
    rows = [("", "rows", "native", "WebAssembly", Text(""))]
    for ours, theirs in zip(wasm.parts, native.parts, strict=True):
        same = (ours.rows, ours.digest) == (theirs.rows, theirs.digest)
        mark = Text("= same", "green") if same else Text("≠ differs", "bold red")
        rows.append((ours.name, f"{ours.rows:,}", _ms(theirs.ms), _ms(ours.ms), mark))
    rows.append(("whole process", "", _ms(native.process_ms), _ms(wasm.process_ms), Text("")))
    rows.append(("peak memory", "", f"{native.peak >> 20} MB", f"{wasm.peak >> 20} MB", Text("")))
    return [_line(*row, style="bold" if row[1] in ("", "rows") else "") for row in rows]


def _line(name: str, rows: str, native: str, wasm: str, mark: Text, style: str) -> Text:
    line = Text("   ")
    line.append(f"{name:<34}{rows:>6}{native:>10}{wasm:>13}", style)
    return line.append("  ").append_text(mark) if mark else line


def _ms(value: float) -> str:
    return f"{value:,.0f} ms"
