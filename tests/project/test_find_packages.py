from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conftest import NpmProject, PnpmProject
from trees import write_package
from wasmfix.errors import WasmfixError
from wasmfix.project import find_installation, find_project
from wasmfix.project.find import Installation

ZERO = "@rocicorp/zero-sqlite3"


def installation(folder: Path, *targets: str) -> Installation:
    return find_installation(find_project(folder), targets)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    return folder


def test_npm_installs_one_copy_with_its_facts(npm_project: NpmProject) -> None:
    folder = npm_project(ZERO, "1.1.4").resolve()
    (package,) = installation(folder).packages
    assert (package.name, package.version) == (ZERO, "1.1.4")
    assert package.folder == folder / "node_modules" / ZERO
    assert package.logical == (package.folder,)
    assert (package.amalgamation.version, package.amalgamation.problem) == ("3.54.0", None)
    assert any("abi127" in name for name in package.native)


def test_pnpm_reaches_one_copy_by_several_paths(pnpm_project: PnpmProject) -> None:
    folder = pnpm_project({ZERO: "1.1.4"}).resolve()
    (package,) = installation(folder).packages
    assert package.folder == folder / f"node_modules/.pnpm/@rocicorp+zero-sqlite3@1.1.4/node_modules/{ZERO}"
    assert package.logical[0] == folder / "node_modules" / ZERO
    assert installation(folder).project.manager == "pnpm"


def test_install_scripts_that_were_skipped_leave_no_native_binary(npm_project: NpmProject) -> None:
    (package,) = installation(npm_project("better-sqlite3", "12.11.1")).packages
    assert package.native == ()
    assert package.amalgamation.version == "3.53.2"


def test_nested_duplicates_aliases_and_members_are_all_found(project: Path) -> None:
    (project / "package.json").write_text('{"workspaces": ["apps/*"]}')
    app = project / "apps" / "web"
    app.mkdir(parents=True)
    (app / "package.json").write_text("{}")
    expected = [
        write_package(app / "node_modules" / ZERO, ZERO, "1.0.3"),
        write_package(project / "node_modules" / ZERO, ZERO, "1.1.4"),
        write_package(project / "node_modules" / "a" / "node_modules" / "better-sqlite3", "better-sqlite3", "12.0.0"),
        write_package(project / "node_modules" / "my-alias", ZERO, "1.0.8", {"deps/sqlite3/sqlite3.c": ""}),
        write_package(project / "node_modules" / "@s" / "b" / "node_modules" / ZERO, ZERO, "1.0.15"),
    ]
    write_package(project / "node_modules" / "other", "other", "1.0.0", {"deps/sqlite3/sqlite3.c": ""})
    found = installation(project)
    assert sorted(package.folder for package in found.packages) == sorted(expected)
    assert found.unpatchable == ()
    assert [each.name for each in installation(project, "better-sqlite3").packages] == ["better-sqlite3"]


def test_links_to_members_that_lead_in_circles_end(project: Path) -> None:
    (project / "package.json").write_text('{"workspaces": ["a"]}')
    member = write_package(project / "a", "a", "1.0.0")
    (member / "node_modules").mkdir()
    (member / "node_modules" / "a").symlink_to("../../a")
    (project / "node_modules").mkdir()
    (project / "node_modules" / "a").symlink_to("../a")
    (project / "node_modules" / "dangling").symlink_to("../nowhere")
    write_package(member / "node_modules" / ZERO, ZERO, "1.1.4")
    (package,) = installation(project).packages
    assert package.folder == member / "node_modules" / ZERO


