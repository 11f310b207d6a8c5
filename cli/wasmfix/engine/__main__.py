"""``python -m wasmfix.engine PACKAGE --out DIR``: the engine alone, for work on wasm/c."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from wasmfix.engine import CompilerError, build_engine, export_engine
from wasmfix.errors import STOPPED, WasmfixError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m wasmfix.engine", description=__doc__)
    parser.add_argument("package", type=Path, help="folder of an installed zero-sqlite3 or better-sqlite3")
    parser.add_argument("--out", type=Path, help="copy engine.wasm and engine.json there")
    parser.add_argument("--toolchain", default="zig")
    options = parser.parse_args()
    started = time.monotonic()
    try:
        engine = build_engine(options.package.resolve(), toolchain=options.toolchain, progress=_say)
    except WasmfixError as error:
        if isinstance(error, CompilerError):
            _say(error.detail)
        _say(f"wasmfix: {error}")
        return STOPPED
    wasm = export_engine(engine, options.out)[0] if options.out else engine.wasm
    how = "from the cache" if engine.cached else "built"
    _say(f"{wasm}: {engine.wasm.stat().st_size:,} bytes, {how} in {time.monotonic() - started:.1f} s")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


sys.exit(main())
