"""Emscripten, when it is asked for and on PATH.

The C is the same; the module must come out with imports of ours only, which :mod:`wasmfix.engine.module` checks
after linking, so an Emscripten whose libc still calls WASI is refused with the import's name.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmfix.engine import flags
from wasmfix.errors import WasmfixError

_REMEDY = "activate the Emscripten SDK, or use --toolchain zig"


@dataclass(frozen=True)
class Emcc:
    version: str
    program: str
    name: str = "emcc"

    @classmethod
    def find(cls) -> Emcc:
        program = shutil.which("emcc")
        if program is None:
            raise WasmfixError("not on PATH", where="emcc", remedy=_REMEDY)
        try:
            done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise WasmfixError(f"does not run ({error})", where=program, remedy=_REMEDY) from error
        match = re.search(r"\d+\.\d+\.\d+\S*", done.stdout)
        if match is None:
            raise WasmfixError("does not tell its version", where=program, remedy=_REMEDY)
        return cls(match.group(), program)

    @property
    def compile_key(self) -> tuple[str, ...]:
        return flags.EMCC_COMPILE

    @property
    def link_key(self) -> tuple[str, ...]:
        return flags.EMCC_LINK

    def environment(self, cache: Path, work: Path) -> dict[str, str]:
        # Emscripten's own cache stays where its SDK keeps it: it holds the SDK's prebuilt libraries.
        return {}

    def compile_command(self, source: Path, output: Path, flags_: Sequence[str]) -> list[str]:
        return [self.program, *flags.EMCC_COMPILE, *flags_, "-c", str(source), "-o", str(output)]

    def link_command(self, objects: Sequence[Path], output: Path) -> list[str]:
        return [self.program, *flags.EMCC_LINK, *map(str, objects), "-o", str(output)]
