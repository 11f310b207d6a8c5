"""wasmer 1.1.0 (PyPI), which has wheels up to CPython 3.10 only."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from wasmfix.errors import WasmfixError
from wasmfix.runtime import compiled
from wasmfix.runtime.host import Export, Import, TrapError


@dataclass(frozen=True)
class WasmerHost:
    version: str
    name: str = "wasmer"

    @classmethod
    def find(cls) -> WasmerHost:
        here = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
        try:
            import wasmer

            # On an unsupported Python a package of that name may be there whose every attribute raises ImportError.
            wasmer.Store  # noqa: B018
            import wasmer_compiler_cranelift  # noqa: F401
        except ImportError as error:
            if sys.version_info >= (3, 11):
                what = f"the runtime wasmer has no wheel for {here}: it ended at version 1.1.0, for CPython up to 3.10"
                raise WasmfixError(what, remedy="use --runtime wasmtime") from error
            remedy = "install it: pip install 'wasmfix[wasmer]', or use --runtime wasmtime"
            raise WasmfixError(f"the runtime wasmer cannot be loaded on {here} ({error})", remedy=remedy) from error
        return cls(metadata.version("wasmer"))

    def instantiate(
        self, wasm: Path, imports: Mapping[str, Import], *, initial_pages: int, maximum_pages: int, cache: Path | None
    ) -> WasmerGuest:
        import wasmer

        store = _new_store()
        module = self._module(store, wasm, cache)
        memory = wasmer.Memory(store, wasmer.MemoryType(initial_pages, maximum_pages, False))
        given: dict[str, Any] = {}
        for item in module.imports:
            if isinstance(item.type, wasmer.MemoryType):
                given[item.name] = memory
            else:
                given[item.name] = wasmer.Function(store, imports[item.name], item.type)
        objects = wasmer.ImportObject()
        objects.register("env", given)
        try:
            instance = wasmer.Instance(module, objects)
        except RuntimeError as error:
            raise WasmfixError(f"wasmer cannot run the engine ({error})", where=wasm) from error
        return WasmerGuest(instance, memory)

    def _module(self, store: Any, wasm: Path, cache: Path | None) -> Any:
        import wasmer

        code = compiled.read_wasm(wasm)

        def compile_it() -> tuple[Any, bytes]:
            try:
                module = wasmer.Module(store, code)
            except RuntimeError as error:
                what = f"wasmer cannot compile the engine ({error})"
                raise WasmfixError(what, where=wasm, remedy="build it again") from error
            return module, bytes(module.serialize())

        def load(data: bytes) -> Any:
            try:
                return wasmer.Module.deserialize(store, data)
            except (RuntimeError, ValueError):
                return None

        return compiled.cached(cache, code, (self.name, self.version), compile_it, load)


class WasmerGuest:
    def __init__(self, instance: Any, memory: Any) -> None:
        self._instance = instance
        self._exports = {name: getattr(instance.exports, name) for name, _ in instance.exports}
        self._memory = memory

    def export(self, name: str) -> Export | None:
        function = self._exports.get(name)
        if function is None:
            return None

        def call(*arguments: int | float) -> int | float | None:
            try:
                result: int | float | None = function(*arguments)
            except RuntimeError as error:
                raise TrapError(str(error)) from error
            return result

        return call

    def memory(self) -> memoryview:
        return memoryview(self._memory.buffer)

    def begin(self) -> None:
        pass

    def stop(self) -> None:
        pass


def _new_store() -> Any:
    import wasmer
    from wasmer_compiler_cranelift import Compiler

    return wasmer.Store(wasmer.engine.Universal(Compiler))
