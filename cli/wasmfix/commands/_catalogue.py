"""`wasmfix patch --list`: the catalogue, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence

from wasmfix.commands._output import show_table
from wasmfix.jsonout import emit_json
from wasmfix.patching.catalogue import MODES, Patch


def show_catalogue(catalogue: Sequence[Patch]) -> None:
    rows = [[patch.id, "\n".join(_short_names(patch)), _modes(patch), patch.symptom] for patch in catalogue]
    show_table(["patch", "for", "engine", "symptom"], rows)


def emit_catalogue(catalogue: Sequence[Patch]) -> None:
    emit_json({"patches": [_document(patch) for patch in catalogue]})


def _short_names(patch: Patch) -> list[str]:
    return [target.package.rpartition("/")[2] for target in patch.targets]


def _modes(patch: Patch) -> str:
    return "any" if set(patch.modes) == set(MODES) else ", ".join(patch.modes)


def _document(patch: Patch) -> dict[str, object]:
    return {
        "id": patch.id,
        "title": patch.title,
        "symptom": patch.symptom,
        "cause": patch.cause,
        "cure": patch.cure,
        "order": patch.order,
        "engine": list(patch.modes),
        "targets": [
            {"package": target.package, "versions": target.versions, "since": target.since, "fixed": target.fixed}
            for target in patch.targets
        ],
        "files": list(dict.fromkeys(file.path for file in patch.files)),
        "folder": str(patch.folder),
    }
