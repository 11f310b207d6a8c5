"""Put the engine into a package by hand: what verification says must not depend on the patcher."""

from __future__ import annotations

import shutil
from pathlib import Path

from wasmfix.engine import build_engine, export_engine
from wasmfix.paths import data_folder

LOADERS = ("require('bindings')('better_sqlite3.node')", "require('node-gyp-build')(path.resolve(__dirname, '..'))")


def put_engine(package: Path) -> None:
    """What the patch `addon-loader` does, without plan and record."""
    export_engine(build_engine(package), package / "wasmfix")
    for file in (data_folder("wasm") / "js").glob("*.*js"):
        shutil.copy(file, package / "wasmfix")
    database = package / "lib" / "database.js"
    code = database.read_text()
    for loader in LOADERS:
        code = code.replace(loader, "require('../wasmfix/addon.cjs')")
    database.write_text(code)
