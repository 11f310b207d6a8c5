"""What we install into a package besides its own files: the JavaScript of the engine, and one hash over all of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from wasmfix import __version__
from wasmfix.errors import WasmfixError
from wasmfix.patching.catalogue import PROBE
from wasmfix.patching.record import Inputs
from wasmfix.paths import data_folder, named_patches

_JAVASCRIPT = (".js", ".cjs")
_SOURCES = (*_JAVASCRIPT, ".c", ".h")


def engine_scripts() -> dict[str, bytes]:
    """Every script of wasm/js, by its path in there.

    Raises:
        WasmfixError: there is no addon.cjs.
    """
    folder = data_folder("wasm") / "js"
    scripts = {file.relative_to(folder).as_posix(): file.read_bytes() for file in _files(folder, _JAVASCRIPT)}
    if "addon.cjs" not in scripts:
        raise WasmfixError("the engine's addon.cjs is missing", where=folder, remedy="reinstall wasmfix")
    return scripts


def current_inputs(toolchain: str) -> Inputs:
    """What a patch that is made now is made from."""
    digest = hashlib.sha256()
    files = [("wasm", data_folder("wasm"), file) for file in _files(data_folder("wasm"), _SOURCES)]
    for number, root in enumerate([data_folder("patches"), *named_patches()]):
        # What lies beside a patch.toml goes into packages; the probe and the fixtures do not.
        beside = [file for file in sorted(root.glob("*/*")) if file.is_file() and file.name != PROBE]
        files += [(f"patches {number}", root, file) for file in beside]
    for name, root, file in files:
        content = file.read_bytes()
        digest.update(f"{name}/{file.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return Inputs(wasmfix=__version__, sources=digest.hexdigest(), toolchain=toolchain)


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.suffix in suffixes and file.is_file():
            yield file
