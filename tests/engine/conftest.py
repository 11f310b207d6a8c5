"""A private engine cache that shares compiled objects with build/cache: a test links, it does not compile SQLite."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wasmfix.engine import build_engine

ZERO = "@rocicorp/zero-sqlite3"


@pytest.fixture
def package(npm_project: Callable[[str, str], Path]) -> Path:
    """An installed zero-sqlite3 1.1.4."""
    return npm_project(ZERO, "1.1.4") / "node_modules" / ZERO


@pytest.fixture
def own_cache(package: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine cache without engines, whose objects and zig libraries are those of build/cache.

    Objects are hard links: the cache replaces files, it never writes into one.
    """
    build_engine(package)
    shared = Path(os.environ["WASMFIX_CACHE_DIR"])
    cache = scratch / "cache"
    (cache / "objects").mkdir(parents=True)
    for path in (shared / "objects").iterdir():
        os.link(path, cache / "objects" / path.name)
    (cache / "zig").symlink_to(shared / "zig")
    monkeypatch.setenv("WASMFIX_CACHE_DIR", str(cache))
    return cache
