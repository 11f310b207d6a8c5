"""JUnit XML, as CI servers read it: a suite a section, a case a check, and a case a finding that it made.

An error is a failed case. A warning or a note is a passed one with its words as output: CI servers know no third
state, and what fails a run is decided by `--fail-on`. A check that raised is a case in error.
"""

from __future__ import annotations

from xml.etree import ElementTree

from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.run import CheckRun, Report
from wasmfix.report.places import message
from wasmfix.report.plain import plain

_SHOWN = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def render(report: Report) -> str:
    suites: dict[str, list[ElementTree.Element]] = {}
    for check in report.checks:
        suites.setdefault(check.name.split(".")[0], []).extend(_cases(check))
    root = ElementTree.Element("testsuites", name=f"wasmfix {report.command}", time=f"{report.seconds:.3f}")
    for section, cases in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", name=f"wasmfix.{section}")
        for name, tag in (("tests", "."), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(len(cases) if tag == "." else sum(case.find(tag) is not None for case in cases)))
        suite.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")
        if report.started:
            suite.set("timestamp", report.started.split("+")[0])
        suite.extend(cases)
    # Not `skipped`: the schema that Jenkins' xUnit plugin validates against (junit-10.xsd) has it in a suite only.
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    ElementTree.indent(root)
    return _document(root)


def _document(root: ElementTree.Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(check: CheckRun) -> list[ElementTree.Element]:
    section = f"wasmfix.{check.name.split('.')[0]}"
    shown = [found for found in check.findings if found.severity in _SHOWN]
    if not shown:
        case = ElementTree.Element("testcase", classname=section, name=check.name, time=f"{check.seconds:.3f}")
        if check.status in ("skipped", "interrupted"):
            ElementTree.SubElement(case, "skipped", message=f"{check.status}: not looked at")
        return [case]
    cases = []
    for place, found in enumerate(shown):
        case = ElementTree.Element(
            "testcase", classname=section, name=f"{check.name} {found.id} {_text(found.subject)}"
        )
        # The time is the check's, once.
        case.set("time", f"{check.seconds if place == 0 else 0:.3f}")
        if found.severity is Severity.ERROR:
            _failure(case, found, "error" if check.status == "failed" else "failure")
        else:
            output = ElementTree.SubElement(case, "system-out")
            output.text = _lines(f"{found.severity.value} {found.id}: {message(found)}")
        cases.append(case)
    return cases


def _failure(case: ElementTree.Element, found: Finding, tag: str) -> None:
    failure = ElementTree.SubElement(case, tag, type=found.id, message=_text(f"{found.subject}: {found.what}"))
    failure.text = _lines(message(found))


def _text(text: str) -> str:
    """XML 1.0 has no control characters, not even escaped."""
    return plain(text)


def _lines(text: str) -> str:
    return "\n".join(_text(line) for line in text.split("\n"))
