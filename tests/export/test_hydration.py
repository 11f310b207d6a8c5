"""Zero hydrates on a driver that came as an exported tarball, as it does on the native one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import managers
from conftest import installed
from export.conftest import Export, for_tarballs
from layouts.conftest import wasmfix
from managers import Manager
from zero.drivers import DEMO, Zero

RELEASE = ("@rocicorp/zero", "1.9.0")
MANAGERS: dict[str, Callable[[], Manager]] = {
    "npm": managers.npm,
    "pnpm": managers.pnpm,
    "yarn": managers.yarn_classic,
}


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Zero:
    return Zero(installed(*RELEASE), tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def replica(native: Zero) -> Path:
    return native.write_replica("replica.db")


@pytest.fixture(scope="module")
def expected(native: Zero, replica: Path) -> dict[str, Any]:
    return hydrated(native, replica)


def hydrated(zero: Zero, replica: Path) -> dict[str, Any]:
    """Zero's cost model, table sources and six queries; without what was measured."""
    copy = shutil.copyfile(replica, zero.home / "hydrated.db")
    answer = zero.run(DEMO / "hydrate.mjs", str(copy))
    del answer["peak"]
    for part in (answer["cost"], answer["read"], *answer["queries"]):
        del part["ms"]
    return answer


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "pnpm" else pytest.mark.matrix) for name in MANAGERS]
)
def test_zero_hydrates_on_the_exported_tarball(
    name: str,
    exported: Export,
    scratch: Path,
    replica: Path,
    expected: dict[str, Any],
    tmp_path: Path,
) -> None:
    assert len(expected["queries"]) == 6
    package, version = RELEASE
    project = exported.install_into(
        scratch.resolve() / "project", name, {"name": "app", "private": True, "dependencies": {package: version}}
    )
    for_tarballs(MANAGERS[name](), scratch).install(project, "--ignore-scripts")
    (status,) = wasmfix("status", project, "--json").json["packages"]
    assert (status["version"], status["state"], status["native_binaries"]) == ("1.1.4", "patched", [])
    # Where Zero really is, its dependencies are beside it, whatever the layout.
    zero = Path(os.path.realpath(project / "node_modules" / package)).parents[2]
    assert hydrated(Zero(zero, tmp_path), replica) == expected
