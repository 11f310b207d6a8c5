"""The report for people at a terminal, or plain in a pipe: the verdict first, then what supports it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence

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
_PIPE_WIDTH = 100
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
    _say(console, Text.assemble((f"{SIGNS[report.worst]} ", style), (plain(verdict(report)), style)))
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
        _say(console, Text.assemble((f"{plain(name):{width}}  ", "dim"), plain(value)))


def _show_finding(found: Finding, console: Console) -> None:
    sign = (f"{SIGNS[found.severity]} ", _STYLES[found.severity])
    _say(console, Text.assemble(sign, (found.id, "dim"), f" {plain(headline(found))}"))
    for text in found.evidence:
        for part in text.splitlines():
            _say(console, Text(plain(part), style="dim"), 4)
    if found.remedy is not None:
        _say(console, Text(plain(found.remedy.text)), 4)
        if found.remedy.command is not None:
            _say_command(console, 4, found.remedy.command)
    if found.severity in _PRESSING:
        _say(console, Text(f"more: wasmfix diagnose --explain {found.id}", style="dim"), 4)


def _say(console: Console, text: Text, indent: int = 0) -> None:
    """A line: folded to the width of a terminal, whole in a pipe, where it is searched."""
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, indent)), overflow="fold")
    else:
        console.print(Text(" " * indent) + text, soft_wrap=True)


def _say_command(console: Console, indent: int, command: str) -> None:
    # Never folded: a command that is broken into two lines cannot be pasted.
    console.print(Text(" " * indent + f"$ {plain(command)}", style="bold"), soft_wrap=True)


def _show_tables(tables: Sequence[TableFacts], console: Console) -> None:
    ordered = sorted(tables, key=lambda each: (-each.rows, each.name))
    most = max(each.rows for each in ordered) or 1
    length = _bar_width(console)
    measured = any(each.size is not None for each in ordered)
    table = _table(console, "Tables", ["table", "rows", "", *(["bytes", "average", "largest"] if measured else [])])
    for each in ordered:
        sizes = [_size(each.size), _size(each.average), _size(each.largest)] if measured else []
        rows = f"{each.rows:,}" if each.exact else f"~{each.rows:,}"
        style = "" if each.published else "dim"
        cells: Iterable[Text] = [Text(cell, style=style) for cell in (plain(each.name), rows)]
        table.add_row(
            *cells,
            Text(bar(each.rows / most, length), style="blue"),
            *(Text(size, style=style) for size in sizes),
        )
    console.print(table)


def _show_projections(projections: Sequence[Projection], limit: HeapLimit | None, console: Console) -> None:
    ordered = sorted(projections, key=lambda each: (-each.heap, each.name))
    most = max([each.heap for each in ordered] + ([limit.limit] if limit else [])) or 1
    length = _bar_width(console)
    title = "Hydration, projected"
    if limit is not None:
        title += f" (heap limit {show_size(limit.limit)}, {plain(limit.source)})"
    table = _table(console, title, ["what", "rows touched", "rows kept", "heap", ""])
    for each in ordered:
        over = limit is not None and each.heap > limit.limit
        error = f" ±{each.error:.0%}" if each.error is not None else ""
        table.add_row(
            Text(plain(f"{each.kind} {each.name}")),
            f"{each.rows_touched:,}",
            f"{each.rows_kept:,}",
            Text(f"{show_size(each.heap)}{error}", style="bold red" if over else ""),
            Text(bar(each.heap / most, length), style="red" if over else "blue"),
        )
    console.print(table)


def _table(console: Console, title: str, headers: Sequence[str]) -> Table:
    console.print()
    console.print(Rule(Text(f" {title} ", style="bold"), align="left", style="dim"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, header in enumerate(headers):
        number = place > 0 and header != ""
        table.add_column(header, justify="right" if number else "left", no_wrap=number or header == "", overflow="fold")
    return table


def _bar_width(console: Console) -> int:
    return max(4, min(_BAR, console.width // 4))


def bar(share: float, width: int = _BAR) -> str:
    """A bar of eighths; something is always seen of what is more than nothing."""
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return _PARTS[7] * full + (_PARTS[rest - 1] if rest else "")


def _size(size: float | None) -> str:
    return show_size(size) if size is not None else ""
