"""PostgreSQL, and two projects with Zero 1.9.0: one as npm made it, the oracle, and one that wasmfix patched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import BUILD, installed, patch
from zero_cache.postgres import Postgres
from zero_cache.service import HERE

ZERO = ("@rocicorp/zero", "1.9.0")
TEMPLATE = "application"


@pytest.fixture(scope="session")
def postgres(postgres_server: Postgres) -> Postgres:
    """A server with a database TEMPLATE that has all rows; each run works on a copy."""
    postgres_server.run("postgres", f"CREATE DATABASE {TEMPLATE}")
    postgres_server.run(TEMPLATE, (HERE / "seed.sql").read_text(encoding="utf-8"))
    return postgres_server


@pytest.fixture(scope="session")
def native_project() -> Path:
    return installed(*ZERO)


@pytest.fixture(scope="session")
def engine_project(engine_cache: None, native_project: Path) -> Iterator[Path]:
    project = BUILD / "scratch" / f"zero-cache-{os.getpid()}"
    try:
        shutil.copytree(native_project, project, symlinks=True, copy_function=os.link)
        patch(project)
        _use_engine(os.environ.get("WASMFIX_TEST_ENGINE"), project)
        yield project
    finally:
        shutil.rmtree(project, ignore_errors=True)


def _use_engine(package: str | None, project: Path) -> None:
    """Put another patched package's engine in place of the project's."""
    if package:
        folder = project / "node_modules" / "@rocicorp" / "zero-sqlite3" / "wasmfix"
        shutil.rmtree(folder)
        shutil.copytree(Path(package) / "wasmfix", folder)
