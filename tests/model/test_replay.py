"""The engine's own code does what the model does: schedules of the model, replayed file operation by file operation.

`WASMFIX_MODEL_WALKS=500 pytest tests/model/test_replay.py` replays more of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from model.checker import Scenario
from model.test_model import AHEAD, EMPTY, FAULTS, WIDE, C, R, W, both, name
from model.traces import record, schedule
from nodejs import node

WALKS = int(os.environ.get("WASMFIX_MODEL_WALKS", "8"))

MIXED = both(
    [
        Scenario("three do everything", (WIDE + W + R, R + C + W, W + R + C), frames=1),
        Scenario("the same, read locks kept", (WIDE + W + R, R + C + W, W + R + C), frames=1, caching=(0, 1, 2)),
        Scenario("WRITE ahead", (R + AHEAD + R + AHEAD, R + C + AHEAD, W + R + C), frames=1, caching=(0, 1)),
        Scenario("WALs are emptied", (WIDE + EMPTY + R + W, R + EMPTY + W, W + R + EMPTY + R), frames=1, caching=(1,)),
        Scenario("two writers, two readers, a checkpointer", (W + WIDE, W + W, R + R, R + R, C + C), caching=(2, 3)),
    ]
)

OPENS = {"open", "close", "leave"}


def replayable(scenario: Scenario) -> bool:
    """One connection an instance, which has joined already."""
    return all(isinstance(op, str) and op not in OPENS for script in scenario.scripts for op in script)


COUNTEREXAMPLES = [(rule, scenario) for rule, scenario in FAULTS if replayable(scenario)]


@pytest.fixture(scope="module")
def code() -> Path:
    """The engine's JavaScript."""
    engine = os.environ.get("WASMFIX_TEST_ENGINE")
    folder = Path(engine) / "wasmfix" if engine else ROOT / "wasm" / "js"
    if "HEAD_AT" not in (folder / "lock-table.js").read_text():
        pytest.skip("an engine of before this protocol")
    return folder


def replay(code: Path, folder: Path, traces: Iterable[dict[str, Any]]) -> dict[str, Any]:
    file = folder / "traces.json"
    with file.open("w") as out:
        out.writelines(json.dumps(trace) + "\n" for trace in traces)
    command = [node(), str(Path(__file__).with_name("replay.cjs")), str(code), str(file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def told(report: dict[str, Any]) -> str:
    return "\n".join(
        "\n".join([*f["near"], f"{f['title']}, step {f['step']}: {f['error']}"]) for f in report["failures"][:1]
    )


@pytest.mark.parametrize("scenario", MIXED, ids=name)
def test_the_code_does_what_the_model_does(code: Path, tmp_path: Path, scenario: Scenario) -> None:
    report = replay(code, tmp_path, (record(scenario, seed) for seed in range(WALKS)))
    assert not report["failures"], told(report)
    assert report["traces"] == WALKS
    assert report["steps"] > 100 * WALKS


@pytest.mark.parametrize("scenario", MIXED, ids=name)
def test_the_code_does_what_the_model_does_when_threads_are_killed(
    code: Path, tmp_path: Path, scenario: Scenario
) -> None:
    report = replay(code, tmp_path, (record(replace(scenario, crashes=1), seed) for seed in range(WALKS)))
    assert not report["failures"], told(report)
    assert report["kills"] > 0


def test_the_schedules_that_break_a_lesser_protocol_do_not_break_the_code(code: Path, tmp_path: Path) -> None:
    report = replay(code, tmp_path, (record(s, 0, schedule(s, rule)) for rule, s in COUNTEREXAMPLES))
    assert not report["failures"], told(report)
    assert report["traces"] == len(COUNTEREXAMPLES) > 10


@pytest.mark.parametrize(
    ("rule", "file", "line", "instead"),
    [
        ("counter", "lock-table.js", "held.writeUInt32LE((held.readUInt32LE(COUNT_AT) + 1) >>> 0, COUNT_AT);", ""),
        (
            "head read again",
            "wal-index.js",
            "if (this.isShadow() && !(looked && table.othersChanged))",
            "if (this.isShadow())",
        ),
        ("settle", "locks.js", "if (bits & (1 << SLOT.checkpoint)) this.settleMarks(node, index);", ""),
        (
            "raised marks stay",
            "wal-index.js",
            "if (this.raised !== 0 && (this.raised << MARK) & (1 << word)) continue;",
            "",
        ),
    ],
)
def test_a_fault_in_the_code_shows(code: Path, tmp_path: Path, rule: str, file: str, line: str, instead: str) -> None:
    broken = tmp_path / "js"
    shutil.copytree(code, broken, ignore=shutil.ignore_patterns("*.wasm"))
    text = (broken / file).read_text()
    assert line in text, f"{file} has changed: which line of it keeps the rule now?"
    (broken / file).write_text(text.replace(line, instead))
    scenarios = [scenario for found, scenario in FAULTS if found == rule]
    walks = [record(s, seed) for s in MIXED[2:4] for seed in range(20)] if rule == "raised marks stay" else []
    traces = [record(s, 0, schedule(s, rule)) for s in scenarios]
    assert replay(broken, tmp_path, traces + walks)["failures"]
