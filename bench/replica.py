"""What `wasmfix diagnose --replica` costs on a replica of 2 GB with 10 million rows.

    python bench/replica.py make FILE      # some 20 s, 2.3 GB
    python bench/replica.py measure FILE   # seconds and peak memory of the command, seconds of each check

The replica is made by native zero-sqlite3 in the shape that zero-cache leaves: wal2, unique indexes, ANALYZE; 8 million
comments, 2 million issues, 40,000 documents of up to 20 KB, and one value of 40 MB. It needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "cli"), str(ROOT / "tests")]

from diagnostics.replicas import STATE, replica  # noqa: E402

_ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
_TABLES = (
    """
CREATE TABLE issue (id "text|NOT_NULL", title "text", owner "text", open "bool", created "float8", body "text",
  _0_version "text|NOT_NULL");
CREATE TABLE comment (id "text|NOT_NULL", issue "text", author "text", body "text", created "float8",
  _0_version "text|NOT_NULL");
CREATE TABLE document (id "text|NOT_NULL", content "json", _0_version "text|NOT_NULL");
""",
    _ROWS.format(2_000_000),
    """INSERT INTO issue SELECT printf('i%09d', i), 'title ' || i, 'u' || (i % 1000), i % 2, i * 1000.5,
  hex(zeroblob(10 + i % 50)), '01' FROM n;
""",
    _ROWS.format(8_000_000),
    """INSERT INTO comment SELECT printf('c%09d', i), printf('i%09d', i % 2000000), 'u' || (i % 1000),
  hex(zeroblob(20 + i % 60)), i * 1000.5, '01' FROM n;
""",
    _ROWS.format(40_000),
    """INSERT INTO document SELECT 'd' || i, '{"text": "' || hex(zeroblob(i % 10000)) || '"}', '01' FROM n;
INSERT INTO document VALUES ('large', '"' || hex(zeroblob(20000000)) || '"', '01');
CREATE UNIQUE INDEX issue_pkey ON issue (id);
CREATE UNIQUE INDEX comment_pkey ON comment (id);
CREATE UNIQUE INDEX document_pkey ON document (id);
DROP TABLE "_zero.column_metadata";
ANALYZE;
""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run in (("make", make), ("measure", measure)):
        command = commands.add_parser(name)
        command.add_argument("file", type=Path)
        command.set_defaults(run=run)
    given = parser.parse_args()
    given.run(given.file.absolute())


def make(file: Path) -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        unsafe = ("journal_mode = OFF", "synchronous = OFF")
        replica(Path(folder), *_TABLES, healthy=STATE, pragmas=unsafe).replace(file)
    print(f"{file.stat().st_size / 1e9:.2f} GB in {time.monotonic() - started:.0f} s")


def measure(file: Path) -> None:
    command = [sys.executable, "-m", "wasmfix", "diagnose", "--replica", str(file), "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "cli")}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(command, cwd=elsewhere, env=environment, stdout=subprocess.PIPE, check=False)
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout)
    for check in report["checks"]:
        print(f"{check['seconds']:8.2f} s  {check['name']}")
    rows = sum(table["rows"] for table in report["tables"])
    peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(f"{rows:,} rows, {file.stat().st_size / 1e9:.2f} GB")
    print(f"{seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, {peak:.0f} MB at the peak")


if __name__ == "__main__":
    main()
