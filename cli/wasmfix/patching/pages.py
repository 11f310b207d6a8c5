"""`python -m wasmfix.patching.pages`: docs/patches/, a page a patch and an index, from the catalogue.

With `--check` nothing is written; the exit code is 1 if a page is not what it would be.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from wasmfix.patching.catalogue import Patch, PatchedFile, load_catalogue
from wasmfix.paths import data_folder

INDEX = "README.md"
_HEAD = "<!-- Written by `python -m wasmfix.patching.pages` from {source}: change that, and run it. -->\n"
_DOES = {
    "rewrite": "places in it are rewritten",
    "create": "created, if it is missing or empty",
    "replace": "replaced",
    "remove": "removed",
    "shims": "the shims in its text are corrected",
    "engine": "gets the engine",
}
_STATES = {
    "applied": "patched already, left alone",
    "original": "healthy, left alone",
    "needed": "patched",
    "stale": "patched anew",
    "foreign": "refused",
}
_MODES = {"rebuild": "`--engine rebuild`", "shim": "`--engine shim`"}


def pages(catalogue: Sequence[Patch]) -> dict[str, str]:
    """The content of every page, by its name in docs/patches."""
    return {INDEX: _index(catalogue), **{f"{patch.id}.md": _page(patch) for patch in catalogue}}


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """The pages that are missing, old, or of a patch that is gone."""
    names = {file.name for file in folder.glob("*.md")} | set(wanted)
    return sorted(name for name in names if _read(folder / name) != wanted.get(name))


def write(folder: Path, wanted: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name in differences(folder, wanted):
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _index(catalogue: Sequence[Patch]) -> str:
    rows = [
        f"| [{patch.id}]({patch.id}.md) | {_cell(patch.symptom)} | {_cell(', '.join(_packages(patch)))} |"
        for patch in catalogue
    ]
    return "\n".join(
        [
            _HEAD.format(source="patches/*/patch.toml"),
            "# The catalogue of patches",
            "",
            "In the order in which they are applied. `wasmfix patch --list` shows the same,",
            "[writing-a-patch.md](../writing-a-patch.md) tells how to add one.",
            "",
            "| patch | symptom | packages |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _page(patch: Patch) -> str:
    return "\n".join(
        [
            _HEAD.format(source=f"patches/{patch.id}/patch.toml"),
            f"# {patch.id}",
            "",
            f"{patch.title}.",
            "",
            f"- **Symptom:** {patch.symptom}",
            f"- **Cause:** {patch.cause}",
            f"- **Cure:** {patch.cure}",
            f"- **Applied with:** {' and '.join(_MODES[mode] for mode in patch.modes)}",
            "",
            *_versions(patch),
            "",
            "## Files",
            "",
            *[line for files in _alike(patch) for line in _file(files, patch)],
        ]
    )


def _versions(patch: Patch) -> Iterator[str]:
    dated = any(target.since or target.fixed for target in patch.targets)
    yield "| package | known versions |" + (" since | fixed in |" if dated else "")
    yield "| --- | --- |" + (" --- | --- |" if dated else "")
    for target in patch.targets:
        dates = f" {target.since or ''} | {target.fixed or ''} |" if dated else ""
        yield f"| {target.package} | `{target.versions}` |{dates}"


def _alike(patch: Patch) -> Iterator[list[PatchedFile]]:
    """The files of a patch; those that follow each other and differ only in where they are, together."""
    for _same, files in itertools.groupby(
        patch.files, key=lambda file: (file.kind, file.why, file.signatures, file.places)
    ):
        yield list(files)


def _file(files: Sequence[PatchedFile], patch: Patch) -> Iterator[str]:
    """One bullet, with what it is recognised by beneath."""
    file = files[0]
    optional = [each.path for each in files if not each.required and len(files) > 1]
    yield f"- {_list([each.path for each in files])}: {'; '.join(_facts(file, patch))}"
    if optional:
        yield f"  ({_list(optional)} may be absent)"
    if file.signatures:
        yield from ("", "  | recognised as | then |", "  | --- | --- |")
        seen = dict.fromkeys((signature.name, signature.state) for signature in file.signatures)
        yield from (f"  | {_cell(name)} | {_STATES[state]} |" for name, state in seen)
    if file.places:
        yield from ("", "  Rewritten:", "")
        yield from (f"  - {place.name}{_often(place.at_least, place.at_most)}" for place in file.places)
    yield ""


def _facts(file: PatchedFile, patch: Patch) -> Iterator[str]:
    yield _DOES[file.kind] + (f" ({file.why})" if file.why != patch.title else "")
    if file.main:
        yield "it has to be what `main` in `package.json` names"
    yield from (f"only where `{path}` is there" for path in file.present)
    yield from (f"only where `{path}` is missing" for path in file.absent)
    if file.lacking:
        yield "only where a script that it requires is missing or broken"
    if file.follows:
        yield f"only where `{file.follows}` is changed"
    if file.backup:
        yield f"the original comes from `{file.backup}`, if that is the package's own"
    if file.kind == "engine":
        yield (
            "with the SQLite of the package"
            if file.source == "own"
            else "with the SQLite of the project's zero-sqlite3"
        )
        if file.driver:
            yield "with the standalone driver"
        if file.copies:
            yield f"its WebAssembly takes the place of {_list(file.copies)} as well"


def _list(paths: Sequence[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _often(at_least: int, at_most: int) -> str:
    if at_least == at_most:
        return "" if at_least == 1 else f" ({at_least} times)"
    if at_most == 0:
        return " (wherever it is)" if at_least < 2 else f" (at least {at_least} times)"
    return " (where there is one)" if (at_least, at_most) == (0, 1) else f" ({at_least} to {at_most} times)"


def _packages(patch: Patch) -> Iterator[str]:
    return (target.package for target in patch.targets)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str]) -> int:
    patches = data_folder("patches")
    folder, wanted = patches.parent / "docs" / "patches", pages(load_catalogue(patches))
    if "--check" not in arguments:
        write(folder, wanted)
        return 0
    different = differences(folder, wanted)
    for name in different:
        sys.stdout.write(f"{folder / name} is not what the catalogue says; run: python -m wasmfix.patching.pages\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
