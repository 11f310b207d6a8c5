from __future__ import annotations

from pathlib import Path

import pytest

from wasmfix.errors import WasmfixError
from wasmfix.project import find_project


def manifest(folder: Path, content: str = "{}") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(content)
    return folder


def test_a_folder_without_package_json_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WasmfixError, match=r"has no package\.json; run wasmfix in the project's folder") as caught:
        find_project(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '"x"', "\xff"])
def test_a_broken_package_json_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "package.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(WasmfixError, match=r"package\.json: is not"):
        find_project(tmp_path)


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WasmfixError, match="does not exist"):
        find_project(tmp_path / "none")
    with pytest.raises(WasmfixError, match="is not a folder"):
        find_project(tmp_path / "file")


def test_a_member_leads_to_the_root_of_its_monorepo(tmp_path: Path) -> None:
    manifest(tmp_path, '{"workspaces": ["packages/*", "!packages/old"]}')
    app = manifest(tmp_path / "packages" / "app")
    old = manifest(tmp_path / "packages" / "old")
    (tmp_path / "packages" / "no-manifest").mkdir()
    project = find_project(app)
    assert project.root == tmp_path.resolve()
    assert project.members == (app.resolve(),)
    assert find_project(old).root == old.resolve()


@pytest.mark.parametrize(
    "yaml",
    [
        "packages:\n  - 'apps/**' # all of them\n  - \"!apps/b\"\n\ncatalog:\n  - not/this\n",
        "packages: [\"apps/**\", '!apps/b']\n",
        "onlyBuiltDependencies:\n- esbuild\npackages:\n- apps/**\n- '!apps/b'\n",
    ],
)
def test_pnpm_workspace_yaml_names_members_at_any_depth(tmp_path: Path, yaml: str) -> None:
    manifest(tmp_path)
    (tmp_path / "pnpm-workspace.yaml").write_text(yaml)
    (tmp_path / "pnpm-lock.yaml").touch()
    one = manifest(tmp_path / "apps" / "a")
    deep = manifest(tmp_path / "apps" / "x" / "y")
    manifest(tmp_path / "apps" / "b")
    manifest(tmp_path / "not" / "this")
    manifest(tmp_path / "apps" / "a" / "node_modules" / "dependency")
    project = find_project(tmp_path)
    assert project.members == (one.resolve(), deep.resolve())
    assert project.manager == "pnpm"


@pytest.mark.parametrize(
    ("trace", "manager"),
    [
        ("node_modules/.modules.yaml", "pnpm"),
        ("node_modules/.package-lock.json", "npm"),
        ("node_modules/.yarn-integrity", "yarn"),
        (".pnp.cjs", "yarn"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
    ],
)
def test_the_package_manager_is_told_by_its_traces(tmp_path: Path, trace: str, manager: str) -> None:
    manifest(tmp_path, '{"packageManager": "other@1"}')
    (tmp_path / trace).parent.mkdir(exist_ok=True)
    (tmp_path / trace).touch()
    assert find_project(tmp_path).manager == manager
