"""`make demo`: the incident, the cure, Zero on WebAssembly, and the way back, in a real project.

Everything happens in build/demo: Zero comes from npm, the replica is written by Zero's own code, and what runs on
the drivers is Zero's own cost model, TableSource and view-syncer pipelines. The demo brings a schema, made-up rows,
six queries, and one bad line: the stub of `scanStatusV2`.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import incident as incidents  # noqa: E402
import setting  # noqa: E402
from curve import draw  # noqa: E402
from fingerprint import Fingerprint, differences, fingerprint  # noqa: E402
from rich.live import Live  # noqa: E402
from rich.text import Text  # noqa: E402
from stage import DemoError, Stage, relative  # noqa: E402

import nodejs  # noqa: E402
from report import Report, check_equal, comparison  # noqa: E402

MEMORY_LIMIT = 512 * 1024 * 1024


def main() -> int:
    stage = Stage()
    try:
        with setting.opened(ROOT / "build" / "demo") as place:
            play(stage, place)
    except DemoError as error:
        stage.failed(error)
        return 1
    except FileNotFoundError as error:
        stage.failed(DemoError(str(error)))
        return 2
    except KeyboardInterrupt:
        stage.console.print("\n   interrupted; the next run puts everything back first")
        return 130
    return 0


def play(stage: Stage, place: setting.Setting) -> None:
    started = time.monotonic()
    stage.title("wasmfix", f"Zero {setting.ZERO_VERSION} runs out of memory, is repaired, and runs on WebAssembly.")
    prepare(stage, place)
    with ThreadPoolExecutor(max_workers=1) as pool:
        native = measure_native(stage, place)
        # Hashing 34,000 files takes seconds: it runs while the incident is on the screen.
        before = pool.submit(fingerprint, place.modules)
        show_incident(stage, place, native)
        untouched = wait_for(stage, before)
    cure(stage, place)
    show_webassembly(stage, place, native)
    go_back(stage, place, untouched)
    stage.console.print()
    stage.say(
        f"[bold]That was all of it, in {time.monotonic() - started:.0f} s.[/] "
        "In your own project: [bold]wasmfix patch[/]"
    )
    stage.console.print()


def prepare(stage: Stage, place: setting.Setting) -> None:
    stage.step("A real project")
    cached = place.is_installed()
    with stage.working(f"npm install @rocicorp/zero@{setting.ZERO_VERSION}"):
        seconds = place.install()
    stage.proof(
        f"@rocicorp/zero {setting.ZERO_VERSION} from npm{', kept from an earlier run' if cached else ''}", seconds
    )
    if place.is_patched():
        with stage.working("wasmfix restore"):
            place.restore_leftovers()
        stage.proof("an earlier run ended half way: what it had patched is restored")
    with stage.working("writing a replica"):
        seconds, written = place.write_replica()
    stage.proof(
        f"a replica written by Zero's own code: [bold]{written['tables']} tables, {written['rows']:,} rows[/], "
        f"wal2, {written['bytes'] / 1e6:.1f} MB",
        seconds,
    )


def measure_native(stage: Stage, place: setting.Setting) -> Report:
    with stage.working("hydrating on the native driver"):
        native = place.hydrate()
    stage.proof(
        f"on the native driver Zero hydrates {len(native.queries)} queries: {native.hydrated_rows:,} rows "
        f"in {native.hydration_ms:.0f} ms, {native.peak >> 20} MB at most"
    )
    return native


def show_incident(stage: Stage, place: setting.Setting, native: Report) -> None:
    stage.step("The incident")
    stage.say(
        "The same project, the same replica, the same queries, and one line that a shim in the wild adds: "
        "[bold]scanStatusV2 = () => \\[][/]. Zero asks for the next loop of the query plan until it hears "
        "[bold]undefined[/]."
    )
    stage.console.print()
    live = Live(console=stage.console, transient=True, auto_refresh=False) if stage.live else None

    def picture(seen: incidents.Incident) -> Text:
        width = stage.width - 1
        text = draw(seen.samples, limit=MEMORY_LIMIT, healthy=native.peak, width=width)
        return text.append(f"\n\n   {seen.last.rss >> 20} MB, asked {seen.last.calls:,} times", "bold")

    def watch(seen: incidents.Incident) -> None:
        if live is not None:
            live.update(picture(seen), refresh=True)

    copy = place.replica_copy()
    if live is None:
        seen = incidents.run(nodejs.node(), place.project, copy, place.environment, MEMORY_LIMIT, watch)
    else:
        with live:
            seen = incidents.run(nodejs.node(), place.project, copy, place.environment, MEMORY_LIMIT, watch)
    stage.console.print(draw(seen.samples, limit=MEMORY_LIMIT, healthy=native.peak, width=stage.width - 1))
    stage.console.print()
    if not seen.stack or seen.stack[0]["name"] != "getScanstatusLoops":
        raise DemoError("the memory grew elsewhere than in Zero's getScanstatusLoops")
    eight_gb = seen.reaches(8 << 30)
    stage.proof(
        f"stopped at [bold]{seen.last.rss >> 20} MB after {seen.last.seconds:.1f} s[/]: asked {seen.last.calls:,} "
        f"times, {seen.rows} rows hydrated, nothing logged; at this pace it holds 8 GB after {eight_gb:.0f} s"
    )
    frame = seen.stack[0]
    stage.proof(f"the loop is Zero's own: [bold]{frame['name']}[/], {frame['file']}:{frame['line']}")
    chain = " ← ".join(str(entry["name"]) for entry in seen.stack)
    stage.say(chain, "dim")


def wait_for(stage: Stage, job: Future[Fingerprint]) -> Fingerprint:
    with stage.working("hashing every file of node_modules"):
        return job.result()


def cure(stage: Stage, place: setting.Setting) -> None:
    stage.step("The cure")
    if not place.is_engine_cached():
        stage.say("The engine is compiled once from the package's own SQLite source; a minute or two:", "dim")
    project = relative(place.project)
    seconds = stage.show_command(place.wasmfix("patch"), place.environment, f"wasmfix patch {project}")
    if not place.is_patched():
        raise DemoError("`wasmfix patch` ended well, but the package has no record of it (.wasmfix/record.json)")
    stage.proof("the package loads our addon; the originals are kept beside it", seconds)
    for command in ("verify", "status"):
        stage.console.print()
        stage.show_command(place.wasmfix(command), place.environment, f"wasmfix {command} {project}")


def show_webassembly(stage: Stage, place: setting.Setting, native: Report) -> None:
    stage.step("Zero on WebAssembly")
    with stage.working("hydrating on WebAssembly"):
        place.check_no_native_code()
        wasm = place.hydrate()
    stage.console.print()
    for line in comparison(native, wasm):
        stage.console.print(line)
    stage.console.print()
    check_equal(native, wasm)
    stage.proof(
        f"every estimate, every row and their order are the same on both; no native code was loaded; "
        f"SQLite {wasm.sqlite}"
    )
    stage.say("Times of fresh processes, WebAssembly's warm-up in V8 included; `make bench` has steady speeds.", "dim")


def go_back(stage: Stage, place: setting.Setting, untouched: Fingerprint) -> None:
    stage.step("And back")
    project = relative(place.project)
    seconds = stage.show_command(place.wasmfix("restore"), place.environment, f"wasmfix restore {project}")
    started = time.monotonic()
    with stage.working("hashing every file of node_modules"):
        now = fingerprint(place.modules)
    changed = differences(untouched, now)
    if changed:
        raise DemoError(f"{len(changed)} files are not as they were before the patch, the first is {changed[0]}")
    stage.proof(
        f"{len(now):,} files and folders under node_modules are [bold]as before, every byte and mode[/]",
        seconds + time.monotonic() - started,
    )


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
