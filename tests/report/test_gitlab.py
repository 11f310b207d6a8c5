"""Against the fields that GitLab documents for its code quality report."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from made_reports import of_every_report, sample
from wasmfix.diagnostics import Report, Severity
from wasmfix.report.gitlab import render

TEXT = {"type": "string", "minLength": 1}
ENTRY = {
    "type": "object",
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "additionalProperties": False,
    "properties": {
        "description": TEXT,
        "check_name": TEXT,
        "fingerprint": TEXT,
        "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
        "location": {
            "type": "object",
            "required": ["path", "lines"],
            "additionalProperties": False,
            "properties": {
                "path": {"type": "string", "pattern": "^[^/]"},
                "lines": {
                    "type": "object",
                    "required": ["begin"],
                    "additionalProperties": False,
                    "properties": {"begin": {"type": "integer", "minimum": 1}},
                },
            },
        },
    },
}


@of_every_report
def test_every_report_is_valid_and_no_two_findings_are_one(report: Report) -> None:
    entries = json.loads(render(report))
    Draft202012Validator({"type": "array", "items": ENTRY}).validate(entries)
    assert len(entries) == sum(found.severity is not Severity.OK for found in report.findings)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def test_a_finding_keeps_file_line_and_severity() -> None:
    first, second = json.loads(render(sample()))
    assert (first["severity"], first["check_name"]) == ("critical", "WF104")
    assert second["location"] == {"path": ".env", "lines": {"begin": 7}}
