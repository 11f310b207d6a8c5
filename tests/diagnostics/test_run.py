from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wasmfix.diagnostics import (
    Check,
    Fact,
    FindingError,
    HeapLimit,
    Item,
    Projection,
    Report,
    Section,
    Severity,
    TableFacts,
    Tell,
    finding,
    run,
)
from wasmfix.errors import WasmfixError

NOTE = finding("WF112", "a", "first")


def quiet(_what: str, _done: int | None = None, _total: int | None = None) -> None:
    pass


@contextmanager
def opened(_tell: Tell) -> Iterator[str]:
    yield "the subject"


def section(*checks: Check[str], name: str = "project") -> Section[str]:
    return Section(name, "the project", opened, checks)


def check(*items: Item | BaseException, name: str = "project.x") -> Check[str]:
    def look(subject: str, _tell: Tell) -> Iterator[Item]:
        assert subject == "the subject"
        for item in items:
            if isinstance(item, BaseException):
                raise item
            yield item

    return Check(name, ("WF112",), look)


def ran(*checks: Check[str], **options: object) -> Report:
    return run([section(*checks)], quiet, **options)  # type: ignore[arg-type]


def test_the_worst_comes_first_then_rank_then_id_then_order() -> None:
    cause, symptom = finding("WF104", "a", "cause"), finding("WF102", "a", "symptom")
    second = finding("WF112", "a", "second")
    report = ran(check(NOTE, symptom, second), check(cause))
    assert [found.what for found in report.findings] == ["cause", "symptom", "first", "second"]
    assert report.worst is Severity.ERROR


def test_facts_are_kept_by_kind() -> None:
    items = (
        Fact("replica", "journal mode", "wal2"),
        TableFacts("issue", 3),
        Projection("issue", "table", 3, 3, 900),
        HeapLimit(1 << 30, "--heap-limit"),
    )
    report = ran(check(*items))
    assert (*report.facts, *report.tables, *report.projections, report.heap_limit) == items
    assert report.worst is Severity.OK


def test_a_check_that_raises_is_a_finding_of_its_own_and_the_others_run() -> None:
    report = ran(check(NOTE, ZeroDivisionError("division\nby zero"), name="project.broken"), check(Fact("a", "b", "c")))
    broken, kept = report.findings
    assert (broken.id, broken.subject) == ("WF001", "project.broken")
    assert broken.what == "the check project.broken ended with ZeroDivisionError: division by zero"
    assert broken.evidence == ()
    assert kept == NOTE
    assert report.facts
    assert report.complete
    assert [each.status for each in report.checks] == ["failed", "done"]


def test_debug_keeps_the_traceback() -> None:
    (broken,) = ran(check(ZeroDivisionError("x")), debug=True).findings
    assert "Traceback" in broken.evidence[0]
    assert __file__ in broken.evidence[0]


def test_an_error_with_a_remedy_keeps_it() -> None:
    error = WasmfixError("cannot be read", where="/x/y", remedy="give yourself permission")
    (found,) = ran(check(error)).findings
    assert (found.id, found.subject, found.what) == ("WF002", "/x/y", "cannot be read")
    assert found.remedy is not None
    assert found.remedy.text == "give yourself permission"


def test_a_check_may_say_itself_what_ended_it() -> None:
    assert ran(check(FindingError(NOTE))).findings == (NOTE,)


@pytest.mark.parametrize("error", [FindingError(NOTE), WasmfixError("no such file"), OSError("gone"), ValueError("?")])
def test_a_subject_that_cannot_be_opened_skips_its_checks_only(error: Exception) -> None:
    @contextmanager
    def closed(_tell: Tell) -> Iterator[str]:
        raise error
        yield ""

    broken = Section("replica", "the replica", closed, (check(NOTE, name="replica.rows"),))
    report = run([broken, section(check(Fact("a", "b", "c")))], quiet)
    assert [(each.name, each.status) for each in report.checks] == [
        ("replica.open", "failed"),
        ("replica.rows", "skipped"),
        ("project.x", "done"),
    ]
    assert len(report.findings) == 1


def test_ctrl_c_keeps_what_is_known_and_says_so() -> None:
    checks = (check(NOTE, KeyboardInterrupt()), check(finding("WF104", "a", "never"), name="project.later"))
    report = ran(*checks)
    assert report.findings == (NOTE,)
    assert not report.complete
    assert [(each.name, each.status) for each in report.checks] == [
        ("project.x", "interrupted"),
        ("project.later", "interrupted"),
    ]


def test_ctrl_c_closes_the_subject() -> None:
    events = []

    @contextmanager
    def watched(_tell: Tell) -> Iterator[str]:
        try:
            yield "the subject"
        finally:
            events.append("closed")

    report = run([Section("a", "a", watched, (check(KeyboardInterrupt()),))], quiet)
    assert events == ["closed"]
    assert not report.complete


def test_progress_is_told_before_a_subject_is_opened() -> None:
    told: list[str] = []
    run([section(check())], lambda what, done=None, total=None: told.append(what))
    assert told == ["the project"]
