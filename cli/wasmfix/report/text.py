"""The report for people at a terminal, or plain in a pipe: the verdict first, then what supports it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from wasmfix.diagnostics.facts import HeapLimit, Projection, TableFacts
from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.run import Report
from wasmfix.diagnostics.sizes import show_size
from wasmfix.report.plain import plain
from wasmfix.report.verdict import SIGNS, headline, tally, verdict

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan", Severity.OK: "green"}
_HEADINGS = {
    Severity.ERROR: "Errors",
    Severity.WARNING: "Warnings",
    Severity.NOTE: "Notes",
    Severity.OK: "In order",
}
_PRESSING = (Severity.ERROR, Severity.WARNING)
_BAR = 24
"""The longest bar; narrow terminals have shorter ones."""
_NAME = 16
"""The narrowest that a column of names gets, if they are not shorter."""
_GAP = 2
_PIPE_WIDTH = 100
_NOTHING = Text("")
_PARTS = "▏▎▍▌▋▊▉█"


def render(report: Report) -> str:
    """The report without colours, as it is piped."""
    out = io.StringIO()
    show(report, Console(file=out, width=_PIPE_WIDTH, color_system=None, force_terminal=False, highlight=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def show_on_terminal(report: Report) -> None:
    """The report on stdout, which is a terminal: its width, its colours, and NO_COLOR."""
    show(report, Console(file=sys.stdout, highlight=False))


def show(report: Report, console: Console) -> None:
    _show_head(report, console)
    for severity in Severity:
        findings = [found for found in report.findings if found.severity is severity]
        if findings:
            console.print()
            console.print(Rule(Text(f" {_HEADINGS[severity]} ", style=_STYLES[severity]), align="left", style="dim"))
            for found in findings:
                _show_finding(found, console)
    if report.tables:
        _show_tables(report.tables, console)
    if report.projections:
        _show_projections(report.projections, report.heap_limit, console)
    console.print()
    console.print(Text(f"{tally(report)} ({report.seconds:.1f} s)", style="bold"))


def _show_head(report: Report, console: Console) -> None:
    style, first = _STYLES[report.worst], report.findings[0] if report.findings else None
    _say(console, Text(plain(verdict(report)), style=style), lead=Text(f"{SIGNS[report.worst]} ", style=style))
    if first is not None and first.remedy is not None and first.severity in _PRESSING:
        # The words, too: who pastes what stands at the top reads no further.
        command = first.remedy.command
        _say(console, Text(plain(first.remedy.text), style="" if command is not None else "bold"), 2)
        if command is not None:
            _say_command(console, 2, command)
    lines = [*report.subjects, *((fact.name, fact.value) for fact in report.facts)]
    width = max((len(name) for name, _value in lines), default=0)
    if lines:
        console.print()
    for name, value in lines:
        _say(console, Text(plain(value)), lead=Text(f"{plain(name):{width}}{' ' * _GAP}", style="dim"))


def _show_finding(found: Finding, console: Console) -> None:
    sign = Text(f"{SIGNS[found.severity]} ", style=_STYLES[found.severity])
    _say(console, Text.assemble((found.id, "dim"), f" {plain(headline(found))}"), lead=sign)
    for text in found.evidence:
        for part in text.splitlines():
            _say(console, Text(plain(part), style="dim"), 4, hang=_GAP)
    if found.remedy is not None:
        _say(console, Text(plain(found.remedy.text)), 4)
        if found.remedy.command is not None:
            _say_command(console, 4, found.remedy.command)
    if found.severity in _PRESSING:
        _say(console, Text(f"more: wasmfix diagnose --explain {found.id}", style="dim"), 4)


def _say(console: Console, text: Text, indent: int = 0, *, lead: Text = _NOTHING, hang: int = 0) -> None:
    """A line: folded to the width of a terminal, whole in a pipe, where it is searched.

    Args:
        indent: columns to the left of it.
        lead: what stands in front of it once; folded lines go on below the text.
        hang: by how many columns more, without a lead, they stand in, not to be taken for lines of their own.
    """
    if not console.is_terminal:
        console.print(Text(" " * indent) + lead + text, soft_wrap=True)
        return
    if lead.cell_len > console.width // 2:
        text, lead, hang = lead + text, _NOTHING, _GAP
    further = indent + max(lead.cell_len, hang)
    fits = indent + lead.cell_len + text.cell_len <= console.width
    first, *more = [text] if fits else text.wrap(console, max(1, console.width - further), overflow="fold")
    console.print(Text(" " * indent) + lead + first)
    for line in more:
        console.print(Padding(line, (0, 0, 0, further)))


def _say_command(console: Console, indent: int, command: str) -> None:
    # Never folded: a command that is broken into two lines cannot be pasted.
    console.print(Text(" " * indent + f"$ {plain(command)}", style="bold"), soft_wrap=True)


def _show_tables(tables: Sequence[TableFacts], console: Console) -> None:
    ordered = sorted(tables, key=lambda each: (-each.rows, each.name))
    most = max(each.rows for each in ordered) or 1
    length = _bar_width(console)
    styles = ["" if each.published else "dim" for each in ordered]

    def column(header: str, cells: Iterable[str], drop: int | None = None) -> _Column:
        texts = [Text(cell, style=style) for cell, style in zip(cells, styles, strict=True)]
        return _Column(header, texts, drop)

    columns = [
        column("table", (plain(each.name) for each in ordered)),
        column("rows", (f"{each.rows:,}" if each.exact else f"~{each.rows:,}" for each in ordered)),
        _Column("", [Text(bar(each.rows / most, length), style="blue") for each in ordered], 1),
    ]
    if any(each.size is not None for each in ordered):
        columns += [
            column("bytes", (_size(each.size) for each in ordered), 4),
            column("average", (_size(each.average) for each in ordered), 2),
            column("largest", (_size(each.largest) for each in ordered), 3),
        ]
    _show_columns(console, "Tables", columns)


def _show_projections(projections: Sequence[Projection], limit: HeapLimit | None, console: Console) -> None:
    ordered = sorted(projections, key=lambda each: (-each.heap, each.name))
    most = max([each.heap for each in ordered] + ([limit.limit] if limit else [])) or 1
    length = _bar_width(console)
    said = f"heap limit {show_size(limit.limit)}, {plain(limit.source)}" if limit is not None else None
    over = [limit is not None and each.heap > limit.limit for each in ordered]
    heaps = [show_size(each.heap) + (f" ±{each.error:.0%}" if each.error is not None else "") for each in ordered]
    columns = [
        _Column("what", [Text(plain(f"{each.kind} {each.name}")) for each in ordered]),
        _Column("rows touched", [Text(f"{each.rows_touched:,}") for each in ordered], 2),
        _Column("rows kept", [Text(f"{each.rows_kept:,}") for each in ordered], 3),
        _Column("heap", [Text(heap, style="bold red" if red else "") for heap, red in zip(heaps, over, strict=True)]),
        _Column(
            "",
            [
                Text(bar(each.heap / most, length), style="red" if red else "blue")
                for each, red in zip(ordered, over, strict=True)
            ],
            1,
        ),
    ]
    _show_columns(console, "Hydration, projected", columns, said)


@dataclass(frozen=True)
class _Column:
    header: str
    cells: Sequence[Text]
    drop: int | None = None
    """Where there is no room the lowest goes first; None: never."""

    @property
    def width(self) -> int:
        return max([len(self.header), *(cell.cell_len for cell in self.cells)])


def _show_columns(console: Console, title: str, columns: Sequence[_Column], said: str | None = None) -> None:
    """A table whose first column, the names, is folded where it is long, and the rest is whole or not there."""
    console.print()
    console.print(Rule(Text(f" {title} ", style="bold"), align="left", style="dim"))
    if said is not None:
        # Not in the rule, which is one line: a narrow terminal would cut it off.
        _say(console, Text(said, style="dim"), hang=_GAP)
    shortest = min(columns[0].width, _NAME)
    columns = list(columns)
    while shortest + sum(each.width + _GAP for each in columns[1:]) > console.width:
        droppable = [each for each in columns if each.drop is not None]
        if not droppable:
            break
        columns.remove(min(droppable, key=lambda each: each.drop or 0))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for place, each in enumerate(columns):
        number = place > 0 and each.header != ""
        table.add_column(
            each.header,
            justify="right" if number else "left",
            no_wrap=place > 0,
            overflow="fold",
            min_width=each.width if place > 0 else shortest,
        )
    for row in zip(*(each.cells for each in columns), strict=True):
        table.add_row(*row)
    console.print(table)


def _bar_width(console: Console) -> int:
    return max(4, min(_BAR, console.width // 4))


def bar(share: float, width: int = _BAR) -> str:
    """A bar of eighths; something is always seen of what is more than nothing."""
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return _PARTS[7] * full + (_PARTS[rest - 1] if rest else "")


def _size(size: float | None) -> str:
    return show_size(size) if size is not None else ""
