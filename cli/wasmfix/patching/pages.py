"""`python -m wasmfix.patching.pages`: docs/patches/, a page a patch and an index, from the catalogue.

With `--check` nothing is written; the exit code is 1 if a page is not what it would be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from wasmfix.patching.catalogue import Patch, PatchedFile, load_catalogue
from wasmfix.paths import data_folder

INDEX = "README.md"
_HEAD = "<!-- Written by `python -m wasmfix.patching.pages` from {source}: change that, and run it. -->\n"
_DOES = {
    "rewrite": "places in it are rewritten",
    "create": "is created if it is missing or empty",
    "replace": "is replaced",
    "remove": "is removed",
    "shims": "shims in its text are corrected",
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
            *[line for file in patch.files for line in _file(file)],
        ]
    )


def _versions(patch: Patch) -> Iterator[str]:
    yield "| package | known versions | since | fixed in |"
    yield "| --- | --- | --- | --- |"
    for target in patch.targets:
        yield f"| {target.package} | {_cell(target.versions)} | {target.since or ''} | {target.fixed or ''} |"


def _file(file: PatchedFile) -> Iterator[str]:
    yield f"`{file.path}` {_DOES[file.kind]}{'' if file.required else ', if it is there'}."
    if file.kind not in ("create", "engine"):
        yield f"Why: {file.why}."
    if file.main:
        yield "It has to be what `main` in `package.json` names."
    if file.present or file.absent:
        conditions = [f"`{path}` is there" for path in file.present] + [f"`{path}` is missing" for path in file.absent]
        yield f"Only where {' and '.join(conditions)}."
    if file.follows:
        yield f"Only where `{file.follows}` is changed."
    if file.backup:
        yield f"The original comes from `{file.backup}`, if it is there and is the package's own."
    if file.kind == "engine":
        source = (
            "the package's own" if file.source == "own" else "that of the project's zero-sqlite3, or `--amalgamation`"
        )
        yield f"The SQLite is {source}."
        if file.copies:
            yield f"Its WebAssembly takes the place of {', '.join(f'`{path}`' for path in file.copies)} as well."
    yield ""
    if file.signatures:
        yield from ("| recognised as | then |", "| --- | --- |")
        seen = dict.fromkeys((signature.name, signature.state) for signature in file.signatures)
        yield from (f"| {_cell(name)} | {_STATES[state]} |" for name, state in seen)
        yield ""
    if file.places:
        yield "Places:"
        yield ""
        yield from (f"- {place.name}{_often(place.at_least, place.at_most)}" for place in file.places)
        yield ""


def _often(at_least: int, at_most: int) -> str:
    if (at_least, at_most) == (1, 1):
        return ""
    if at_most == 0:
        return " (wherever it occurs)" if at_least == 0 else f" (at least {at_least} times)"
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
