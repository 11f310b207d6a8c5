"""The documentation holds together: every link leads somewhere, every page is reached, every command is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import ROOT
from wasmfix.cli import COMMANDS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_CODE = re.compile(r"^```.*?^```|^ {4}.*?$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(\s*<?([^)>\s]+)")


def links(page: Path) -> list[str]:
    """Of a page to files of the repository, as they are written."""
    found = _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    return [link for link in found if not re.match(r"\w+:", link)]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", _CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        same = sum(re.sub(r"-\d+$", "", each) == anchor for each in found)
        found.append(f"{anchor}-{same}" if same else anchor)
    return set(found)


def target(page: Path, link: str) -> Path:
    path = link.partition("#")[0]
    return (page.parent / path).resolve() if path else page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        file, anchor = target(page, link), link.partition("#")[2]
        assert file.exists(), link
        assert not anchor or file.suffix != ".md" or anchor in anchors(file), link


def test_every_page_is_reached_from_the_readme() -> None:
    reached, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            left += [target(page, link) for link in links(page)]
    assert set(PAGES) <= reached


def test_every_command_is_in_the_page_of_commands_and_has_a_heading() -> None:
    page = ROOT / "docs" / "commands.md"
    names = {file.stem for file in COMMANDS.glob("*.py") if not file.stem.startswith("_")}
    assert names <= anchors(page)
    assert names == set(re.findall(r"^wasmfix (\w+) ", page.read_text(encoding="utf-8"), re.MULTILINE))