def test_a_linked_copy_outside_the_project_is_named_and_not_patched(project: Path, tmp_path: Path) -> None:
    outside = write_package(tmp_path.resolve() / "elsewhere", ZERO, "1.1.4")
    (project / "node_modules" / "@rocicorp").mkdir(parents=True)
    (project / "node_modules" / ZERO).symlink_to(outside)
    found = installation(project)
    assert found.packages == ()
    (item,) = found.unpatchable
    assert (item.where, item.blocks) == (str(outside), False)
    assert item.reason == f"lies outside the project, reached by the link {project / 'node_modules' / ZERO}"
    assert item.package is not None
    followed = find_installation(find_project(project), follow_links=True)
    assert [package.folder for package in followed.packages] == [outside]
    assert followed.outside(followed.packages[0])


def test_what_a_linked_package_brings_and_what_it_finds_above_it_is_named(project: Path, tmp_path: Path) -> None:
    other = tmp_path.resolve() / "other"
    library = write_package(other / "packages" / "library", "library", "1.0.0")
    brought = write_package(library / "node_modules" / "better-sqlite3", "better-sqlite3", "12.0.0")
    found = write_package(other / "node_modules" / ZERO, ZERO, "1.1.4")
    write_package(other / "node_modules" / "a" / "node_modules" / ZERO, ZERO, "1.0.3")  # not the library's
    (project / "node_modules").mkdir()
    (project / "node_modules" / "library").symlink_to(library)
    items = {item.where: item.reason for item in installation(project).unpatchable}
    assert set(items) == {str(brought), str(found)}
    assert items[str(brought)].endswith(f"the link {project / 'node_modules/library/node_modules/better-sqlite3'}")


def test_folders_of_node_path_are_searched(project: Path, tmp_path: Path) -> None:
    inside = write_package(project / "vendor" / ZERO, ZERO, "1.1.4")
    outside = write_package(tmp_path.resolve() / "shared" / "better-sqlite3", "better-sqlite3", "12.0.0")
    node_path = os.pathsep.join(["vendor", str(tmp_path / "shared"), "", str(tmp_path / "nowhere")])
    found = find_installation(find_project(project), node_path=node_path)
    assert [package.folder for package in found.packages] == [inside]
    (item,) = found.unpatchable
    assert (item.where, item.reason) == (str(outside), "lies outside the project, reached by NODE_PATH")


def test_a_copy_above_the_project_is_named_if_the_project_has_none(project: Path, tmp_path: Path) -> None:
    above = write_package(tmp_path.resolve() / "node_modules" / ZERO, ZERO, "1.1.4")
    (item,) = installation(project).unpatchable
    assert (item.where, item.reason) == (
        str(above),
        "lies outside the project, reached by the node_modules above it",
    )
    own = write_package(project / "node_modules" / ZERO, ZERO, "1.1.4")
    found = installation(project)
    assert ([package.folder for package in found.packages], found.unpatchable) == ([own], ())


def test_bedrock_sqlite_is_found(project: Path) -> None:
    where = write_package(project / "node_modules" / "bedrock-sqlite", "bedrock-sqlite", "0.16.4")
    assert [package.folder for package in installation(project).packages] == [where]


def test_a_package_in_a_plug_n_play_zip_says_yarn_unplug(project: Path) -> None:
    plug_and_play(project, f"./.yarn/cache/@rocicorp-zero-sqlite3-npm-1.1.4-abc.zip/node_modules/{ZERO}/")
    (item,) = installation(project).unpatchable
    assert item.remedy == f"run: yarn unplug {ZERO}"
    assert item.blocks


def plug_and_play(project: Path, location: str) -> None:
    """The state in the words of Yarn 4: a string literal of JavaScript, a backslash before each line's end."""
    known = [["npm:1.1.4", {"packageLocation": location, "linkType": "HARD"}]]
    state = json.dumps({"packageRegistryData": [[None, []], [ZERO, known]]}, indent=2)
    literal = state.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\\n")
    (project / ".pnp.cjs").write_text(f"const RAW_RUNTIME_STATE =\n'{literal}';\n\nfunction $$SETUP_STATE() {{}}\n")


