from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, own_environment
from wasmfix.diagnostics import REGISTRY, Options
from wasmfix.diagnostics.registry import load_registry
from wasmfix.diagnostics.sections import SUBJECTS
from wasmfix.errors import WasmfixError
from wasmfix.project import Project

ENTRY = '[WF199]\ntitle = "t"\nseverity = "note"\nmeans = "m"\nfound = "f"\ncure = "c"\n'


def test_every_page_is_as_the_registry_says() -> None:
    command = [sys.executable, "-m", "wasmfix.diagnostics.pages", "docs/findings", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=own_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_page_that_is_stale_or_too_many_is_noticed_and_written_anew(tmp_path: Path) -> None:
    def pages(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wasmfix.diagnostics.pages", str(tmp_path), *options]
        return subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=False)

    assert pages("--check").returncode == 1
    assert pages().returncode == 0
    assert pages("--check").returncode == 0
    (tmp_path / "WF102.md").write_text("old")
    (tmp_path / "WF999.md").write_text("of nobody")
    told = pages("--check")
    assert (told.returncode, told.stderr.count("is not what the registry says")) == (1, 2)
    pages()
    assert not (tmp_path / "WF999.md").exists()
    assert pages("--check").returncode == 0


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "docs" / "findings").glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"


def test_every_check_names_findings_that_there_are() -> None:
    options = Options(project=Project(Path("/nowhere"), "npm", ()))
    checks = [
        check
        for name in SUBJECTS
        for section in importlib.import_module(f"wasmfix.diagnostics.checks.{name}").sections(options)
        for check in section.checks
    ]
    assert checks
    assert {id_ for check in checks for id_ in check.ids} <= set(REGISTRY)
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)


def test_every_finding_about_the_project_is_made_by_a_check() -> None:
    from wasmfix.diagnostics.checks.project import sections

    (section,) = sections(Options(project=Project(Path("/nowhere"), "npm", ())))
    made = {id_ for check in section.checks for id_ in check.ids}
    assert {id_ for id_ in REGISTRY if id_.startswith("WF1")} <= made


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ENTRY.replace("WF199", "X1"), "not a table with an id of ours"),
        (ENTRY.replace('cure = "c"', ""), "missing ['cure']"),
        (ENTRY + 'cause = "?"\n', "unknown ['cause']"),
        (ENTRY.replace("note", "fatal"), "unknown severity 'fatal'"),
        ("[", "is not valid TOML"),
    ],
)
def test_an_entry_that_is_not_as_it_should_be_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "x.toml").write_text(content)
    with pytest.raises(WasmfixError) as caught:
        load_registry(tmp_path)
    assert words in str(caught.value)


def test_an_id_has_one_meaning(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(ENTRY)
    with pytest.raises(WasmfixError, match="WF199 is there twice"):
        load_registry(tmp_path)
