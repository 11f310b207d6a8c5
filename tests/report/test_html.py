"""The page, by a parser and by Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chromium import Page, chromium, program
from made_reports import of_every_report, sample
from wasmfix.diagnostics import Report
from wasmfix.diagnostics.facts import HeapLimit
from wasmfix.report.html import render

_VOID = {"meta"}
_ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "footer", "div", "p"),
    *("h1", "h2", "h3", "b", "span", "pre", "br", "code", "details", "summary", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "text", "rect", "line"),
}
_ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "aria-label", "aria-hidden", "role", "height"),
    *("x", "y", "width", "rx", "x1", "x2", "y1", "y2", "text-anchor"),
}


class Strict(HTMLParser):
    """Every element is closed, and none is there that the renderer does not write itself."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _ELEMENTS, tag
        assert {name for name, _value in attrs} <= _ATTRIBUTES, attrs
        if tag not in (*_VOID, "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@of_every_report
def test_words_from_elsewhere_make_no_element(report: Report) -> None:
    parser = Strict()
    parser.feed(render(report))
    parser.close()
    assert parser.open == []


def test_the_page_names_nothing_from_elsewhere() -> None:
    text = render(sample())
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_the_explanation_of_a_finding_has_no_links_that_lead_nowhere() -> None:
    text = render(sample())
    assert "<summary>WF104: A shim lies over the driver</summary>" in text
    assert "By the structure of <code>lib/index.js</code>, see patches/stale-shim.md." in text
    assert ".md)" not in text


def test_what_is_over_the_limit_is_marked() -> None:
    text = render(sample())
    assert text.count('<rect class="over"') == 1
    assert ">limit 8.0 GB</text>" in text
    assert "<figcaption>Heap at the peak; limit: --heap-limit</figcaption>" in text


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    found = program()
    if found is None:
        pytest.skip("no Chromium is installed")
    with chromium(found) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "report.html"
    limit = HeapLimit(8 * 2**30, "Node's default for this machine's 23.5 GB")
    written.write_text(render(replace(sample(), heap_limit=limit)), encoding="utf-8")
    return written


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_chromium_shows_it_whole_at_every_width(page: Page, file: Path, width: int, dark: bool) -> None:
    page.open(file, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing sticks out but what scrolls by itself.
    assert (
        page.evaluate(
            """[...document.querySelectorAll('h1, h3, p, pre, dd, figure, svg text')].filter(each => {
             const box = each.getBoundingClientRect();
             return box.left < 0 || box.right > document.documentElement.clientWidth + 1;
           }).length"""
        )
        == 0
    )
    size = page.evaluate("getComputedStyle(document.querySelector('svg text')).fontSize")
    assert size == "14px"
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light is not dark


def test_chromium_runs_no_script_and_asks_for_nothing(page: Page, file: Path) -> None:
    page.open(file, width=1280)
    assert page.evaluate("document.scripts.length") == 0
    assert page.requests == [file.as_uri()]
    assert page.errors == []
    assert page.evaluate("document.body.innerText").count("<script>alert('t')</script>") >= 1
    charts = page.evaluate("[...document.querySelectorAll('svg')].map(each => each.getAttribute('aria-label'))")
    assert [label.split(":")[0] for label in charts] == ["Rows per table", "Bytes per table", "Heap at the peak; limit"]


def test_chromium_draws_bars_in_proportion(page: Page, file: Path) -> None:
    page.open(file, width=1280)
    widths = page.evaluate(
        "[...document.querySelector('svg').querySelectorAll('rect:not(.track)')]"
        ".map(each => each.getBoundingClientRect().width)"
    )
    assert [round(width / widths[0], 2) for width in widths] == [1.0, 0.19, 0.01, 0.0, 0.0]
