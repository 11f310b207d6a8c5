"""Build a package's engine.wasm, or take it from the cache."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from wasmfix import paths
from wasmfix.engine import cache as caching
from wasmfix.engine import flags, rules, unicode_case
from wasmfix.engine.cache import EngineCache, content_key
from wasmfix.engine.module import check_engine
from wasmfix.engine.source import EngineSource, read_source
from wasmfix.engine.toolchain import Toolchain, get_toolchain
from wasmfix.errors import WasmfixError

SCHEMA_VERSION = 1
_WORDS = 40
"""Lines of a compiler's output that a failed build shows."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class BuiltEngine:
    wasm: Path
    """In the cache: copy it, never change it."""
    key: str
    info: dict[str, object]
    """The content of engine.json."""
    cached: bool
    dropped: tuple[rules.Dropped, ...]
    """The package's defines that the engine leaves out, each with the reason."""


class CompilerError(WasmfixError):
    """A compiler or linker refused; ``detail`` has its own words, several lines."""

    def __init__(self, what: str, *, where: Path | str, remedy: str, detail: str) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.detail = detail


@dataclass(frozen=True)
class _Unit:
    """One file to compile."""

    source: Path
    flags: tuple[str, ...]
    title: str
    inputs: tuple[tuple[Path, str], ...]
    """Every file that the compiler reads, with its SHA-256: the object is a function of these and the key's rest."""
    key: str
    generated: tuple[tuple[str, bytes], ...] = ()
    """Headers that the compiler shall find, by name; the key holds them, too."""


def build_engine(package_dir: Path, *, toolchain: str = "zig", progress: Progress | None = None) -> BuiltEngine:
    """The engine for the package in ``package_dir``, built if the cache has none.

    Args:
        package_dir: the folder of an installed zero-sqlite3 or better-sqlite3.
        toolchain: ``zig`` or ``emcc``.
        progress: told in a few words what is being done, before anything that takes long.

    Raises WasmfixError when the package lacks its sources or the build fails (then a CompilerError).
    """
    source = read_source(package_dir)
    tools = get_toolchain(toolchain)
    units = _units(source, tools)
    key = _key(source, tools, units)
    cache = EngineCache(paths.cache_folder())
    if found := cache.find(key):
        return BuiltEngine(found[0], key, found[1], True, source.dropped)
    tell = progress or (lambda _line: None)
    with cache.locked(key):
        # Another run may have built it while we waited for the lock.
        if found := cache.find(key):
            return BuiltEngine(found[0], key, found[1], True, source.dropped)
        with cache.workspace(key) as work:
            wasm, info = _build(source, tools, units, key, cache, work, tell)
    return BuiltEngine(wasm, key, info, False, source.dropped)


def engine_key(package_dir: Path, *, toolchain: str = "zig") -> str:
    """The key of that engine in the cache, built or not: a hash over all that it depends on.

    Raises WasmfixError when the package lacks its sources.
    """
    source = read_source(package_dir)
    tools = get_toolchain(toolchain)
    return _key(source, tools, _units(source, tools))


def own_sources() -> tuple[Path, ...]:
    """Our C, in the order in which it is linked."""
    folder = paths.data_folder("wasm") / "c"
    sources = tuple(sorted(folder.glob("*.c")))
    if not sources:
        raise WasmfixError("the engine's C sources are missing", where=folder, remedy="reinstall wasmfix")
    return sources


def declared_imports() -> frozenset[str]:
    """What our C wants of its host, and so what every host offers: the names in wasm/c/imports.h."""
    header = own_sources()[0].with_name("imports.h")
    return frozenset(re.findall(r"^WF_IMPORT\((\w+)\)", header.read_text(encoding="utf-8"), re.MULTILINE))


def own_defines(source: EngineSource) -> tuple[str, ...]:
    """The defines that our C sees: SQLite's, because they decide what sqlite3.h declares."""
    return (*source.defines, rules.UNICODE_CASE) if source.unicode_case else source.defines


def own_flags(source: EngineSource) -> tuple[str, ...]:
    return (*flags.COMPILE, *flags.C_OWN, *define_flags(own_defines(source)), f"-I{source.header.parent}")


def _key(source: EngineSource, tools: Toolchain, units: Sequence[_Unit]) -> str:
    # The package's name and version are in engine.json, so two packages of the same SQLite have an entry each.
    made_by = (tools.name, tools.version, tools.link_key)
    return content_key(flags.ENGINE_ABI, source.package, source.version, [unit.key for unit in units], *made_by)


