from __future__ import annotations

from conftest import ROOT
from wasmfix.diagnostics import REGISTRY


def test_every_finding_of_ci_is_made_by_it() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "cli" / "wasmfix" / "ci").glob("*.py"))
    ours = [id_ for id_ in REGISTRY if id_.startswith("WF5")]
    assert ours
    assert [id_ for id_ in ours if f'"{id_}"' not in sources] == []
