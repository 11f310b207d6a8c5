"""Against the rules that CI servers' schemas agree on, written down here: elements, their order, attributes, counts."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from made_reports import of_every_report, sample
from wasmfix.diagnostics import Report, Severity
from wasmfix.report.junit import render

_COUNTS = ("tests", "failures", "errors", "skipped")
_TIME = re.compile(r"\d+\.\d{3}")
_OUTCOMES = {"failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"message"}, "system-out": set()}


def parsed(report: Report) -> ElementTree.Element:
    text = render(report)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    return ElementTree.fromstring(text.encode())


def check(root: ElementTree.Element) -> None:
    # junit-10.xsd of Jenkins' xUnit plugin refuses any other attribute here, `skipped` as well.
    assert (root.tag, set(root.attrib)) == ("testsuites", {"name", "time", "tests", "failures", "errors"})
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == {"name", "time", "timestamp", *_COUNTS}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert suite.attrib["tests"] == str(len(suite))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.attrib[name] == str(len(suite.findall(f"testcase/{tag}")))
        for case in suite:
            assert (case.tag, set(case.attrib)) == ("testcase", {"classname", "name", "time"})
            assert case.attrib["name"]
            assert _TIME.fullmatch(case.attrib["time"])
            assert len(case) <= 1
            for outcome in case:
                assert set(outcome.attrib) == _OUTCOMES[outcome.tag]
                assert len(outcome) == 0
    assert len({suite.attrib["name"] for suite in root}) == len(root)
    for name in ("tests", "failures", "errors"):
        assert root.attrib[name] == str(sum(int(suite.attrib[name]) for suite in root))


@of_every_report
def test_every_report_is_valid(report: Report) -> None:
    root = parsed(report)
    check(root)
    errors = sum(found.severity is Severity.ERROR for ran in report.checks for found in ran.findings)
    assert len(root.findall(".//failure")) + len(root.findall(".//error")) == errors


def test_an_error_fails_its_case_and_a_warning_is_output() -> None:
    root = parsed(sample())
    failed = root.find(".//testcase[failure]")
    assert failed is not None
    assert failed.attrib["name"] == "project.state WF104 @rocicorp/zero-sqlite3 1.1.4"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "WF104"
    assert (failure.text or "").endswith("\n$ wasmfix patch")
    outputs = [output.text or "" for output in root.iter("system-out")]
    assert any(output.startswith("warning WF131: ZERO_NUM_SYNC_WORKERS: 14 sync workers") for output in outputs)


def test_a_check_that_found_nothing_has_passed_and_one_that_raised_is_in_error() -> None:
    root = parsed(sample())
    passed = root.find(".//testcase[@name='project.installed']")
    assert passed is not None
    assert len(passed) == 0
    assert [case.attrib["name"] for case in root.findall(".//testcase[error]")] == ["replica.open WF002 x"]
    assert [case.attrib["name"] for case in root.findall(".//testcase[skipped]")] == ["replica.rows"]
