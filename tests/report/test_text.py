from __future__ import annotations

import io
import unicodedata

import pytest
from rich.console import Console

from made_reports import of_every_report, sample
from wasmfix.diagnostics import Fact, Finding, Report, Severity
from wasmfix.diagnostics.run import Report as Empty
from wasmfix.report.text import bar, render, show


def shown(report: Report, width: int, **options: object) -> str:
    out = io.StringIO()
    show(report, Console(file=out, width=width, highlight=False, **options))  # type: ignore[arg-type]
    return out.getvalue()


def test_the_verdict_and_its_command_come_first() -> None:
    first, words, command = render(sample()).splitlines()[:3]
    assert first == (
        "✗ @rocicorp/zero-sqlite3 1.1.4: orez's shim of generation 2 lies over it: scanStatusV2 does not end"
    )
    assert words == "  Put the package's own entry point back, and the engine behind it."
    assert command == "  $ wasmfix patch"


def test_findings_are_under_the_heading_of_their_severity_with_their_evidence() -> None:
    text = render(sample())
    errors, warnings = text.index(" Errors "), text.index(" Warnings ")
    assert (
        errors < text.index("WF104") < warnings < text.index("WF131") < text.index(" In order ") < text.index("WF119")
    )
    assert ".env, line 7: ZERO_NUM_SYNC_WORKERS=14" in text
    assert "more: wasmfix diagnose --explain WF131" in text


def test_tables_are_sorted_by_rows_and_have_bars_in_proportion() -> None:
    lines = render(sample()).splitlines()
    rows = [line for line in lines if line.startswith(("comment", "issue", "<script>", "empty"))]
    assert [line.split()[0] for line in rows] == ["comment", "issue", "<script>alert('t')</script>", "empty"]
    assert [line.count("█") for line in rows] == [24, 4, 0, 0]
    assert "~12,345,678" in rows[0]
    assert "2,400,000" in rows[1]


@pytest.mark.parametrize(("share", "length"), [(0, 0), (1e-9, 1), (0.5, 12), (1, 24)])
def test_a_bar_shows_something_of_whatever_is_more_than_nothing(share: float, length: int) -> None:
    assert len(bar(share)) == length


def test_nothing_found_is_said() -> None:
    assert render(Empty()).startswith("✓ Nothing is wrong\n")
    assert render(Empty(complete=False)).startswith("✓ Nothing was found so far\n")
    assert "interrupted" in render(Empty(complete=False))


@of_every_report
def test_a_pipe_gets_plain_lines(report: Report) -> None:
    """No escape sequence, no control character, nothing that turns the direction of the text."""
    text = render(report)
    assert not [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs")]
    text.encode()


def test_a_pipe_gets_each_finding_in_one_line() -> None:
    assert max(map(len, render(sample()).splitlines())) > 100


@pytest.mark.parametrize("width", [40, 60, 100])
def test_names_and_numbers_are_whole_however_narrow_a_terminal_is(width: int) -> None:
    lines = shown(sample(), width, force_terminal=True, color_system=None).splitlines()
    (comment,) = [line for line in lines if line.startswith("comment ")]
    assert "~12,345,678" in comment
    assert any(line.startswith("table comment") and "11.0 GB ±25%" in line for line in lines)
    assert ("█" in comment) is (width == 100)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminals_width_is_respected(width: int) -> None:
    from rich.cells import cell_len

    text = shown(sample(), width, force_terminal=True, color_system=None)
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_what_a_narrow_terminal_folds_stands_further_in_than_a_line_of_its_own() -> None:
    long = "/".join(f"folder-{n}" for n in range(20))
    found = Finding("WF118", Severity.ERROR, "a package", "w " * 60, evidence=(long, "short"), remedy=None)
    report = Empty(findings=(found,), facts=(Fact("project", "driver", long),))
    lines = shown(report, 80, force_terminal=True, color_system=None).splitlines()
    for begins, folded in (("    folder-0/", "      "), ("driver  folder-0/", "        ")):
        at = next(n for n, line in enumerate(lines) if line.startswith(begins))
        assert len(lines[at + 1]) - len(lines[at + 1].lstrip()) == len(folded)
        assert long in "".join(line.strip() for line in lines[at : at + 3])
    at = next(n for n, line in enumerate(lines) if "WF118" in line)
    assert lines[at + 1].startswith("  w w")
    assert "    short" in [line.rstrip() for line in lines]


def test_the_heap_limit_is_whole_however_narrow_a_terminal_is() -> None:
    lines = shown(sample(), 60, force_terminal=True, color_system=None).splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(" Hydration, projected "))
    assert lines[at + 1].startswith("heap limit 8.0 GB, ")


def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = shown(sample(), 80, force_terminal=True, color_system="standard")
    assert "\x1b[31m" in coloured or "\x1b[1;31m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = shown(sample(), 80, force_terminal=True, color_system="standard")
    assert "31m" not in plain
    assert "33m" not in plain
