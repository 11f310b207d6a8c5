"""Packages with the engine in place of their native addon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from verification.engine_in_package import put_engine

ZERO = "@rocicorp/zero-sqlite3"


@pytest.fixture
def package(npm_project: Callable[[str, str], Path]) -> Path:
    """zero-sqlite3 1.1.4 as npm installs it, with its native addons."""
    return npm_project(ZERO, "1.1.4") / "node_modules" / ZERO


@pytest.fixture
def patched(npm_project: Callable[[str, str], Path]) -> Callable[..., Path]:
    """`patched(name, version)`: that package on the engine, zero-sqlite3 1.1.4 by default."""

    def make(name: str = ZERO, version: str = "1.1.4") -> Path:
        folder = npm_project(name, version) / "node_modules" / name
        put_engine(folder)
        return folder

    return make
