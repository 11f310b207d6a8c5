"""What CI servers are told by themselves: GitHub's annotations, step summary and outputs; GitLab's report."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from wasmfix.ci.run import Result
from wasmfix.config.mistakes import ConfigError
from wasmfix.diagnostics.finding import Severity
from wasmfix.diagnostics.run import Report
from wasmfix.errors import STOPPED, WasmfixError
from wasmfix.report import renderer
from wasmfix.report.github import command_line

GITLAB_FILE = "gl-code-quality-report.json"

REPORTS: Mapping[str, str] = {
    "json": "wasmfix.json",
    "sarif": "wasmfix.sarif",
    "junit": "wasmfix.junit.xml",
    "html": "wasmfix.html",
    "markdown": "wasmfix.md",
    "gitlab": GITLAB_FILE,
}
"""The files of `--report-dir`, by format."""

_LARGEST_SUMMARY = 1024 * 1024
"""Bytes: GitHub shows nothing of a step summary that is larger."""
_CUT = "\n\nThe rest is in the report's files: this is as much as GitHub shows.\n"


def on_github(environment: Mapping[str, str]) -> bool:
    return environment.get("GITHUB_ACTIONS") == "true"


def on_gitlab(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("GITLAB_CI"))


def without_commands(text: str) -> str:
    """A text for GitHub's log of which no line is taken for a workflow command, whatever a table is called."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{text}::{token}::\n"


def annotation_lines(report: Report) -> str:
    """A line a finding, shown beside its file."""
    return renderer("github")(report)


def stopped_annotation(error: WasmfixError, root: Path) -> str:
    """The annotation of what stopped the run: beside the line, if it is a mistake in the settings."""
    properties = {}
    if isinstance(error, ConfigError) and error.file.is_relative_to(root):
        properties = {"file": error.file.relative_to(root).as_posix(), "line": str(error.line)}
    return command_line("error", {**properties, "title": "wasmfix ci could not run"}, str(error)) + "\n"


def append_summary(file: Path, report: Report) -> None:
    """Add the report to the step summary, or as much of it as GitHub shows.

    Raises:
        OSError: it cannot be written.
    """
    with file.open("ab") as summary:
        room = _LARGEST_SUMMARY - summary.tell() - len(_CUT)
        summary.write(_cut(renderer("markdown")(report), room).encode("utf-8", "backslashreplace"))


def _cut(markdown: str, room: int) -> str:
    if len(markdown.encode("utf-8", "backslashreplace")) <= room:
        return markdown
    # Before the last finding that fits: neither in a table nor in a block of code. A sign has four bytes at most.
    end = max(markdown.rfind("\n\n**WF", 0, max(room // 4, 0)), 0)
    return markdown[:end] + _CUT if room > 0 else ""


def append_outputs(file: Path, outputs: Mapping[str, str]) -> None:
    """Add the outputs of the step, a line each.

    Raises:
        OSError: it cannot be written.
    """
    lines = [f"{name}={' '.join(value.splitlines())}\n" for name, value in outputs.items()]
    with file.open("a", encoding="utf-8", newline="\n") as out:
        out.writelines(lines)


def outputs(result: Result, folder: Path | None, written: Sequence[str]) -> dict[str, str]:
    """The outputs of a run: what came of it, and where each report is (empty if it was not written)."""
    report = result.report
    verified = {True: "true", False: "false", None: "skipped"}[result.verified]
    files = {format_: str(folder / REPORTS[format_]) for format_ in written} if folder else {}
    return {
        "exit-code": str(result.exit_code),
        "verdict": report.worst.value if report.complete else "interrupted",
        "headline": f"{report.findings[0].subject}: {report.findings[0].what}" if report.findings else "",
        "errors": str(report.count(Severity.ERROR)),
        "warnings": str(report.count(Severity.WARNING)),
        "notes": str(report.count(Severity.NOTE)),
        "patched": "true" if result.patched else "false",
        "verified": verified,
        "report-dir": str(folder) if folder else "",
        **{format_: files.get(format_, "") for format_ in REPORTS},
    }


def stopped_outputs() -> dict[str, str]:
    """The outputs of a run that could not begin."""
    return {"exit-code": str(STOPPED), "verdict": "stopped", "patched": "false", "verified": "skipped"}
