from __future__ import annotations

import json

import pytest

from made_reports import of_every_report, sample
from wasmfix.diagnostics import Report
from wasmfix.report import FORMATS, rendered


@of_every_report
def test_every_report_can_be_written_in_every_format(report: Report) -> None:
    for format_ in FORMATS:
        rendered(report, format_).decode("utf-8")
    for format_ in ("json", "sarif", "gitlab"):
        json.loads(rendered(report, format_))


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_ends_its_last_line(format_: str) -> None:
    content = rendered(sample(), format_)
    assert content.endswith(b"\n")
    assert not content.endswith(b"\n\n")
