"""The README's picture is what the commands print."""

from __future__ import annotations

import re
import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "demo"))

import picture


def test_the_picture_shows_what_the_commands_print_today(engine_cache: None) -> None:
    shown = picture.words(picture.PICTURE.read_text(encoding="utf-8"))
    printed = [line.plain.rstrip() for line in picture.record()]
    assert [_without_figures(line) for line in shown if line] == [_without_figures(line) for line in printed if line]


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    content = picture.PICTURE.read_text(encoding="utf-8")
    assert "://" not in content.replace("http://www.w3.org/2000/svg", "")


def _without_figures(line: str) -> str:
    """Versions, and what differs from machine to machine; blanks, because figures differ in width."""
    return re.sub(r"[\d.,]+|\s+", " ", line).strip()
