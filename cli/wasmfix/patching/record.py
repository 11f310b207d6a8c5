"""`.wasmfix/record.json`: what was done to a package, and what it takes to put it back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.patching.files import FileState

FOLDER = ".wasmfix"
RECORD = f"{FOLDER}/record.json"
SCHEMA_VERSION = 1
REINSTALL = "delete the package's folder and install it again"


@dataclass(frozen=True)
class RecordedFile:
    """One file that differs from what the package manager installed."""

    path: str
    patch: str
    """Ids, joined by a comma and a space."""
    before: FileState | None
    """None: the file was not there."""
    original: str | None
    """Where the file of before is kept, from the package's folder; None if there was none."""
    after: FileState | None
    """None: it was removed."""
    was: str = ""
    """Whose work the file of before is, if not the package's: a shim, and what it says of itself."""

    def to_json(self) -> dict[str, object]:
        return {
            "path": self.path,
            "patch": self.patch,
            "before": self.before.to_json() if self.before else None,
            "original": self.original,
            "after": self.after.to_json() if self.after else None,
            **({"was": self.was} if self.was else {}),
        }


@dataclass(frozen=True)
class Inputs:
    """What a patch is made from. Anything else today means that the patch is stale."""

    wasmfix: str
    sources: str
    """One hash over our engine's sources and the catalogue."""
    toolchain: str
    engine: str = ""
    """The mode: rebuild or shim; empty for either."""
    amalgamation: str = ""
    """The package whose SQLite it is, with its version; empty for the package's own."""


@dataclass(frozen=True)
class Record:
    package: str
    version: str
    patches: tuple[str, ...]
    inputs: Inputs
    engine_key: str
    """Empty if no engine was copied."""
    files: tuple[RecordedFile, ...]
    made_folders: tuple[str, ...]
    """Folders that were not there."""
    folder_times: dict[str, int]
    """Modification times, in nanoseconds, of the folders in which something was changed."""
    exported: bool = False
    """It came in a tarball of `patch --export`: there are no originals."""

    def dump(self) -> bytes:
        content = {
            "schema_version": SCHEMA_VERSION,
            "wasmfix": self.inputs.wasmfix,
            "package": self.package,
            "version": self.version,
            "patches": list(self.patches),
            "sources": self.inputs.sources,
            "toolchain": self.inputs.toolchain,
            "engine": self.inputs.engine,
            "amalgamation": self.inputs.amalgamation,
            "engine_key": self.engine_key,
            "files": [file.to_json() for file in self.files],
            "made_folders": list(self.made_folders),
            "folder_times": self.folder_times,
            **({"exported": True} if self.exported else {}),
        }
        return (json.dumps(content, indent=2) + "\n").encode()


def read_record(package: Path) -> Record | None:
    """The record in a package's folder, None if it is not patched.

    Raises:
        WasmfixError: it cannot be read, or a newer wasmfix wrote it.
    """
    content = read_versioned(package / RECORD)
    if content is None:
        return None
    try:
        return parse_record(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WasmfixError("is not a record of wasmfix", where=package / RECORD, remedy=REINSTALL) from error


def read_versioned(file: Path) -> dict[str, object] | None:
    """A JSON object of ours with a `schema_version` that we know; None if there is no such file."""
    try:
        content = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file) from error
    except ValueError as error:
        raise WasmfixError("is damaged", where=file, remedy=REINSTALL) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise WasmfixError("is damaged", where=file, remedy=REINSTALL)
    if version > SCHEMA_VERSION:
        writer = content.get("wasmfix", "a later version")
        raise WasmfixError(
            f"was written by a newer wasmfix ({writer})", where=file, remedy="upgrade: pip install -U wasmfix"
        )
    return dict(content)


def parse_record(content: dict[str, object]) -> Record:
    """What `Record.dump` wrote.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is something else.
    """
    files = content["files"]
    patches = content["patches"]
    folders = content["made_folders"]
    times = content["folder_times"]
    if not (isinstance(files, list) and isinstance(patches, list)):
        raise TypeError
    if not (isinstance(folders, list) and isinstance(times, dict)):
        raise TypeError
    return Record(
        package=str(content["package"]),
        version=str(content["version"]),
        patches=tuple(str(patch) for patch in patches),
        inputs=Inputs(
            wasmfix=str(content["wasmfix"]),
            sources=str(content["sources"]),
            toolchain=str(content["toolchain"]),
            # Before bedrock-sqlite was handled there was nothing to choose.
            engine=str(content.get("engine", "rebuild")),
            amalgamation=str(content.get("amalgamation", "")),
        ),
        engine_key=str(content["engine_key"]),
        files=tuple(_parse_file(file) for file in files),
        made_folders=tuple(str(folder) for folder in folders),
        folder_times={str(folder): int(time) for folder, time in times.items()},
        exported=content.get("exported") is True,
    )


def _parse_file(content: dict[str, object]) -> RecordedFile:
    before, after, original = content["before"], content["after"], content["original"]
    if before is None and after is None:
        raise TypeError
    return RecordedFile(
        path=str(content["path"]),
        patch=str(content["patch"]),
        before=FileState.from_json(before) if isinstance(before, dict) else None,
        original=str(original) if original is not None else None,
        after=FileState.from_json(after) if isinstance(after, dict) else None,
        was=str(content.get("was", "")),
    )
