"""Markdown as GitHub and GitLab show it: for a step summary, a merge request, an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.run import Report
from wasmfix.diagnostics.sizes import show_size
from wasmfix.report.plain import plain
from wasmfix.report.verdict import tally, verdict

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&@-])")
_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes", Severity.OK: "In order"}


def render(report: Report) -> str:
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"## wasmfix {report.command}: {text(tally(report))}"
    yield ""
    first = report.findings[0] if report.findings else None
    pressing = first is not None and first.severity in (Severity.ERROR, Severity.WARNING)
    yield _headline(first) if first is not None and pressing else f"**{text(verdict(report))}**"
    for severity, heading in _HEADINGS.items():
        findings = [found for found in report.findings if found.severity is severity]
        if findings:
            yield from ("", f"### {heading}")
            for found in findings:
                yield from _finding(found)
    if report.tables:
        yield from ("", "### Tables", "")
        yield from _table(
            ("table", "rows", "bytes", "average row", "largest row"),
            [
                (
                    code(each.name),
                    f"{each.rows:,}" if each.exact else f"about {each.rows:,}",
                    _size(each.size),
                    _size(each.average),
                    _size(each.largest),
                )
                for each in sorted(report.tables, key=lambda each: (-each.rows, each.name))
            ],
        )
    if report.projections:
        limit = report.heap_limit
        yield from ("", "### Hydration, projected", "")
        if limit:
            yield from (f"Heap limit: {show_size(limit.limit)} ({text(limit.source)})", "")
        yield from _table(
            ("what", "rows touched", "rows kept", "heap"),
            [
                (
                    f"{each.kind} {code(each.name)}",
                    f"{each.rows_touched:,}",
                    f"{each.rows_kept:,}",
                    show_size(each.heap) + (" **over the limit**" if limit and each.heap > limit.limit else ""),
                )
                for each in sorted(report.projections, key=lambda each: (-each.heap, each.name))
            ],
        )
    facts = [*report.subjects, *((fact.name, fact.value) for fact in report.facts)]
    if facts:
        yield from ("", "### Looked at", "")
        yield from _table(("", ""), [(code(name), text(value)) for name, value in facts])


def _finding(found: Finding) -> Iterator[str]:
    yield ""
    yield f"**{found.id}** {_headline(found)}"
    if found.evidence:
        yield ""
        yield from (f"- {code(line)}" for evidence in found.evidence for line in evidence.splitlines() if line.strip())
    if found.remedy is not None:
        yield from ("", text(found.remedy.text))
        if found.remedy.command is not None:
            command = plain(found.remedy.command)
            fence = "`" * max(3, _longest_ticks(command) + 1)
            yield from ("", f"{fence}sh", command, fence)


def _headline(found: Finding) -> str:
    # In a code span: nobody is mentioned by the name of a package.
    return f"{code(found.subject)}: **{text(found.what)}**"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield "| --- |" + " ---: |" * (len(headers) - 1) if headers[0] else "| --- | --- |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def text(words: str) -> str:
    """The words as they are: no markup, no HTML, no end of a cell of a table."""
    return _SPECIAL.sub(r"\\\1", plain(words))


def code(words: str) -> str:
    """A code span, in a table as well."""
    words = plain(words)
    ticks = "`" * (_longest_ticks(words) + 1)
    # A bar ends a cell of a table even in a code span, and cannot be escaped there outside of tables.
    words = words.replace("|", "¦")
    blank = " " if words.startswith("`") or words.endswith("`") or not words.strip() else ""
    return f"{ticks}{blank}{words}{blank}{ticks}"


def _longest_ticks(words: str) -> int:
    return max((len(run) for run in re.findall(r"`+", words)), default=0)


def _size(size: float | None) -> str:
    return show_size(size) if size is not None else ""
