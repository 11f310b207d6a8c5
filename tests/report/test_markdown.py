"""Rendered by a CommonMark parser with tables, as GitHub and GitLab have them: what it makes of our text."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token

from made_reports import of_every_report, sample
from wasmfix.diagnostics import Report
from wasmfix.report.markdown import render
from wasmfix.report.plain import plain

PARSER = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
_OURS = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
    *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close"),
}
_INLINE = {"text", "code_inline", "strong_open", "strong_close", "text_special"}


def tokens(report: Report) -> list[Token]:
    return PARSER.parse(render(report))


@of_every_report
def test_words_from_elsewhere_make_no_markup(report: Report) -> None:
    """No HTML, no link, no image, no heading but ours."""
    parsed = tokens(report)
    assert {token.type for token in parsed} <= _OURS
    inline = {child.type for token in parsed for child in token.children or ()}
    assert inline <= _INLINE
    headings = [parsed[place + 1].content for place, token in enumerate(parsed) if token.type == "heading_open"]
    ours = ("wasmfix diagnose", "Errors", "Warnings", "Notes", "In order", "Tables", "Hydration", "Looked at")
    assert all(heading.startswith(ours) for heading in headings)


@of_every_report
def test_every_table_has_all_its_rows_and_cells(report: Report) -> None:
    rows: list[int] = []
    for token in tokens(report):
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in ("td_open", "th_open"):
            rows[-1] += 1
    wanted = [5] * (len(report.tables) + bool(report.tables))
    wanted += [4] * (len(report.projections) + bool(report.projections))
    facts = len(report.subjects) + len(report.facts)
    assert rows == wanted + [2] * (facts + bool(facts))


@of_every_report
def test_every_command_stands_in_a_fence_as_it_is_pasted(report: Report) -> None:
    remedies = [found.remedy for found in report.findings if found.remedy is not None]
    commands = [plain(remedy.command) for remedy in remedies if remedy.command is not None]
    assert [token.content.removesuffix("\n") for token in tokens(report) if token.type == "fence"] == commands


def test_the_verdict_is_under_the_heading() -> None:
    lines = render(sample()).splitlines()
    assert lines[0] == "## wasmfix diagnose: 1 error, 1 warning"
    assert lines[2].startswith("`@rocicorp/zero-sqlite3 1.1.4`: **orez's shim of generation 2 lies over it")
