from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

from made_reports import of_every_report
from wasmfix.ci.servers import append_outputs, append_summary, without_commands
from wasmfix.diagnostics import CheckRun, Report, finding
from wasmfix.report.markdown import render

LIMIT = 1024 * 1024


def large(count: int) -> Report:
    made = tuple(
        finding("WF501", f"package {place} ü", "it is not patched", command="wasmfix patch") for place in range(count)
    )
    return Report(findings=made, checks=(CheckRun("patch.x", "done", 0.0, made),), command="ci")


def test_a_summary_is_as_much_as_github_shows(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    append_summary(file, large(2))
    assert file.read_text(encoding="utf-8") == render(large(2))
    append_summary(file, large(20_000))
    content = file.read_text(encoding="utf-8")
    assert len(content.encode()) <= LIMIT
    assert content.endswith("The rest is in the report's files: this is as much as GitHub shows.\n")
    # Cut before a finding: no block of code is left open.
    assert content.count("```") % 2 == 0
    assert MarkdownIt().parse(content)[-1].type == "paragraph_close"
    # Another one has no room at all, and breaks nothing.
    file.write_text("x" * LIMIT)
    append_summary(file, large(2))
    assert file.stat().st_size == LIMIT


def test_an_output_is_a_line_whatever_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("before=1\n")
    append_outputs(file, {"headline": "a\nverdict=ok\r\n::set", "errors": "2"})
    assert file.read_text() == "before=1\nheadline=a verdict=ok ::set\nerrors=2\n"


@of_every_report
def test_no_line_of_the_report_is_a_workflow_command(report: Report) -> None:
    from wasmfix.report.text import render as as_text

    first, *inside, last = without_commands(as_text(report)).splitlines()
    assert first.startswith("::stop-commands::")
    token = first.removeprefix("::stop-commands::")
    assert last == f"::{token}::"
    # What ends the pause cannot be in the report: it is made anew each time.
    assert not any(token in line for line in inside)
    assert without_commands("x\n").splitlines()[0] != first
