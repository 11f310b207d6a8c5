"""Applications that are bundled (esbuild) or traced (@vercel/nft, as Next.js does it), with better-sqlite3 patched."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import copy_tree, installed_project, patch
from versions.known import BETTER

DEPENDENCIES = {BETTER: "12.11.1", "esbuild": "0.28.2", "@vercel/nft": "1.11.5"}

APP = """
const Database = require('better-sqlite3');
const db = new Database(process.argv[2]);
db.exec('CREATE TABLE t (x PRIMARY KEY); INSERT INTO t VALUES (1)');
let code;
try {
  db.exec('INSERT INTO t VALUES (1)');
} catch (error) {
  code = [error instanceof Database.SqliteError, error.code];
}
console.log(JSON.stringify([db.prepare('SELECT * FROM t').all(), code]));
"""
ANSWER = [[{"x": 1}], [True, "SQLITE_CONSTRAINT_PRIMARYKEY"]]

TRACE = """
require('@vercel/nft').nodeFileTrace(['app.js'], { base: process.cwd() })
  .then(({ fileList }) => console.log(JSON.stringify([...fileList])));
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_tree(installed_project("bundled", DEPENDENCIES), tmp_path_factory.mktemp("bundled") / "project")
    patch(project)
    (project / "app.js").write_text(APP, encoding="utf-8")
    return project


def run(node: str, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([node, *words], cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)


def bundle(node: str, project: Path, target: Path, *options: str) -> None:
    """With a bin/esbuild that is a script, as long as esbuild's own install script has not run."""
    words = ["app.js", "--bundle", "--platform=node", f"--outfile={target}", *options]
    done = run(node, "node_modules/esbuild/bin/esbuild", *words, cwd=project)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [(), ("--minify",)], ids=["plain", "minified"])
def test_a_bundle_needs_the_engine_beside_it_and_says_so(
    project: Path, tmp_path: Path, node: str, options: tuple[str, ...]
) -> None:
    bundle(node, project, tmp_path / "app.js", *options)
    refused = run(node, "app.js", tmp_path / "a.db", cwd=tmp_path)
    assert refused.returncode != 0
    assert "copy its wasmfix/engine.wasm beside the bundle" in refused.stderr
    assert "wasmfix patch" not in refused.stderr.split("[cause]")[0].rsplit("Error: ", 1)[-1]
    shutil.copy(project / "node_modules" / BETTER / "wasmfix/engine.wasm", tmp_path)
    works = run(node, "app.js", tmp_path / "a.db", cwd=tmp_path)
    assert works.returncode == 0, works.stderr
    assert json.loads(works.stdout) == ANSWER


def test_a_bundle_that_is_a_module_says_so_too(project: Path, tmp_path: Path, node: str) -> None:
    require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    bundle(node, project, tmp_path / "app.mjs", "--format=esm", f"--banner:js={require}")
    refused = run(node, "app.mjs", tmp_path / "a.db", cwd=tmp_path)
    assert "leave the package out of the bundle (external)" in refused.stderr


def test_an_engine_that_is_gone_from_the_package_is_a_matter_of_patching(
    project: Path, tmp_path: Path, node: str
) -> None:
    copy = copy_tree(project, tmp_path / "copy")
    (copy / "node_modules" / BETTER / "wasmfix/engine.wasm").unlink()
    refused = run(node, "app.js", tmp_path / "a.db", cwd=copy)
    assert "run `wasmfix patch` again" in refused.stderr


def test_a_traced_application_runs_from_the_traced_files(project: Path, tmp_path: Path, node: str) -> None:
    traced = run(node, "-e", TRACE, cwd=project)
    assert traced.returncode == 0, traced.stderr
    files: list[str] = json.loads(traced.stdout)
    for file in files:
        (tmp_path / "out" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / file, tmp_path / "out" / file)
    works = run(node, "app.js", tmp_path / "a.db", cwd=tmp_path / "out")
    assert works.returncode == 0, works.stderr
    assert json.loads(works.stdout) == ANSWER
