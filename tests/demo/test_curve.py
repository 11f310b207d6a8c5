from __future__ import annotations

import pytest
from curve import BLOCKS, HEIGHT, MB, Sample, draw
from hypothesis import given
from hypothesis import strategies as st

LIMIT = 512 * MB


def lines(samples: list[Sample], width: int = 80) -> list[str]:
    return draw(samples, limit=LIMIT, healthy=128 * MB, width=width).plain.split("\n")


def samples_strategy() -> st.SearchStrategy[list[Sample]]:
    step = st.tuples(st.floats(0, 30), st.integers(0, 2 * LIMIT))
    return st.lists(step, min_size=1, max_size=60).map(
        lambda steps: [Sample(seconds, rss, 0) for seconds, rss in sorted(steps)]
    )


@pytest.mark.parametrize("width", [40, 80, 100, 160])
@given(samples=samples_strategy())
def test_no_line_is_wider_than_the_terminal(width: int, samples: list[Sample]) -> None:
    drawn = lines(samples, width)
    assert len(drawn) == HEIGHT + 2
    assert max(len(line) for line in drawn) <= width


def test_a_process_that_reaches_the_limit_fills_the_last_column_and_no_other() -> None:
    drawn = lines([Sample(0, 0, 0), Sample(1, LIMIT, 0)])
    assert [line[-1] for line in drawn[:HEIGHT]] == ["█"] * HEIGHT
    assert {character for line in drawn[:HEIGHT] for character in line.split("│")[-1].split("┤")[-1][:-1]} == {" "}


@pytest.mark.parametrize("rss", [0, LIMIT // 160, LIMIT // 4, LIMIT])
def test_height_is_proportional_to_memory(rss: int) -> None:
    drawn = lines([Sample(0, rss, 0), Sample(1, rss, 0)])
    eighths = sum(BLOCKS.index(line[30]) for line in drawn[:HEIGHT])
    assert eighths == round(rss / LIMIT * HEIGHT * 8)


def test_the_axis_names_the_limit_and_the_memory_of_the_healthy_process() -> None:
    labels = [line.split("┤")[0].strip() for line in lines([Sample(0, 0, 0)]) if "┤" in line]
    assert labels == ["512 MB", "128 MB"]
