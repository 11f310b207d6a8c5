"""The installed wheel, outside of the checkout, does everything that the checkout does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import ROOT, NpmProject
from release.conftest import Program

ZERO = "@rocicorp/zero-sqlite3"
COMMANDS = sorted(file.stem for file in (ROOT / "cli/wasmfix/commands").glob("[!_]*.py"))


def test_it_is_not_the_checkout_that_runs(unpacked: Program, npm_project: NpmProject) -> None:
    ran = unpacked("patch", npm_project(ZERO, "1.1.4"), "--no-verify", "--amalgamation", "nowhere", "--debug")
    assert ran.code == 2
    assert str(unpacked.cwd) in ran.err
    assert str(ROOT / "cli") not in ran.err


@pytest.mark.parametrize(
    "command", [[], *([name] for name in COMMANDS)], ids=lambda command: command[0] if command else "-"
)
def test_help_is_the_same(unpacked: Program, checkout: Program, command: list[str]) -> None:
    ours, theirs = unpacked(*command, "-h"), checkout(*command, "-h")
    assert ours.code == 0
    assert ours == theirs


def test_the_catalogue_is_the_same(unpacked: Program, checkout: Program) -> None:
    ours, theirs = (json.loads(program("patch", "--list", "--json").out) for program in (unpacked, checkout))
    assert len(ours["patches"]) > 5
    for ours_, theirs_ in zip(ours["patches"], theirs["patches"], strict=True):
        assert Path(ours_.pop("folder")).name == Path(theirs_.pop("folder")).name
        assert ours_ == theirs_


def test_every_finding_explains_itself_in_the_same_words(unpacked: Program, checkout: Program) -> None:
    pages = sorted((ROOT / "docs/findings").glob("WF*.md"))
    assert len(pages) > 20
    for page in pages[:: len(pages) // 5]:
        ours = unpacked("diagnose", "--explain", page.stem)
        assert ours.code == 0, ours.err
        assert ours == checkout("diagnose", "--explain", page.stem)


def test_an_engine_has_the_same_key_so_the_checkouts_are_found(
    unpacked: Program, checkout: Program, npm_project: NpmProject
) -> None:
    project = npm_project(ZERO, "1.1.4")
    ours = unpacked("build", "--key", project)
    assert ours.code == 0, ours.err
    assert ours == checkout("build", "--key", project)


@pytest.mark.parametrize(("name", "version"), [(ZERO, "1.1.4")])
def test_a_package_goes_there_and_back(unpacked: Program, npm_project: NpmProject, name: str, version: str) -> None:
    there_and_back(unpacked, npm_project(name, version), name, version)


def there_and_back(wasmfix: Program, project: Path, name: str, version: str) -> None:
    before = _contents(project)
    assert wasmfix("patch", project, "--check").code == 1
    assert wasmfix("ci", project).code == 1
    patched = wasmfix("patch", project)
    assert patched.code == 0, patched.err
    assert f"{name} {version}: verified" in patched.out
    for arguments in (["verify"], ["diagnose"], ["ci"], ["patch", "--check"], ["status"]):
        ran = wasmfix(*arguments, project)
        assert ran.code == 0, (arguments, ran)
    restored = wasmfix("restore", project)
    assert restored.code == 0, restored.err
    assert _contents(project) == before


def _contents(project: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(project)): file.read_bytes()
        for file in sorted(project.rglob("*"))
        if file.is_file() and file.stat().st_size < 1 << 20
    }


@pytest.mark.release
@pytest.mark.parametrize(("name", "version"), [(ZERO, "1.1.4"), ("better-sqlite3", "12.11.1")])
def test_in_an_empty_environment_it_compiles_an_engine_of_its_own(
    installed_wheel: Program, npm_project: NpmProject, name: str, version: str
) -> None:
    there_and_back(installed_wheel, npm_project(name, version), name, version)
