"""Patching and restoring one package: look, build, lock, look again, plan, do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, State, assess
from wasmfix.patching.catalogue import Patch
from wasmfix.patching.plan import WASM, EngineFiles, Plan, patch_plan, refusal, restore_plan
from wasmfix.patching.record import FOLDER, read_record
from wasmfix.patching.sources import current_inputs, engine_scripts
from wasmfix.patching.transaction import execute, locked, recover
from wasmfix.project.package import InstalledPackage, read_package

if TYPE_CHECKING:
    from wasmfix.engine import BuiltEngine

Build = Callable[[Path], "BuiltEngine"]

HEALTHY = "nothing in it needs a patch"


@dataclass(frozen=True)
class Outcome:
    """What became of one package."""

    package: InstalledPackage
    result: str
    """patched, updated, already patched, healthy, would be patched; restored, not patched."""
    plan: Plan | None = None
    finished: str | None = None
    """What an earlier, interrupted run had left to do."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.package.name,
            "version": self.package.version,
            "folder": str(self.package.folder),
            "result": self.result,
            "finished": self.finished,
            "notes": list(self.notes),
            **(self.plan.to_json() if self.plan else {}),
        }


@dataclass(frozen=True)
class Patcher:
    """What all packages of a run have in common."""

    catalogue: Sequence[Patch]
    toolchain: str
    build: Build
    """Makes the engine; takes long when the cache has none."""
    orez: bool = False
    force: bool = False
    engine: str = ""
    """The mode, rebuild or shim; empty: as the package was patched, else rebuild."""
    amalgamation: InstalledPackage | None = None
    """Whose SQLite a package gets that has none."""
    amalgamation_named: bool = False
    """The user named it: a package with another one's is stale."""

    def assess(self, package: InstalledPackage) -> Assessment:
        """The package's state, not in the middle of another run's changes. Changes nothing."""
        with locked(package.folder):
            return self._assess(package)

    def _assess(self, package: InstalledPackage) -> Assessment:
        named = self.amalgamation.label if self.amalgamation and self.amalgamation_named else ""
        inputs = replace(current_inputs(self.toolchain), engine=self.engine, amalgamation=named)
        return assess(package, self.catalogue, inputs, orez=self.orez)

    def plan(self, assessment: Assessment) -> Plan:
        """The plan for a package; builds the engine.

        Raises:
            WasmfixError: it cannot be patched.
        """
        if assessment.state is State.INTERRUPTED:
            raise WasmfixError(
                "an interrupted run has to be finished first",
                where=assessment.package.folder,
                remedy="run: wasmfix patch (or: wasmfix restore)",
            )
        if assessment.problems:
            raise refusal(assessment)
        source = self._source(assessment)
        engine = _engine_files(self.build(source.folder)) if source else None
        foreign = source.label if source and source.folder != assessment.package.folder else ""
        inputs = replace(current_inputs(self.toolchain), engine=assessment.mode, amalgamation=foreign)
        return patch_plan(assessment, engine, inputs, force=self.force)

    def _source(self, assessment: Assessment) -> InstalledPackage | None:
        """The package whose SQLite the engine is built from; None if no engine is wanted."""
        if assessment.engine is None:
            return None
        if assessment.engine.own_source:
            return assessment.package
        if self.amalgamation is None:
            raise WasmfixError(
                f"{assessment.package.label} has no SQLite source, and the project no zero-sqlite3 to take it from",
                where=assessment.package.folder,
                remedy="name the folder of one: wasmfix patch --amalgamation DIR (or patch with --engine shim)",
            )
        return self.amalgamation

    def patch(self, package: InstalledPackage) -> Outcome:
        """Patch a package, or find that it is, or that it needs no patch.

        Raises:
            WasmfixError: it could not be done; the package is as it was.
        """
        with locked(package.folder):
            finished = recover(package.folder, self.force)
            seen = self._assess(package)
        if seen.state is State.PATCHED:
            return Outcome(package, "patched" if finished else "already patched", finished=finished)
        if seen.state is State.HEALTHY:
            return Outcome(package, "healthy", finished=finished, notes=(HEALTHY, *seen.notes))
        if seen.problems:
            raise refusal(seen)
        # Without the lock: it may take minutes, and another run may need the same engine.
        if (source := self._source(seen)) is not None:
            self.build(source.folder)
        with locked(package.folder):
            recover(package.folder, self.force)
            assessment = self._assess(read_package(package.folder, package.logical))
            if assessment.state is State.PATCHED:
                return Outcome(package, "already patched", finished=finished)
            plan = self.plan(assessment)
            execute(package.folder, plan.transaction)
        result = "updated" if assessment.record else "patched"
        return Outcome(package, result, plan, finished, assessment.remarks)


def restore(package: InstalledPackage, *, force: bool = False) -> Outcome:
    """Put back every file of a package as it was before the first patch.

    Raises:
        WasmfixError: it could not be done; the package is as it was.
    """
    folder = package.folder
    if not (folder / FOLDER).exists():
        return Outcome(package, "not patched")
    with locked(folder):
        finished = recover(folder, force)
        record = read_record(folder)
        if record is None:
            return Outcome(package, "restored" if finished else "not patched", finished=finished)
        if record.exported:
            raise WasmfixError(
                f"{package.label} was installed from a tarball of `wasmfix patch --export`, without its originals",
                where=folder,
                remedy="take the override out of package.json and install again",
            )
        plan = restore_plan(package, record, force=force)
        execute(folder, plan.transaction)
    notes = tuple(f"{file.path} is {file.was} again" for file in record.files if file.was)
    return Outcome(package, "restored", plan, finished, notes)


def _engine_files(built: BuiltEngine) -> EngineFiles:
    contents = engine_scripts()
    contents[WASM] = built.wasm.read_bytes()
    contents["engine.json"] = (json.dumps(built.info, indent=2) + "\n").encode()
    return EngineFiles(built.key, contents)
