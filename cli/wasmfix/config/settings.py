"""The settings of a project, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Thresholds:
    """What must not be exceeded; None: any number will do. Sizes in bytes."""

    rows: int | None = None
    table_size: int | None = None
    row_size: int | None = None
    hydration: int | None = None

    def __bool__(self) -> bool:
        return self != Thresholds()


@dataclass(frozen=True)
class Settings:
    """What the file says; None, or empty, where it says nothing. Paths are absolute."""

    file: Path | None = None
    """None: there is none."""
    line: int = 1
    """Where our table begins."""
    ignored: tuple[Path, int] | None = None
    """The file, and the line of `[tool.wasmfix]`, that is not read because there is a wasmfix.toml."""
    targets: tuple[str, ...] = ()
    follow_links: bool = False
    engine: str = ""
    toolchain: str = "zig"
    apply: bool = False
    verify: str = "full"
    node: str | None = None
    fail_on: str = "error"
    replica: Path | None = None
    publications: tuple[str, ...] = ()
    heap_limit: int | None = None
    queries: Path | None = None
    runtime: str = "wasmtime"
    fetch: bool = False
    report_dir: Path | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    severity: Mapping[str, str] = field(default_factory=dict)
    """By id: error, warning, note, off."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Of each threshold that is set, by its name in the file."""
