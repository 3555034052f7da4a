"""Which frame is heard at a moment, across seeks, loop seams and pauses."""

from __future__ import annotations

from app.timeline import SIZE, Timeline


def test_it_follows_playback_and_stands_still_in_a_pause() -> None:
    line = Timeline()
    line.note(0, 1000, 300, 0)
    line.note(300, 1300, 200, 0)
    line.note(500, 1500, 0, 0)
    line.note(900, 1500, 0, 0)
    assert [line.frame_at(c, 0) for c in (-20, 0, 299.6, 400, 500, 800)] == [
        1000,
        1000,
        1299,
        1400,
        1500,
        1500,
    ]
    line.note(1000, 1500, 100, 0)
    assert [line.frame_at(c, 0) for c in (700, 1000, 1050, 1200)] == [1500, 1500, 1550, 1600]


def test_a_loop_seam_is_heard_when_it_is_heard() -> None:
    line = Timeline()
    line.note(0, 100, 400, 0)
    line.note(400, 100, 400, 0)
    assert [line.frame_at(c, 0) for c in (399, 400, 401)] == [499, 100, 101]


def test_after_a_seek_only_its_own_place_is_shown() -> None:
    line = Timeline()
    line.note(0, 0, 1000, 0)
    assert line.frame_at(990, 1) is None  # not rendered yet
    line.note(1000, 50_000, 500, 1)
    assert line.frame_at(990, 1) == 50_000  # rendered, not heard yet
    assert line.frame_at(1100, 1) == 50_100


def test_it_forgets_what_is_long_past() -> None:
    line = Timeline()
    for turn in range(3 * SIZE):
        line.note(turn * 10, turn * 1000, 10, 0)
    assert line.frame_at(3 * SIZE * 10 - 5, 0) == (3 * SIZE - 1) * 1000 + 5
    line.clear()
    assert line.frame_at(0, 0) is None
