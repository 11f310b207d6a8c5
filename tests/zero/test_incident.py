"""The incident itself: one wrong answer of the driver, and Zero's own loop never ends."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import nodejs
from zero.drivers import DEMO, Zero

LIMIT = 384 * 1024 * 1024
TIME_LIMIT = 300.0


def until_limit(zero: Zero, replica: Path) -> tuple[list[dict[str, Any]], int]:
    """What the child says until it holds LIMIT bytes; then it is killed. Its rows, and its last memory."""
    command = [nodejs.node(), "--max-old-space-size=1024", str(DEMO / "incident.mjs"), str(zero.project), str(replica)]
    said: list[dict[str, Any]] = []
    deadline = time.monotonic() + TIME_LIMIT
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
        assert child.stdout is not None
        for line in child.stdout:
            said.append(json.loads(line))
            if said[-1].get("rss", 0) >= LIMIT or time.monotonic() > deadline:
                child.kill()
                break
    return said, max(entry.get("rss", 0) for entry in said)


@pytest.mark.parametrize("driver", ["native", "engine"])
def test_a_driver_that_never_says_undefined_makes_zeros_own_loop_endless(
    driver: str, native: Zero, request: pytest.FixtureRequest
) -> None:
    zero: Zero = request.getfixturevalue(driver)
    source = native.write_replica(f"incident-{driver}.db")
    replica = shutil.copyfile(source, zero.home / "stubbed.db")
    said, memory = until_limit(zero, replica)
    assert memory >= LIMIT
    (stack,) = [entry["stack"] for entry in said if "stack" in entry]
    assert stack[0]["name"] == "getScanstatusLoops"
    assert stack[0]["file"] == "zqlite/src/sqlite-cost-model.js"
    assert not [entry for entry in said if "hydrated" in entry]
