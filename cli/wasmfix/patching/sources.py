"""What we install into a package besides its own files: the JavaScript of the engine, and one hash over all of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from wasmfix import __version__
from wasmfix.errors import WasmfixError
from wasmfix.patching.record import Inputs
from wasmfix.paths import data_folder

_JAVASCRIPT = (".js", ".cjs")
_CONTENTS = (*_JAVASCRIPT, ".c", ".h", ".toml")


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
    for root in (data_folder("patches"), data_folder("wasm")):
        for file in _files(root, _CONTENTS):
            content = file.read_bytes()
            digest.update(f"{root.name}/{file.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return Inputs(wasmfix=__version__, sources=digest.hexdigest(), toolchain=toolchain)


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.suffix in suffixes and file.is_file():
            yield file
