"""Which engine.wasm to read with."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.version import InvalidVersion, Version

from wasmfix import paths
from wasmfix.engine import build_engine
from wasmfix.engine.build import Progress
from wasmfix.engine.cache import EngineCache
from wasmfix.errors import WasmfixError

_PACKAGE = "@rocicorp/zero-sqlite3"
"""Its SQLite reads wal2; better-sqlite3's does not."""


def find_engine(package: Path | None = None, *, fetch: bool = False, progress: Progress | None = None) -> Path:
    """The path of an engine.wasm.

    That of `package` (the folder of an installed zero-sqlite3 or better-sqlite3), built if need be; without one, the
    newest zero-sqlite3's that the cache has; with `fetch`, one that npm gets.
    """
    if package is not None:
        return build_engine(package, progress=progress).wasm
    found = newest_cached(EngineCache(paths.cache_folder()))
    if found is not None:
        return found
    if fetch:
        return _fetched(progress)
    what = "no SQLite engine is built yet to read it with"
    remedy = f"name a project that has {_PACKAGE} installed, or let npm get it with --fetch"
    raise WasmfixError(what, remedy=remedy)


def newest_cached(cache: EngineCache) -> Path | None:
    """The engine of the newest zero-sqlite3 in the cache."""
    found: list[tuple[Version, float, Path]] = []
    for info in (cache.root / "engine").glob("*/engine.json"):
        try:
            data = json.loads(info.read_bytes())
            if data["package"] == _PACKAGE:
                found.append((Version(data["version"]), info.stat().st_mtime, info.parent))
        except (OSError, ValueError, KeyError, TypeError, InvalidVersion):
            continue
    for _, _, folder in sorted(found, reverse=True):
        entry = cache.find(folder.name)
        if entry is not None:
            return entry[0]
    return None


def _fetched(progress: Progress | None) -> Path:
    raise NotImplementedError
