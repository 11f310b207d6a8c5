"""Zero 1.9.0 on the standalone driver answers as on the native one: cost model, analysis, hydration, advancement."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock import package as bedrock_package
from bedrock.package import write_bedrock
from conftest import BUILD, installed
from standalone.run import BEDROCK, wasmfix
from standalone.run import ZERO as DRIVER
from zero.drivers import Zero

ZERO = ("@rocicorp/zero", "1.9.0")
OVER_BEDROCK = Path(bedrock_package.__file__).with_name("over-bedrock.cjs")


@pytest.fixture(scope="module")
def native(engine_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Zero:
    return Zero(installed(*ZERO), tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def replica(native: Zero) -> Path:
    return native.write_replica("replica.db")


@pytest.fixture(scope="module")
def expected(native: Zero, replica: Path) -> dict[str, Any]:
    return asked(native, replica)


@pytest.fixture
def project() -> Iterator[Path]:
    """Zero in a project of its own."""
    folder = BUILD / "scratch" / f"zero-standalone-{os.getpid()}"
    try:
        shutil.copytree(installed(*ZERO), folder, symlinks=True, copy_function=os.link)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def asked(zero: Zero, replica: Path) -> dict[str, Any]:
    """All but the files that a driver leaves beside the replica."""
    answers = zero.ask(replica)
    del answers["files"]
    return answers


def test_over_a_rebuilt_bedrock_sqlite(
    project: Path, replica: Path, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_bedrock(project / "node_modules" / BEDROCK)
    wasmfix("patch", project, "--target", BEDROCK, "--no-verify")
    entry = project / "node_modules" / DRIVER / "lib" / "index.js"
    entry.unlink()
    shutil.copyfile(OVER_BEDROCK, entry)
    monkeypatch.setenv("BEDROCK", str(package))
    found = asked(Zero(project, tmp_path), replica)
    assert len(found["estimates"]) == 190
    assert {part for part in expected if found[part] != expected[part]} == set()


def test_over_a_zero_sqlite3_whose_lib_was_deleted(
    project: Path, replica: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    shutil.rmtree(project / "node_modules" / DRIVER / "lib")
    wasmfix("patch", project, "--target", DRIVER, "--no-verify")
    found = asked(Zero(project, tmp_path), replica)
    assert len(found["estimates"]) == 190
    assert {part for part in expected if found[part] != expected[part]} == set()
