"""The words that sum a report up."""

from __future__ import annotations

from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.run import Report

_COUNTED = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
SIGNS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.NOTE: "i", Severity.OK: "✓"}


def verdict(report: Report) -> str:
    """One line: what is the matter, in the words of the worst finding."""
    first = report.findings[0] if report.findings else None
    if report.worst in (Severity.ERROR, Severity.WARNING) and first is not None:
        return headline(first)
    return "Nothing is wrong" if report.complete else "Nothing was found so far"


def headline(found: Finding) -> str:
    """A finding in one line."""
    return f"{found.subject}: {found.what}"


def tally(report: Report) -> str:
    """`2 errors, 1 warning`; with the interruption, if there was one."""
    parts = [_plural(report.count(each), each.value) for each in _COUNTED if report.count(each)]
    said = ", ".join(parts) or "no errors, no warnings"
    return said if report.complete else f"{said}; interrupted, not everything was looked at"


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")