def _units(source: EngineSource, tools: Toolchain) -> list[_Unit]:
    """What to compile. Each unit's key holds all that its object depends on, and no path.

    The amalgamation's key leaves our own C out, so that a change there compiles in a second, not in a minute.
    """

    def unit(
        title: str,
        path: Path,
        unit_flags: Sequence[str],
        *inputs: tuple[Path, str],
        generated: tuple[tuple[str, bytes], ...] = (),
    ) -> _Unit:
        keyed = [flag for flag in unit_flags if not flag.startswith("-I")]
        contents = [(file.name, sha256) for file, sha256 in inputs]
        contents += [(name, caching.sha256(content)) for name, content in generated]
        key = content_key(flags.ENGINE_ABI, tools.name, tools.version, tools.compile_key, keyed, contents)
        return _Unit(path, tuple(unit_flags), title, inputs, key, generated)

    def hashed(paths: Iterable[Path]) -> list[tuple[Path, str]]:
        return [(path, caching.file_sha256(path)) for path in paths]

    amalgamation_flags = (*flags.COMPILE, *flags.C_AMALGAMATION, *define_flags(source.defines))
    if source.hides_wal:
        amalgamation_flags += flags.C_KEEP_WAL
    amalgamation = (source.amalgamation, source.amalgamation_sha256)
    keep_wal = flags.KEEP_WAL if source.hides_wal else ()
    title = f"SQLite {source.sqlite_version}"
    units = [unit(title, source.amalgamation, amalgamation_flags, amalgamation, generated=keep_wal)]
    own = own_sources()
    headers = [*hashed(sorted(own[0].parent.glob("*.h"))), (source.header, source.header_sha256)]
    for path, sha256 in hashed(own):
        units.append(unit(path.name, path, own_flags(source), (path, sha256), *headers))
    if source.unicode_case is not None:
        cxx_flags = (*flags.COMPILE, *flags.CXX, *define_flags(source.defines), f"-I{source.header.parent}")
        inputs = [*hashed(source.unicode_files), (source.header, source.header_sha256)]
        made = unicode_case.tables().encode() if unicode_case.lacks_its_tables(source.unicode_case) else None
        generated = ((unicode_case.HEADER, made),) if made else ()
        units.append(unit("Unicode case tables", source.unicode_case, cxx_flags, *inputs, generated=generated))
    return units


def define_flags(defines: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"-D{define}" for define in defines)


def _build(
    source: EngineSource,
    tools: Toolchain,
    units: Sequence[_Unit],
    key: str,
    cache: EngineCache,
    work: Path,
    tell: Progress,
) -> tuple[Path, dict[str, object]]:
    built = work / "entry"
    built.mkdir()
    wasm = built / caching.WASM
    runner = Runner({**os.environ, **tools.environment(cache.root, work)}, work)
    objects = _compile(units, tools, cache, runner, work, tell)
    tell("linking")
    runner.run(tools.link_command(objects, wasm), "linking the engine", source.package_dir)
    check_engine(wasm, wasm.read_bytes(), declared_imports())
    # The linker takes it for a program of this machine, and makes it executable.
    wasm.chmod(0o644)
    info: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "package": source.package,
        "version": source.version,
        "sqlite_version": source.sqlite_version,
        "key": key,
        "toolchain": f"{tools.name} {tools.version}",
        "defines": list(own_defines(source)),
        "dropped": [{"define": item.define, "reason": item.reason} for item in source.dropped],
        "size": wasm.stat().st_size,
        "sha256": caching.file_sha256(wasm),
    }
    (built / caching.INFO).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
    return cache.publish(key, built), info


def _compile(
    units: Sequence[_Unit], tools: Toolchain, cache: EngineCache, runner: Runner, work: Path, tell: Progress
) -> list[Path]:
    found = {unit.key: cache.find_object(unit.key) for unit in units}
    missing = [unit for unit in units if found[unit.key] is None]
    if missing:
        tell("compiling " + ", ".join(unit.title for unit in missing))

    def compile_one(unit: _Unit) -> None:
        output = work / f"{unit.key}.o"
        headers = work / f"{unit.key}.include"
        compile_flags = unit.flags
        if unit.generated:
            headers.mkdir()
            for name, content in unit.generated:
                (headers / name).write_bytes(content)
            compile_flags += (f"-I{headers}",)
        runner.run(tools.compile_command(unit.source, output, compile_flags), f"compiling {unit.title}", unit.source)
        for path, sha256 in unit.inputs:
            # Otherwise the cache would have the object of one source under the key of another.
            if caching.file_sha256(path) != sha256:
                raise WasmfixError("changed while it was being compiled", where=path, remedy="run it again")
        found[unit.key] = cache.publish_object(unit.key, output)

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        try:
            for done in as_completed([pool.submit(compile_one, unit) for unit in missing]):
                done.result()
        except BaseException:
            # The amalgamation must not go on for a minute after our own C failed, or after Ctrl-C.
            runner.stop()
            pool.shutdown(cancel_futures=True)
            raise
    return [path for path in found.values() if path is not None]


class _StoppedError(Exception):
    """Another command failed first; its error is the one to show."""


class Runner:
    """Runs compilers, several at once, and can stop them all."""

    def __init__(self, environment: dict[str, str], cwd: Path) -> None:
        self._environment = environment
        self._cwd = cwd
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, command: list[str], doing: str, where: Path) -> None:
        """Run a command; raises CompilerError with its words when it fails."""
        with self._lock:
            if self._stopped:
                raise _StoppedError
            process = subprocess.Popen(
                command,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            self._running.add(process)
        output, _ = process.communicate()
        with self._lock:
            self._running.discard(process)
        if process.returncode == 0:
            return
        lines = output.decode(errors="replace").splitlines()
        more = [f"… and {len(lines) - _WORDS} more lines"] if len(lines) > _WORDS else []
        raise CompilerError(
            f"{doing} failed (exit code {process.returncode})",
            where=where,
            remedy="the compiler's words above say why",
            detail="\n".join([*lines[:_WORDS], *more]),
        )

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()


def export_engine(engine: BuiltEngine, folder: Path) -> tuple[Path, Path]:
    """Copy engine.wasm and engine.json into ``folder``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    names = (caching.WASM, caching.INFO)
    for name in names:
        beside = folder / f".{name}.{os.getpid()}"
        shutil.copyfile(engine.wasm.with_name(name), beside)
        beside.replace(folder / name)
    return folder / names[0], folder / names[1]
