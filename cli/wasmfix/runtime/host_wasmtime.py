"""wasmtime (PyPI), the default host: it has wheels for every CPython that we support."""

from __future__ import annotations

import ctypes
import struct
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

        config = wasmtime.Config()
        # A check in each loop, so that stop() works: 18 % of what only computes, nothing measurable of a scan.
        config.epoch_interruption = True
        engine = wasmtime.Engine(config)
        module = self._module(wasmtime, engine, wasm, cache)
        store = wasmtime.Store(engine)
        store.set_epoch_deadline(1)
        limits = wasmtime.Limits(initial_pages, maximum_pages)
        memory = wasmtime.Memory(store, wasmtime.MemoryType(limits))
        given: list[Any] = []
        kept: list[Any] = []
        for item in module.imports:
            if isinstance(item.type, wasmtime.MemoryType):
                given.append(memory)
            else:
                function = imports[str(item.name)]
                given.append(_direct(store, item.type, function, kept) or wasmtime.Func(store, item.type, function))
        try:
            instance = wasmtime.Instance(store, module, given)
        except wasmtime.WasmtimeError as error:
            raise WasmfixError(f"wasmtime cannot run the engine ({_first_line(error)})", where=wasm) from error
        return WasmtimeGuest(wasmtime, engine, store, instance.exports(store), memory, kept)

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

        return compiled.cached(cache, code, (self.name, self.version, "epochs"), compile_it, load)


class WasmtimeGuest:
    def __init__(self, wasmtime: ModuleType, engine: Any, store: Any, exports: Any, memory: Any, kept: Any) -> None:
        self._wasmtime = wasmtime
        self._engine = engine
        self._store = store
        self._exports = exports
        self._memory = memory
        self._kept = kept

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

    def begin(self) -> None:
        self._store.set_epoch_deadline(1)

    def stop(self) -> None:
        self._engine.increment_epoch()

    def memory(self) -> memoryview:
        # Its address stays: wasmtime reserves the range that a 32-bit index can reach.
        size = self._memory.data_len(self._store)
        address = ctypes.cast(self._memory.data_ptr(self._store), ctypes.c_void_p).value
        assert address is not None
        return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")


_SLOT = 16
"""Bytes of a wasmtime_val_raw_t: an array of them has the arguments, and afterwards the result."""
_FORMATS = {"i32": "i12x", "i64": "q8x", "f64": "d8x"}
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def _direct(store: Any, kind: Any, function: Import, kept: list[Any]) -> Any:
    """A wasmtime.Func by wasmtime_func_new_unchecked() of the C API, None if this wasmtime does not let us.

    The Python API spends 12 us on each call of an import, three times what reading a page takes, on types that we know.
    What must live as long as the instance goes into `kept`.
    """
    try:
        from wasmtime import Func, _ffi

        parameters = "<" + "".join(_FORMATS[str(each)] for each in kind.params)
        results = [_FORMATS[str(each)][0] for each in kind.results]
        unpack = struct.Struct(parameters).unpack_from
        pack = struct.Struct("<" + "".join(results)).pack_into
        room = ctypes.c_char * max(_SLOT, _SLOT * len(kind.params))
        at = room.from_address

        def call(_env: int, _caller: int, values: int, _count: int) -> int:
            # No exception may leave: imports do not raise, and SIGINT is held back while C runs (instance.py).
            memory = at(values)
            pack(memory, 0, function(*unpack(memory)))
            return 0

        def call_without_result(_env: int, _caller: int, values: int, _count: int) -> int:
            function(*unpack(at(values)))
            return 0

        callback = _CALLBACK(call if results else call_without_result)
        raw = _ffi.wasmtime_func_t()
        typed = ctypes.cast(callback, _ffi.wasmtime_func_unchecked_callback_t)
        finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(0)
        _ffi.wasmtime_func_new_unchecked(store._context(), kind.ptr(), typed, None, finalizer, ctypes.byref(raw))
        wrapped = Func._from_raw(raw)
    except (AttributeError, ImportError, KeyError, TypeError, ctypes.ArgumentError):
        return None
    kept.append(callback)
    return wrapped


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
