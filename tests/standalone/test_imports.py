"""How applications get at the driver: require, import, named and default; the asynchronous module."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from differential.drivers import Driver
from standalone.run import BEDROCK, ZERO, MakeProject, wasmfix


def run(node: str, folder: Path, code: str, *flags: str) -> Any:
    """Run an ES module in a folder; what it prints is JSON."""
    command = [node, *flags, "--input-type=module", "-e", f"const say = (v) => console.log(JSON.stringify(v));\n{code}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def bedrock(bedrock_project: MakeProject) -> Path:
    project = bedrock_project()
    wasmfix("patch", project, "--no-verify")
    return project


def test_zero_sqlite3_without_lib_is_imported_as_before(standalone: Driver, node: str) -> None:
    code = f"""
      import Database, {{ SqliteError }} from '{ZERO}';
      import * as all from '{ZERO}';
      import {{ createRequire }} from 'node:module';
      const required = createRequire(import.meta.url)('{ZERO}');
      say([required === Database, required.SqliteError === SqliteError, Object.keys(all).sort(), Database.name]);
    """
    same, same_error, names, name = run(node, standalone.package.parents[2], code)
    assert (same, same_error, name) == (True, True, "Database")
    assert {"default", "SqliteError"} <= set(names)


def test_bedrock_sqlite_is_required_and_imported_by_name_and_by_default(bedrock: Path, node: str) -> None:
    code = f"""
      import whole, {{ Database, SqliteError }} from '{BEDROCK}';
      import {{ createRequire }} from 'node:module';
      const required = createRequire(import.meta.url)('{BEDROCK}');
      const db = new Database(':memory:');
      let code;
      try {{
        db.exec('CREATE TABLE t (x PRIMARY KEY); INSERT INTO t VALUES (1), (1)');
      }} catch (error) {{
        code = [error instanceof SqliteError, error.code];
      }}
      const statement = db.prepare('SELECT x FROM t');
      say([whole.Database === Database, required.Database === Database, required.SqliteError === SqliteError, code,
        statement.finalize() === statement]);
    """
    assert run(node, bedrock, code) == [True, True, True, [True, "SQLITE_CONSTRAINT_PRIMARYKEY"], True]


def test_the_asynchronous_module_resolves_to_a_synchronous_one(bedrock: Path, node: str) -> None:
    code = f"""
      import createSqliteModule from '{BEDROCK}/async';
      import {{ createRequire }} from 'node:module';
      const overrides = {{ print: () => {{}} }};
      const [first, second] = await Promise.all([createSqliteModule(overrides), createSqliteModule()]);
      const required = createRequire(import.meta.url)('{BEDROCK}/async');
      const db = new first.Database(':memory:');
      say([first === overrides, first.Database === second.Database, required.default === createSqliteModule,
        db.prepare('SELECT 1 + 1 AS two').get().two, new first.SqliteError('m', 'SQLITE_BUSY').code]);
    """
    assert run(node, bedrock, code) == [True, True, True, 2, "SQLITE_BUSY"]


def test_the_asynchronous_module_compiles_without_keeping_the_thread_busy(bedrock: Path, node: str) -> None:
    """Timers run while the engine is compiled; required, it compiles at once."""
    code = f"""
      import createSqliteModule from '{BEDROCK}/async';
      let turns = 0;
      const timer = setInterval(() => {{ turns += 1; }}, 1);
      const compiled = [];
      const real = WebAssembly.Module;
      WebAssembly.Module = class extends real {{ constructor(bytes) {{ super(bytes); compiled.push(bytes.length); }} }};
      await createSqliteModule();
      clearInterval(timer);
      say([turns > 0, compiled]);
    """
    assert run(node, bedrock, code) == [True, []]


def test_the_browsers_build_stays_as_it_was(bedrock_project: MakeProject) -> None:
    project = bedrock_project()
    dist = project / "node_modules" / BEDROCK / "dist"
    before = {file.name: file.read_bytes() for file in dist.glob("*browser*")}
    assert sorted(before) == ["sqlite3-browser.js", "sqlite3-browser.wasm"]
    wasmfix("patch", project, "--no-verify")
    assert {file.name: file.read_bytes() for file in dist.glob("*browser*")} == before
