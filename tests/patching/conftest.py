"""Packages as npm installed them, without the parts that patching never looks at, and an engine of a few bytes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import installed
from wasmfix.engine import BuiltEngine
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.record import Inputs
from wasmfix.patching.run import Patcher

ZERO = "@rocicorp/zero-sqlite3"
SCRIPTS = {"addon.cjs": b"module.exports = {};\n", "parts/rows.js": b"'use strict';\n"}

MakePackage = Callable[..., Path]


def small_package(target: Path, name: str, version: str) -> Path:
    """The installed package without src/ and prebuilds/; the amalgamation is a hard link."""
    source = installed(name, version) / "node_modules" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    leave = shutil.ignore_patterns("prebuilds", "src", "shell.c", "sqlite3.h", "sqlite3ext.h")

    def copy(one: str, other: str) -> str:
        if one.endswith("sqlite3.c"):
            os.link(one, other)
            return other
        return str(shutil.copy2(one, other))

    shutil.copytree(source, target, ignore=leave, copy_function=copy)
    return target


@pytest.fixture
def make_package(scratch: Path) -> MakePackage:
    def make(version: str = "1.1.4", name: str = ZERO) -> Path:
        return small_package(scratch / "project" / "node_modules" / name, name, version)

    return make


@pytest.fixture
def package(make_package: MakePackage) -> Path:
    """zero-sqlite3 1.1.4."""
    return make_package()


@pytest.fixture
def small_engine(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> BuiltEngine:
    """Not an engine: these tests are about files. Few and small, so that each operation on them can be a test."""
    wasm = scratch / "engine.wasm"
    wasm.write_bytes(bytes(range(256)) * 4)
    monkeypatch.setattr("wasmfix.patching.run.engine_scripts", lambda: dict(SCRIPTS))
    # The real hash changes with every edit in this checkout.
    monkeypatch.setattr("wasmfix.patching.run.current_inputs", lambda toolchain: Inputs("0.1.0", "now", toolchain))
    return BuiltEngine(wasm=wasm, key="k1", info={"schema_version": 1, "key": "k1"}, cached=True, dropped=())


@pytest.fixture
def patcher(small_engine: BuiltEngine) -> Patcher:
    return Patcher(load_catalogue(), "zig", lambda _folder: small_engine)
