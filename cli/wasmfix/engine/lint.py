"""``python -m wasmfix.engine.lint``: our C, with warnings as errors, as each kind of package compiles it.

A tool for the checkout. The header it compiles against comes from npm, like everything of SQLite's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wasmfix import paths
from wasmfix.engine import flags, rules
from wasmfix.engine.build import CompilerError, Runner, define_flags, own_defines, own_sources
from wasmfix.engine.source import EngineSource, read_source
from wasmfix.engine.zig import Zig
from wasmfix.errors import FINDINGS, STOPPED, WasmfixError

_PACKAGE = "@rocicorp/zero-sqlite3"
_VERSION = "1.1.4"
# What the packages differ in; our C has an #ifdef for each.
_OPTIONAL = ("SQLITE_ENABLE_STMT_SCANSTATUS", rules.name_of(rules.UNICODE_CASE))


def main() -> int:
    try:
        source = read_source(_package())
        sources = own_sources()
        failures = lint(source, sources)
    except WasmfixError as error:
        sys.stderr.write(f"wasmfix: {error}\n")
        return STOPPED
    for failure in failures:
        sys.stderr.write(f"{failure.detail}\n")
    sys.stderr.write(f"lint of wasm/c: {len(failures)} of {2 * len(sources)} compilations with warnings\n")
    return FINDINGS if failures else 0


def lint(source: EngineSource, sources: Sequence[Path]) -> list[CompilerError]:
    """Compile each of ``sources`` with every optional feature and with none; returns what had warnings."""
    everything = own_defines(source)
    least = [define for define in everything if rules.name_of(define) not in _OPTIONAL]
    zig = Zig.find()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        runner = Runner({**os.environ, **zig.environment(paths.cache_folder(), work)}, work)

        def compile_one(job: tuple[str, list[str], Path]) -> CompilerError | None:
            label, defines, path = job
            compile_flags = (*flags.COMPILE, *flags.C_OWN, *flags.LINT, *define_flags(defines))
            include = f"-I{source.header.parent}"
            command = zig.compile_command(path, work / f"{path.stem}-{label}.o", (*compile_flags, include))
            try:
                runner.run(command, f"compiling {path.name}", path)
            except CompilerError as error:
                return error
            return None

        jobs = [
            (label, list(defines), path)
            for label, defines in (("all", everything), ("least", least))
            for path in sources
        ]
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            return [error for error in pool.map(compile_one, jobs) if error is not None]


def _package() -> Path:
    """The package that the tests install, installed by the tests' own function when it is not there yet."""
    root = paths.data_folder("wasm").parent
    project = root / "build" / "npm" / f"{_PACKAGE.replace('/', '+')}@{_VERSION}"
    if not project.is_dir():
        tests = root / "tests"
        if not tests.is_dir():
            raise WasmfixError("the C lint works in a checkout only", where=root, remedy="run it from one: make lint")
        code = f"import conftest; conftest.installed({_PACKAGE!r}, {_VERSION!r})"
        done = subprocess.run([sys.executable, "-c", code], cwd=tests, check=False)
        if done.returncode != 0:
            raise WasmfixError("npm could not install it", where=f"{_PACKAGE}@{_VERSION}", remedy="see npm's output")
    return project / "node_modules" / _PACKAGE


if __name__ == "__main__":
    sys.exit(main())
