"""`docs/findings/`: a page an id, and a list of all, written from the registry.

python -m wasmfix.diagnostics.pages docs/findings [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from wasmfix.diagnostics.registry import REGISTRY, FindingKind

_GROUPS = {
    "0": "wasmfix itself",
    "1": "The project",
    "2": "The replica",
    "3": "The database",
    "4": "Processes",
    "5": "`wasmfix ci`",
}
_NOTE = "<!-- Written by `python -m wasmfix.diagnostics.pages` from `cli/wasmfix/diagnostics/findings/`. -->"


def pages(kinds: Mapping[str, FindingKind]) -> dict[str, str]:
    """The content of each file of the folder, by name."""
    written = {f"{kind.id}.md": page(kind, _NOTE) for kind in kinds.values()}
    return {**written, "README.md": _index(kinds)}


def page(kind: FindingKind, note: str = "") -> str:
    """The page of an id, Markdown."""
    head = f"{note}\n\n" if note else ""
    symptom = f"**Symptom:** {kind.symptom}\n\n" if kind.symptom else ""
    return (
        f"# {kind.id}: {kind.title}\n\n{head}{symptom}**Severity:** {kind.severity.value}, usually\n\n"
        f"## What it means\n\n{kind.means}\n\n## How it is found\n\n{kind.found}\n\n## What to do\n\n{kind.cure}\n"
    )


def _index(kinds: Mapping[str, FindingKind]) -> str:
    about = "What [`wasmfix diagnose`](../diagnose.md) and [`wasmfix ci`](../ci.md) may say."
    lines = ["# Findings", "", _NOTE, "", about]
    for digit, title in _GROUPS.items():
        members = [kind for kind in kinds.values() if kind.id[2] == digit]
        if members:
            lines += ["", f"## {title}", "", "| id | severity | |", "| --- | --- | --- |"]
            lines += [f"| [{kind.id}]({kind.id}.md) | {kind.severity.value} | {kind.title} |" for kind in members]
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a file is not as it would be written.")
def main(folder: Path, check: bool) -> None:
    wanted = pages(REGISTRY)
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.md")}
    stale = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if check:
        for name in stale:
            click.echo(f"{folder / name} is not what the registry says", err=True)
        sys.exit(1 if stale else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


if __name__ == "__main__":
    main()
