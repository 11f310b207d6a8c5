"""A project with zero-sqlite3 as npm installed it, bedrock-sqlite, and a release of orez."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bedrock.package import write_bedrock
from conftest import copy_tree, installed
from orez.tree import Orez, write_orez
from patching.conftest import SCRIPTS, small_package
from wasmfix.engine import BuiltEngine
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.record import Inputs
from wasmfix.patching.run import Patcher

ZERO = "@rocicorp/zero-sqlite3"


@dataclass(frozen=True)
class Project:
    root: Path
    zero: Path
    """The folder of zero-sqlite3."""
    bedrock: Path
    orez: Orez

    def shim(self, release: Orez | None = None) -> bytes:
        """Let orez start, with its hook as the entry point where it has no other."""
        release = release or self.orez
        said = release.start(self.zero, self.bedrock, scratch=self.root / "hook")
        if release.generation == 3:
            self.index.write_text("export { default, SqliteError } from 'orez-sqlite-shim://shim';\n")
        else:
            assert said == "shimmed"
        return self.index.read_bytes()

    @property
    def index(self) -> Path:
        return self.zero / "lib" / "index.js"

    @property
    def backup(self) -> Path:
        return self.zero / "lib" / "index.js.orez-backup"


MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(scratch: Path) -> MakeProject:
    def make(generation: int = 2, version: str = "1.1.4", *, whole: bool = False) -> Project:
        root = scratch / "project"
        modules = root / "node_modules"
        if whole:
            copy_tree(installed(ZERO, version), root)
        else:
            small_package(modules / ZERO, ZERO, version)
        (root / "package.json").write_text('{"name": "project", "private": true}\n')
        bedrock = write_bedrock(modules / "bedrock-sqlite")
        return Project(root, modules / ZERO, bedrock, write_orez(modules, generation))

    return make


@pytest.fixture
def patcher(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Patcher:
    """With an engine of a few bytes, and orez installed: what becomes of the JavaScript files."""
    wasm = scratch / "engine.wasm"
    wasm.write_bytes(bytes(range(256)))
    monkeypatch.setattr("wasmfix.patching.run.engine_scripts", lambda: dict(SCRIPTS))
    monkeypatch.setattr("wasmfix.patching.run.current_inputs", lambda toolchain: Inputs("0.1.0", "now", toolchain))
    built = BuiltEngine(wasm=wasm, key="k1", info={"schema_version": 1, "key": "k1"}, cached=True, dropped=())
    return Patcher(load_catalogue(), "zig", lambda _folder: built, orez=True)
