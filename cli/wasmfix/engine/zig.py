"""zig from PyPI (the ``ziglang`` package): clang, wasm-ld and wasi-libc in one wheel."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from wasmfix.engine import flags
from wasmfix.errors import WasmfixError


@dataclass(frozen=True)
class Zig:
    version: str
    name: str = "zig"

    @classmethod
    def find(cls) -> Zig:
        """The installed ziglang package; its version is read without starting it."""
        try:
            version = metadata.version("ziglang")
        except metadata.PackageNotFoundError:
            version = ""
        if not version or util.find_spec("ziglang") is None:
            what = f"not installed for {sys.executable}"
            raise WasmfixError(what, where="ziglang", remedy="install it: pip install 'ziglang>=0.13'")
        return cls(version)

    @property
    def compile_key(self) -> tuple[str, ...]:
        return flags.ZIG_TARGET

    @property
    def link_key(self) -> tuple[str, ...]:
        return flags.LINK

    def environment(self, cache: Path, work: Path) -> dict[str, str]:
        # Both, always: without HOME zig stops before it reads its arguments. The global one keeps wasi-libc and
        # compiler-rt, which cost more than the amalgamation the first time; the local one would keep a second copy
        # of every object that our own cache has.
        return {
            "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(work / "zig"),
        }

    def compile_command(self, source: Path, output: Path, flags_: Sequence[str]) -> list[str]:
        driver = "c++" if source.suffix == ".cpp" else "cc"
        return [*_zig(driver), *flags.ZIG_TARGET, *flags_, "-c", str(source), "-o", str(output)]

    def link_command(self, objects: Sequence[Path], output: Path) -> list[str]:
        return [*_zig("cc"), *flags.ZIG_TARGET, *flags.LINK, *map(str, objects), "-o", str(output)]


def _zig(driver: str) -> list[str]:
    return [sys.executable, "-m", "ziglang", driver]
