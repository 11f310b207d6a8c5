"""SARIF 2.1.0 (OASIS), for code scanning: one run, a rule an id."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.registry import REGISTRY, FindingKind
from wasmfix.diagnostics.run import Report
from wasmfix.report.json import document
from wasmfix.report.places import fingerprint, message, relative_file
from wasmfix.report.prose import without_links

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note", Severity.OK: "none"}
_BASE = "PROJECT"


def render(report: Report) -> str:
    used = sorted({found.id for found in report.findings})
    run = {
        "tool": {
            "driver": {
                "name": "wasmfix",
                "version": report.wasmfix,
                "rules": [_rule(REGISTRY[id_]) for id_ in used],
            }
        },
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(report, found, used.index(found.id)) for found in report.findings],
        "properties": {"wasmfix": {key: document(report)[key] for key in _MEASURED}},
    }
    if report.root:
        run["originalUriBaseIds"] = {_BASE: {"uri": Path(report.root).as_uri() + "/"}}
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


_MEASURED = ("schema_version", "complete", "subjects", "facts", "tables", "projections", "heap_limit")


def _rule(kind: FindingKind) -> dict[str, object]:
    parts = [kind.means, f"How it is found: {kind.found}", f"What to do: {kind.cure}"]
    text = without_links("\n\n".join(parts))
    return {
        "id": kind.id,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": without_links(kind.means)},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[kind.severity]},
    }


def _invocation(report: Report) -> dict[str, object]:
    said: dict[str, object] = {"executionSuccessful": report.complete}
    if report.started:
        begin = datetime.fromisoformat(report.started)
        end = begin + timedelta(seconds=report.seconds)
        said |= {"startTimeUtc": _time(begin), "endTimeUtc": _time(end)}
    return said


def _time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _result(report: Report, found: Finding, rule: int) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": found.id,
        "ruleIndex": rule,
        # Only what failed has a level (SARIF 3.27.10).
        "kind": "pass" if found.severity is Severity.OK else "fail",
        "level": _LEVELS[found.severity],
        "message": {"text": message(found)},
        "partialFingerprints": {"wasmfix/v1": fingerprint(report, found)},
        "properties": {"subject": found.subject, "data": dict(found.data)},
    }
    location: dict[str, object] = {"logicalLocations": [{"name": found.subject or found.id}]}
    file = relative_file(report, found)
    if file is not None:
        physical: dict[str, object] = {"artifactLocation": {"uri": quote(file), "uriBaseId": _BASE}}
        if found.location is not None and found.location.line is not None:
            physical["region"] = {"startLine": found.location.line}
        location["physicalLocation"] = physical
    return {**result, "locations": [location]}
