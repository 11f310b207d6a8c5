"""zero-sqlite3 1.1.4 twice: with its native addon, and patched by `wasmfix patch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import copy_tree, installed, patch
from differential.drivers import Answer, Driver

PACKAGE = "@rocicorp/zero-sqlite3"
VERSION = "1.1.4"

BothAnswers = Callable[[str], tuple[dict[str, Answer], dict[str, Answer]]]


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_here() -> Iterator[None]:
    """What a claim opens is in the driver's home."""
    before = set(Path().glob("file:*"))
    yield
    assert set(Path().glob("file:*")) == before


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The oracle."""
    package = installed(PACKAGE, VERSION) / "node_modules" / PACKAGE
    return Driver("native", package, tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The same package after `wasmfix patch`."""
    project = copy_tree(installed(PACKAGE, VERSION), tmp_path_factory.mktemp("patched") / "project")
    patch(project)
    return Driver("engine", project / "node_modules" / PACKAGE, tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def answers(native: Driver, engine: Driver) -> BothAnswers:
    """`answers(area)`: what native and engine answer to that area's claims, both asked at once and only once."""
    known: dict[str, tuple[dict[str, Answer], dict[str, Answer]]] = {}

    def ask(area: str) -> tuple[dict[str, Answer], dict[str, Answer]]:
        if area not in known:
            with ThreadPoolExecutor(2) as pool:
                both = [pool.submit(driver.answers, area) for driver in (native, engine)]
                known[area] = both[0].result(), both[1].result()
        return known[area]

    return ask


@pytest.fixture(scope="session")
def engine_answers(engine: Driver) -> Callable[[str], dict[str, Answer]]:
    """`engine_answers(area)`: for what only the engine promises."""
    known: dict[str, dict[str, Answer]] = {}

    def ask(area: str) -> dict[str, Answer]:
        if area not in known:
            known[area] = engine.answers(area)
        return known[area]

    return ask


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for one test's databases."""
    return tmp_path
