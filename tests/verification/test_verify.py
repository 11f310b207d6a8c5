"""What verify promises, shown on the engine, on the native addon, and on drivers that are broken on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wasmfix.errors import WasmfixError
from wasmfix.verification import VerifyReport, verify_package
from wasmfix.verification import verify as verify_module
from wasmfix.verification.child import Bounds, resident_bytes
from wasmfix.verification.verify import run_checks

Patched = Callable[..., Path]
ALL = ("all", "guards")
GUARDS = {"V040", "V041", "V042"}


def statuses(report: VerifyReport) -> dict[str, str]:
    return {check.id: check.status for check in report.checks}


def detail(report: VerifyReport, id_: str) -> str:
    return next(check.detail for check in report.checks if check.id == id_)


def explain(report: VerifyReport) -> str:
    return json.dumps(report.to_json(), indent=1)


def test_the_native_addon_passes_every_check_but_the_guards(package: Path, node: str) -> None:
    """The oracle: a check that native fails would ask the engine for something else than native's behaviour."""
    report = run_checks(package, node=node, phases=ALL, expect_engine=False)
    assert statuses(report) == {id_: "skip" if id_ in GUARDS else "ok" for id_ in statuses(report)}, explain(report)
    assert len(report.checks) == 19


def test_the_engine_passes_every_check(patched: Patched, node: str) -> None:
    report = verify_package(patched(), node=node)
    assert set(statuses(report).values()) == {"ok"}, explain(report)
    assert len(report.checks) == 19
    assert report.ok


@pytest.mark.parametrize(
    ("name", "version", "lacks"),
    [
        ("@rocicorp/zero-sqlite3", "1.0.15", {"V004", "V011"}),
        ("better-sqlite3", "12.11.1", {"V004", "V010", "V011", "V031", "V032"}),
    ],
)
def test_what_a_version_lacks_is_skipped_with_the_reason(
    patched: Patched, node: str, name: str, version: str, lacks: set[str]
) -> None:
    report = verify_package(patched(name, version), node=node)
    assert {id_ for id_, status in statuses(report).items() if status == "skip"} == lacks, explain(report)
    assert all(detail(report, id_) for id_ in lacks)
    assert report.ok, explain(report)


def test_a_package_that_is_not_patched_fails_and_says_what_to_run(package: Path, node: str) -> None:
    report = verify_package(package, node=node)
    assert not report.ok
    assert statuses(report) == {"V001": "fail"}
    assert "wasmfix patch" in detail(report, "V001")


def test_quick_runs_few_checks_and_no_guard(patched: Patched, node: str) -> None:
    report = verify_package(patched(), node=node, quick=True)
    assert statuses(report) == {"V001": "ok", "V002": "ok", "V005": "ok", "V010": "ok", "V020": "ok"}


