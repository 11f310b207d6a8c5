"""GitLab's code quality report: a JSON list, https://docs.gitlab.com/ci/testing/code_quality/."""

from __future__ import annotations

import json

from wasmfix.diagnostics.finding import Severity
from wasmfix.diagnostics.run import Report
from wasmfix.report.places import NO_FILE, fingerprint, message, relative_file

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(report: Report) -> str:
    found, seen = [], dict[str, int]()
    for each in report.findings:
        if each.severity not in _SEVERITIES:
            continue
        print_, file = fingerprint(report, each), relative_file(report, each)
        # Two with one fingerprint are shown as one.
        seen[print_] = seen.get(print_, 0) + 1
        found.append(
            {
                "description": message(each),
                "check_name": each.id,
                "fingerprint": print_ if seen[print_] == 1 else f"{print_}-{seen[print_]}",
                "severity": _SEVERITIES[each.severity],
                "location": {
                    "path": file or NO_FILE,
                    "lines": {"begin": (each.location.line if file and each.location else None) or 1},
                },
            }
        )
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
