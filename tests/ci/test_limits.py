from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from made_reports import projections, tables
from wasmfix.ci.limits import compared
from wasmfix.ci.run import regraded
from wasmfix.config.settings import Settings, Thresholds
from wasmfix.diagnostics import CheckRun, Finding, Projection, Report, Severity, TableFacts, finding

FILE = Path("/srv/chat/wasmfix.toml")
LINES = {"rows": 3, "table-size": 4, "row-size": 5, "hydration": 6}


def found(report: Report, thresholds: Thresholds) -> list[Finding]:
    return [
        each
        for check in compared(report, Settings(FILE, thresholds=thresholds, lines=LINES))
        for each in check.findings
    ]


def test_what_is_over_a_threshold_stands_beside_the_threshold() -> None:
    report = Report(
        tables=(
            TableFacts("issue", rows=1_200_000, size=3 * 1024**3, largest=10),
            TableFacts("user", rows=1_000_000, exact=False, size=None, largest=2 * 1024**2),
        ),
        projections=(Projection("issue", "table", 1_200_000, 1_200_000, heap=5 * 1024**3),),
    )
    limits = Thresholds(rows=1_000_000, table_size=2 * 1024**3, row_size=1024**2, hydration=4 * 1024**3)
    assert [
        (each.id, each.subject, each.what, each.location.line) for each in found(report, limits) if each.location
    ] == [
        ("WF521", "issue", "the table has 3.0 GB, more than 2.0 GB", 4),
        ("WF520", "issue", "it has 1,200,000 rows, more than 1,000,000", 3),
        ("WF522", "user", "its largest row has 2.0 MB, more than 1.0 MB", 5),
        ("WF523", "table issue", "hydrating it takes about 5.0 GB, more than 4.0 GB", 6),
    ]


def test_thresholds_without_a_replica_are_not_silently_met() -> None:
    (only,) = found(Report(), Thresholds(row_size=1, hydration=1))
    assert (only.id, only.severity) == ("WF524", Severity.NOTE)
    assert found(Report(), Thresholds()) == []


@settings(deadline=None)
@given(st.lists(tables, max_size=4), st.lists(projections, max_size=4), st.none() | st.integers(1, 10**9))
def test_nothing_is_found_below_and_everything_above(
    all_tables: list[TableFacts], all_projections: list[Projection], limit: int | None
) -> None:
    report = Report(tables=tuple(all_tables), projections=tuple(all_projections))
    if not all_tables and not all_projections:
        return
    published = [each for each in all_tables if each.published]
    got = [each.id for each in found(report, Thresholds(limit, limit, limit, limit))]
    over = [
        *("WF520" for each in published if limit and each.rows > limit),
        *("WF521" for each in published if limit and each.size is not None and each.size > limit),
        *("WF522" for each in published if limit and each.largest is not None and each.largest > limit),
        *("WF523" for each in all_projections if limit and each.heap > limit),
    ]
    assert sorted(got) == sorted(over)


def test_severities_are_changed_in_the_list_and_in_every_check() -> None:
    made = (finding("WF131", "workers", "too many"), finding("WF112", "p", "not run"), finding("WF119", "p", "fine"))
    report = Report(findings=made, checks=(CheckRun("project.x", "done", 0.0, made),))
    after = regraded(report, {"WF131": "error", "WF112": "off", "WF119": "error"})
    expected = [("WF131", Severity.ERROR), ("WF119", Severity.OK)]
    assert [(each.id, each.severity) for each in after.findings] == expected
    assert [(each.id, each.severity) for each in after.checks[0].findings] == expected
    assert after.worst is Severity.ERROR
