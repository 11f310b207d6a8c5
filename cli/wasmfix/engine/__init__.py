"""From a package's SQLite amalgamation to ``engine.wasm``: toolchains, build, cache."""

from __future__ import annotations

from wasmfix.engine.build import BuiltEngine, CompilerError, build_engine, export_engine

__all__ = ["BuiltEngine", "CompilerError", "build_engine", "export_engine"]
