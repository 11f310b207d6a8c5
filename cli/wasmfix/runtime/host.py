"""What runs engine.wasm: one interface, `wasmtime` and `wasmer` behind it.

A host compiles a module (or takes it from the cache), gives it its memory and its imports, and calls its exports.
Everything that crosses is i32 or f64 (wasm/c/engine.h), in Python int and float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from wasmfix.errors import WasmfixError

PAGE = 65536
"""Bytes of a page of WebAssembly memory."""

NAMES = ("wasmtime", "wasmer")
DEFAULT = "wasmtime"

Import = Callable[..., "int | float | None"]
Export = Callable[..., "int | float | None"]


class TrapError(Exception):
    """WebAssembly stopped in the middle of a call; its memory is not to be trusted any more."""


class Guest(Protocol):
    """An instance of a module."""

    def export(self, name: str) -> Export | None:
        """The exported function, None if this build has none of that name. A trap raises TrapError."""

    def memory(self) -> memoryview:
        """All of the memory as it is now, writable bytes. What grew since is only in a view fetched since."""

    def begin(self) -> None:
        """Before each call: a stop() that came too late for the last one is forgotten."""

    def stop(self) -> None:
        """Make the call that is running trap, from any thread; nothing happens where the host cannot."""


class Host(Protocol):
    @property
    def name(self) -> str: ...

    def instantiate(
        self, wasm: Path, imports: Mapping[str, Import], *, initial_pages: int, maximum_pages: int, cache: Path | None
    ) -> Guest:
        """An instance of the module in the file `wasm`.

        Args:
            imports: the functions of module `env`. They must not raise.
            initial_pages: of the memory, which the host makes.
            maximum_pages: beyond them the module gets no more memory.
            cache: the folder in which the compiled module is kept; None: nowhere.
        """


def get_host(name: str = DEFAULT) -> Host:
    """The host called `name`; WasmfixError, with the reason, if it cannot run here."""
    # Imported late: each is several megabytes, and only one is needed.
    if name == "wasmtime":
        from wasmfix.runtime.host_wasmtime import WasmtimeHost

        return WasmtimeHost.find()
    if name == "wasmer":
        from wasmfix.runtime.host_wasmer import WasmerHost

        return WasmerHost.find()
    raise WasmfixError(f"no such runtime: {name}", remedy=f"name one of: {', '.join(NAMES)}")
