"""Packages of the shape of `bedrock-sqlite`, the WASM build that orez ships: it is in no registry that tests reach.

The JavaScript is ours, written to the names, the structure and the defects of the published files (natew/orez, folder
sqlite-wasm); the wasm is real, built with zig from the amalgamation of zero-sqlite3. Two states: 0.16.4, and the one
before the first fix of the incident.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

import nodejs
from conftest import BUILD, installed
from wasmfix.engine import flags

HERE = Path(__file__).parent
SQLITE = ("@rocicorp/zero-sqlite3", "1.1.4")

LATEST = "0.16.4"
EARLIER = "0.3.0"
"""A version from the time before the first fix; what its files lack is in native/, between #else and #endif."""
GENERATIONS = (EARLIER, LATEST)

SOURCES = ("native/api.js", "native/vfs.js", "native/vfs-pre.js", "native/vfs.c", "Makefile")

_MEMORY = 512 * 1024 * 1024
"""Bytes, the most that the published build takes."""


def write_bedrock(folder: Path, generation: str = LATEST, *, sources: bool = False) -> Path:
    """Make a package `bedrock-sqlite` in `folder`, as npm installs it (not a hard link, not a symlink in it).

    Args:
        folder: the package's own, for instance `PROJECT/node_modules/bedrock-sqlite`; must not exist.
        generation: `0.16.4`, or what was before the first fix.
        sources: with `native/` and the `Makefile`, which only a checkout of its repository has.
    """
    built = _built(generation)
    left_out = shutil.ignore_patterns("native", "Makefile")
    shutil.copytree(built, folder, ignore=None if sources else left_out)
    return folder


def build_from_sources(folder: Path) -> None:
    """What `make` does in a package with sources: `dist/sqlite3.js` and `dist/sqlite3.wasm` anew, from `native/`."""
    (folder / "dist").mkdir(exist_ok=True)
    wasm = _wasm(_exports((folder / "native" / "api.js").read_text(encoding="utf-8")))
    shutil.copyfile(wasm, folder / "dist" / "sqlite3.wasm")
    terser = installed("terser", "5") / "node_modules" / "terser"
    command = [nodejs.node(), str(HERE / "bundle.mjs"), str(terser), str(folder)]
    subprocess.run(command, check=True)


def _built(generation: str) -> Path:
    """The package with its sources, made once under build/bedrock/."""
    made_of = [*HERE.glob("native/*"), HERE / "runtime.js", HERE / "bundle.mjs", HERE / "Makefile", Path(__file__)]
    key = hashlib.sha256(b"\0".join(file.read_bytes() for file in sorted(made_of))).hexdigest()[:16]
    folder = BUILD / "bedrock" / f"{generation}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            growing = folder.with_name(f"{folder.name}.tmp")
            shutil.rmtree(growing, ignore_errors=True)
            _write(growing, generation)
            growing.rename(folder)
    return folder


def _write(folder: Path, generation: str) -> None:
    for name in ("native", "dist"):
        (folder / name).mkdir(parents=True)
    for file in sorted((HERE / "native").iterdir()):
        text = _of_generation(file.read_text(encoding="utf-8"), generation)
        (folder / "native" / file.name).write_text(text, encoding="utf-8")
    shutil.copyfile(HERE / "Makefile", folder / "Makefile")
    build_from_sources(folder)
    (folder / "dist" / "package.json").write_text('{"type": "commonjs"}\n')
    types = {".": "bedrock-sqlite.d.ts", "./async": "bedrock-sqlite-async.d.ts"}
    for file in types.values():
        (folder / file).write_text("export class Database {}\nexport class SqliteError extends Error {}\n")
    # The browser's build has a file system of its own, which nothing here runs.
    shutil.copyfile(folder / "dist" / "sqlite3-async.js", folder / "dist" / "sqlite3-browser.js")
    shutil.copyfile(folder / "dist" / "sqlite3.wasm", folder / "dist" / "sqlite3-browser.wasm")
    manifest = {
        "name": "bedrock-sqlite",
        "version": generation,
        "description": "SQLite of the branch bedrock in WebAssembly (made by wasmfix's tests)",
        "license": "MIT",
        "type": "module",
        "main": "./dist/sqlite3.js",
        "types": types["."],
        "exports": {
            ".": {"types": f"./{types['.']}", "default": "./dist/sqlite3.js"},
            "./async": {"types": f"./{types['./async']}", "default": "./dist/sqlite3-async.js"},
            "./browser": {"default": "./dist/sqlite3-browser.js"},
        },
    }
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _of_generation(text: str, generation: str) -> str:
    """The text without what is between `//#if 0.16.4`, `//#else` and `//#endif` in other generations."""
    kept, keep = [], True
    for line in text.splitlines():
        if line == "//#if 0.16.4":
            keep = generation == LATEST
        elif line == "//#else":
            keep = not keep
        elif line == "//#endif":
            keep = True
        elif keep:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _exports(api: str) -> list[str]:
    """The functions that the wasm exports: those that api.js binds."""
    table = re.search(r"signatures = \{\n(.+?)\s*\}", api, re.DOTALL)
    assert table is not None
    return [f"sqlite3_{name}" for name in re.findall(r"^\s*(\w+):", table[1], re.MULTILINE)]


def _wasm(exports: list[str]) -> Path:
    """The wasm file that exports these functions, compiled and linked once for each list of them."""
    amalgamation = installed(*SQLITE) / "node_modules" / SQLITE[0] / "deps" / "sqlite3"
    defines = re.findall(r"-D\S+", (HERE / "Makefile").read_text(encoding="utf-8"))
    options = [
        *flags.ZIG_TARGET,
        "-O1",
        "-g0",
        "-fno-sanitize=all",
        "-std=gnu11",
        "-w",
        "-I",
        str(amalgamation),
        *defines,
    ]
    objects = [
        _compiled(amalgamation / "sqlite3.c", options),
        _compiled(HERE / "native" / "vfs.c", options),
    ]
    names = [*exports, "malloc", "free", "__stack_pointer"]
    link = [
        *flags.ZIG_TARGET,
        "-mexec-model=reactor",
        f"-Wl,--max-memory={_MEMORY}",
        "-Wl,--export-table",
        "-Wl,--growable-table",
        "-Wl,--strip-all",
        *(f"-Wl,--export={name}" for name in names),
    ]
    return _made("wasm", link, objects, lambda output: [*link, *map(str, objects), "-o", str(output)])


def _compiled(source: Path, options: list[str]) -> Path:
    return _made("o", options, [source], lambda output: [*options, "-c", str(source), "-o", str(output)])


def _made(suffix: str, options: list[str], inputs: list[Path], arguments: Callable[[Path], list[str]]) -> Path:
    """A compiler's output, kept under build/bedrock/ by what it is made of."""
    made_of = [json.dumps(options), *(hashlib.sha256(file.read_bytes()).hexdigest() for file in inputs)]
    output = BUILD / "bedrock" / f"{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]}.{suffix}"
    output.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{output}.lock"):
        if not output.is_file():
            growing = output.with_suffix(f".tmp.{suffix}")
            zig = {name: str(BUILD / "cache" / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
            command = [sys.executable, "-m", "ziglang", "cc", *arguments(growing)]
            subprocess.run(command, env={**os.environ, **zig}, check=True)
            growing.rename(output)
    return output
