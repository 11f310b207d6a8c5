"""Hydrate a shape of data in Zero's own view-syncer, and see what heap it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests"))

import nodejs  # noqa: E402
from zero_cache.postgres import Postgres  # noqa: E402


@dataclass(frozen=True)
class Measured:
    """Live bytes of Node's heap, by phase the most: `before` the queries come, while rows are `sent`, while their
    records are `serialized`, `between` and `after` all that. Rows sent, resident memory at its peak in bytes."""

    peaks: dict[str, int]
    rows: int
    rss: int
    samples: int

    @property
    def peak(self) -> int:
        return max(self.peaks.values())


def write_replica(project: Path, file: Path, shape: str) -> Path:
    """The replica of a shape, and beside it the file with its queries, which is returned."""
    _node([], HERE / "replica.mjs", project, file, shape)
    return file.with_name(f"{file.name}.json")


def hydrate(project: Path, replica: Path, queries: Path, postgres: Postgres, *flags: str) -> Measured:
    """One client asks for all the queries.

    Args:
        flags: for Node; without any, the heap is sampled.

    Raises subprocess.CalledProcessError: Node ended with an error, such as being out of memory.
    """
    database = f"bench_{abs(hash((replica, flags))):x}"
    postgres.run("postgres", f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}".replace("; ", ";\n"))
    try:
        said = _node(flags or ("--expose-gc",), HERE / "hydrate.mjs", project, replica, queries, postgres.url(database))
    finally:
        postgres.run("postgres", f"DROP DATABASE {database} WITH (FORCE)")
    return Measured(**json.loads(said))


def shapes(group: str) -> list[str]:
    """Names of the shapes: `FITTED` or `HELD_OUT`."""
    script = (
        f"import('{(HERE / 'shapes.mjs').as_uri()}').then(m => console.log(JSON.stringify(Object.keys(m.{group}))))"
    )
    done = subprocess.run([nodejs.node(), "-e", script], capture_output=True, text=True, encoding="utf-8", check=True)
    names: list[str] = json.loads(done.stdout)
    return names


def _node(flags: tuple[str, ...] | list[str], script: Path, *arguments: object) -> str:
    command = [nodejs.node(), *flags, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout
