"""Which engine.wasm to read with."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from packaging.version import InvalidVersion, Version

from wasmfix import paths
from wasmfix.engine import build_engine
from wasmfix.engine.build import Progress
from wasmfix.engine.cache import EngineCache
from wasmfix.errors import WasmfixError, os_reason

_PACKAGE = "@rocicorp/zero-sqlite3"
"""Its SQLite reads wal2; better-sqlite3's does not."""
_TIMEOUT = 600
"""Seconds; the tarball has some 20 MB."""


def find_engine(
    package: Path | None = None,
    *,
    fetch: bool = False,
    npm: Sequence[str] = ("npm",),
    progress: Progress | None = None,
) -> Path:
    """The path of an engine.wasm.

    That of `package` (the folder of an installed zero-sqlite3 or better-sqlite3), built if need be; without one, the
    newest zero-sqlite3's that the cache has; and if it has none, with `fetch`, that of the newest zero-sqlite3, whose
    source npm gets from the registry that it is configured for.

    Args:
        npm: the command npm.
        progress: told in a few words what is being done, before anything that takes long.
    """
    if package is not None:
        return build_engine(package, progress=progress).wasm
    found = newest_cached(EngineCache(paths.cache_folder()))
    if found is not None:
        return found
    if fetch:
        return _fetched(npm, progress)
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


def _fetched(npm: Sequence[str], progress: Progress | None) -> Path:
    with tempfile.TemporaryDirectory(prefix="wasmfix-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if progress is not None:
            progress(f"getting {_PACKAGE} with npm")
        tarball = _pack(npm, folder)
        package = folder / "package"
        _extract(tarball, package)
        return build_engine(package, progress=progress).wasm


def _pack(npm: Sequence[str], folder: Path) -> Path:
    """The tarball, which has the hash that the registry names for it."""
    program = shutil.which(npm[0])
    if program is None:
        remedy = "install Node.js, or name a project that has the package installed"
        raise WasmfixError(f"{npm[0]} is not installed, which --fetch needs", remedy=remedy)
    command = [program, *npm[1:], "pack", f"{_PACKAGE}@latest", "--json", f"--pack-destination={folder}"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise WasmfixError(f"npm did not answer within {_TIMEOUT} s", remedy="check npm's registry") from error
    except OSError as error:
        raise WasmfixError(f"npm cannot be run ({os_reason(error)})", where=program) from error
    if done.returncode != 0:
        # npm's own words may name a registry's URL with a password in it.
        code = next((line.split()[-1] for line in done.stderr.splitlines() if " code " in line), str(done.returncode))
        remedy = f"see what `npm pack {_PACKAGE}` says"
        raise WasmfixError(f"npm could not get {_PACKAGE} ({code})", remedy=remedy)
    try:
        entry = json.loads(done.stdout)[0]
        tarball = folder / Path(entry["filename"]).name
        kind, _, digest = str(entry["integrity"]).partition("-")
        data = tarball.read_bytes()
        intact = hashlib.new(kind, data).digest() == base64.b64decode(digest)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        what = f"npm's answer is not understood ({type(error).__name__})"
        raise WasmfixError(what, remedy="update npm") from error
    if not intact:
        raise WasmfixError("the package that npm got is damaged", where=_PACKAGE, remedy="run it again")
    return tarball


def _extract(tarball: Path, package: Path) -> None:
    """What an engine is built from; only plain files, only below `package`."""
    with tarfile.open(tarball) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts[1:]
            wanted = parts == ("package.json",) or parts[:1] == ("deps",) or parts[:2] == ("src", "util")
            if not member.isfile() or not wanted or ".." in parts:
                continue
            source = archive.extractfile(member)
            assert source is not None
            target = package.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(source, file)
