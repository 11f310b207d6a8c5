"""One interface for what turns C into WebAssembly; a toolchain is one file that implements it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from wasmfix.errors import WasmfixError


class Toolchain(Protocol):
    """Says which commands to run; running them is :mod:`wasmfix.engine.build`'s affair."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Part of the cache key, so it must change with the toolchain's output."""
        ...

    def environment(self, cache: Path, work: Path) -> dict[str, str]:
        """Variables to add to the compiler's environment: what it keeps goes into ``cache``, the rest into ``work``."""
        ...

    def compile_command(self, source: Path, output: Path, flags: Sequence[str]) -> list[str]:
        """Compile one C or C++ file (by its suffix) to an object file."""
        ...

    def link_command(self, objects: Sequence[Path], output: Path) -> list[str]:
        """Link object files to a reactor module."""
        ...

    @property
    def compile_key(self) -> tuple[str, ...]:
        """What this toolchain adds to every compile command, for the cache key of an object."""
        ...

    @property
    def link_key(self) -> tuple[str, ...]:
        """The same for linking, for the cache key of an engine."""
        ...


NAMES = ("zig", "emcc")


def get_toolchain(name: str) -> Toolchain:
    """Find a toolchain by name; raises WasmfixError when it is unknown or not installed."""
    # Imported late: each looks for its programs, and only one is wanted.
    if name == "zig":
        from wasmfix.engine.zig import Zig

        return Zig.find()
    if name == "emcc":
        from wasmfix.engine.emcc import Emcc

        return Emcc.find()
    raise WasmfixError("unknown toolchain", where=name, remedy=f"choose one of {', '.join(NAMES)}")
