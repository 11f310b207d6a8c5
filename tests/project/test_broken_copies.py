"""What is wrong with one copy, or beside the project, is said, and costs nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from trees import write_package
from wasmfix.errors import WasmfixError
from wasmfix.project import find_installation, find_project, sqlite_source
from wasmfix.project.find import Installation
from wasmfix.project.package import read_package

ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "above" / "project"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    return folder


@pytest.fixture
def zero(project: Path) -> Path:
    return write_package(project / "node_modules" / ZERO, ZERO, "1.1.4")


def installation(project: Path, *targets: str) -> Installation:
    return find_installation(find_project(project), targets)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "is broken: has no package.json"),
        ("", "is broken: package.json is not valid JSON"),
        ("[" * 100_000, "is broken: package.json is not valid JSON"),
        ("{}", "is broken: package.json has no name or version"),
        ('{"name": "better-sqlite3", "version": "12/../../.."}', "has the version '12/../../..'"),
        ('{"name": "../better-sqlite3", "version": "12.0.0"}', "has the name '../better-sqlite3'"),
    ],
)
def test_a_broken_copy_is_named_and_the_others_are_found(
    project: Path, zero: Path, content: str | None, reason: str
) -> None:
    broken = project / "node_modules" / BETTER
    broken.mkdir()
    if content is not None:
        (broken / "package.json").write_text(content)
    found = installation(project)
    assert [package.folder for package in found.packages] == [zero]
    (item,) = found.unpatchable
    assert (item.name, item.where, item.blocks) == (BETTER, str(broken), True)
    assert reason in item.reason
    assert item.remedy
    assert installation(project, ZERO).unpatchable == ()


def test_a_broken_copy_alone_is_named_too(project: Path) -> None:
    (project / "node_modules" / BETTER).mkdir(parents=True)
    (item,) = installation(project).unpatchable
    assert item.reason == "is broken: has no package.json"


Hide = Callable[[Path], Path]


def scope(project: Path) -> Path:
    write_package(project / "node_modules" / "@hidden" / "a", "a", "1.0.0")
    return project / "node_modules" / "@hidden"


def nested(project: Path) -> Path:
    write_package(project / "node_modules" / "a" / "node_modules" / BETTER, BETTER, "12.0.0")
    return project / "node_modules" / "a" / "node_modules"


@pytest.mark.parametrize("hide", [scope, nested])
def test_a_folder_that_cannot_be_read_is_named(
    project: Path, zero: Path, hide: Hide, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = hide(project)
    scandir = os.scandir

    def refuse(folder: str | Path) -> object:
        # Root may read everything.
        if Path(folder) == hidden:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = installation(project)
    assert [package.folder for package in found.packages] == [zero]
    (item,) = found.unpatchable
    assert (item.where, item.blocks) == (str(hidden), True)
    assert item.reason == "cannot be read (Permission denied)"


@pytest.mark.parametrize("name", ["@x", "x", "better-sqlite3", ".pnpm"])
def test_a_link_to_itself_leads_nowhere(project: Path, zero: Path, name: str) -> None:
    (project / "node_modules" / name).symlink_to(name)
    found = installation(project)
    assert [package.folder for package in found.packages] == [zero]
    assert found.unpatchable == ()


@pytest.mark.parametrize("content", [b"{ // mine\n}", b"\xff", b"[]"])
def test_a_package_json_above_the_project_that_is_none_does_not_matter(
    project: Path, zero: Path, content: bytes
) -> None:
    (project.parent / "package.json").write_bytes(content)
    assert installation(project).project.root == project
    (project.parent.parent / "package.json").write_text('{"workspaces": ["above/*"]}')
    assert find_project(project).root == project.parent.parent


@pytest.mark.parametrize("name", ["orez", "better-sqlite3"])
def test_a_driver_above_is_found_unless_the_project_has_one(project: Path, name: str) -> None:
    write_package(project / "node_modules" / name, name, "0.16.4")
    above = write_package(project.parent / "node_modules" / ZERO, ZERO, "1.1.4")
    found = installation(project)
    if name == BETTER:
        assert found.unpatchable == ()
        return
    (item,) = found.unpatchable
    assert item.where == str(above)
    assert found.missed(item)


@pytest.mark.parametrize(
    ("name", "version"),
    [("better-sqlite3", "12.0.0-rc.1+build.5"), ("@Scope/a_b.c", "1.0.0"), ("better-sqlite3", "13.2.0")],
)
def test_a_name_and_a_version_that_npm_installs_are_taken(tmp_path: Path, name: str, version: str) -> None:
    assert read_package(write_package(tmp_path / "package", name, version)).label == f"{name} {version}"


@pytest.mark.parametrize("version", ["1", "1.1", "v1.1.4", "1.1.4/..", "1.1.4 ", "1.1.4-a/b", "latest", "١.١.٤"])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: str) -> None:
    package = write_package(tmp_path / "package", BETTER, version)
    with pytest.raises(WasmfixError, match=r"package\.json: has the version .*; reinstall the package"):
        read_package(package)


def amalgamation(version: str) -> dict[str, str]:
    return {"deps/sqlite3/sqlite3.c": f'#define SQLITE_VERSION "{version}"\n/* End of sqlite3.c */\n'}


def test_the_sqlite_that_others_get_is_the_newest_of_the_projects_own_else_that_of_a_linked_one(
    project: Path, tmp_path: Path
) -> None:
    outside = write_package(tmp_path.resolve() / "outside", ZERO, "1.1.4", amalgamation("3.54.0"))
    assert sqlite_source(find_project(project)) is None
    (project / "node_modules" / "a" / "node_modules" / "@rocicorp").mkdir(parents=True)
    (project / "node_modules" / "a" / "node_modules" / ZERO).symlink_to(outside)

    def source() -> Path | None:
        package = sqlite_source(find_project(project))
        return package.folder if package else None

    assert source() == outside
    old = write_package(project / "node_modules" / ZERO, ZERO, "1.0.3", amalgamation("3.9.0"))
    assert source() == old
    new = write_package(project / "node_modules" / "b" / "node_modules" / ZERO, ZERO, "1.0.8", amalgamation("3.50.0"))
    assert source() == new


def test_a_copy_in_node_path_has_an_sqlite_for_others(project: Path, tmp_path: Path) -> None:
    outside = write_package(tmp_path.resolve() / "shared" / ZERO, ZERO, "1.1.4", amalgamation("3.54.0"))
    package = sqlite_source(find_project(project), str(tmp_path / "shared"))
    assert package is not None
    assert package.folder == outside
