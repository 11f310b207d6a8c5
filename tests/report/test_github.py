"""Read back as the runner does: a line is a command, its properties and data are unescaped."""

from __future__ import annotations

import re

from made_reports import of_every_report, sample
from wasmfix.diagnostics import REGISTRY, Report, Severity
from wasmfix.report.github import render
from wasmfix.report.places import message, relative_file

_COMMAND = re.compile(r"::(?P<name>[a-z]+) (?P<properties>[^\n]*?)::(?P<data>[^\n]*)")
_NAMES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in text.removesuffix("\n").split("\n") if text else []:
        match = _COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=")[::2] for pair in match["properties"].split(","))
        properties = {name: _unescaped(value, ("%3A", ":"), ("%2C", ",")) for name, value in pairs}
        found.append((match["name"], properties, _unescaped(match["data"])))
    return found


def _unescaped(text: str, *more: tuple[str, str]) -> str:
    for written, meant in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(written, meant)
    return text


@of_every_report
def test_the_runner_reads_what_we_meant(report: Report) -> None:
    wanted = [found for found in report.findings if found.severity in _NAMES]
    told = read(render(report))
    assert [name for name, _properties, _data in told] == [_NAMES[found.severity] for found in wanted]
    for found, (_name, properties, data) in zip(wanted, told, strict=True):
        assert properties.get("file") == relative_file(report, found)
        line = found.location.line if found.location and properties.get("file") else None
        assert properties.get("line") == (str(line) if line else None)
        assert properties["title"] == f"{found.id} {REGISTRY[found.id].title}"
        # These are replaced by blanks: no log viewer shall take them for a new line, and so for a command.
        assert data == re.sub("[\x85\u2028\u2029\x0b\x0c\x1c-\x1e\x00]", " ", message(found))


@of_every_report
def test_nothing_but_our_commands_begins_a_line(report: Report) -> None:
    text = render(report)
    assert len(text.splitlines()) == len(read(text))


def test_an_annotation_names_file_line_and_remedy() -> None:
    second = render(sample()).splitlines()[1]
    assert second == (
        "::warning file=.env,line=7,title=WF131 More sync workers than the machine has::ZERO_NUM_SYNC_WORKERS: 14 sync"
        " workers, each a process of its own, on 2 cores (here)%0A.env, line 7: ZERO_NUM_SYNC_WORKERS=14%0ATake it"
        " out of .env, line 7."
    )
