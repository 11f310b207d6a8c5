"""Workflow commands of GitHub Actions: a line a finding, shown beside the file."""

from __future__ import annotations

from collections.abc import Mapping

from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.registry import REGISTRY
from wasmfix.diagnostics.run import Report
from wasmfix.report.places import message, relative_file

# No line breaks to the runner, but to who reads the log.
_BREAKS = "\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    return "".join(f"{_line(report, found)}\n" for found in report.findings if found.severity in _COMMANDS)


def _line(report: Report, found: Finding) -> str:
    properties = {}
    file = relative_file(report, found)
    if file is not None:
        properties["file"] = file
        if found.location is not None and found.location.line is not None:
            properties["line"] = str(found.location.line)
    properties["title"] = f"{found.id} {REGISTRY[found.id].title}"
    return command_line(_COMMANDS[found.severity], properties, message(found))


def command_line(command: str, properties: Mapping[str, str], text: str) -> str:
    """A workflow command: `::error file=a.toml,line=3,title=…::text`."""
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {shown}::{_data(text)}"


def _data(text: str) -> str:
    """As the runner's own toolkit escapes the text after the second `::`."""
    text = "".join(" " if char in _BREAKS else char for char in text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
