"""Running checks: what each yields is kept at once, so that what is known so far survives whatever comes."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Generic, Protocol, TypeVar

from wasmfix import __version__
from wasmfix.diagnostics.facts import Fact, HeapLimit, Item, Projection, TableFacts
from wasmfix.diagnostics.finding import Finding, FindingError, Severity
from wasmfix.diagnostics.redact import Redactor
from wasmfix.diagnostics.registry import REGISTRY, finding
from wasmfix.errors import WasmfixError

S = TypeVar("S")


class Tell(Protocol):
    """Progress of something that may take over a second: what is being done, and how much of it is done."""

    def __call__(self, what: str, done: int | None = None, total: int | None = None) -> None: ...


@dataclass(frozen=True)
class Check(Generic[S]):
    """A function from a subject to items. It never prints, and yields what it knows as soon as it knows it."""

    name: str
    """`project.native`: section and name, stable (JUnit has it as the name of the test case)."""
    ids: tuple[str, ...]
    """The findings that it may yield."""
    run: Callable[[S, Tell], Iterable[Item]]


@dataclass(frozen=True)
class Section(Generic[S]):
    """Checks of one subject. `open` gives the subject: a connection, a transaction, a dataclass of facts."""

    name: str
    title: str
    open: Callable[[Tell], AbstractContextManager[S]]
    checks: Sequence[Check[S]]


@dataclass(frozen=True)
class CheckRun:
    """What became of a check."""

    name: str
    status: str
    """`done`, `failed` (it raised), `skipped` (its subject could not be opened), `interrupted`."""
    seconds: float
    findings: tuple[Finding, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that a run has to say. Findings: the worst first."""

    subjects: tuple[tuple[str, str], ...] = ()
    """What was looked at, for people: `("project", "/srv/chat")`."""
    findings: tuple[Finding, ...] = ()
    facts: tuple[Fact, ...] = ()
    tables: tuple[TableFacts, ...] = ()
    projections: tuple[Projection, ...] = ()
    heap_limit: HeapLimit | None = None
    checks: tuple[CheckRun, ...] = ()
    complete: bool = True
    """False: it was interrupted."""
    started: str = ""
    """UTC, ISO 8601."""
    seconds: float = 0.0
    wasmfix: str = __version__
    root: str = ""
    """Absolute: what paths in annotations are relative to."""
    command: str = "diagnose"
    """Of wasmfix, which made it: what a report is headed with."""

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.findings)

    @property
    def worst(self) -> Severity:
        """OK if nothing was found."""
        return min((each.severity for each in self.findings), key=lambda each: each.rank, default=Severity.OK)


@dataclass
class _Collected:
    findings: list[Finding] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    tables: list[TableFacts] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    heap_limit: HeapLimit | None = None
    checks: list[CheckRun] = field(default_factory=list)

    def take(self, item: Item) -> None:
        if isinstance(item, Finding):
            self.findings.append(item)
        elif isinstance(item, Fact):
            self.facts.append(item)
        elif isinstance(item, TableFacts):
            self.tables.append(item)
        elif isinstance(item, Projection):
            self.projections.append(item)
        else:
            self.heap_limit = item


def run(
    sections: Iterable[Section[S]],
    tell: Tell,
    *,
    subjects: tuple[tuple[str, str], ...] = (),
    root: str = "",
    secrets: Sequence[str] = (),
    debug: bool = False,
) -> Report:
    """Run every check of every section, in order.

    Ctrl-C ends the run: the report has what was yielded until then, and says that it is not complete. A check that
    raises, and a subject that cannot be opened, become findings.

    Args:
        secrets: URLs and passwords that must not get into the report; their parts are replaced.
        debug: keep the traceback of a check that raised as evidence.
    """
    started, begin = datetime.now(timezone.utc), time.monotonic()
    redactor, collected, complete = Redactor(secrets), _Collected(), True
    try:
        for section in sections:
            _run_section(section, tell, collected, redactor, debug)
    except KeyboardInterrupt:
        complete = False
    return Report(
        subjects=tuple((name, redactor.text(value)) for name, value in subjects),
        findings=in_order(collected.findings),
        facts=tuple(collected.facts),
        tables=tuple(collected.tables),
        projections=tuple(collected.projections),
        heap_limit=collected.heap_limit,
        checks=tuple(collected.checks),
        complete=complete,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - begin, 3),
        root=root,
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first; among equals by rank and id, and in the order in which they were found."""
    return tuple(sorted(findings, key=lambda each: (each.severity.rank, REGISTRY[each.id].rank, each.id)))


def _run_section(section: Section[S], tell: Tell, collected: _Collected, redactor: Redactor, debug: bool) -> None:
    begin = time.monotonic()
    left = list(section.checks)
    try:
        tell(section.title)
        with section.open(tell) as subject:
            while left:
                _run_check(left.pop(0), subject, tell, collected, redactor, debug)
    except KeyboardInterrupt:
        collected.checks += [CheckRun(check.name, "interrupted", 0.0, ids=check.ids) for check in left]
        raise
    except Exception as error:
        found = redactor.finding(_of_error(section.title, error, debug))
        collected.take(found)
        seconds = round(time.monotonic() - begin, 3)
        collected.checks.append(CheckRun(f"{section.name}.open", "failed", seconds, (found,), (found.id,)))
        collected.checks += [CheckRun(check.name, "skipped", 0.0, ids=check.ids) for check in left]


def _run_check(check: Check[S], subject: S, tell: Tell, collected: _Collected, redactor: Redactor, debug: bool) -> None:
    begin, status, findings = time.monotonic(), "done", list[Finding]()

    def take(item: Item) -> None:
        item = redactor.item(item)
        collected.take(item)
        if isinstance(item, Finding):
            findings.append(item)

    try:
        for item in check.run(subject, tell):
            take(item)
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except Exception as error:
        status = "failed"
        take(_of_error(check.name, error, debug))
    finally:
        seconds = round(time.monotonic() - begin, 3)
        collected.checks.append(CheckRun(check.name, status, seconds, tuple(findings), check.ids))


def _of_error(subject: str, error: Exception, debug: bool) -> Finding:
    if isinstance(error, FindingError):
        return error.finding
    trace = ("".join(traceback.format_exception(error)),) if debug else ()
    if isinstance(error, WasmfixError):
        where = str(error.where) if error.where is not None else subject
        return finding("WF002", where, error.what, evidence=trace, remedy=error.remedy)
    what = f"the check {subject} ended with {type(error).__name__}: {_one_line(str(error))}"
    remedy = "Run it again with --debug and report the traceback."
    return finding("WF001", subject, what, evidence=trace, remedy=remedy)


def _one_line(text: str) -> str:
    return " ".join(text.split())