@pytest.mark.parametrize("name", ["it's", 'back\\slash "and" quotes'])
def test_a_package_that_plug_n_play_resolves_elsewhere_is_found(project: Path, name: str) -> None:
    where = write_package(project / "vendor" / name, ZERO, "1.1.4")
    plug_and_play(project, f"./vendor/{name}/")
    assert [package.folder for package in installation(project).packages] == [where]


def test_an_unplugged_package_is_found(project: Path) -> None:
    (project / ".pnp.cjs").write_text("")
    where = project / ".yarn" / "unplugged" / "zero-sqlite3-npm-1.1.4-abc" / "node_modules" / ZERO
    write_package(where, ZERO, "1.1.4")
    assert [package.folder for package in installation(project).packages] == [where]


def test_nothing_installed_says_what_to_run(project: Path) -> None:
    (project / "pnpm-lock.yaml").touch()
    with pytest.raises(WasmfixError, match="is installed here; run: pnpm install"):
        installation(project)


@pytest.mark.parametrize("folder", ["better-sqlite3", "better-sqlite3-multiple-ciphers"])
def test_another_driver_is_named_also_under_an_alias(project: Path, folder: str) -> None:
    write_package(project / "node_modules" / folder, "better-sqlite3-multiple-ciphers", "12.0.0")
    with pytest.raises(WasmfixError, match=r"is installed here \(better-sqlite3-multiple-ciphers is, which wasmfix"):
        installation(project)


def test_a_driver_that_is_not_asked_for_is_none_of_the_others(project: Path) -> None:
    write_package(project / "node_modules" / ZERO, ZERO, "1.1.4")
    with pytest.raises(WasmfixError, match="none of better-sqlite3 is installed here; run"):
        installation(project, "better-sqlite3")


def test_what_pnpm_keeps_of_an_earlier_install_is_left_alone_and_restored(project: Path) -> None:
    store = project / "node_modules" / ".pnpm"
    old = write_package(store / "zero-sqlite3@1.0.15" / "node_modules" / ZERO, ZERO, "1.0.15")
    new = write_package(store / "zero-sqlite3@1.1.4" / "node_modules" / ZERO, ZERO, "1.1.4")
    only = write_package(
        store / "better-sqlite3@12.0.0" / "node_modules" / "better-sqlite3", "better-sqlite3", "12.0.0"
    )
    (project / "node_modules" / "@rocicorp").mkdir()
    (project / "node_modules" / ZERO).symlink_to(new)
    found = installation(project)
    # Without a link to any, it is not known which is used: better one too many.
    assert {package.folder for package in found.packages} == {new, only}
    (item,) = found.unpatchable
    assert (item.where, item.blocks) == (str(old), False)
    assert item.reason == "is left over from an earlier install, nothing links to it"
    everything = find_installation(find_project(project), left_over=True)
    assert {package.folder for package in everything.packages} == {old, new, only}


def test_an_unknown_target_is_refused(project: Path) -> None:
    with pytest.raises(WasmfixError, match="unknown target 'sqlite3'; --target takes one of"):
        installation(project, "sqlite3")


def test_a_truncated_amalgamation_is_a_problem_of_the_package(npm_project: NpmProject) -> None:
    folder = npm_project(ZERO, "1.0.15")
    file = folder / "node_modules" / ZERO / "deps" / "sqlite3" / "sqlite3.c"
    content = file.read_bytes()
    for damaged, problem in [
        (content[: len(content) // 2], "cut short"),
        (b"", "not SQLite's source"),
        (os.urandom(200_000), "not SQLite's source"),
    ]:
        file.unlink()
        file.write_bytes(damaged)
        (package,) = installation(folder).packages
        assert package.amalgamation.problem is not None
        assert problem in package.amalgamation.problem
    file.unlink()
    (package,) = installation(folder).packages
    assert package.amalgamation.problem is not None
    assert "no SQLite source" in package.amalgamation.problem
