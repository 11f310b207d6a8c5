"""The report as JSON; its schema is `schemas/diagnose-1.schema.json` in the package `wasmfix.report`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from wasmfix.diagnostics.finding import Finding
from wasmfix.diagnostics.registry import REGISTRY
from wasmfix.diagnostics.run import CheckRun, Report
from wasmfix.jsonout import SCHEMA_VERSION

SCHEMA = Path(__file__).parent / "schemas" / "diagnose-1.schema.json"


def render(report: Report) -> str:
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, object]:
    """The document as dictionaries and lists."""
    limit = report.heap_limit
    return {
        "schema_version": SCHEMA_VERSION,
        "wasmfix": report.wasmfix,
        "started": report.started,
        "seconds": report.seconds,
        "complete": report.complete,
        "verdict": report.worst.value,
        "subjects": [{"name": name, "value": value} for name, value in report.subjects],
        "findings": [_finding(found) for found in report.findings],
        "facts": [asdict(fact) for fact in report.facts],
        "tables": [asdict(table) for table in report.tables],
        "projections": [asdict(projection) for projection in report.projections],
        "heap_limit": asdict(limit) if limit else None,
        "checks": [_check(check) for check in report.checks],
    }


def _finding(found: Finding) -> dict[str, object]:
    location, remedy = found.location, found.remedy
    return {
        "id": found.id,
        "severity": found.severity.value,
        "title": REGISTRY[found.id].title,
        "page": REGISTRY[found.id].page,
        "subject": found.subject,
        "what": found.what,
        "evidence": list(found.evidence),
        "remedy": {"text": remedy.text, "command": remedy.command} if remedy else None,
        "location": {"file": str(location.file), "line": location.line} if location else None,
        "data": dict(found.data),
    }


def _check(check: CheckRun) -> dict[str, object]:
    return {
        "name": check.name,
        "status": check.status,
        "seconds": check.seconds,
        "ids": list(check.ids),
        "findings": [found.id for found in check.findings],
    }
