"""What is written so that tarballs take the places of packages. That it works is asked in tests/export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from trees import write_package
from wasmfix.project import find_installation, find_project
from wasmfix.project.overrides import Tarball, override_entries

ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"


def manifest(folder: Path, content: Mapping[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(content))
    return folder


def entries(root: Path, target: Path) -> dict[str, dict[str, dict[str, object]]]:
    installation = find_installation(find_project(root))
    tarballs = [Tarball(package, target / f"{package.version}.tgz") for package in installation.packages]
    return override_entries(installation, tarballs)


def test_one_version_is_overridden_for_all_in_each_managers_words(tmp_path: Path) -> None:
    root = manifest(tmp_path.resolve() / "app", {})
    write_package(root / "node_modules" / ZERO, ZERO, "1.1.4")
    spec = {ZERO: "file:./vendor/1.1.4.tgz"}
    assert entries(root, root / "vendor") == {
        "npm": {"package.json": {"dependencies": spec, "overrides": {ZERO: f"${ZERO}"}}},
        "pnpm": {"package.json": {"pnpm": {"overrides": spec}}},
        "yarn": {"package.json": {"resolutions": spec}},
        "bun": {"package.json": {"overrides": spec}},
    }


@pytest.mark.parametrize("kind", ["dependencies", "devDependencies", "optionalDependencies"])
def test_npm_and_yarn_get_it_where_the_root_asked_for_it(tmp_path: Path, kind: str) -> None:
    root = manifest(tmp_path.resolve() / "app", {kind: {BETTER: "^12.0.0"}})
    write_package(root / "node_modules" / BETTER, BETTER, "12.1.0")
    found, spec = entries(root, root / "vendor"), {BETTER: "file:./vendor/12.1.0.tgz"}
    assert found["npm"]["package.json"] == {kind: spec, "overrides": {BETTER: f"${BETTER}"}}
    assert found["yarn"]["package.json"] == {kind: spec, "resolutions": spec}


def test_a_tarball_outside_of_the_project_is_named_from_its_root(tmp_path: Path) -> None:
    root = manifest(tmp_path.resolve() / "app", {})
    write_package(root / "node_modules" / ZERO, ZERO, "1.1.4")
    yarn = entries(root, tmp_path / "shared")["yarn"]["package.json"]
    assert yarn == {"resolutions": {ZERO: "file:../shared/1.1.4.tgz"}}


def test_of_several_versions_each_goes_to_who_gets_it_and_the_rest_is_overridden_by_version(tmp_path: Path) -> None:
    root = manifest(tmp_path.resolve() / "app", {"workspaces": ["packages/*"]})
    manifest(root / "packages" / "a", {"dependencies": {ZERO: "^1.1.0"}})
    manifest(root / "packages" / "b", {"devDependencies": {ZERO: "~1.0.3"}})
    write_package(root / "node_modules" / ZERO, ZERO, "1.1.4")
    write_package(root / "packages" / "b" / "node_modules" / ZERO, ZERO, "1.0.15")
    write_package(root / "node_modules" / "x" / "node_modules" / ZERO, ZERO, "1.0.3")
    found = entries(root, root / "vendor")
    assert found["pnpm"] == {
        "packages/a/package.json": {"dependencies": {ZERO: "file:../../vendor/1.1.4.tgz"}},
        "packages/b/package.json": {"devDependencies": {ZERO: "file:../../vendor/1.0.15.tgz"}},
        "package.json": {"pnpm": {"overrides": {f"{ZERO}@1.0.3": "file:./vendor/1.0.3.tgz"}}},
    }
    assert found["npm"]["package.json"] == {"overrides": {f"{ZERO}@1.0.3": "file:./vendor/1.0.3.tgz"}}


def test_a_package_with_one_version_takes_nothing_from_one_with_several(tmp_path: Path) -> None:
    root = manifest(
        tmp_path.resolve() / "app", {"workspaces": ["a"], "dependencies": {ZERO: "1.1.4", BETTER: "12.1.0"}}
    )
    manifest(root / "a", {"dependencies": {ZERO: "1.0.15"}})
    write_package(root / "node_modules" / ZERO, ZERO, "1.1.4")
    write_package(root / "node_modules" / BETTER, BETTER, "12.1.0")
    write_package(root / "a" / "node_modules" / ZERO, ZERO, "1.0.15")
    one, other = {BETTER: "file:./vendor/12.1.0.tgz"}, {ZERO: "file:./vendor/1.1.4.tgz"}
    for manager, overrides in {
        "npm": {"dependencies": {**other, **one}, "overrides": {BETTER: f"${BETTER}"}},
        "pnpm": {"dependencies": other, "pnpm": {"overrides": one}},
        "yarn": {"dependencies": {**other, **one}, "resolutions": one},
        "bun": {"dependencies": other, "overrides": one},
    }.items():
        assert entries(root, root / "vendor")[manager] == {
            "package.json": overrides,
            "a/package.json": {"dependencies": {ZERO: "file:../vendor/1.0.15.tgz"}},
        }
