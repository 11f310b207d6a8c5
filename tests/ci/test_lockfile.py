"""The line of a version, in lock files that the package managers wrote themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import managers
from managers import Manager, NotHereError
from wasmfix.ci.lockfile import declared, lock_files, locked
from wasmfix.project import find_installation, find_project

ZERO = "@rocicorp/zero-sqlite3"
MEMBERS = {"a": "1.1.4", "b": "1.0.15"}


def two_versions(folder: Path, manager: Manager) -> Path:
    """A monorepo with two versions of the package, installed by the manager."""
    root = {"name": "root", "private": True, "workspaces": ["packages/*"]}
    (folder / "package.json").write_text(json.dumps(root, indent=2) + "\n")
    (folder / "pnpm-workspace.yaml").write_text("packages:\n  - packages/*\n")
    (folder / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
    for member, version in MEMBERS.items():
        target = folder / "packages" / member
        target.mkdir(parents=True)
        manifest = {"name": member, "version": "1.0.0", "private": True, "dependencies": {ZERO: version}}
        (target / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    if manager.label == "Yarn 4":
        (folder / "yarn.lock").touch()
    manager.install(folder)
    return folder


@pytest.mark.parametrize("manager", [managers.npm, managers.pnpm, managers.yarn_classic, managers.yarn, managers.bun])
def test_each_copy_is_placed_at_the_line_that_brings_its_version(scratch: Path, manager: Callable[[], Manager]) -> None:
    try:
        folder = two_versions(scratch.resolve(), manager())
    except NotHereError as error:
        pytest.skip(str(error))
    project = find_project(folder)
    (file,) = lock_files(folder)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert set(locked(file.name, file.read_text(encoding="utf-8"), ZERO)) == set(MEMBERS.values())
    found = find_installation(project, [ZERO]).packages
    assert {package.version for package in found} == set(MEMBERS.values())
    for package in found:
        place = declared(project, package)
        assert (place.file, place.line is not None) == (file, True)
        # The name stands in that line, the version there or in the next ones; the other version does not.
        about = "\n".join(lines[(place.line or 0) - 1 : (place.line or 0) + 2])
        assert ZERO in lines[(place.line or 0) - 1]
        assert package.version in about
        assert not [other for other in MEMBERS.values() if other != package.version and other in about]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pnpm-lock.yaml", "packages:\n\n  /@rocicorp/zero-sqlite3/1.0.3_peer@1.0.0:\n    dev: false\n", {"1.0.3": 3}),
        ("pnpm-lock.yaml", "packages:\n\n  /@rocicorp/zero-sqlite3@1.0.3(peer@1.0.0):\n    dev: false\n", {"1.0.3": 3}),
        # Neither an override nor a patch of the package is one.
        ("pnpm-lock.yaml", "overrides:\n  '@rocicorp/zero-sqlite3@1.0.3': 1.1.4\n", {}),
        ("pnpm-lock.yaml", "packages:\n  '@rocicorp/zero-sqlite3-tools@1.0.3':\n    dev: false\n", {}),
        ("package-lock.json", '{"dependencies": {\n"@rocicorp/zero-sqlite3": {\n"version": "1.0.3"\n}}}', {"1.0.3": 2}),
        ("package-lock.json", '{"packages": {"": {"dependencies": {"@rocicorp/zero-sqlite3": "^1.0.3"}}}}', {}),
        (
            "yarn.lock",
            '"@rocicorp/zero-sqlite3@^1.0.0", "@rocicorp/zero-sqlite3@1":\n  version "1.0.3"\n',
            {"1.0.3": 1},
        ),
        ("yarn.lock", '# "@rocicorp/zero-sqlite3@1":\n\nother@1:\n  version "1.0.3"\n', {}),
    ],
)
def test_forms_that_older_managers_wrote(name: str, text: str, expected: dict[str, int]) -> None:
    assert locked(name, text, ZERO) == expected


def test_without_a_lock_file_it_is_the_package_json_that_asks_for_it(npm_project) -> None:  # type: ignore[no-untyped-def]
    folder = npm_project(ZERO, "1.1.4").resolve()
    for file in lock_files(folder):
        file.unlink()
    project = find_project(folder)
    (package,) = find_installation(project).packages
    place = declared(project, package)
    assert place.file == folder / "package.json"
    assert ZERO in place.file.read_text().splitlines()[(place.line or 0) - 1]
    place.file.write_text("{}")
    assert (declared(project, package).file, declared(project, package).line) == (folder / "package.json", None)