# Each breaks one promise. `Original` is the package's class, `Statement` the prototype of the engine's statements;
# `each(db)` runs for every database that is opened.
BROKEN = {
    "V004": ["each = (db) => db.function('lower', (text) => text);"],
    "V005": [
        "Original.prototype.table = () => { throw new ReferenceError('defer is not defined'); };",
        "Original.prototype.transaction = (call) => call;",
        "Original.prototype.aggregate = undefined;",
        "Original.prototype.backup = async () => {};",
        "Original.prototype.serialize = () => Buffer.alloc(0);",
    ],
    "V010": [
        "Statement.scanStatusV2 = () => [];",
        "Statement.scanStatusV2 = () => undefined;",
        "wrap('scanStatusV2', (real, index, opcode, flags) => opcode === 1 ? 7 : real(index, opcode, flags));",
        "Statement.scanStatusReset = function () { return this; };",
    ],
    "V011": [
        "wrap('scanStatusV2', (real, index, opcode, flags) => {"
        " const value = real(index, opcode, flags); return opcode === 2 && value ? value + 1 : value; });"
    ],
    "V020": [
        "wrap('run', (real, ...values) => { try { return real(...values); }"
        " catch (error) { throw new Original.SqliteError(error.message, 'SQLITE_CONSTRAINT'); } });",
        "wrap('run', (real, ...values) => { try { return real(...values); }"
        " catch (error) { throw Object.assign(new Error(error.message), { code: error.code }); } });",
        "wrap('run', (real, ...values) => { try { return real(...values); } catch { return { changes: 0 }; } });",
    ],
    "V021": [
        "const exec = Original.prototype.exec; Original.prototype.exec = function (sql) {"
        " try { return exec.call(this, sql); } catch (error) { if (error.code !== 'SQLITE_BUSY') throw error; } };"
    ],
    "V022": [
        "options = (given) => ({ ...given, fileMustExist: false });",
        "const prepare = Original.prototype.prepare; Original.prototype.prepare = function (sql) {"
        " try { return prepare.call(this, sql); }"
        " catch (error) { throw new Original.SqliteError(error.message, 'SQLITE_ERROR'); } };",
    ],
    "V030": [
        "let n = 0; wrap('run', (real, ...values) => values.length === 3 && ++n % 100 === 0 ? null : real(...values));",
    ],
    "V031": [
        "const exec = Original.prototype.pragma; Original.prototype.pragma = function (sql, given) {"
        " return exec.call(this, sql.replace('wal2', 'wal'), given); };"
    ],
    "V032": [
        "const exec = Original.prototype.exec; Original.prototype.exec = function (sql) {"
        " return exec.call(this, sql.replace('BEGIN CONCURRENT', 'BEGIN')); };"
    ],
    "V033": [
        "const read = fs.readSync; fs.readSync = (file, to, offset, length, at) =>"
        " read(file, to, offset, length, typeof at === 'number' ? at % 2 ** 32 : at);"
    ],
    "V034": [
        "each = (db) => { if (db.name.includes('huge')) db.prepare = () => {"
        " throw new TypeError('Cannot mix BigInt and other types'); }; };"
    ],
    "V040": ["process.env.WASMFIX_ROW_WARN = '0';", "process.emitWarning = () => {};"],
    "V041": ["process.env.WASMFIX_ROW_LIMIT = '0';"],
    "V042": ["process.env.WASMFIX_BLOB_LIMIT = '0';"],
    "V050": ["const kept = []; each = () => kept.push(Buffer.alloc(200000, 1));"],
}

WRAPPER = """
'use strict';
const fs = require('fs');
let each = () => {};
let options = (given) => given;
let Original;
let Statement = {};
function wrap(name, replacement) {
  const real = Statement[name];
  Statement[name] = function (...values) { return replacement(real.bind(this), ...values); };
}
if (%(early)s) { %(code)s }
Original = require('./database');
Original.SqliteError = require('./sqlite-error');
Statement = Object.getPrototypeOf(new Original(':memory:').prepare('SELECT 1'));
if (!%(early)s) { %(code)s }
class Broken extends Original {
  constructor(file, given) {
    const db = new Original(file, options(given));
    each(db);
    return db;
  }
}
module.exports = Broken;
"""


def break_driver(package: Path, code: str) -> None:
    early = "true" if code.startswith(("process.env", "const read")) else "false"
    (package / "lib" / "index.js").write_text(WRAPPER % {"code": code, "early": early})


@pytest.mark.parametrize(("id_", "code"), [(id_, code) for id_, codes in BROKEN.items() for code in codes])
def test_a_broken_driver_fails_the_check_of_what_it_breaks(patched: Patched, node: str, id_: str, code: str) -> None:
    package = patched()
    break_driver(package, code)
    report = verify_package(package, node=node)
    assert statuses(report)[id_] == "fail", explain(report)
    assert len(detail(report, id_)) > 10
    assert not report.ok


def test_the_wrapper_of_the_broken_drivers_breaks_nothing_by_itself(patched: Patched, node: str) -> None:
    package = patched()
    break_driver(package, "")
    report = verify_package(package, node=node)
    assert report.ok, explain(report)


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.unlink()
    file.write_text(text.replace(old, new))


