"""`node_modules/orez` as its releases look where they touch zero-sqlite3, and what they do there.

The package itself is not in every registry, so tests write it: programs of our own, by the facts of its public source.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nodejs

SOURCES = Path(__file__).parent / "release"
PLAIN = {"dist/index.js": "first.mjs"}
MODES = {
    "dist/sqlite-mode/types.js": "types.mjs",
    "dist/sqlite-mode/shim-template.js": "shim-template.mjs",
    "dist/sqlite-mode/apply-mode.js": "apply-mode.mjs",
}
HOOKS = {"dist/index.js": "hooks.mjs"}
FILES = {1: PLAIN, 2: MODES, 3: HOOKS}
"""By generation of the shim: a path in the package, and what it is made from."""
VERSIONS = {1: "0.0.40", 2: "0.16.4", 3: "0.0.48"}


@dataclass(frozen=True)
class Orez:
    """An installed release. `generation` is that of its shim."""

    folder: Path
    generation: int

    @property
    def generator(self) -> Path:
        return self.folder / ("dist/sqlite-mode/shim-template.js" if self.generation == 2 else "dist/index.js")

    def start(self, package: Path, bedrock: Path, mode: str = "wasm", scratch: Path | None = None) -> str:
        """What orez does with a zero-sqlite3 when it starts: left alone, shimmed, restored, failed: …"""
        entry = bedrock / "dist" / "sqlite3.js"
        return self._run("start", str(package / "lib" / "index.js"), str(entry), mode, str(scratch or ""))

    def stop(self, package: Path) -> str:
        return self._run("stop", str(package / "lib" / "index.js"))

    def _run(self, *arguments: str) -> str:
        command = [nodejs.node(), str(self.folder / "dist" / "cli-entry.js"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def write_orez(modules: Path, generation: int = 2) -> Orez:
    """Install orez into a folder node_modules."""
    folder = modules / "orez"
    manifest = {"name": "orez", "version": VERSIONS[generation], "type": "module", "main": "dist/index.js"}
    for path, source in FILES[generation].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCES / source, folder / path)
    (folder / "package.json").write_text(json.dumps(manifest))
    release = "./sqlite-mode/apply-mode.js" if generation == 2 else "./index.js"
    program = (SOURCES / "cli.mjs").read_text(encoding="utf-8").replace("./release.js", release)
    (folder / "dist" / "cli-entry.js").write_text(program, encoding="utf-8")
    if generation == 2:
        (folder / "dist" / "index.js").write_text("export * from './sqlite-mode/apply-mode.js';\n")
    return Orez(folder, generation)
