"""What a target package brings for its engine: SQLite's amalgamation, its defines, its Unicode tables.

Nothing of SQLite is in wasmfix: the engine is built from the package's own ``deps/sqlite3/sqlite3.c``, so that
it has the version and the features that the package had. Reading is strict, because a damaged amalgamation can
still compile.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from wasmfix.engine.rules import Dropped, apply_rules
from wasmfix.errors import WasmfixError, os_reason

# The smallest amalgamation of the last ten years has 7 MB, the largest published one 9.7 MB.
MIN_AMALGAMATION = 4_000_000
MAX_AMALGAMATION = 40_000_000

_VERSION = re.compile(rb'^#define SQLITE_VERSION +"([0-9.]+)"', re.MULTILINE)
_SOURCE_ID = re.compile(rb'^#define SQLITE_SOURCE_ID +"([^"]+)"', re.MULTILINE)
_BEGIN_FILE = re.compile(rb"/\*+ Begin file (\S+) \*")
_END_FILE = re.compile(rb"/\*+ End of (\S+) \*")
_END = b"End of sqlite3.c"
_WITHOUT_WAL = re.compile(
    rb"^#if defined\(__wasi__\)\n(?:#(?!endif).*\n|(?!#).*\n)*?# define SQLITE_OMIT_WAL\b", re.MULTILINE
)
_DEFINE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(=.*)?", re.DOTALL)


@dataclass(frozen=True)
class EngineSource:
    """A package's sources, read and found sound."""

    package_dir: Path
    package: str
    version: str
    sqlite_version: str
    amalgamation: Path
    amalgamation_sha256: str
    hides_wal: bool
    """Whether the amalgamation leaves the WAL out for WASI."""
    header: Path
    header_sha256: str
    package_defines: tuple[str, ...]
    """As the package has them."""
    defines: tuple[str, ...]
    """As the engine takes them, see :mod:`wasmfix.engine.rules`."""
    dropped: tuple[Dropped, ...]
    unicode_case: Path | None
    """``src/util/unicode_case.cpp``, in zero-sqlite3 from 1.1.2."""
    unicode_files: tuple[Path, ...]
    """That file and the tables beside it, for the cache key."""


def read_source(package_dir: Path) -> EngineSource:
    """Read the sources of the package in ``package_dir`` (the folder of its ``package.json``).

    Raises WasmfixError when something is missing or damaged.
    """
    name, version = _read_manifest(package_dir)
    remedy = f"reinstall it: npm install {name}@{version}"
    folder = package_dir / "deps" / "sqlite3"
    amalgamation = folder / "sqlite3.c"
    header = folder / "sqlite3.h"
    code = _read(amalgamation, f"{name}@{version} has no SQLite amalgamation", remedy)
    head = _read(header, f"{name}@{version} has no SQLite header", remedy)
    sqlite_version = _check_amalgamation(amalgamation, code, header, head, remedy)
    package_defines = _read_defines(package_dir / "deps" / "defines.gypi", remedy)
    defines, dropped = apply_rules(package_defines)
    unicode_case = package_dir / "src" / "util" / "unicode_case.cpp"
    has_unicode = unicode_case.is_file()
    return EngineSource(
        package_dir=package_dir,
        package=name,
        version=version,
        sqlite_version=sqlite_version,
        amalgamation=amalgamation,
        amalgamation_sha256=hashlib.sha256(code).hexdigest(),
        hides_wal=_WITHOUT_WAL.search(code) is not None,
        header=header,
        header_sha256=hashlib.sha256(head).hexdigest(),
        package_defines=package_defines,
        defines=defines,
        dropped=dropped,
        unicode_case=unicode_case if has_unicode else None,
        unicode_files=tuple(sorted(unicode_case.parent.glob("unicode_case*"))) if has_unicode else (),
    )


def _read_manifest(package_dir: Path) -> tuple[str, str]:
    path = package_dir / "package.json"
    data = _read(path, "no such file: this is not an installed npm package", "name the folder of one")
    try:
        manifest = json.loads(data)
        name, version = manifest["name"], manifest["version"]
    except (ValueError, KeyError, TypeError) as error:
        what = f"not a package.json with a name and a version ({type(error).__name__}: {error})"
        raise WasmfixError(what, where=path, remedy="reinstall the package") from error
    if not isinstance(name, str) or not isinstance(version, str):
        what = "its name and version are not strings"
        raise WasmfixError(what, where=path, remedy="reinstall the package")
    return name, version


def _read(path: Path, missing: str, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise WasmfixError(missing, where=path, remedy=remedy) from error
    except OSError as error:
        what = f"cannot be read ({os_reason(error)})"
        raise WasmfixError(what, where=path, remedy="check its permissions") from error


def _check_amalgamation(code_path: Path, code: bytes, header_path: Path, header: bytes, remedy: str) -> str:
    """The version that both files name; raises WasmfixError on any sign of damage.

    The amalgamation frames each file in it by a "Begin file" and an "End of" comment (tool/mksqlite3c.tcl), which
    shows a hole in the middle as well as a missing end.
    """
    version = _first(_VERSION, code)
    problem = None
    if not MIN_AMALGAMATION <= len(code) <= MAX_AMALGAMATION:
        problem = f"has {len(code):,} bytes, no amalgamation has"
    elif _END not in code[-400:]:
        problem = "is cut off: its end marker is missing"
    elif b"\0" in code:
        problem = "is damaged: it holds NUL bytes"
    elif version is None:
        problem = "is damaged: it names no SQLITE_VERSION"
    elif unfinished := set(_BEGIN_FILE.findall(code)) - set(_END_FILE.findall(code)):
        problem = f"is damaged: the end of {min(unfinished).decode(errors='replace')} in it is missing"
    if problem is not None or version is None:
        raise WasmfixError(f"the SQLite amalgamation {problem}", where=code_path, remedy=remedy)
    for pattern, what in ((_VERSION, "version"), (_SOURCE_ID, "source id")):
        ours, theirs = _first(pattern, code), _first(pattern, header)
        if ours != theirs:
            clash = f"names SQLite {what} {theirs}, sqlite3.c beside it {ours}"
            raise WasmfixError(clash, where=header_path, remedy=remedy)
    return version


def _first(pattern: re.Pattern[bytes], data: bytes) -> str | None:
    # Both stand in the first 40 KB; the bound keeps a file of another kind from costing a search of megabytes.
    match = pattern.search(data, 0, 200_000)
    return match.group(1).decode() if match else None


def _read_defines(path: Path, remedy: str) -> tuple[str, ...]:
    """The ``defines`` of a .gypi file, which is a Python literal with Python comments (gyp's input format)."""
    text = _read(path, "the list of SQLite's compile-time options is missing", remedy)
    try:
        tree = ast.literal_eval(text.decode())
        defines = tree["defines"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise WasmfixError("not a list of compile-time options", where=path, remedy=remedy) from error
    if not isinstance(defines, list) or not defines:
        raise WasmfixError("its 'defines' is not a list of options", where=path, remedy=remedy)
    for define in defines:
        if not isinstance(define, str) or not _DEFINE.fullmatch(define):
            raise WasmfixError(f"{define!r} is no compile-time option", where=path, remedy=remedy)
    return tuple(defines)
