"""What reading from Python costs: the writer beside it, and the reader itself.

    python bench/runtime.py writer NATIVE PATCHED [--pages N] [--pause MS] [--seconds S] [--rounds N]
    python bench/runtime.py scan FILE [--runtime NAME]

`writer`: the two folders are zero-sqlite3 as installed and as patched. A process moves money in one transaction after
the other (tests/runtime/writer.cjs). Windows take turns: *alone*; *beside* a reader that opens, scans and closes a copy
of the database in another folder all the time, which only costs cores and disk; and with the same reader *here*. The
table has commits per second, and of each tenth of a second the slowest commit (ms), medians; `change`: here against
beside.
`scan`: seconds and peak memory of counting and sizing every table of FILE.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "cli"), str(ROOT / "tests")]

import nodejs  # noqa: E402
from wasmfix import runtime  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    writer = commands.add_parser("writer")
    writer.add_argument("native", type=Path)
    writer.add_argument("patched", type=Path)
    writer.add_argument("--pages", type=int, default=5000)
    writer.add_argument("--pause", type=int, default=0)
    writer.add_argument("--seconds", type=float, default=3)
    writer.add_argument("--rounds", type=int, default=4)
    writer.set_defaults(run=bench_writer)
    scan = commands.add_parser("scan")
    scan.add_argument("file", type=Path)
    scan.add_argument("--runtime", default="wasmtime")
    scan.set_defaults(run=bench_scan)
    given = parser.parse_args()
    given.run(given)


def bench_writer(given: argparse.Namespace) -> None:
    print("driver   mode   alone  beside    here  change  slowest: alone  beside    here  reads  open ms")
    for driver in ("native", "patched"):
        for mode in ("wal2", "wal"):
            with tempfile.TemporaryDirectory() as folder:
                print(f"{driver:8} {mode:5}", _measure(getattr(given, driver), Path(folder) / "bank.db", mode, given))


def _measure(package: Path, file: Path, mode: str, given: argparse.Namespace) -> str:
    script = ROOT / "tests" / "runtime" / "writer.cjs"
    command = [nodejs.node(), str(script), str(package.resolve()), str(file), mode, str(given.pages), str(given.pause)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    reports: list[dict[str, Any]] = []
    listener = threading.Thread(target=lambda: reports.extend(map(json.loads, process.stdout or ())))
    listener.start()
    windows: dict[str, list[tuple[float, float]]] = {"alone": [], "beside": [], "here": []}
    opens: list[float] = []
    time.sleep(1)
    elsewhere = file.parent / "elsewhere.db"
    subprocess.run([sys.executable, "-c", _COPY, str(file), str(elsewhere), str(ROOT / "cli")], check=True)
    for _ in range(given.rounds):
        for kind, spans in windows.items():
            start = time.time()
            while time.time() < start + given.seconds:
                if kind == "alone":
                    time.sleep(0.1)
                elif kind == "beside":
                    _read(elsewhere, copy=True)
                else:
                    opens.append(_read(file))
            spans.append((start, time.time()))
    process.stdin.close()
    listener.join()
    process.wait()
    rates, slowest = {}, {}
    for kind, spans in windows.items():
        inside = [[r for r in reports if start <= r["at"] / 1000 <= end] for start, end in spans]
        rates[kind] = statistics.median(
            (span[-1]["commits"] - span[0]["commits"]) / (span[-1]["at"] - span[0]["at"]) * 1000 for span in inside
        )
        slowest[kind] = statistics.median(r["slowest"] for span in inside for r in span)
    change = rates["here"] / rates["beside"] - 1
    return (
        " ".join(f"{rate:7.0f}" for rate in rates.values())
        + f" {change:7.1%}        "
        + " ".join(f"{each:7.1f}" for each in slowest.values())
        + f" {len(opens):6} {statistics.median(opens) * 1000:8.0f}"
    )


_COPY = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from wasmfix.runtime.snapshot import take_snapshot
for suffix, content in take_snapshot(Path(sys.argv[1]), copy=True).views.items():
    data = bytearray(content.size())
    content.read_into(memoryview(data), 0)
    Path(sys.argv[2] + suffix).write_bytes(data)
"""


def _read(file: Path, *, copy: bool = False) -> float:
    """Opens, counts, closes; seconds until it was open."""
    start = time.monotonic()
    with runtime.open(file, copy=copy) as db:
        opened = time.monotonic() - start
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").all():
            db.execute(f'SELECT count(*) FROM "{name}"').all()
    return opened


def bench_scan(given: argparse.Namespace) -> None:
    started = time.monotonic()
    with runtime.open(given.file, runtime=given.runtime) as db:
        print(f"open ({db.snapshot.how}): {time.monotonic() - started:.2f} s")
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").all():
            columns = [row[1] for row in db.execute(f'PRAGMA table_info("{name}")')]
            size = " + ".join(f'coalesce(octet_length("{column}"), 0)' for column in columns)
            began = time.monotonic()
            ((count, total, most),) = db.execute(f'SELECT count(*), sum({size}), max({size}) FROM "{name}"').all()
            print(
                f"{name}: {count:,} rows, {total or 0:,} bytes, at most {most or 0:,}: {time.monotonic() - began:.2f} s"
            )
        began = time.monotonic()
        pages = db.execute("SELECT count(*) FROM dbstat").one()
        print(f"dbstat: {pages} pages, {time.monotonic() - began:.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / 2**20 if sys.platform == "darwin" else peak / 1024
    print(f"{time.monotonic() - started:.1f} s in all, {megabytes:.0f} MB at the peak")


if __name__ == "__main__":
    main()
