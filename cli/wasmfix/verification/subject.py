"""What a patched package is expected to be: its SQLite, the options of that, where its engine is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wasmfix.engine.rules import UNICODE_CASE
from wasmfix.engine.source import EngineSource, read_source
from wasmfix.errors import WasmfixError, os_reason
from wasmfix.project.package import AMALGAMATION, read_package

ENGINE_FOLDERS = ("wasmfix", "dist/wasmfix")
"""Where the catalogue puts the engine, from the package's folder."""
_BEDROCK = "@rocicorp/zero-sqlite3"


@dataclass(frozen=True)
class Subject:
    package: str
    version: str
    folder: Path
    engine_folder: str
    sqlite_version: str
    defines: tuple[str, ...]
    """Those of the package that SQLite comes from."""
    dropped: tuple[str, ...]
    """Names of those that the engine leaves out by rule."""
    bedrock: bool
    """wal2 and BEGIN CONCURRENT are to be there."""
    unicode_case: bool
    native: tuple[Path, ...]
    """Native addons of the same SQLite for this platform."""
    amalgamation: Path | None
    """None if it is not here any more."""

    def known_options(self) -> list[str] | None:
        """The options that PRAGMA compile_options can report: the strings in SQLite's table (ctime.c)."""
        if self.amalgamation is None:
            return None
        code = self.amalgamation.read_bytes()
        start = code.find(b"sqlite3azCompileOpt[]")
        table = code[start : code.find(b"};", start)] if start >= 0 else b""
        return sorted({name.decode() for name in re.findall(rb'^\s*"(\w+)', table, re.MULTILINE)})


def engine_folder(package_dir: Path) -> str | None:
    """Where in a package the engine is; None if it has none."""
    return next((name for name in ENGINE_FOLDERS if (package_dir / name / "addon.cjs").is_file()), None)


def read_subject(package_dir: Path, sources: Iterable[Path]) -> Subject:
    """What the package in ``package_dir`` has to be.

    Args:
        sources: folders of zero-sqlite3 packages: one of them may be where its SQLite comes from.

    Raises WasmfixError when its sources, or what is written of its engine, cannot be read.
    """
    package = read_package(package_dir)
    folder = engine_folder(package_dir) or ENGINE_FOLDERS[0]
    if (package_dir / AMALGAMATION).exists():
        return _from_source(read_source(package_dir), package.name, package.version, package_dir, folder)
    built_from = _read_info(package_dir / folder / "engine.json")
    for source in sources:
        other = read_package(source)
        if (other.name, other.version) == (built_from["package"], built_from["version"]):
            return _from_source(read_source(source), package.name, package.version, package_dir, folder)
    defines = tuple(str(define) for define in _list(built_from["defines"]))
    return Subject(
        package=package.name,
        version=package.version,
        folder=package_dir,
        engine_folder=folder,
        sqlite_version=str(built_from["sqlite_version"]),
        defines=defines,
        dropped=(),
        bedrock=built_from["package"] == _BEDROCK,
        unicode_case=UNICODE_CASE in defines,
        native=(),
        amalgamation=None,
    )


def _from_source(source: EngineSource, name: str, version: str, package_dir: Path, folder: str) -> Subject:
    return Subject(
        package=name,
        version=version,
        folder=package_dir,
        engine_folder=folder,
        sqlite_version=source.sqlite_version,
        defines=source.package_defines,
        dropped=tuple(item.define.partition("=")[0] for item in source.dropped),
        bedrock=source.package == _BEDROCK,
        unicode_case=source.unicode_case is not None,
        native=tuple(source.package_dir / path for path in read_package(source.package_dir).native),
        amalgamation=source.amalgamation,
    )


def _read_info(file: Path) -> dict[str, object]:
    """engine.json: what the engine was built from."""
    remedy = "run: wasmfix patch"
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file, remedy=remedy) from error
    except ValueError as error:
        raise WasmfixError("is damaged", where=file, remedy=remedy) from error
    if not isinstance(content, dict) or {"package", "version", "sqlite_version", "defines"} - content.keys():
        raise WasmfixError("is damaged", where=file, remedy=remedy)
    return content


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
