"""Reports as checks could make them, with names and words that do their worst."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wasmfix.diagnostics import (
    REGISTRY,
    CheckRun,
    Fact,
    Finding,
    HeapLimit,
    Location,
    Projection,
    Remedy,
    Report,
    Severity,
    TableFacts,
)
from wasmfix.diagnostics.run import in_order

GB = 1024**3
ROOT = "/srv/chat app"

_NASTY = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        "a|b",
        "a`b``c",
        "%0A::error::forged",
        "]]>",
        "&amp;",
        "\x1b[31mred",
        "\x00",
        "\u202egnp.exe",
        "\ud800",
        "two\r\nlines",
        "# no heading",
        "[x](javascript:alert(1))",
        "**",
        "'\"",
        "名前",
        "@rocicorp",
    ]
)
words = st.lists(st.one_of(_NASTY, st.text(max_size=12)), min_size=1, max_size=3).map(" ".join)
names = words.filter(bool)
sizes = st.integers(0, 20 * GB)
locations = st.builds(
    Location,
    st.sampled_from([Path(ROOT, "package.json"), Path(ROOT, "a b", "ü,:%.env"), Path("/etc/elsewhere")]),
    st.none() | st.integers(1, 10_000),
)
findings: st.SearchStrategy[Finding] = st.builds(
    Finding,
    id=st.sampled_from(sorted(REGISTRY)),
    severity=st.sampled_from(list(Severity)),
    subject=words,
    what=words,
    evidence=st.lists(words, max_size=3).map(tuple),
    remedy=st.none() | st.builds(Remedy, words, st.none() | st.just("wasmfix patch") | words),
    location=st.none() | locations,
    data=st.dictionaries(st.text("abc", min_size=1), st.none() | st.integers(-9, 9) | words, max_size=2),
)
tables = st.builds(
    TableFacts,
    name=names,
    rows=st.integers(0, 10**9),
    exact=st.booleans(),
    size=st.none() | sizes,
    index_size=st.none() | sizes,
    average=st.none() | st.floats(0, 1e9),
    largest=st.none() | sizes,
    published=st.booleans(),
)
projections = st.builds(
    Projection,
    name=names,
    kind=st.sampled_from(["table", "query"]),
    rows_touched=st.integers(0, 10**9),
    rows_kept=st.integers(0, 10**9),
    heap=sizes,
    error=st.none() | st.floats(0, 1),
)
checks = st.builds(
    CheckRun,
    name=st.sampled_from(["project.state", "project.node", "replica.rows", "replica.open"]),
    status=st.sampled_from(["done", "failed", "skipped", "interrupted"]),
    seconds=st.floats(0, 100).map(lambda seconds: round(seconds, 3)),
    findings=st.lists(findings, max_size=2).map(tuple),
    ids=st.just(("WF001",)),
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    ran = tuple(draw(st.lists(checks, max_size=4)))
    return Report(
        subjects=tuple(draw(st.lists(st.tuples(names, words), max_size=2))),
        findings=in_order(found for check in ran for found in check.findings),
        facts=tuple(draw(st.lists(st.builds(Fact, st.just("replica"), names, words), max_size=2))),
        tables=tuple(draw(st.lists(tables, max_size=30))),
        projections=tuple(draw(st.lists(projections, max_size=3))),
        heap_limit=draw(st.none() | st.builds(HeapLimit, sizes, words)),
        checks=ran,
        complete=draw(st.booleans()),
        started="2026-11-23T14:00:00+00:00",
        seconds=12.3,
        root=ROOT,
    )


def of_every_report(test: Callable[..., None]) -> Callable[..., None]:
    """The test is given generated reports as `report`."""
    # Session fixtures may stand beside it.
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    bounds = settings(deadline=None, max_examples=40, suppress_health_check=checks)
    return bounds(given(report=reports())(test))


def sample() -> Report:
    """A report of a project in trouble."""
    found = (
        Finding(
            "WF104",
            Severity.ERROR,
            "@rocicorp/zero-sqlite3 1.1.4",
            "orez's shim of generation 2 lies over it: scanStatusV2 does not end",
            ("node_modules/@rocicorp/zero-sqlite3/lib/index.js: orez's shim, second generation",),
            Remedy("Put the package's own entry point back, and the engine behind it.", "wasmfix patch"),
            Location(Path(ROOT, "node_modules/@rocicorp/zero-sqlite3/lib/index.js")),
        ),
        Finding(
            "WF131",
            Severity.WARNING,
            "ZERO_NUM_SYNC_WORKERS",
            "14 sync workers, each a process of its own, on 2 cores (here)",
            (".env, line 7: ZERO_NUM_SYNC_WORKERS=14",),
            Remedy("Take it out of .env, line 7."),
            Location(Path(ROOT, ".env"), 7),
        ),
        Finding("WF119", Severity.OK, "better-sqlite3 12.11.1", "patched by wasmfix 0.1.0, every file as it was left"),
    )
    return Report(
        subjects=(("project", f"{ROOT} (pnpm)"), ("replica", f"{ROOT}/zero.db (ZERO_REPLICA_FILE in .env, line 3)")),
        findings=found,
        facts=(Fact("replica", "journal mode", "wal2"),),
        tables=(
            TableFacts("issue", 2_400_000, True, 900_000_000, 225_000_000, 375.0, 81_000),
            TableFacts("comment", 12_345_678, False, 3 * GB, GB, 260.9, 1_200_000),
            TableFacts("<script>alert('t')</script>", 120_000),
            TableFacts("_zero.changeLog2", 4_000, True, 400_000, 100_000, 100.0, 700, published=False),
            TableFacts("empty", 0, True, 4096, 4096, None, None),
        ),
        projections=(
            Projection("comment", "table", 12_345_678, 12_345_678, 11 * GB, 0.25),
            Projection("open issues, newest first", "query", 2_400_000, 50, 400_000_000, 0.25),
        ),
        heap_limit=HeapLimit(8 * GB, "--heap-limit"),
        checks=(
            CheckRun("project.installed", "done", 0.001, (), ("WF101",)),
            CheckRun("project.state", "done", 0.2, found, ("WF104", "WF119")),
            CheckRun("project.sync-workers", "done", 0.0, (found[1],), ("WF131",)),
            CheckRun("replica.open", "failed", 0.0, (Finding("WF002", Severity.ERROR, "x", "y"),), ("WF002",)),
            CheckRun("replica.rows", "skipped", 0.0, (), ("WF210",)),
        ),
        started="2026-11-23T14:00:00+00:00",
        seconds=12.3,
        root=ROOT,
    )
