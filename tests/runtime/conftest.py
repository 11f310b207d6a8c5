"""A native zero-sqlite3 as the oracle, its engine for Python, and databases that Node makes."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nodejs
from conftest import copy_tree, installed, patch
from wasmfix import runtime
from wasmfix.engine import build_engine

PACKAGE = "@rocicorp/zero-sqlite3"
VERSION = "1.1.4"
HERE = Path(__file__).resolve().parent

HAS_WASMER = sys.version_info < (3, 11) and importlib.util.find_spec("wasmer") is not None


class Oracle:
    """Native zero-sqlite3 in a Node process; values as oracle.cjs writes them."""

    def __init__(self, package: Path) -> None:
        command = [nodejs.node(), str(HERE / "oracle.cjs"), str(package)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, op: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer["value"]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="session")
def native(engine_cache: None) -> Path:
    return installed(PACKAGE, VERSION) / "node_modules" / PACKAGE


@pytest.fixture(scope="session")
def patched(native: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package after `wasmfix patch`."""
    project = copy_tree(installed(PACKAGE, VERSION), tmp_path_factory.mktemp("patched") / "project")
    patch(project)
    return project / "node_modules" / PACKAGE


@pytest.fixture(scope="session")
def wasm(native: Path) -> Path:
    ready = os.environ.get("WASMFIX_TEST_WASM")
    return Path(ready) if ready else build_engine(native).wasm


@pytest.fixture(scope="session", params=["wasmtime", *(["wasmer"] if HAS_WASMER else [])])
def host(request: pytest.FixtureRequest) -> str:
    """Each host that this Python has."""
    return str(request.param)


@pytest.fixture
def oracle(native: Path) -> Iterator[Oracle]:
    oracle = Oracle(native)
    yield oracle
    oracle.end()


@pytest.fixture(scope="session")
def session_oracle(native: Path) -> Iterator[Oracle]:
    oracle = Oracle(native)
    yield oracle
    oracle.end()


@pytest.fixture(scope="session", autouse=True)
def _default_engine(request: pytest.FixtureRequest) -> None:
    """So that runtime.open() needs no engine named."""
    request.getfixturevalue("wasm")


@pytest.fixture(scope="session")
def replica(session_oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small wal2 database `a.db`, both WALs with content, as left by a process that was killed."""
    folder = tmp_path_factory.mktemp("replica")
    session_oracle("replica", file=str(folder / "a.db"))
    assert all((folder / f"a.db{suffix}").stat().st_size >= 2048 for suffix in ("", "-wal", "-wal2"))
    return folder


def read(file: Path, sql: str, **options: Any) -> list[runtime.Row]:
    with runtime.open(file, **options) as db:
        return db.execute(sql).all()
