"""Where our own files are, in a wheel and in a checkout alike, and where the cache is."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "WASMFIX_CACHE_DIR"
PATCHES_VARIABLE = "WASMFIX_PATCHES"


def data_folder(name: str) -> Path:
    """The folder `patches` or `wasm`.

    A checkout (editable install) is asked first: such an install leaves copies in site-packages that grow stale,
    but `__file__` then points into the checkout, which has no `_data`.
    """
    package = Path(__file__).resolve().parent
    packed = package / "_data" / name
    if packed.is_dir():
        return packed
    return package.parent.parent / name


def cache_folder() -> Path:
    """The user's cache of ours, or what `WASMFIX_CACHE_DIR` names. Not created here."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("wasmfix", appauthor=False))


def named_patches() -> list[Path]:
    """The folders of further patches that `WASMFIX_PATCHES` names, separated as in PATH."""
    return [Path(name).absolute() for name in os.environ.get(PATCHES_VARIABLE, "").split(os.pathsep) if name]
