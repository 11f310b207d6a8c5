"""The stale shim of the incident, step by step as its log tells, in Node: what the driver does after each."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orez.tree import write_orez
from standalone.run import BEDROCK, ZERO, MakeProject, wasmfix
from trees import snapshot

ASK = f"""
const Database = require('{ZERO}');
const db = new Database(':memory:');
db.exec('CREATE TABLE t (x PRIMARY KEY); INSERT INTO t VALUES (1)');
const statement = db.prepare('SELECT * FROM t');
statement.all();
let loops = 0;
while (loops < 1000 && statement.scanStatusV2(loops, 5, 1) !== undefined) loops += 1;
let code;
try {{
  db.prepare('INSERT INTO t VALUES (1)').run();
}} catch (error) {{
  code = error.code;
}}
console.log(JSON.stringify({{ loops, code }}));
"""
CURED = {"loops": 1, "code": "SQLITE_CONSTRAINT_PRIMARYKEY"}


def ask(node: str, project: Path) -> Any:
    """How many loops a scan has (1000: without end), and the code of an error; or why the driver does not load."""
    done = subprocess.run([node, "-e", ASK], cwd=project, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        return next(line for line in done.stderr.splitlines() if "Error" in line)
    return json.loads(done.stdout)


@pytest.mark.parametrize("generation", [1, 2])
def test_the_old_shim_then_the_deleted_file_are_both_cured(
    generation: int, bedrock_project: MakeProject, node: str
) -> None:
    project = bedrock_project()
    package, bedrock = project / "node_modules" / ZERO, project / "node_modules" / BEDROCK
    index = package / "lib" / "index.js"
    orez = write_orez(project / "node_modules", generation)

    # The shim is put there: a scan has loops without end, and errors have half a code.
    assert orez.start(package, bedrock) == "shimmed"
    assert ask(node, project) == {"loops": 1000, "code": "SQLITE_CONSTRAINT"}
    # A start of orez later, a corrected one maybe: it takes the file for done.
    assert orez.start(package, bedrock) == "left alone"
    shimmed = snapshot(project)

    wasmfix("patch", project, "--target", ZERO, "--no-verify")
    assert ask(node, project) == CURED
    assert orez.start(package, bedrock) == "left alone"
    assert ask(node, project) == CURED
    wasmfix("restore", project)
    assert snapshot(project) == shimmed

    # The cure of those days: delete the file. Nothing brings it back.
    index.unlink()
    assert "Cannot find module" in ask(node, project)
    deleted = snapshot(project)
    wasmfix("patch", project, "--target", ZERO, "--no-verify")
    assert ask(node, project) == CURED
    assert orez.start(package, bedrock) == "left alone"

    # And once more, now from under the patch.
    index.unlink()
    assert "is missing" in wasmfix("status", project)
    wasmfix("patch", project, "--target", ZERO, "--no-verify")
    assert ask(node, project) == CURED
    wasmfix("restore", project)
    assert snapshot(project) == deleted
