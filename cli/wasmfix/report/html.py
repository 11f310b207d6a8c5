"""One HTML page that needs nothing else: no script, no font, no image from elsewhere; light and dark.

Whatever comes from elsewhere (names of tables, words of servers) is escaped, and the page's own policy forbids scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from wasmfix.diagnostics.facts import HeapLimit, Projection, TableFacts
from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.registry import REGISTRY
from wasmfix.diagnostics.run import Report
from wasmfix.diagnostics.sizes import show_size
from wasmfix.report.html_charts import Bar, bar_chart
from wasmfix.report.html_style import STYLE
from wasmfix.report.plain import plain
from wasmfix.report.prose import as_html
from wasmfix.report.verdict import SIGNS, tally, verdict

_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes", Severity.OK: "In order"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_BARS = 20


def render(report: Report) -> str:
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{_text(verdict(report))}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<main>"
    yield from _head(report)
    for severity, heading in _HEADINGS.items():
        findings = [found for found in report.findings if found.severity is severity]
        if findings:
            yield f'<section aria-label="{heading}">'
            yield f"<h2>{heading} <span>{len(findings)}</span></h2>"
            for found in findings:
                yield from _finding(found)
            yield "</section>"
    if report.tables:
        yield from _tables(report.tables)
    if report.projections:
        yield from _projections(report.projections, report.heap_limit)
    yield f"<footer>wasmfix {_text(report.wasmfix)}, {_text(report.started)}, {report.seconds:.1f} s</footer>"
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _head(report: Report) -> Iterator[str]:
    first = report.findings[0] if report.findings else None
    pressing = first is not None and first.severity in (Severity.ERROR, Severity.WARNING)
    yield f'<header class="{report.worst.value}">'
    yield f"<p>wasmfix {report.command}</p>"
    yield f"<h1><b>{SIGNS[report.worst]}</b> {_text(verdict(report))}</h1>"
    if first is not None and pressing and first.remedy is not None:
        yield f"<p>{_text(first.remedy.text)}</p>"
        if first.remedy.command is not None:
            yield _command(first.remedy.command)
    yield f"<p>{_text(tally(report))}</p>"
    yield "</header>"
    facts = [*report.subjects, *((fact.name, fact.value) for fact in report.facts)]
    if facts:
        yield "<dl>"
        for name, value in facts:
            yield f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
        yield "</dl>"


def _finding(found: Finding) -> Iterator[str]:
    kind = REGISTRY[found.id]
    yield f'<article class="{found.severity.value}">'
    yield f'<h3><b aria-hidden="true">{SIGNS[found.severity]}</b> {_text(found.subject)}: {_text(found.what)}</h3>'
    if found.evidence:
        lines = (line for evidence in found.evidence for line in evidence.splitlines())
        yield f"<pre>{'<br>'.join(_text(line) for line in lines)}</pre>"
    if found.remedy is not None:
        yield f"<p>{_text(found.remedy.text)}</p>"
        if found.remedy.command is not None:
            yield _command(found.remedy.command)
    yield f"<details><summary>{found.id}: {_text(kind.title)}</summary>"
    for part in (kind.means, f"How it is found: {kind.found}", f"What to do: {kind.cure}"):
        yield f"<p>{as_html(part)}</p>"
    yield "</details>"
    yield "</article>"


def _command(command: str) -> str:
    return f'<pre class="command"><span aria-hidden="true">$ </span><code>{_text(command)}</code></pre>'


def _tables(tables: tuple[TableFacts, ...]) -> Iterator[str]:
    ordered = sorted(tables, key=lambda each: (-each.rows, each.name))
    yield '<section aria-label="Tables">'
    yield f"<h2>Tables <span>{len(ordered)}</span></h2>"
    rows = [Bar(each.name, each.rows, _rows(each)) for each in ordered]
    yield bar_chart("Rows per table", rows, most=_MOST_BARS, show=lambda value: f"{value:,.0f} rows")
    sizes = [Bar(each.name, each.size, show_size(each.size)) for each in ordered if each.size is not None]
    if sizes:
        yield bar_chart("Bytes per table", sizes, most=_MOST_BARS, show=show_size)
    yield '<div class="wide"><table>'
    heads = "".join(f"<th>{head}</th>" for head in ("rows", "bytes", "indexes", "average row", "largest row"))
    yield f"<thead><tr><th>table</th>{heads}</tr></thead><tbody>"
    for each in ordered:
        measured = (each.size, each.index_size, each.average, each.largest)
        cells = "".join(f"<td>{show_size(size) if size is not None else ''}</td>" for size in measured)
        kind = "" if each.published else ' class="own"'
        yield f"<tr{kind}><th>{_text(each.name)}</th><td>{_rows(each)}</td>{cells}</tr>"
    yield "</tbody></table></div></section>"


def _rows(table: TableFacts) -> str:
    return f"{table.rows:,}" if table.exact else f"about {table.rows:,}"


def _projections(projections: tuple[Projection, ...], limit: HeapLimit | None) -> Iterator[str]:
    ordered = sorted(projections, key=lambda each: (-each.heap, each.name))
    yield '<section aria-label="Hydration">'
    yield f"<h2>Hydration, projected <span>{len(ordered)}</span></h2>"
    bars = [Bar(f"{each.kind} {each.name}", each.heap, _heap(each)) for each in ordered]
    # Who set the limit stands where a phone can break it into lines.
    mark = (limit.limit, f"limit {show_size(limit.limit)}") if limit else None
    title = f"Heap at the peak; limit: {plain(limit.source)}" if limit else "Heap at the peak"
    yield bar_chart(title, bars, most=_MOST_BARS, show=show_size, mark=mark)
    yield '<div class="wide"><table>'
    yield "<thead><tr><th>what</th><th>rows touched</th><th>rows kept</th><th>heap</th></tr></thead><tbody>"
    for each in ordered:
        over = ' class="over"' if limit and each.heap > limit.limit else ""
        cells = f"<td>{each.rows_touched:,}</td><td>{each.rows_kept:,}</td><td{over}>{_heap(each)}</td>"
        yield f"<tr><th>{_text(f'{each.kind} {each.name}')}</th>{cells}</tr>"
    yield "</tbody></table></div></section>"


def _heap(projection: Projection) -> str:
    error = f" ±{projection.error:.0%}" if projection.error is not None else ""
    return show_size(projection.heap) + error


def _text(text: str) -> str:
    return escape(plain(text))
