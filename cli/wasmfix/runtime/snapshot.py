"""A consistent view of a database file."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.runtime.files import Content, PinnedFile, open_quietly


@dataclass
class Snapshot:
    path: Path
    how: str
    views: dict[str, Content]
    private: bool = False
    """The views are copies that the engine may write to."""
    closing: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        self.closing.close()


def take_snapshot(path: Path) -> Snapshot:
    snapshot = Snapshot(path, "in place", {})
    for suffix in ("", "-wal", "-wal2"):
        beside = Path(f"{path}{suffix}")
        if suffix and not beside.exists():
            continue
        fd = open_quietly(beside)
        content = PinnedFile(fd, os.fstat(fd).st_size)
        snapshot.closing.callback(content.close)
        snapshot.views[suffix] = content
    return snapshot
