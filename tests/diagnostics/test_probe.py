"""The probe runs the driver itself: what is broken is found by what it does, whatever its files look like.

The drivers here are the real zero-sqlite3 with its native binary, the broken ones a few lines laid over it, as shims
are in the field; and packages of the shape of bedrock-sqlite (tests/bedrock).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import nodejs
from bedrock.package import EARLIER, LATEST, write_bedrock
from conftest import patch
from diagnostics.projects import BETTER, ZERO_DRIVER, add_package, project
from wasmfix.diagnostics import Finding, Options, Report, Severity, run
from wasmfix.diagnostics.checks import probe
from wasmfix.diagnostics.gather import gather
from wasmfix.verification.child import Bounds

ENTRY = """'use strict';
const Database = require('./database');
const SqliteError = require('./sqlite-error');
const Statement = new Database(':memory:').prepare('SELECT 1').constructor.prototype;
module.exports = Database;
module.exports.SqliteError = SqliteError;
"""

ENDLESS = "Statement.scanStatusV2 = () => [];"
NONE = "Statement.scanStatusV2 = () => undefined;"
# What Zero does with an endless answer.
GREEDY = "Statement.scanStatusV2 = () => { for (const all = []; ; ) all.push([all.length]); };"
HANGING = "Statement.scanStatusV2 = () => { for (;;); };"
CODES = """
function coded(change) {
  for (const [prototype, name] of [[Statement, 'run'], [Database.prototype, 'exec']]) {
    const before = prototype[name];
    prototype[name] = function (...given) {
      try { return before.apply(this, given); } catch (error) { error.code = change(error.code); throw error; }
    };
  }
}
"""
LOST = f"{CODES} coded(() => 'SQLITE_ERROR');"
PRIMARY = f"{CODES} coded((code) => code.split('_').slice(0, 2).join('_'));"
# Every process has a file of its own: what it commits is seen by nobody.
APART = """
module.exports = function (file, options) {
  return new Database(file.endsWith('processes.db') ? `${file}${process.pid}` : file, options);
};
module.exports.prototype = Database.prototype;
module.exports.SqliteError = SqliteError;
"""
DELETE = """
const pragma = Database.prototype.pragma;
Database.prototype.pragma = function (text, options) {
  return pragma.call(this, text.replace('wal2', 'delete'), options);
};
"""
NUMBERS = "Statement.safeIntegers = function () { return this; };"
NO_UNSAFE_MODE = "delete Database.prototype.unsafeMode;"
SHORT = """
module.exports = function (file, options) {
  const { size } = require('fs').statSync(file, { throwIfNoEntry: false }) || {};
  if (size > 2 ** 32) throw new TypeError('ERR_INVALID_ARG_TYPE');
  return new Database(file, options);
};
module.exports.prototype = Database.prototype;
module.exports.SqliteError = SqliteError;
"""
STAYING = "setInterval(() => {}, 1000);"


def with_shim(folder: Path, code: str) -> Path:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    (folder / "node_modules" / ZERO_DRIVER / "lib" / "index.js").write_text(ENTRY + code)
    return folder


def probed(folder: Path, **options: object) -> Report:
    asked = Options(node=nodejs.node(), **options)  # type: ignore[arg-type]
    return run(probe.sections(gather(folder, asked, {})), lambda *_: None)


def findings(report: Report) -> list[Finding]:
    return [each for each in report.findings if each.severity is not Severity.OK]


def probed_with_little_patience(folder: Path, *ids: str, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """The last finding, one of these ids, with bounds of seconds in which this machine comes so far."""
    for seconds in (6, 24, 96):
        monkeypatch.setattr(probe, "_BOUNDS", Bounds(seconds=seconds, heap_mb=128, resident_mb=512))
        started = time.monotonic()
        found = findings(probed(folder))
        assert time.monotonic() - started < seconds + 60
        if found[-1].id in ids:
            break
        # Before that step there is nothing wrong but the time that it takes.
        assert "stopped after" in found[-1].evidence[0], found[-1].evidence
    assert found[-1].id in ids
    assert f"stopped after {seconds} s" in found[-1].evidence[0]
    return found[-1]


@pytest.mark.parametrize(
    ("code", "id_", "severity", "evidence"),
    [
        (ENDLESS, "WF402", Severity.ERROR, "scanStatusV2(10000) still answers []"),
        (GREEDY, "WF402", Severity.ERROR, "in the step scan-status"),
        (NONE, "WF403", Severity.ERROR, "scanStatusV2(0) answers undefined"),
        (LOST, "WF404", Severity.ERROR, "instead of SQLITE_BUSY: SqliteError SQLITE_ERROR"),
        (PRIMARY, "WF404", Severity.WARNING, "instead of SQLITE_CONSTRAINT_PRIMARYKEY: SqliteError SQLITE_CONSTRAINT"),
        (APART, "WF405", Severity.ERROR, "second process"),
        (DELETE, "WF406", Severity.ERROR, 'PRAGMA journal_mode = wal2 gives "delete"'),
        (NUMBERS, "WF407", Severity.ERROR, "for 9007199254740993"),
        (NO_UNSAFE_MODE, "WF407", Severity.ERROR, "it has no unsafeMode"),
        (SHORT, "WF408", Severity.ERROR, "ERR_INVALID_ARG_TYPE"),
    ],
)
def test_a_broken_driver_is_found_by_what_it_does(
    code: str, id_: str, severity: Severity, evidence: str, scratch: Path
) -> None:
    found = findings(probed(with_shim(scratch / "app", code)))
    assert [each.id for each in found] == [id_], [each.evidence for each in found]
    assert found[0].severity is severity
    assert evidence in found[0].evidence[0]
    assert found[0].remedy is not None
    assert (found[0].remedy.command or "").startswith("rm -rf node_modules/@rocicorp/zero-sqlite3 && npm install")


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        # Its build counts no visits, so there is nothing to report; Zero reads the end of it as no loops.
        (EARLIER, {"WF403": "error", "WF404": "error", "WF405": "error", "WF407": "error"}),
        (LATEST, {"WF402": "error", "WF404": "warning", "WF405": "error", "WF407": "error"}),
    ],
)
def test_a_bedrock_is_found_by_what_it_does_and_the_command_cures(
    generation: str, expected: dict[str, str], scratch: Path
) -> None:
    folder = project(scratch / "app")
    write_bedrock(folder / "node_modules" / "bedrock-sqlite", generation)
    found = findings(probed(folder))
    assert {each.id: each.severity.value for each in found} == expected
    # It has no SQLite of its own; test_incident.py pastes the command.
    fetch = f"npm install --ignore-scripts --no-save {ZERO_DRIVER} && wasmfix patch"
    assert {each.remedy.command for each in found if each.remedy} == {fetch}
    add_package(folder / "node_modules" / ZERO_DRIVER, ZERO_DRIVER, "1.1.4")
    patch(folder)
    assert findings(probed(folder)) == []


def test_a_driver_that_hangs_is_stopped_and_named(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = with_shim(scratch / "app", HANGING)
    probed_with_little_patience(folder, "WF402", monkeypatch=monkeypatch)


def test_a_driver_that_keeps_its_process_alive_is_stopped_and_named(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_shim(scratch / "app", STAYING)
    # The second process may be the first to stay.
    probed_with_little_patience(folder, "WF405", "WF409", monkeypatch=monkeypatch)


def test_a_driver_whose_binary_is_damaged_does_not_load(scratch: Path) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    for binary in (folder / "node_modules" / ZERO_DRIVER).glob("prebuilds/*/*.node"):
        binary.unlink()
        binary.write_bytes(b"no binary")
    found = findings(probed(folder))
    assert [each.id for each in found] == ["WF401"]
    assert "ERR_DLOPEN_FAILED" in found[0].evidence[0]
    assert found[0].remedy is not None
    assert found[0].remedy.command == "wasmfix patch"


def test_a_driver_without_its_binary_is_no_second_finding(scratch: Path) -> None:
    report = probed(project(scratch / "app", (BETTER, "12.11.1"), native=False))
    assert report.findings == ()
    assert "Could not locate the bindings file" in report.facts[0].value


def test_a_native_driver_in_order_has_nothing_but_an_ok(scratch: Path) -> None:
    report = probed(project(scratch / "app", (ZERO_DRIVER, "1.1.4")))
    assert [each.id for each in report.findings] == ["WF410"]
    assert any("native" in fact.value for fact in report.facts)


def test_a_patched_driver_in_order_has_nothing_but_an_ok(scratch: Path) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"), native=False)
    patch(folder)
    report = probed(folder)
    assert [each.id for each in report.findings] == ["WF410"]
    assert any("the engine" in fact.value for fact in report.facts)


def test_without_a_node_it_is_said_that_nobody_was_asked(scratch: Path) -> None:
    folder = project(scratch / "app", (ZERO_DRIVER, "1.1.4"))
    options = gather(folder, Options(node=str(scratch / "no-node")), {})
    report = run(probe.sections(options), lambda *_: None)
    assert [(each.id, each.severity) for each in report.findings] == [("WF411", Severity.NOTE)]


def test_a_node_that_is_none_is_said(scratch: Path) -> None:
    program = scratch / "node"
    program.write_text("#!/bin/sh\necho no\nexit 3\n")
    program.chmod(0o755)
    options = gather(project(scratch / "app", (ZERO_DRIVER, "1.1.4")), Options(node=str(program)), {})
    assert [each.id for each in run(probe.sections(options), lambda *_: None).findings] == ["WF411"]


def test_nothing_is_run_when_that_is_not_wanted(scratch: Path) -> None:
    witness = scratch / "ran"
    folder = with_shim(scratch / "app", f"require('fs').writeFileSync({str(witness)!r}, '');")
    assert not probed(folder, probe=False).checks
    assert not witness.exists()
    probed(folder)
    assert witness.exists()


def test_the_driver_gets_no_variables_of_the_project(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZERO_UPSTREAM_DB", "postgres://user:secret@host/db")
    monkeypatch.setenv("NODE_OPTIONS", "--max-old-space-size=1")
    witness = scratch / "environment"
    code = f"require('fs').writeFileSync({str(witness)!r}, JSON.stringify(process.env));"
    probed(with_shim(scratch / "app", code))
    assert "secret" not in witness.read_text()
    assert "NODE_OPTIONS" not in witness.read_text()
    assert os.environ["PATH"].split(os.pathsep)[0] in witness.read_text()
