"""Compiled modules, kept by content: compiling takes seconds, loading hundredths of one.

    <cache>/compiled/<key>.bin      32 bytes, SHA-256 of the rest; the rest is the host's own serialised form

The key is a hash of the module, the host with its version, and the machine with its CPU's features. Machine code is
run as it is, so a file counts only if its hash is right: what a crash, a full disk or another program left there is
compiled anew. (Whoever can write our cache folder can run code as the user anyway, by its engines.)
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wasmfix.engine.cache import content_key
from wasmfix.errors import WasmfixError, os_reason

_FOLDER = "compiled"
_HASH_BYTES = 32

Module = TypeVar("Module")


def read_wasm(path: Path) -> bytes:
    """The bytes of an engine.wasm."""
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"the engine cannot be read ({os_reason(error)})"
        raise WasmfixError(what, where=path, remedy="build it: wasmfix build") from error
    if not data.startswith(b"\0asm"):
        raise WasmfixError("not a WebAssembly module", where=path, remedy="build it: wasmfix build")
    return data


def cached(
    cache: Path | None,
    wasm: bytes,
    host: tuple[str, ...],
    compile_it: Callable[[], tuple[Module, bytes]],
    load: Callable[[bytes], Module | None],
) -> Module:
    """The module, loaded from `cache` or compiled and kept there.

    Args:
        host: its name and version.
        compile_it: returns the module and its serialised form.
        load: the module of a serialised form, None if the host does not take it.
    """
    if cache is None:
        return compile_it()[0]
    key = content_key(hashlib.sha256(wasm).hexdigest(), *host, *_machine())
    path = cache / _FOLDER / f"{key}.bin"
    data = _read(path)
    module = load(data) if data is not None else None
    if module is None:
        module, data = compile_it()
        _write(path, data)
    return module


def _machine() -> tuple[str, ...]:
    features = ""
    # Linux; elsewhere the host's own check has to do.
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith(("flags", "Features")):
                features = line.partition(":")[2].strip()
                break
    return (platform.system(), platform.machine(), features)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            # Code that is run: only what is ours and nobody else could write.
            if hasattr(os, "getuid") and (
                status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            ):
                return None
            whole = file.read()
    except OSError:
        return None
    digest, data = whole[:_HASH_BYTES], whole[_HASH_BYTES:]
    return data if data and hashlib.sha256(data).digest() == digest else None


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; a cache that cannot be written only costs time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(data).digest())
                file.write(data)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
