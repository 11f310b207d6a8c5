"""Yarn Plug'n'Play: where each package is, as .pnp.cjs (or .pnp.data.json) says.

The state is a JSON object (yarnpkg.com, "PnP Specification"), in .pnp.cjs as a string literal of JavaScript.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_FILES = (".pnp.data.json", ".pnp.cjs", ".pnp.js")
_LITERAL = re.compile(r"RAW_RUNTIME_STATE\s*=\s*'(\{.*?[^\\]\})'", re.DOTALL)
# A backslash before the end of a line is no part of the text, any other gives the sign after it.
_ESCAPE = re.compile(r"\\(\n|.)")


@dataclass(frozen=True)
class PnpPackage:
    """One installed package. `location` is as Yarn wrote it, from the project's root."""

    name: str
    location: str

    @property
    def zipped(self) -> bool:
        return ".zip/" in self.location


def pnp_packages(root: Path, names: Collection[str]) -> Iterator[PnpPackage]:
    """The packages of these names that Yarn's Plug'n'Play resolves in a project; nothing if it has none."""
    for name, versions in _registry(root):
        if name not in names:
            continue
        locations = {info["packageLocation"] for _reference, info in versions}
        yield from (PnpPackage(name, location) for location in sorted(locations))


def _registry(root: Path) -> list[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Name, and for each reference what is known of it. Packages without a name are the project itself."""
    for file in (root / name for name in _FILES):
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix != ".json":
            literal = _LITERAL.search(text)
            if literal is None:
                continue
            text = _ESCAPE.sub(lambda found: "" if found[1] == "\n" else found[1], literal[1])
        try:
            state = json.loads(text)
            return [(str(name), versions) for name, versions in state["packageRegistryData"] if name]
        except (ValueError, KeyError, TypeError):
            continue
    return []