def test_another_version_of_sqlite_is_noticed(patched: Patched, node: str) -> None:
    package = patched()
    for name in ("sqlite3.c", "sqlite3.h"):
        replace_in(
            package / "deps" / "sqlite3" / name, 'SQLITE_VERSION        "3.54.0"', 'SQLITE_VERSION        "3.1.2"'
        )
    report = verify_package(package, node=node, quick=True)
    assert statuses(report)["V002"] == "fail"
    assert "3.54.0" in detail(report, "V002")
    assert "3.1.2" in detail(report, "V002")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("'SQLITE_SOUNDEX',", "'SQLITE_SOUNDEX', 'SQLITE_ENABLE_MEMORY_MANAGEMENT',", "ENABLE_MEMORY_MANAGEMENT"),
        ("'SQLITE_ENABLE_FTS5',", "", "ENABLE_FTS5"),
        ("'SQLITE_DEFAULT_CACHE_SIZE=-16000',", "'SQLITE_DEFAULT_CACHE_SIZE=-2000',", "DEFAULT_CACHE_SIZE"),
        ("'SQLITE_OMIT_SHARED_CACHE',", "", "OMIT_SHARED_CACHE"),
    ],
)
def test_an_option_that_differs_from_the_packages_is_named(
    patched: Patched, node: str, old: str, new: str, named: str
) -> None:
    package = patched()
    replace_in(package / "deps" / "defines.gypi", old, new)
    report = verify_package(package, node=node)
    assert statuses(report)["V003"] == "fail", explain(report)
    assert named in detail(report, "V003")


def test_a_patched_package_that_loads_the_native_addon_fails(patched: Patched, node: str) -> None:
    package = patched()
    replace_in(
        package / "lib" / "database.js",
        "require('../wasmfix/addon.cjs')",
        "require('node-gyp-build')(path.resolve(__dirname, '..'))",
    )
    report = verify_package(package, node=node)
    assert statuses(report)["V001"] == "fail"
    assert "native" in detail(report, "V001")


def test_a_package_that_does_not_load_fails_with_its_own_words(patched: Patched, node: str) -> None:
    package = patched()
    (package / "wasmfix" / "engine.wasm").unlink()
    report = verify_package(package, node=node)
    assert statuses(report)["V001"] == "fail"
    assert not report.ok
    assert set(statuses(report).values()) == {"fail", "skip"}


def test_a_crash_is_the_failure_of_the_check_in_which_it_happens(patched: Patched, node: str) -> None:
    package = patched()
    break_driver(package, "Statement.scanStatusV2 = () => process.abort();")
    report = verify_package(package, node=node)
    assert statuses(report)["V004"] == "ok"
    assert statuses(report)["V010"] == "fail"
    assert "SIGABRT" in detail(report, "V010")
    assert (statuses(report)["V011"], detail(report, "V011")) == ("skip", "not reached")
    assert not report.ok


def bounded(monkeypatch: pytest.MonkeyPatch, bounds: Bounds) -> None:
    monkeypatch.setitem(verify_module._BOUNDS, "quick", bounds)


def stopped_in(id_: str, package: Path, node: str, monkeypatch: pytest.MonkeyPatch) -> VerifyReport:
    """The report of a run that was stopped in this check, with bounds of seconds in which this machine comes so far."""
    for seconds in (1.5, 6, 24, 96):
        bounded(monkeypatch, Bounds(seconds=seconds, heap_mb=256, resident_mb=768))
        started = time.monotonic()
        report = verify_package(package, node=node, quick=True)
        assert time.monotonic() - started < seconds + 60
        if statuses(report).get(id_) == "fail":
            break
    return report


