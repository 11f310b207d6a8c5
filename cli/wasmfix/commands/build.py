"""`wasmfix build`: the engine alone, without touching the project."""

from __future__ import annotations

import time
from pathlib import Path

import click

from wasmfix import __version__
from wasmfix.commands._engine import build_shown
from wasmfix.commands._packages import chosen_packages
from wasmfix.engine import BuiltEngine, export_engine
from wasmfix.engine.build import engine_key
from wasmfix.engine.cache import content_key
from wasmfix.engine.toolchain import NAMES
from wasmfix.errors import WasmfixError, os_reason
from wasmfix.jsonout import emit_json
from wasmfix.project.package import AMALGAMATION, InstalledPackage


@click.command(short_help="Build the WebAssembly engine for a project's SQLite.")
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Copy engine.wasm and engine.json there.")
@click.option(
    "--toolchain", type=click.Choice(NAMES), default="zig", show_default=True, help="What compiles and links it."
)
@click.option("--key", "only_key", is_flag=True, help="Build nothing: print a key for CI to keep the engines under.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(project: Path, out: Path | None, toolchain: str, only_key: bool, as_json: bool) -> None:
    """Build the WebAssembly engine for each SQLite package that PROJECT has installed, or that PROJECT is.

    The SQLite source and its compile-time options are the package's own. The result is kept in wasmfix's cache;
    with several different packages, --out gets a folder for each.

    The key of --key changes with whatever the engines depend on: SQLite's source and options, the compiler, wasmfix.
    """
    if only_key and (out is not None or as_json):
        raise WasmfixError("--key builds nothing, so it goes with neither --out nor --json")
    chosen = chosen_packages(project)
    # bedrock-sqlite has no source; where it is the only one, the error says so.
    own = [each for each in chosen if (each.folder / AMALGAMATION).exists()] or chosen
    packages = list({(each.name, each.version): each for each in own}.values())
    if only_key:
        keys = sorted(engine_key(package.folder, toolchain=toolchain) for package in packages)
        click.echo(content_key(__version__, keys))
        return
    results: list[dict[str, object]] = []
    for package in packages:
        started = time.monotonic()
        engine = build_shown(package.folder, toolchain=toolchain, title=package.label)
        seconds = round(time.monotonic() - started, 1)
        wasm = _export(engine, out, package, several=len(packages) > 1)
        results.append({"wasm": str(wasm), "cached": engine.cached, "seconds": seconds, "engine": engine.info})
        if not as_json:
            how = "from the cache" if engine.cached else f"built with {engine.info['toolchain']} in {seconds} s"
            click.echo(f"{package.label}: SQLite {engine.info['sqlite_version']}, {engine.info['size']:,} bytes, {how}")
            for dropped in engine.dropped:
                click.echo(f"  without {dropped.define}: {dropped.reason}")
            click.echo(f"  {wasm}")
    if as_json:
        emit_json({"engines": results})


def _export(engine: BuiltEngine, out: Path | None, package: InstalledPackage, *, several: bool) -> Path:
    if out is None:
        return engine.wasm
    folder = out / f"{package.name.replace('/', '+')}@{package.version}" if several else out
    try:
        return export_engine(engine, folder)[0]
    except OSError as error:
        what = f"cannot be written ({os_reason(error)})"
        raise WasmfixError(what, where=folder, remedy="name another folder with --out") from error
