"""`wasmfix patch --engine shim` on bedrock-sqlite: the built files, the sources, and what is built from them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import nodejs
from bedrock.package import EARLIER, GENERATIONS, LATEST, build_from_sources
from bedrock.project import Project, bedrock_project, failing, shim_patches
from conftest import installed, own_environment
from trees import snapshot

PATCHES = shim_patches()
HAS_ALREADY = {EARLIER: set(), LATEST: {"read-offset", "unsafe-mode"}}

each_generation = pytest.mark.parametrize("generation", GENERATIONS)


def test_the_repairs_are_eight() -> None:
    assert [patch.id for patch in PATCHES] == [
        "read-offset",
        "error-codes",
        "row-guard",
        "blob-guard",
        "scan-status",
        "unsafe-mode",
        "statement-reset",
        "safe-integers",
    ]


@dataclass(frozen=True)
class Patched:
    """A package with its sources, patched, and what it was before."""

    generation: str
    project: Project
    before: dict[str, tuple[object, ...]]


@pytest.fixture(scope="module", params=GENERATIONS)
def patched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Patched:
    project = bedrock_project(tmp_path_factory.mktemp("patched") / "project", request.param, sources=True)
    before = snapshot(project.package)
    project.patch()
    return Patched(request.param, project, before)


@each_generation
def test_every_defect_is_there_before(generation: str, tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", generation)
    assert set(failing(project.package, PATCHES)) == {patch.id for patch in PATCHES} - HAS_ALREADY[generation]


def test_every_defect_is_gone_after(patched: Patched) -> None:
    assert failing(patched.project.package, PATCHES) == {}


def test_what_is_built_from_patched_sources_is_repaired_too(patched: Patched, tmp_path: Path) -> None:
    rebuilt = tmp_path / "rebuilt"
    shutil.copytree(patched.project.package, rebuilt, ignore=shutil.ignore_patterns("dist", ".wasmfix"))
    build_from_sources(rebuilt)
    (rebuilt / "dist" / "package.json").write_text('{"type": "commonjs"}\n')
    assert failing(rebuilt, PATCHES) == {}
    # It exports sqlite3_stmt_scanstatus_v2 now, which counts visits.
    ask = """const { Database } = require(`${process.argv[1]}/dist/sqlite3.js`);
        const stmt = new Database(':memory:').prepare('SELECT * FROM json_each(?)');
        stmt.all('[1, 2, 3]');
        console.log(stmt.scanStatusV2(0, 1, 1));"""
    assert [evaluate(ask, folder) for folder in (rebuilt, patched.project.package)] == ["3", "0"]


def test_the_asynchronous_entry_is_repaired_with_it(patched: Patched) -> None:
    ask = """require(`${process.argv[1]}/dist/sqlite3-async.js`)().then(({ Database }) => {
        const stmt = new Database(':memory:').prepare('SELECT 1 AS one');
        console.log(JSON.stringify([stmt.get(), stmt.scanStatusV2(0, 4, 1), stmt.scanStatusV2(1, 4, 1) ?? null]));
    })"""
    assert json.loads(evaluate(ask, patched.project.package)) == [{"one": 1}, "SCAN CONSTANT ROW", None]


def test_restore_brings_back_every_byte(patched: Patched, tmp_path: Path) -> None:
    copy = Project(Path(shutil.copytree(patched.project.folder, tmp_path / "project", symlinks=True)))
    after = snapshot(copy.package)
    changed = {path for path in patched.before if after.get(path) != patched.before[path]} - {"."}
    vfs = {"native/vfs.js"} if patched.generation == EARLIER else set()
    assert changed == {"dist/sqlite3.js", "dist/sqlite3-async.js", "native/api.js"} | vfs
    copy.patch()
    assert snapshot(copy.package) == after
    copy.wasmfix("restore")
    assert snapshot(copy.package) == patched.before


LIMITS = """const { Database } = require(`${process.argv[1]}/dist/sqlite3.js`);
    const db = new Database(':memory:');
    const codes = [];
    process.removeAllListeners('warning');
    process.on('warning', ({ code }) => codes.push(code));
    const upTo = db.prepare('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ?) SELECT x FROM n');
    const blob = db.prepare('SELECT zeroblob(?) AS x');
    const rows = [99999, 100000, 100001].map(n => upTo.all(n).length);
    const bytes = [104857600, 104857601].map(n => {
        try { return blob.get(n).x.length } catch (error) { return error.code }
    });
    setImmediate(() => console.log(JSON.stringify({ rows, bytes, codes })));"""


def test_the_limits_without_a_word_in_the_environment(patched: Patched) -> None:
    found = json.loads(evaluate(LIMITS, patched.project.package))
    assert found["rows"] == [99999, 100000, 100001]
    assert found["bytes"] == [104857600, "SQLITE_TOOBIG"]
    assert found["codes"] == ["WASMFIX_ROW_WARN"]


def test_a_limit_of_0_is_none(patched: Patched, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROW_WARN", "ROW_LIMIT", "BLOB_LIMIT"):
        monkeypatch.setenv(f"WASMFIX_{name}", "0")
    found = json.loads(evaluate(LIMITS, patched.project.package))
    assert found == {"rows": [99999, 100000, 100001], "bytes": [104857600, 104857601], "codes": []}


@each_generation
def test_without_the_sources_as_npm_installs_it_restore_is_exact_too(generation: str, tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", generation)
    before = snapshot(project.package)
    project.patch()
    assert snapshot(project.package) != before
    project.wasmfix("restore")
    assert snapshot(project.package) == before


def test_sources_that_nobody_has_built_yet_are_patched(tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", EARLIER, sources=True)
    for file in (project.package / "dist").glob("*.js"):
        file.unlink()
    project.patch()
    assert "wasmfix (scan-status)" in (project.package / "native" / "api.js").read_text()


@each_generation
def test_the_printing_of_the_code_does_not_matter(generation: str, tmp_path: Path) -> None:
    """The same code with line breaks, semicolons and the other quotes: every rule finds its place."""
    project = bedrock_project(tmp_path / "project", generation)
    file = project.package / "dist" / "sqlite3.js"
    terser = installed("terser", "5") / "node_modules" / "terser"
    reprint = """const [terser, file] = process.argv.slice(1);
        const fs = require('node:fs');
        const format = { beautify: true, quote_style: 1, braces: true };
        require(terser).minify(fs.readFileSync(file, 'utf8'), { compress: false, mangle: false, format })
            .then(({ code }) => fs.writeFileSync(file, code));"""
    evaluate(reprint, terser, file)
    assert len(file.read_text().splitlines()) > 500
    project.patch()
    assert failing(project.package, PATCHES) == {}


def test_a_loop_that_we_do_not_know_is_not_replaced(tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", LATEST)
    file = project.package / "dist" / "sqlite3.js"
    file.write_text(file.read_text().replace("rows.push(this._getRow());", "rows.push(this._getRow());this._seen++;"))
    before = snapshot(project.package)
    said = refusal(project)
    assert "row-guard" in said
    assert "the loop of all(): not found" in said
    assert snapshot(project.package) == before


def refusal(project: Project) -> str:
    return project.wasmfix("patch", "--engine", "shim", "--no-verify", "--json", ok=False)


def evaluate(program: str, *arguments: Path) -> str:
    command = [*nodejs.ending_node(), "-e", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


PRINTED: dict[str, Callable[[str], str]] = {
    "var for const and let": lambda text: re.sub(r"\b(const|let) ", "var ", text).replace("for(const[", "for(var["),
    "let for const": lambda text: text.replace("const ", "let "),
    "narrow lines": lambda text: re.sub(
        r"new SqliteError\((sqlite3\.errmsg\()([\w.]+)\)\)", r"new SqliteError(\n\1\n\2,\n),\n)", text
    ).replace("_safeInt(offset)", "_safeInt(\noffset,\n)"),
    "a byte order mark, a licence and a source map": lambda text: (
        f"\ufeff/*! MIT */\n'use strict';\r\n{text}\r\n//# sourceMappingURL=sqlite3.js.map\r\n"
    ),
}


@pytest.mark.parametrize("printed", PRINTED)
@each_generation
def test_a_build_that_is_printed_otherwise_is_repaired_as_well(generation: str, printed: str, tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", generation)
    built = project.package / "dist" / "sqlite3.js"
    text = PRINTED[printed](built.read_text(encoding="utf-8"))
    assert text != built.read_text(encoding="utf-8")
    built.write_bytes(text.encode())
    before = snapshot(project.package)
    project.patch()
    assert not failing(project.package, PATCHES)
    project.wasmfix("restore")
    assert snapshot(project.package) == before


def test_what_is_wrong_with_a_file_is_said_once(tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", LATEST)
    built = project.package / "dist" / "sqlite3.js"
    built.write_bytes(built.read_bytes()[:20000])
    status = json.loads(project.wasmfix("status", "--json"))["packages"][0]
    assert sum("it is not valid JavaScript" in problem for problem in status["problems"]) <= 1
    command = [sys.executable, "-m", "wasmfix", "patch", "--engine", "shim", str(project.folder)]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr.count("it is not valid JavaScript")) == (2, 1)
