"""Projects in the states that `diagnose` tells apart, and what it says of them, without the command line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import nodejs
from conftest import installed
from wasmfix.diagnostics import Finding, Options, Report, Severity, run
from wasmfix.diagnostics.checks.project import sections
from wasmfix.diagnostics.gather import gather

ZERO_DRIVER = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"
_LOADERS = ("node-gyp-build", "bindings", "file-uri-to-path")

# In the shape of orez's shim of the second generation, written for these tests.
SHIM = """// orez sqlite shim - wasm instead of native
// mode: wasm, journal_mode: wal2
'use strict';
const { Database, SqliteError } = require('bedrock-sqlite');
const Statement = Object.getPrototypeOf(new Database(':memory:').prepare('select 1')).constructor;
Statement.prototype.scanStatusV2 = function () { return []; };
module.exports = Database;
module.exports.SqliteError = SqliteError;
"""


def project(folder: Path, *packages: tuple[str, str], native: bool = True) -> Path:
    """A project with real packages from npm, which have native binaries or (`native=False`) lost them."""
    folder.mkdir(parents=True)
    manifest = {"name": "app", "private": True, "dependencies": dict(packages)}
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    (folder / "package-lock.json").write_text("{}\n")
    for name, version in packages:
        add_package(folder / "node_modules" / name, name, version, native=native)
    return folder


def add_package(target: Path, name: str, version: str, *, native: bool = True) -> Path:
    """A copy of an installed package; the amalgamation and the binaries are hard links."""
    source = installed(name, version) / "node_modules" / name
    leave = ["src", "shell.c"] if native else ["src", "shell.c", "prebuilds", "build"]

    def copy(one: str, other: str) -> str:
        if one.endswith((".node", "sqlite3.c")):
            os.link(one, other)
            return other
        return str(shutil.copy2(one, other))

    # What loads the binary: the driver is run, too.
    modules = target.parents[name.count("/")]
    for loader in _LOADERS:
        there = installed(name, version) / "node_modules" / loader
        if there.is_dir() and not (modules / loader).exists():
            shutil.copytree(there, modules / loader)
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns(*leave), copy_function=copy))


def add_zero(
    folder: Path, version: str = "1.9.0", *, wants: str = "^1.1.4", node: str = ">=22", guarded: bool = True
) -> Path:
    """What `diagnose` reads of `@rocicorp/zero`: its package.json, and the entry point of zero-cache."""
    target = folder / "node_modules" / "@rocicorp" / "zero"
    manifest = {
        "name": "@rocicorp/zero",
        "version": version,
        "dependencies": {ZERO_DRIVER: wants},
        "engines": {"node": node},
    }
    entry = target / "out/zero-cache/src/server/runner/main.js"
    entry.parent.mkdir(parents=True)
    (target / "package.json").write_text(json.dumps(manifest))
    entry.write_text(
        "if (!singleProcessMode()) exitAfter(() => start());\n" if guarded else "exitAfter(() => start());\n"
    )
    return target


def diagnosed(folder: Path, environment: Mapping[str, str] | None = None, **options: object) -> Report:
    """The report of the project's section, in an environment of nothing but what is given."""
    asked = replace(Options(node=nodejs.node()), **options)  # type: ignore[arg-type]
    return run(sections(gather(folder, asked, environment or {})), lambda *_: None, root=str(folder))


def found(report: Report, id_: str) -> list[Finding]:
    return [each for each in report.findings if each.id == id_]


def is_clean(report: Report) -> bool:
    return report.worst not in (Severity.ERROR, Severity.WARNING)
