"""A password in the wrong place of the command line is in no message."""

from __future__ import annotations

from pathlib import Path

import pytest

URL = "postgres://u:hunter2@127.0.0.1:1/d"


@pytest.mark.parametrize(
    "arguments",
    [
        ["diagnose", URL],
        ["diagnose", URL, "--debug"],
        ["triggers", URL],
        ["diagnose", "--replica", URL],
        [f"diagnose --database-url={URL}"],
        ["diagnose", f"--replica={URL}", "--no-probe"],
        ["diagnose", "--database-url", "u:hunter2@h/d"],
        ["diagnose", "--database-url", "host=127.0.0.1 port=1 password=a&hunter2"],
        ["diagnose", "--database-url", URL],
    ],
    ids=" ".join,
)
def test_a_password_is_in_no_message(wasmfix, tmp_path: Path, arguments: list[str]) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix(*arguments, cwd=tmp_path)
    assert ran.code in (1, 2)
    assert "hunter2" not in ran.out + ran.err
    assert ran.out + ran.err


def test_the_database_is_shown_by_its_place(wasmfix, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shown = wasmfix("diagnose", "--database-url", URL, cwd=tmp_path).out
    assert "127.0.0.1:1/d (--database-url)" in shown
    assert "u:" not in shown
