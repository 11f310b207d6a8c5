"""Where a finding is, for formats that show it beside a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from wasmfix.diagnostics.finding import Finding
from wasmfix.diagnostics.run import Report

NO_FILE = "package.json"
"""Where a place is required: what is about no file is about the project."""


def relative_file(report: Report, found: Finding) -> str | None:
    """The file from the report's root, with `/`; None if there is none, or it is elsewhere."""
    if found.location is None or not report.root:
        return None
    file, root = found.location.file, Path(report.root)
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else None


def fingerprint(report: Report, found: Finding) -> str:
    """The same for the same finding in every run and on every machine: of id, subject and file, not of numbers."""
    parts = (found.id, found.subject, relative_file(report, found) or "")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def message(found: Finding) -> str:
    """What is wrong and what to do, in lines."""
    lines = [f"{found.subject}: {found.what}", *found.evidence]
    if found.remedy is not None:
        lines.append(found.remedy.text)
        if found.remedy.command is not None:
            lines.append(f"$ {found.remedy.command}")
    return "\n".join(lines)
