"""The last part of a run: is anything that was measured over the thresholds of the settings?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from wasmfix.config.settings import Settings
from wasmfix.diagnostics.finding import Finding, Location
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import CheckRun, Report
from wasmfix.diagnostics.sizes import show_size

_IDS = ("WF520", "WF521", "WF522", "WF523", "WF524")


def compared(report: Report, settings: Settings) -> tuple[CheckRun, ...]:
    """The findings of the comparison, as the check that made them; none if there are no thresholds."""
    if not settings.thresholds:
        return ()
    begin = time.monotonic()
    found = tuple(_over(report, settings))
    if not report.tables and not report.projections:
        named = any(kind == "replica" and not value.startswith("none") for kind, value in report.subjects)
        found = (
            finding(
                "WF524",
                "thresholds",
                "they are set, and no replica was read",
                remedy="See what is said of the replica, which could not be."
                if named
                else "Name one with --replica, or with replica in the settings.",
                location=_place(settings, min(settings.lines, key=lambda name: settings.lines[name])),
            ),
        )
    return (CheckRun("limits.thresholds", "done", round(time.monotonic() - begin, 3), found, _IDS),)


def _over(report: Report, settings: Settings) -> Iterator[Finding]:
    limits = settings.thresholds
    for table in (each for each in report.tables if each.published):
        for id_, key, value, limit in (
            ("WF521", "table-size", table.size, limits.table_size),
            ("WF522", "row-size", table.largest, limits.row_size),
        ):
            if value is not None and limit is not None and value > limit:
                whose = "the table" if key == "table-size" else "its largest row"
                what = f"{whose} has {show_size(value)}, more than {show_size(limit)}"
                yield _finding(settings, id_, key, table.name, what, value, limit)
        if limits.rows is not None and table.rows > limits.rows:
            about = "" if table.exact else "about "
            what = f"it has {about}{table.rows:,} rows, more than {limits.rows:,}"
            yield _finding(settings, "WF520", "rows", table.name, what, table.rows, limits.rows)
    for each in report.projections:
        if limits.hydration is not None and each.heap > limits.hydration:
            what = f"hydrating it takes about {show_size(each.heap)}, more than {show_size(limits.hydration)}"
            subject = f"{each.kind} {each.name}"
            yield _finding(settings, "WF523", "hydration", subject, what, each.heap, limits.hydration)


def _finding(settings: Settings, id_: str, key: str, subject: str, what: str, value: int, limit: int) -> Finding:
    return finding(
        id_,
        subject,
        what,
        evidence=[f"{key} in {settings.file.name}"] if settings.file else [],
        remedy=f"Publish less of it; or raise {key} after looking at what hydration costs now.",
        location=_place(settings, key),
        data={"value": value, "limit": limit},
    )


def _place(settings: Settings, key: str) -> Location | None:
    return Location(settings.file, settings.lines.get(key)) if settings.file else None