def test_an_endless_loop_is_stopped_in_time(patched: Patched, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = patched()
    break_driver(package, "Statement.scanStatusV2 = () => { for (;;); };")
    report = stopped_in("V010", package, node, monkeypatch)
    assert statuses(report)["V010"] == "fail"
    assert "stopped after" in detail(report, "V010")


def test_endless_memory_is_stopped_at_its_bound(patched: Patched, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bounded(monkeypatch, Bounds(seconds=60, heap_mb=256, resident_mb=400))
    package = patched()
    grow = "const kept = []; Statement.scanStatusV2 = () => { for (;;) kept.push(Buffer.alloc(2 ** 20, 1)); };"
    break_driver(package, grow)
    report = verify_package(package, node=node, quick=True)
    assert "stopped at 400 MB" in detail(report, "V010"), explain(report)


def test_a_process_that_does_not_end_is_a_failure(patched: Patched, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = patched()
    break_driver(package, "setInterval(() => {}, 1000);")
    report = stopped_in("V099", package, node, monkeypatch)
    assert statuses(report) == dict.fromkeys(("V001", "V002", "V005", "V010", "V020"), "ok") | {"V099": "fail"}
    assert not report.ok


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_what_the_package_starts_ends_with_the_child(patched: Patched, node: str, tmp_path: Path) -> None:
    package = patched()
    pid_file = tmp_path / "pid"
    sleeper = "['-e', 'setTimeout(() => {}, 600000)'], { stdio: 'ignore' }"
    start = f"const child = require('child_process').spawn(process.execPath, {sleeper}); child.unref();"
    break_driver(package, f"{start} fs.writeFileSync({json.dumps(str(pid_file))}, String(child.pid));")
    verify_package(package, node=node, quick=True)
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 60
    while resident_bytes(pid) > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert resident_bytes(pid) == 0


def test_verification_leaves_nothing_behind(
    patched: Patched, node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    package = patched()
    before = {path: path.stat().st_mtime_ns for path in package.rglob("*")}
    # Another run on this machine may have one.
    shared = set(Path("/dev/shm").glob("wasmfix-verify-*"))
    verify_package(package, node=node)
    assert list(tmp_path.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in package.rglob("*")} == before
    assert set(Path("/dev/shm").glob("wasmfix-verify-*")) <= shared


def test_the_users_own_limits_and_node_options_do_not_reach_the_checks(
    patched: Patched, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("WASMFIX_ROW_WARN", "WASMFIX_ROW_LIMIT", "WASMFIX_BLOB_LIMIT"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("NODE_OPTIONS", "--require /nowhere.js")
    report = verify_package(patched(), node=node)
    assert report.ok, explain(report)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_no_node_or_an_old_one_is_one_line_with_a_remedy(
    patched: Patched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = patched()
    monkeypatch.setenv("WASMFIX_NODE", str(tmp_path / "absent"))
    with pytest.raises(WasmfixError, match="absent: Node was not found; install Node 20"):
        verify_package(package)
    # child.cjs prints this line in an old Node, and stops.
    old = script(tmp_path / "old", 'echo \'{"node":"v16.20.2"}\'')
    with pytest.raises(WasmfixError, match=r"old: Node 16\.20\.2 is too old; install Node 20"):
        verify_package(package, node=old)
    with pytest.raises(WasmfixError, match="does not run as Node"):
        verify_package(package, node=script(tmp_path / "other", "echo nothing"))


def run_command(*arguments: str, node: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "WASMFIX_NODE": node}
    command = [sys.executable, "-m", "wasmfix", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_command_shows_each_check_and_ends_with_0(patched: Patched, node: str) -> None:
    package = patched()
    done = run_command(str(package.parents[2]), "--quick", node=node)
    assert done.returncode == 0, done.stderr
    assert "V010 ok" in done.stdout
    assert "5 ok, 0 failed, 0 skipped" in done.stdout


def test_the_command_ends_with_1_when_a_check_fails(patched: Patched, node: str) -> None:
    package = patched()
    break_driver(package, BROKEN["V010"][0])
    done = run_command(str(package.parents[2]), "--quick", "--json", node=node)
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["schema_version"], result["ok"]) == (1, False)
    failed = [check["id"] for check in result["packages"][0]["checks"] if check["status"] == "fail"]
    assert failed == ["V010"]


def test_the_command_in_a_project_without_the_packages_is_one_line(tmp_path: Path, node: str) -> None:
    (tmp_path / "package.json").write_text('{"name": "empty"}')
    done = run_command(str(tmp_path), node=node)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
