"""A rebuild of bedrock-sqlite that is killed: whatever half of it is there, both of its modules work."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from standalone.run import BEDROCK, ZERO, MakeProject
from trees import snapshot
from wasmfix.engine import build_engine
from wasmfix.patching import files
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.run import Patcher, restore
from wasmfix.project.package import read_package

USE = """
const assert = require('node:assert');
const { Database } = require(`${process.argv[1]}/dist/sqlite3.js`);
assert.equal(new Database(':memory:').prepare('SELECT 1 AS x').get().x, 1);
require(`${process.argv[1]}/dist/sqlite3-async.js`)().then((module) => {
  assert.equal(new module.Database(':memory:').prepare('SELECT 2 AS x').get().x, 2);
});
"""


def killed(act: Callable[[], object], operation: int) -> None:
    """Act in a child that dies before that operation on files."""
    child = os.fork()
    if child == 0:
        try:
            files.faults.arm(operation, "kill")
            act()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def operations(act: Callable[[], object]) -> int:
    files.faults.arm(0)
    act()
    return files.faults.count


@pytest.mark.parametrize("action", ["patch", "restore"])
def test_a_killed_run_leaves_a_package_that_works(action: str, bedrock_project: MakeProject, node: str) -> None:
    modules = bedrock_project() / "node_modules"
    original = modules / BEDROCK
    before = snapshot(original)
    patcher = Patcher(load_catalogue(), "zig", build_engine, amalgamation=read_package(modules / ZERO))
    start = Path(shutil.copytree(original, modules / "start"))
    if action == "restore":
        patcher.patch(read_package(start))

    def act(package: Path) -> None:
        if action == "patch":
            patcher.patch(read_package(package))
        else:
            restore(read_package(package))

    whole = Path(shutil.copytree(start, modules / "whole"))
    last = operations(lambda: act(whole))
    # The changes to dist/sqlite3*.js and the wasm are the last of a patch, and come first when it is undone.
    near = range(last - 14, last + 1, 2) if action == "patch" else range(last // 3, last // 2, 2)
    for operation in near:
        package = Path(shutil.copytree(start, modules / f"killed-{operation}"))
        killed(lambda package=package: act(package), operation)  # type: ignore[misc]
        subprocess.run([node, "-e", USE, str(package)], check=True)
        restore(read_package(package))
        assert snapshot(package) == before
        shutil.rmtree(package)
