"""The engine cache: finished engines and compiled objects, each under the hash of everything that went in.

    <cache>/engine/<key>/engine.wasm, engine.json
    <cache>/objects/<key>.o, <key>.sha256
    <cache>/locks/<key>.lock
    <cache>/tmp/<key>-…/        work of a build; only ever renamed into place when whole

An entry is never changed: it is there and whole, or not there. What a crash, a full disk or a curious hand did to
it shows in the hash that engine.json records, and then it is built again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason

WASM = "engine.wasm"
INFO = "engine.json"

_ABANDONED = 24 * 3600
"""Seconds after which a build's folder is nobody's; a build takes minutes at most."""


def content_key(*parts: object) -> str:
    """A hash over a JSON rendering of ``parts``: unambiguous, unlike their concatenation."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class EngineCache:
    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, key: str) -> tuple[Path, dict[str, object]] | None:
        """A whole entry's engine.wasm and the content of its engine.json."""
        folder = self.root / "engine" / key
        try:
            info = json.loads((folder / INFO).read_bytes())
            wasm = (folder / WASM).read_bytes()
        except (OSError, ValueError):
            return None
        if not isinstance(info, dict) or info.get("key") != key:
            return None
        if info.get("sha256") != hashlib.sha256(wasm).hexdigest():
            return None
        return folder / WASM, info

    def publish(self, key: str, built: Path) -> Path:
        """Rename the folder ``built`` into place, whatever is there (a damaged entry); under the key's lock."""
        final = self.root / "engine" / key
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            final.rename(built.parent / "damaged")
        built.rename(final)
        return final / WASM

    def find_object(self, key: str) -> Path | None:
        """A whole object file."""
        path = self.root / "objects" / f"{key}.o"
        try:
            recorded = path.with_suffix(".sha256").read_text(encoding="ascii")
            return path if recorded == file_sha256(path) else None
        except (OSError, ValueError):
            return None

    def publish_object(self, key: str, built: Path) -> Path:
        final = self.root / "objects" / f"{key}.o"
        final.parent.mkdir(parents=True, exist_ok=True)
        record = built.with_suffix(".sha256")
        record.write_text(file_sha256(built), encoding="ascii")
        built.replace(final)
        record.replace(final.with_suffix(".sha256"))
        return final

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Hold the key's lock: of two runs that want the same engine, one builds and the other waits for it."""
        # Imported late: a run that finds its engine needs no lock.
        from filelock import FileLock

        path = self.root / "locks" / f"{key}.lock"
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def workspace(self, key: str) -> Iterator[Path]:
        """A folder for one build, gone afterwards; under the key's lock."""
        parent = self.root / "tmp"
        with self._explained():
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=parent))
        try:
            with self._explained():
                yield folder
        finally:
            # What killed builds left behind goes as well. Of this key at once: while we hold the lock nobody else
            # works on it. At the end, because a compiler outlives the death of its wasmfix by some seconds.
            for old in parent.iterdir():
                if old.name.startswith(f"{key}-") or _is_old(old):
                    shutil.rmtree(old, ignore_errors=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"the engine cache cannot be written ({os_reason(error)})"
            where = error.filename or self.root
            raise WasmfixError(what, where=where, remedy="make room, or set WASMFIX_CACHE_DIR") from error


def file_sha256(path: Path) -> str:
    return sha256(path.read_bytes())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except OSError:
        return False
