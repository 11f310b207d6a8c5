"""Each check about the project: what makes it speak, and what leaves it silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import nodejs
from conftest import PnpmProject, installed
from diagnostics.projects import (
    BETTER,
    SHIM,
    ZERO_DRIVER,
    add_package,
    add_zero,
    diagnosed,
    found,
    is_clean,
    project,
)
from trees import write_package
from wasmfix.diagnostics import Finding, Report, Severity
from wasmfix.diagnostics.machine import Machine


@pytest.fixture
def healthy(scratch: Path) -> Path:
    """zero-sqlite3 1.1.4 with its native binaries, and Zero that wants it."""
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    add_zero(folder)
    return folder


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, int], None]:
    def is_(cores: float, memory: int) -> None:
        monkeypatch.setattr(
            "wasmfix.diagnostics.checks.project.this_machine", lambda: Machine(cores, memory, limited=False)
        )

    return is_


def only(report: Report, id_: str) -> Finding:
    (one,) = found(report, id_)
    return one


def package_of(folder: Path) -> Path:
    return folder / "node_modules" / ZERO_DRIVER


def test_a_healthy_project_is_clean_and_that_is_said(healthy: Path) -> None:
    report = diagnosed(healthy)
    assert [each.id for each in report.findings] == ["WF119"]
    assert "native binary" in report.findings[0].what
    assert all(check.status == "done" for check in report.checks)


def test_101_nothing_is_installed(tmp_path: Path, healthy: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    (folder / "pnpm-lock.yaml").write_text("")
    one = only(diagnosed(folder), "WF101")
    assert one.remedy is not None
    assert one.remedy.command == "pnpm install"
    assert not found(diagnosed(healthy), "WF101")
    assert is_clean(diagnosed(folder, database_url="postgres://db.example/zero"))


def test_002_a_broken_package_is_one_finding_not_the_end(healthy: Path) -> None:
    (package_of(healthy) / "package.json").write_text("{")
    report = diagnosed(healthy)
    assert only(report, "WF002").what == "is broken: package.json is not valid JSON"
    assert [check.status for check in report.checks if check.name == "project.node"] == ["done"]


@pytest.mark.parametrize("file", [f"{ZERO_DRIVER}/.wasmfix/record.json", "@rocicorp/zero/package.json"])
def test_002_a_file_that_is_damaged_leaves_the_other_checks(healthy: Path, file: str) -> None:
    damaged = healthy / "node_modules" / file
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_text("{")
    report = diagnosed(healthy, {"ZERO_NUM_SYNC_WORKERS": "1000"})
    assert {"WF002", "WF131"} <= {each.id for each in report.findings}
    assert all(check.status == "done" for check in report.checks)


def test_102_there_is_no_native_binary(scratch: Path, healthy: Path) -> None:
    report = diagnosed(project(scratch / "bare", (ZERO_DRIVER, "1.1.4"), native=False))
    assert report.findings[0].id == "WF102"
    assert "node-gyp-build" in only(report, "WF102").what
    assert not found(diagnosed(healthy), "WF102")


@pytest.mark.parametrize("how", ["deleted", "empty", "dangling"])
def test_103_the_entry_point_is_missing(healthy: Path, how: str) -> None:
    assert not found(diagnosed(healthy), "WF103")
    index = package_of(healthy) / "lib" / "index.js"
    index.unlink()
    if how == "empty":
        index.write_text("\n")
    elif how == "dangling":
        index.symlink_to("gone.js")
    report = diagnosed(healthy)
    assert report.findings[0].id == "WF103"
    assert only(report, "WF103").evidence == (f"node_modules/{ZERO_DRIVER}/lib/index.js: it is missing or empty",)


def test_104_a_shim_lies_over_the_driver(healthy: Path) -> None:
    assert not found(diagnosed(healthy), "WF104")
    (package_of(healthy) / "lib" / "index.js").write_text(SHIM)
    report = diagnosed(healthy)
    assert report.findings[0].id == "WF104"
    one = only(report, "WF104")
    assert one.data == {"generation": 2}
    assert one.location is not None
    assert one.location.file.samefile(package_of(healthy) / "lib" / "index.js")


def node_with_abi(folder: Path, abi: int) -> str:
    program = folder / f"node{abi}"
    program.write_text(f"#!/bin/sh\necho 22.12.0 {abi}\n")
    program.chmod(0o755)
    return str(program)


def test_115_the_binaries_are_for_other_nodes(scratch: Path, healthy: Path) -> None:
    assert not found(diagnosed(healthy, node=node_with_abi(scratch, 127)), "WF115")
    one = only(diagnosed(healthy, node=node_with_abi(scratch, 999)), "WF115")
    assert one.what == "it has no native binary for Node 22.12.0 (ABI 999)"
    assert one.remedy is not None
    assert one.remedy.command == "wasmfix patch"


def test_115_a_binary_that_was_compiled_here_names_no_abi(scratch: Path) -> None:
    folder = project(scratch / "bare", (BETTER, "12.11.1"), native=False)
    compiled = folder / "node_modules" / BETTER / "build" / "Release" / "better_sqlite3.node"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    assert is_clean(diagnosed(folder, node=node_with_abi(scratch, 999)))


def test_108_a_package_that_cannot_be_patched_is_an_error_without_a_native_binary(scratch: Path, healthy: Path) -> None:
    bare = project(scratch / "bare", (ZERO_DRIVER, "1.1.4"), native=False)
    for folder, severity in ((bare, Severity.ERROR), (healthy, Severity.NOTE)):
        assert not found(diagnosed(folder), "WF108")
        loader = package_of(folder) / "lib" / "database.js"
        loader.write_text(loader.read_text().replace("nativeBinding == null", "false"))
        one = only(diagnosed(folder), "WF108")
        assert one.severity is severity
        assert any("lib/database.js is not what the patch addon-loader is for" in line for line in one.evidence)


def test_108_a_damaged_source_is_named(scratch: Path) -> None:
    folder = project(scratch / "bare", (ZERO_DRIVER, "1.1.4"), native=False)
    (package_of(folder) / "deps" / "sqlite3" / "sqlite3.c").unlink()
    report = diagnosed(folder)
    assert report.findings[0].id == "WF108"
    assert any("has no SQLite source" in line for line in only(report, "WF108").evidence)


def test_109_two_versions_are_two_sqlites(healthy: Path) -> None:
    nested = healthy / "node_modules" / "other" / "node_modules" / ZERO_DRIVER
    add_package(nested, ZERO_DRIVER, "1.1.4")
    assert not found(diagnosed(healthy), "WF109")
    manifest = nested / "package.json"
    manifest.write_text(manifest.read_text().replace('"1.1.4"', '"1.1.2"'))
    one = only(diagnosed(healthy), "WF109")
    assert one.data["versions"] == ["1.1.2", "1.1.4"]
    assert len(one.evidence) == 2


@pytest.mark.parametrize(
    ("wants", "fires"), [("^1.1.4", False), ("^1.2.0", True), ("1.1.3", True), ("workspace:*", False)]
)
def test_110_zero_wants_another_version(scratch: Path, wants: str, fires: bool) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    add_zero(folder, wants=wants)
    report = diagnosed(folder)
    assert bool(found(report, "WF110")) is fires
    if fires:
        assert only(report, "WF110").data == {"installed": "1.1.4", "wanted": wants, "zero": "1.9.0"}


def test_110_the_copy_that_zero_loads_counts(scratch: Path) -> None:
    """A nested one goes before the one at the top."""
    folder = project(scratch / "app", (ZERO_DRIVER, "1.0.15"))
    zero = add_zero(folder)
    assert found(diagnosed(folder), "WF110")
    add_package(zero / "node_modules" / ZERO_DRIVER, ZERO_DRIVER, "1.1.4")
    assert not found(diagnosed(folder), "WF110")


@pytest.mark.parametrize(("wants", "fires"), [(">=20", False), (">=99", True), (">=18 <20 || >=22", False)])
def test_111_node_is_too_old_for_zero(scratch: Path, wants: str, fires: bool) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    add_zero(folder, node=wants)
    assert bool(found(diagnosed(folder), "WF111")) is fires


def test_111_without_a_node_there_is_nothing_to_say(scratch: Path) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    add_zero(folder, node=">=99")
    assert is_clean(diagnosed(folder, node="/nowhere/node"))


def test_112_pnpm_did_not_run_the_script(pnpm_project: PnpmProject) -> None:
    """As pnpm 10 itself leaves the project."""
    folder = pnpm_project({ZERO_DRIVER: "1.0.15"})
    state = folder / "node_modules" / ".modules.yaml"
    assert not found(diagnosed(folder), "WF112")
    # --ignore-scripts, which the fixture gives, is not what users type; without it pnpm writes this.
    content = json.loads(state.read_text())
    state.write_text(json.dumps({**content, "ignoredBuilds": [f"{ZERO_DRIVER}@1.0.15"]}, indent=2))
    report = diagnosed(folder)
    assert only(report, "WF112").what == "pnpm did not run its install script"
    assert report.findings[0].id == "WF102"


def test_112_bun_did_not_run_the_script(scratch: Path) -> None:
    folder = project(scratch / "app", (BETTER, "12.11.1"), native=False)
    (folder / "package-lock.json").rename(folder / "bun.lock")
    assert only(diagnosed(folder), "WF112").what == "bun did not run its install script"
    manifest = json.loads((folder / "package.json").read_text())
    (folder / "package.json").write_text(json.dumps({**manifest, "trustedDependencies": [BETTER]}))
    assert not found(diagnosed(folder), "WF112")


def test_112_npm_was_told_not_to_run_scripts(scratch: Path) -> None:
    folder = project(scratch / "app", (BETTER, "12.11.1"), native=False)
    assert not found(diagnosed(folder), "WF112")
    (folder / ".npmrc").write_text("registry=x\nignore-scripts = true\n")
    one = only(diagnosed(folder), "WF112")
    assert one.location is not None
    assert one.location.line == 2


def test_112_a_package_with_its_binary_needs_no_script(healthy: Path) -> None:
    (healthy / ".npmrc").write_text("ignore-scripts=true\n")
    assert is_clean(diagnosed(healthy))


def test_113_orez_would_put_its_shim_there(healthy: Path) -> None:
    assert not found(diagnosed(healthy), "WF113")
    write_package(healthy / "node_modules" / "orez", "orez", "0.16.4")
    assert only(diagnosed(healthy), "WF113").severity is Severity.WARNING


def test_114_a_copy_outside_of_the_project(scratch: Path, healthy: Path) -> None:
    elsewhere = add_package(scratch / "elsewhere" / BETTER, BETTER, "12.11.1")
    assert not found(diagnosed(healthy), "WF114")
    (healthy / "node_modules" / BETTER).symlink_to(elsewhere)
    one = only(diagnosed(healthy), "WF114")
    assert one.what.startswith("lies outside the project")
    assert one.severity is Severity.WARNING


def test_114_a_copy_that_pnpm_keeps_of_an_earlier_install_is_only_noted(healthy: Path) -> None:
    unit = healthy / "node_modules" / ".pnpm" / "@rocicorp+zero-sqlite3@1.0.15" / "node_modules"
    add_package(unit / ZERO_DRIVER, ZERO_DRIVER, "1.0.15")
    report = diagnosed(healthy)
    one = only(report, "WF114")
    assert (one.severity, one.what) == (Severity.NOTE, "is left over from an earlier install, nothing links to it")
    assert is_clean(report)


@pytest.mark.parametrize(
    ("value", "guarded", "severity"),
    [
        ("1", True, Severity.ERROR),
        # Zero asks whether it is something else than "0".
        ("", True, Severity.ERROR),
        ("1", False, Severity.WARNING),
        ("0", True, None),
    ],
)
def test_130_single_process(scratch: Path, value: str, guarded: bool, severity: Severity | None) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    add_zero(folder, guarded=guarded)
    for report in (diagnosed(folder, {"SINGLE_PROCESS": value}), _with_dotenv(folder, f"SINGLE_PROCESS={value}\n")):
        assert [each.severity for each in found(report, "WF130")] == ([severity] if severity else [])


def test_130_the_entry_point_of_the_real_zero_has_the_guard(scratch: Path) -> None:
    """What the check leans on: run as it is, zero-cache ends at once, with exit code 0 and not a word."""
    import subprocess

    folder = installed("@rocicorp/zero", "1.9.0")
    assert found(diagnosed(folder, {"SINGLE_PROCESS": "1"}), "WF130")[0].severity is Severity.ERROR
    program = folder / "node_modules/@rocicorp/zero/out/zero/src/cli.js"
    environment = {**nodejs.environment(), "SINGLE_PROCESS": "1", "HOME": str(scratch)}
    done = subprocess.run(
        [nodejs.node(), str(program)],
        env=environment,
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_131_more_sync_workers_than_cores(healthy: Path, machine: Callable[[float, int], None]) -> None:
    machine(4, 64 << 30)
    assert not found(diagnosed(healthy, {"ZERO_NUM_SYNC_WORKERS": "4"}), "WF131")
    one = only(diagnosed(healthy, {"ZERO_NUM_SYNC_WORKERS": "14"}), "WF131")
    assert one.remedy is not None
    assert one.remedy.command == "unset ZERO_NUM_SYNC_WORKERS"
    assert one.data == {"workers": 14, "cores": 4}


def test_131_the_environment_goes_before_the_file(healthy: Path, machine: Callable[[float, int], None]) -> None:
    machine(4, 64 << 30)
    (healthy / ".env").write_text("A=1\nZERO_NUM_SYNC_WORKERS=14 # all of them\n")
    one = only(diagnosed(healthy), "WF131")
    assert one.location is not None
    assert (one.location.file.name, one.location.line) == (".env", 2)
    assert one.remedy is not None
    assert one.remedy.command is not None
    assert "ZERO_NUM_SYNC_WORKERS=/d' .env" in one.remedy.command
    assert not found(diagnosed(healthy, {"ZERO_NUM_SYNC_WORKERS": "2"}), "WF131")


def test_131_a_container_elsewhere_has_cores_that_are_not_known(
    healthy: Path, machine: Callable[[float, int], None]
) -> None:
    machine(4, 64 << 30)
    (healthy / "docker-compose.yml").write_text(
        "services:\n  zero:\n    environment:\n      ZERO_NUM_SYNC_WORKERS: '14'\n"
    )
    one = only(diagnosed(healthy), "WF131")
    assert one.severity is Severity.NOTE
    assert one.location is not None
    assert one.location.line == 4


def test_132_the_heaps_may_outgrow_the_memory(healthy: Path, machine: Callable[[float, int], None]) -> None:
    machine(4, 16 << 30)
    options = {"NODE_OPTIONS": "--enable-source-maps --max-old-space-size=8192"}
    assert not found(diagnosed(healthy, {**options, "ZERO_NUM_SYNC_WORKERS": "2"}), "WF132")
    one = only(diagnosed(healthy, {**options, "ZERO_NUM_SYNC_WORKERS": "3"}), "WF132")
    assert one.what == "3 sync workers may each grow to 8.0 GB, this machine has 16.0 GB"
    # Zero starts one fewer than there are cores if nothing is said.
    assert found(diagnosed(healthy, options), "WF132")
    assert not found(diagnosed(healthy, {"NODE_OPTIONS": "--max-old-space-size=1024"}), "WF132")
    assert not found(diagnosed(healthy, {"NODE_OPTIONS": "--inspect"}), "WF132")


def test_the_report_names_what_is_installed(healthy: Path) -> None:
    facts = {fact.name: fact.value for fact in diagnosed(healthy).facts}
    assert facts[f"{ZERO_DRIVER} 1.1.4"] == f"unpatched, SQLite 3.54.0, node_modules/{ZERO_DRIVER}"
    assert "@rocicorp/zero 1.9.0" in facts
    assert facts["Node"].startswith("2")


def _with_dotenv(folder: Path, text: str) -> Report:
    (folder / ".env").write_text(text)
    return diagnosed(folder)
