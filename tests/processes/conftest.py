"""zero-sqlite3 1.1.4 twice, native and patched, and processes that run on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import copy_tree, installed, patch
from processes.actors import Actor

PACKAGE = "@rocicorp/zero-sqlite3"
VERSION = "1.1.4"

Start = Callable[..., Actor]


@pytest.fixture(scope="session")
def native(engine_cache: None) -> Path:
    """The oracle's package."""
    return installed(PACKAGE, VERSION) / "node_modules" / PACKAGE


@pytest.fixture(scope="session")
def engine(native: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package after `wasmfix patch`."""
    ready = os.environ.get("WASMFIX_TEST_ENGINE")
    if ready:
        return Path(ready)
    project = copy_tree(installed(PACKAGE, VERSION), tmp_path_factory.mktemp("patched") / "project")
    patch(project)
    return project / "node_modules" / PACKAGE


@pytest.fixture
def start(engine: Path) -> Iterator[Start]:
    """`start()`: a process on the engine. `start(package, without=[2])`: another package, or with a rule taken out."""
    with ExitStack() as actors:

        def begin(package: Path = engine, *, without: Sequence[int | str] = ()) -> Actor:
            return actors.enter_context(Actor(package, without=without))

        yield begin


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test's database is to be."""
    return tmp_path / "a.db"


def left(file: Path) -> list[str]:
    """What lies in the database's folder."""
    return sorted(path.name for path in file.parent.iterdir())
