"""wasmtime (PyPI), the default host: it has wheels for every CPython that we support."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from wasmfix.errors import WasmfixError
from wasmfix.runtime import compiled
from wasmfix.runtime.host import Export, Import, TrapError


@dataclass(frozen=True)
class WasmtimeHost:
    version: str
    name: str = "wasmtime"

    @classmethod
    def find(cls) -> WasmtimeHost:
        try:
            import wasmtime  # noqa: F401
        except (ImportError, OSError, RuntimeError) as error:
            # OSError: its library does not load; RuntimeError: a platform that it has no library for.
            remedy = "install it: pip install 'wasmtime>=25'"
            raise WasmfixError(f"the runtime wasmtime cannot be loaded ({error})", remedy=remedy) from error
        return cls(metadata.version("wasmtime"))

    def instantiate(
        self, wasm: Path, imports: Mapping[str, Import], *, initial_pages: int, maximum_pages: int, cache: Path | None
    ) -> WasmtimeGuest:
        import wasmtime

        engine = wasmtime.Engine()
        module = self._module(wasmtime, engine, wasm, cache)
        store = wasmtime.Store(engine)
        limits = wasmtime.Limits(initial_pages, maximum_pages)
        memory = wasmtime.Memory(store, wasmtime.MemoryType(limits))
        given: list[Any] = []
        for item in module.imports:
            if isinstance(item.type, wasmtime.MemoryType):
                given.append(memory)
            else:
                given.append(wasmtime.Func(store, item.type, imports[str(item.name)]))
        try:
            instance = wasmtime.Instance(store, module, given)
        except wasmtime.WasmtimeError as error:
            raise WasmfixError(f"wasmtime cannot run the engine ({_first_line(error)})", where=wasm) from error
        return WasmtimeGuest(wasmtime, store, instance.exports(store), memory)

    def _module(self, wasmtime: ModuleType, engine: Any, wasm: Path, cache: Path | None) -> Any:
        code = compiled.read_wasm(wasm)

        def compile_it() -> tuple[Any, bytes]:
            try:
                module = wasmtime.Module(engine, code)
            except wasmtime.WasmtimeError as error:
                what = f"wasmtime cannot compile the engine ({_first_line(error)})"
                raise WasmfixError(what, where=wasm, remedy="build it again") from error
            return module, bytes(module.serialize())

        def load(data: bytes) -> Any:
            # It checks the version and the CPU's features itself, but trusts the rest: `compiled` has hashed it.
            try:
                return wasmtime.Module.deserialize(engine, data)
            except wasmtime.WasmtimeError:
                return None

        return compiled.cached(cache, code, (self.name, self.version), compile_it, load)


class WasmtimeGuest:
    def __init__(self, wasmtime: ModuleType, store: Any, exports: Any, memory: Any) -> None:
        self._wasmtime = wasmtime
        self._store = store
        self._exports = exports
        self._memory = memory

    def export(self, name: str) -> Export | None:
        function = self._exports.get(name)
        if function is None:
            return None
        store = self._store
        wasmtime = self._wasmtime

        def call(*arguments: int | float) -> int | float | None:
            try:
                result: int | float | None = function(store, *arguments)
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                raise TrapError(_first_line(error)) from error
            return result

        return call

    def memory(self) -> memoryview:
        # Its address stays: wasmtime reserves the range that a 32-bit index can reach.
        size = self._memory.data_len(self._store)
        address = ctypes.cast(self._memory.data_ptr(self._store), ctypes.c_void_p).value
        assert address is not None
        return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
