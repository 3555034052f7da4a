from __future__ import annotations

import pytest

from app.progress import Pace


def test_no_figure_before_the_first_block() -> None:
    pace = Pace()
    assert pace.speed is None
    assert pace.seconds_left(60) is None
    pace.add(1.0, 0.0)
    assert pace.speed is None


def test_a_steady_pace_is_exact() -> None:
    pace = Pace()
    for _ in range(50):
        pace.add(4.0, 2.0)
    assert pace.speed == pytest.approx(2.0)
    assert pace.seconds_left(60.0) == pytest.approx(30.0)


def test_one_slow_block_moves_it_little_and_a_slow_minute_much() -> None:
    pace = Pace()
    for _ in range(50):
        pace.add(4.0, 1.0)
    pace.add(4.0, 2.0)
    assert 3.3 < (pace.speed or 0) < 4.0
    for _ in range(30):
        pace.add(4.0, 2.0)
    assert pace.speed == pytest.approx(2.0, rel=0.1)
