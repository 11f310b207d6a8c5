"""Packages that run on the standalone driver: zero-sqlite3 1.1.4 without its lib/, and bedrock-sqlite rebuilt."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bedrock.package import LATEST, write_bedrock
from conftest import copy_tree, installed, patch
from differential.drivers import Driver
from standalone.run import BEDROCK, VERSION, ZERO, MakeProject


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The oracle."""
    return Driver("native", installed(ZERO, VERSION) / "node_modules" / ZERO, tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The same package, its lib/ deleted, after `wasmfix patch`."""
    project = copy_tree(installed(ZERO, VERSION), tmp_path_factory.mktemp("standalone") / "project")
    shutil.rmtree(project / "node_modules" / ZERO / "lib")
    patch(project)
    return Driver("standalone", project / "node_modules" / ZERO, tmp_path_factory.mktemp("home"))


@pytest.fixture
def zero_project(scratch: Path) -> MakeProject:
    """`zero_project()`: a project with zero-sqlite3, without what tests of files never look at."""

    def make(name: str = ZERO, version: str = VERSION) -> Path:
        project = scratch / "project"
        leave_out = shutil.ignore_patterns("prebuilds", "shell.c")
        package = installed(name, version) / "node_modules" / name
        shutil.copytree(package, project / "node_modules" / name, ignore=leave_out)
        (project / "package.json").write_text('{"name": "app", "private": true}\n')
        return project

    return make


@pytest.fixture
def bedrock_project(zero_project: MakeProject) -> MakeProject:
    """`bedrock_project(generation)`: a project with bedrock-sqlite, and zero-sqlite3 beside it."""

    def make(generation: str = LATEST, *, sources: bool = False) -> Path:
        project = zero_project()
        write_bedrock(project / "node_modules" / BEDROCK, generation, sources=sources)
        return project

    return make
