"""`@rocicorp/zero` itself: which driver and which Node it asks for, and which it gets."""

from __future__ import annotations

from collections.abc import Iterator

from wasmfix.diagnostics.checks.project_subject import ZERO_DRIVER, ProjectSubject, Zero
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Location
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Tell
from wasmfix.project import InstalledPackage, Project
from wasmfix.project.manifest import FILE_NAME, read_manifest
from wasmfix.project.ranges import satisfies

_PACKAGE = "@rocicorp/zero"
_ENGINE_NODE = ">=20"


def installed_zeros(project: Project) -> tuple[Zero, ...]:
    """The copies of Zero that root and members reach directly."""
    found: dict[str, Zero] = {}
    for folder in dict.fromkeys([project.root, *project.members]):
        real = (folder / "node_modules" / _PACKAGE).resolve()
        manifest = read_manifest(real)
        if manifest is not None:
            found.setdefault(
                str(real),
                Zero(
                    version=manifest.version,
                    folder=real,
                    wants=_entry(manifest.content, "dependencies", ZERO_DRIVER),
                    node=_entry(manifest.content, "engines", "node"),
                ),
            )
    return tuple(found.values())


def _entry(content: dict[str, object], table: str, key: str) -> str | None:
    entries = content.get(table)
    value = entries.get(key) if isinstance(entries, dict) else None
    return value if isinstance(value, str) else None


def _driver(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    for zero in subject.zeros:
        yield Fact("project", f"{_PACKAGE} {zero.version}", subject.shown(zero.folder))
        copy = _loaded_by(subject, zero)
        if copy is None or zero.wants is None or satisfies(copy.version, zero.wants) is not False:
            continue
        yield finding(
            "WF110",
            copy.label,
            f"{_PACKAGE} {zero.version} wants {ZERO_DRIVER} {zero.wants}",
            evidence=[subject.shown(copy.logical[0])],
            remedy=f"Remove the override or the pin in {FILE_NAME} that holds it there, and install again.",
            location=Location(subject.project.root / FILE_NAME),
            data={"installed": copy.version, "wanted": zero.wants, "zero": zero.version},
        )


def _loaded_by(subject: ProjectSubject, zero: Zero) -> InstalledPackage | None:
    """The copy of the driver that this Zero finds: Node looks into each node_modules on the way up."""
    copies = {each.package.folder: each.package for each in subject.assessments if each.package.name == ZERO_DRIVER}
    for folder in (zero.folder, *zero.folder.parents):
        package = copies.get((folder / "node_modules" / ZERO_DRIVER).resolve())
        if package is not None:
            return package
    return None


def _node(subject: ProjectSubject, _tell: Tell) -> Iterator[Item]:
    asked = [(f"{_PACKAGE} {zero.version}", zero.node) for zero in subject.zeros if zero.node]
    if subject.on_engine:
        asked.append(("the patched package", _ENGINE_NODE))
    if not asked:
        return
    node = subject.node
    if node is None:
        return
    yield Fact("project", "Node", node.version)
    for who, wants in asked:
        if satisfies(node.version, wants) is False:
            yield finding(
                "WF111",
                "Node",
                f"{who} wants Node {wants}, this is {node.version}",
                evidence=[node.program],
                remedy=f"Install Node {wants.lstrip('>=^~ ')} or newer.",
                data={"installed": node.version, "wanted": wants},
            )
            return


CHECKS = (Check("project.zero-driver", ("WF110",), _driver), Check("project.node", ("WF111",), _node))
