from __future__ import annotations

import pytest

from wasmfix.commands import _progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its one element."""
    now = [100.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    return now


def test_what_is_over_in_a_second_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with _progress.shown_progress() as tell:
        tell("opening")
        clock[0] += 0.9
        tell("counting rows of issue", 1, 10)
    assert capsys.readouterr() == ("", "")


def test_a_long_look_says_now_and_then_how_far_it_is(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with _progress.shown_progress() as tell:
        for done in range(0, 1_000_000, 1_000):
            clock[0] += 0.012
            tell("counting rows of issue", done, 1_000_000)
        clock[0] += 6
        tell("checking", 5)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "counting rows of issue: 83,000 of 1,000,000 (8%)",
        "counting rows of issue: 500,000 of 1,000,000 (50%)",
        "counting rows of issue: 917,000 of 1,000,000 (92%)",
        "checking: 5",
    ]


def test_who_wants_no_progress_gets_none(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WASMFIX_PROGRESS", "0")
    with _progress.shown_progress() as tell:
        clock[0] += 60
        tell("counting rows of issue", 1, 10)
    assert capsys.readouterr() == ("", "")
