"""`patch`, `restore` and `status` on what npm and pnpm install, with the real engine and a real Node."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import BUILD, NpmProject, PnpmProject
from trees import snapshot, write_package

ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"

ASK = """
const Database = require(process.argv[1]);
const db = new Database(':memory:');
const row = db.prepare('select sqlite_version() as version, 1 + 1 as two').get();
if (row.two !== 2) throw new Error('wrong sum');
console.log(row.version);
"""


def ask(node: str, project: Path, name: str) -> str:
    """The SQLite version that the package answers with, through its own JavaScript."""
    command = [node, "-e", ASK, name]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("name", "version", "sqlite"),
    [
        (ZERO, "1.1.4", "3.54.0"),
        (ZERO, "1.0.15", "3.50.0"),
        (BETTER, "12.11.1", "3.53.2"),
        pytest.param(ZERO, "1.1.0", "3.51.0", marks=pytest.mark.matrix),
        pytest.param(ZERO, "1.0.18", "3.51.0", marks=pytest.mark.matrix),
        pytest.param(ZERO, "1.0.8", None, marks=pytest.mark.matrix),
        pytest.param(ZERO, "1.0.3", "3.47.0", marks=pytest.mark.matrix),
    ],
)
def test_patch_runs_it_on_webassembly_and_restore_puts_everything_back(  # type: ignore[no-untyped-def]
    wasmfix, npm_project: NpmProject, node: str, tmp_path: Path, name: str, version: str, sqlite: str | None
) -> None:
    project = npm_project(name, version)
    before = snapshot(project, times=True, links=True)

    ran = wasmfix("patch", project)
    # What the build tells, if there was one, goes to stderr.
    assert ran.code == 0, ran.err
    assert f"{name} {version}: patched" in ran.out
    assert f"{name} {version}: verified" in ran.out
    answered = ask(node, project, name)
    assert sqlite is None or answered == sqlite
    assert (project / "node_modules" / name / "wasmfix" / "engine.wasm").is_file()

    status = wasmfix("status", project, "--json").json
    assert status["schema_version"] == 1
    assert [(each["version"], each["state"]) for each in status["packages"]] == [(version, "patched")]

    patched = snapshot(project, times=True, links=True)
    # A second patch builds nothing: not even where no engine is kept.
    elsewhere = tmp_path / "cache"
    again = wasmfix("patch", project, variables={"WASMFIX_CACHE_DIR": str(elsewhere)})
    assert (again.code, again.err) == (0, "")
    assert "already patched" in again.out
    assert not list(elsewhere.rglob("*.wasm"))
    assert snapshot(project, times=True, links=True) == patched
    assert wasmfix("patch", project, "--check").code == 0

    ran = wasmfix("restore", project)
    assert (ran.code, ran.err) == (0, "")
    assert snapshot(project, times=True, links=True) == before
    assert "not patched" in wasmfix("restore", project).out
    assert wasmfix("patch", project, "--check").code == 1


def link_to_store(package: Path, store: Path) -> None:
    """Make the package's files hard links to the store's.

    pnpm 10 does so for every package but those with an install script, which it copies; older ones, and bun, for all.
    """
    by_content = {file.read_bytes(): file for file in store.rglob("*") if file.is_file()}
    for file in sorted((package / "lib").glob("*.js")):
        stored = by_content[file.read_bytes()]
        file.unlink()
        os.link(stored, file)


def test_the_pnpm_store_stays_as_it_is(wasmfix, pnpm_project: PnpmProject, node: str) -> None:  # type: ignore[no-untyped-def]
    project = pnpm_project({ZERO: "1.1.4", BETTER: "12.11.1"})
    store = BUILD / "pnpm-store" / "v10" / "files"
    database = project / "node_modules" / ZERO / "lib" / "database.js"
    for name in (ZERO, BETTER):
        link_to_store((project / "node_modules" / name).resolve(), store)
    store_before = snapshot(store, times=True)
    before = snapshot(project / "node_modules", times=True, links=True)
    assert database.stat().st_nlink > 1

    ran = wasmfix("patch", project)
    assert ran.code == 0, ran.err
    assert database.stat().st_nlink == 1
    assert (ask(node, project, ZERO), ask(node, project, BETTER)) == ("3.54.0", "3.53.2")
    assert snapshot(store, times=True) == store_before

    assert wasmfix("restore", project).code == 0
    assert snapshot(project / "node_modules", times=True, links=True) == before
    assert snapshot(store, times=True) == store_before


def test_a_dry_run_shows_every_operation_and_does_none(wasmfix, npm_project: NpmProject) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    before = snapshot(project, times=True, links=True)
    ran = wasmfix("patch", project, "--dry-run")
    assert ran.code == 0
    assert "lib/database.js" in ran.out
    assert "wasmfix/engine.wasm" in ran.out
    (planned,) = wasmfix("patch", project, "--dry-run", "--json").json["packages"]
    assert planned["result"] == "would be patched"
    assert snapshot(project, times=True, links=True) == before

    assert wasmfix("patch", project, "--no-verify").code == 0
    after = snapshot(project / "node_modules" / ZERO)
    assert {each["path"]: each["to"] for each in planned["operations"]} == {
        each["path"]: after[each["path"]][2] for each in planned["operations"]
    }


def test_only_the_named_target_is_patched(wasmfix, pnpm_project: PnpmProject) -> None:  # type: ignore[no-untyped-def]
    project = pnpm_project({ZERO: "1.1.4", BETTER: "12.11.1"})
    assert wasmfix("patch", project, "--target", ZERO, "--no-verify").code == 0
    states = {each["name"]: each["state"] for each in wasmfix("status", project, "--json").json["packages"]}
    assert states == {ZERO: "patched", BETTER: "unpatched"}


def test_nested_copies_are_all_patched_and_the_linked_one_is_named(  # type: ignore[no-untyped-def]
    wasmfix, npm_project: NpmProject, scratch: Path, node: str
) -> None:
    project = npm_project(ZERO, "1.1.4")
    other = npm_project(ZERO, "1.0.15") / "node_modules" / ZERO
    nested = project / "node_modules" / "app" / "node_modules" / ZERO
    nested.parent.mkdir(parents=True)
    other.rename(nested)
    outside = write_package(scratch / "linked", BETTER, "12.0.0")
    (project / "node_modules" / BETTER).symlink_to(outside)
    before = snapshot(outside)
    ran = wasmfix("patch", project)
    assert ran.code == 0, ran.err
    assert ran.out.count(": patched ") == 2
    assert f"{BETTER}: left alone  {outside.resolve()}" in ran.out
    assert snapshot(outside) == before
    assert ask(node, nested.parent.parent.parent, ZERO) == "3.50.0"
    assert ask(node, project, ZERO) == "3.54.0"


def test_a_refused_copy_does_not_keep_the_others_from_being_patched(  # type: ignore[no-untyped-def]
    wasmfix, npm_project: NpmProject
) -> None:
    project = npm_project(ZERO, "1.1.4")
    broken = write_package(project / "node_modules" / "app" / "node_modules" / ZERO, ZERO, "1.1.4")
    before = snapshot(broken)
    ran = wasmfix("patch", project, "--no-verify")
    assert ran.code == 2
    assert f"{ZERO} 1.1.4: patched" in ran.out
    # As in every message, the real path: build/ may be a link.
    assert str(broken.resolve()) in ran.one_line()
    assert "no SQLite source" in ran.err
    assert snapshot(broken) == before


def test_missing_engine_files_are_named_with_the_remedy(wasmfix, npm_project: NpmProject, node: str) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    wasmfix("patch", project, "--no-verify")
    (project / "node_modules" / ZERO / "wasmfix" / "addon.cjs").unlink()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        ask(node, project, ZERO)
    assert "is missing or incomplete; run: wasmfix patch" in caught.value.stderr
    status = wasmfix("status", project)
    assert "wasmfix/addon.cjs is missing" in status.out
    assert wasmfix("patch", project).code == 0
    assert ask(node, project, ZERO) == "3.54.0"


def test_the_native_binding_option_means_the_engine_only_for_the_packages_own_binary(  # type: ignore[no-untyped-def]
    wasmfix, npm_project: NpmProject, node: str
) -> None:
    project = npm_project(ZERO, "1.1.4")
    wasmfix("patch", project, "--no-verify")
    script = """
    const fs = require('node:fs');
    const path = require('node:path');
    const Database = require('@rocicorp/zero-sqlite3');
    const own = require('node-gyp-build').path(process.cwd() + '/node_modules/@rocicorp/zero-sqlite3');
    const copy = path.join(process.cwd(), 'copy.node');
    fs.copyFileSync(own, copy);
    const isNative = (nativeBinding) => {
      const db = new Database(':memory:', { nativeBinding });
      return !db.pragma('compile_options', { simple: false }).some((o) => o.compile_options.includes('MUTEX_NOOP'));
    };
    console.log(isNative(null), isNative(own), isNative(copy), isNative(copy.slice(0, -5)), isNative(require(copy)));
    """
    done = subprocess.run([node, "-e", script], cwd=project, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("false false true true true", "")


def test_patch_restores_what_a_shim_hid_and_status_says_so(wasmfix, npm_project: NpmProject, node: str) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    index = project / "node_modules" / ZERO / "lib" / "index.js"
    index.rename(index.with_name("index.js.orez-backup"))
    index.write_text(
        "// orez sqlite shim - wasm\n// mode: wasm, journal_mode: wal2\n"
        "const { Database, SqliteError } = require('bedrock-sqlite');\n"
        "module.exports = Database;\nmodule.exports.SqliteError = SqliteError;\n"
    )
    before = snapshot(project, times=True, links=True)
    assert "shim, generation 2" in wasmfix("status", project).out
    ran = wasmfix("patch", project)
    assert ran.code == 0, ran.err
    assert "addon-loader, stale-shim" in ran.out
    assert ask(node, project, ZERO) == "3.54.0"
    wasmfix("restore", project)
    assert snapshot(project, times=True, links=True) == before


def test_a_killed_patch_is_seen_by_status_and_finished_by_restore(wasmfix, npm_project: NpmProject) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    before = snapshot(project)
    # Files are changed after they were all staged: step by step to where that begins.
    for operation in range(100, 1000, 8):
        killed = wasmfix("patch", project, variables={"WASMFIX_FAULT_AT": str(operation)})
        assert killed.code == -9
        if "interrupted" in wasmfix("status", project).out:
            break
    ran = wasmfix("restore", project)
    assert (ran.code, ran.err) == (0, "")
    assert "finished an interrupted patch" in ran.out
    assert snapshot(project) == before


def test_two_patchers_at_once_patch_once(wasmfix, npm_project: NpmProject, node: str) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    with ThreadPoolExecutor() as both:
        runs = [both.submit(wasmfix, "patch", project, "--no-verify") for _ in range(3)]
        ended = [run.result() for run in runs]
    assert [ran.code for ran in ended] == [0, 0, 0], ended
    assert sum(": patched " in ran.out for ran in ended) == 1
    assert sum(": already patched " in ran.out for ran in ended) == 2
    assert ask(node, project, ZERO) == "3.54.0"


def test_a_full_disk_leaves_the_package_as_it_was(wasmfix, npm_project: NpmProject) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    before = snapshot(project, times=True, links=True)
    ran = wasmfix("patch", project, variables={"WASMFIX_FAULT_AT": "60", "WASMFIX_FAULT": "ENOSPC"})
    assert ran.code == 2
    assert "No space left on device" in ran.one_line()
    assert "nothing was changed; free some space and run this again" in ran.err
    assert snapshot(project, times=True, links=True) == before


def test_without_node_the_patch_stays_and_the_line_says_so(wasmfix, npm_project: NpmProject, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(ZERO, "1.1.4")
    wasmfix("patch", project, "--no-verify")
    ran = wasmfix("patch", project, variables={"PATH": str(tmp_path)})
    assert ran.code == 2
    assert "is patched, but was not verified" in ran.one_line()
    assert "--no-verify" in ran.err
