"""The second part of a run: do the patched packages do what wasmfix promises?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from wasmfix.ci.gate import Gate, by_name
from wasmfix.ci.lockfile import declared
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Section, Tell
from wasmfix.project import DRIVERS, InstalledPackage


def section(gate: Gate, node: str | None, *, quick: bool) -> Section[Gate]:
    """A check for each copy that the gate found patched: made once the gate has run."""

    def opened(_tell: Tell) -> AbstractContextManager[Gate]:
        return nullcontext(gate)

    drivers = [package for package in gate.on_engine if package.name in DRIVERS]
    checks = [
        Check(name, ("WF511", "WF512"), _of(package, node, quick))
        for name, package in by_name("verify", drivers, gate.shown)
    ]
    return Section("verify", "the checks of what is patched", opened, checks)


def _of(package: InstalledPackage, node: str | None, quick: bool) -> Callable[[Gate, Tell], Iterator[Item]]:
    def check(gate: Gate, tell: Tell) -> Iterator[Item]:
        # Imported late: it brings the engine's builder with it.
        from wasmfix.verification import verify_package

        tell(f"{package.label}: running the checks")
        sources = [each.folder for each in (*gate.packages, *gate.outside) if each.amalgamation.problem is None]
        report = verify_package(package.folder, node=node, quick=quick, sources=sources)
        counts = [sum(each.status == status for each in report.checks) for status in ("ok", "fail", "skip")]
        said = ", ".join(f"{count} {word}" for count, word in zip(counts, _WORDS, strict=True) if count)
        shown = f"{said}, Node {report.node}" if report.node else said
        yield Fact("verify", f"verify {package.label}", shown)
        for each in report.checks:
            if each.status == "fail":
                yield finding(
                    "WF511",
                    package.label,
                    f"{each.id} failed: {each.title}",
                    evidence=[each.detail, gate.shown(package.logical[0])],
                    remedy="Run wasmfix verify with this Node; it says what each check found.",
                    location=declared(gate.project, package),
                    data={"check": each.id, "node": report.node},
                )
        if report.ok:
            yield finding("WF512", package.label, shown)

    return check


_WORDS = ("checks passed", "failed", "skipped")
