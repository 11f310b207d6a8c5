"""SARIF 2.1.0 (OASIS), for code scanning: one run, a rule an id.

GitHub takes a part of the format: it makes an alert of each result, whatever its kind, and refuses the whole file if
one has no file and line. So what is in order is not in it, and what is about no file is about the project.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.registry import REGISTRY, FindingKind
from wasmfix.diagnostics.run import Report
from wasmfix.report.json import document
from wasmfix.report.places import NO_FILE, fingerprint, message, relative_file
from wasmfix.report.prose import without_links

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note", Severity.OK: "none"}
_BASE = "PROJECT"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
"""Its address, as GitHub's documentation names it."""


def render(report: Report) -> str:
    wrong = [found for found in report.findings if found.severity is not Severity.OK]
    used = sorted({found.id for found in wrong})
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
        "results": [_result(report, found, used.index(found.id)) for found in wrong],
        "properties": {"wasmfix": {key: document(report)[key] for key in _MEASURED}},
    }
    if report.root:
        run["originalUriBaseIds"] = {_BASE: {"uri": Path(report.root).as_uri() + "/"}}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


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
    file = relative_file(report, found)
    line = found.location.line if file and found.location else None
    artifact = {"uri": quote(file or NO_FILE), **({"uriBaseId": _BASE} if report.root else {})}
    physical = {"artifactLocation": artifact, "region": {"startLine": line or 1}}
    return {
        "ruleId": found.id,
        "ruleIndex": rule,
        "kind": "fail",
        "level": _LEVELS[found.severity],
        "message": {"text": message(found)},
        "partialFingerprints": {"wasmfix/v1": fingerprint(report, found)},
        "locations": [{"physicalLocation": physical, "logicalLocations": [{"name": found.subject or found.id}]}],
        "properties": {"subject": found.subject, "data": dict(found.data)},
    }
