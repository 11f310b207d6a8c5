"""An exported zero-sqlite3 1.1.4, and how its tarball gets into another project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from conftest import installed
from layouts.conftest import ZERO, wasmfix, write_json
from managers import Manager


@dataclass(frozen=True)
class Export:
    """A tarball as it was exported into a project's folder `vendor`, and what was said of it."""

    file: Path
    entries: dict[str, Any]
    """For each manager, what goes into which package.json."""

    def install_into(self, folder: Path, manager: str, manifest: Mapping[str, Any]) -> Path:
        """A project with the tarball in the same place, and the manager's entry merged into its package.json."""
        vendor = folder / "vendor"
        vendor.mkdir(parents=True)
        shutil.copyfile(self.file, vendor / self.file.name)
        return write_json(folder / "package.json", merged(manifest, self.entries[manager]["package.json"]))


def export(project: Path, folder: Path) -> Export:
    ran = wasmfix("patch", project, "--export", folder, "--json")
    assert ran.code == 0, ran.err
    (exported,) = ran.json["exported"]
    return Export(Path(exported["file"]), ran.json["entries"])


def _exported(folder: Path, dependencies: Mapping[str, str]) -> Export:
    # A link is enough to read from.
    (folder / "node_modules").symlink_to((installed(ZERO, "1.1.4") / "node_modules").resolve())
    write_json(folder / "package.json", {"name": "app", "private": True, "dependencies": dependencies})
    return export(folder, folder / "vendor")


@pytest.fixture(scope="session")
def exported(engine_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """From a project that depends on it through others: the entries are overrides alone."""
    return _exported(tmp_path_factory.mktemp("exporting").resolve(), {})


@pytest.fixture(scope="session")
def exported_by_who_depends_on_it(engine_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return _exported(tmp_path_factory.mktemp("depending").resolve(), {ZERO: "^1.1.4"})


def for_tarballs(manager: Manager, scratch: Path) -> Manager:
    """A manager that runs install scripts: there are none in our tarballs.

    Yarn classic gets a cache of its own: offline, it takes from there whatever has the name and the version.
    """
    options = [option for option in manager.options if option != "--ignore-scripts"]
    cache = f"--cache-folder={scratch.resolve() / 'yarn-cache'}"
    options = [cache if option.startswith("--cache-folder=") else option for option in options]
    environment = {**manager.environment, "YARN_ENABLE_SCRIPTS": "1"}
    return replace(manager, options=tuple(options), environment=environment)


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two JSON objects, object by object."""
    both = json.loads(json.dumps(one))
    for key, value in other.items():
        mine = both.get(key)
        both[key] = merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return dict(both)
