"""The shared time axis: zoom around a time, pan inside the recording, follow the play head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.time_axis import SHORTEST_SPAN, TimeAxis


@pytest.fixture
def axis(qapp) -> TimeAxis:
    axis = TimeAxis()
    axis.set_duration(100.0)
    return axis


def test_a_new_recording_is_shown_whole(axis: TimeAxis) -> None:
    assert (axis.start, axis.stop, axis.duration, axis.shows_all) == (0.0, 100.0, 100.0, True)


def test_zoom_keeps_the_time_under_the_pointer(axis: TimeAxis) -> None:
    x = axis.to_x(30.0, 1000)
    axis.zoom(4.0, 30.0)
    assert axis.span == pytest.approx(25.0)
    assert axis.to_x(30.0, 1000) == pytest.approx(x)
    assert axis.to_seconds(x, 1000) == pytest.approx(30.0)


def test_zoom_ends_at_the_whole_recording_and_at_the_closest(axis: TimeAxis) -> None:
    axis.zoom(0.1)
    assert axis.shows_all
    axis.zoom(1e9, 50.0)
    assert axis.span == pytest.approx(SHORTEST_SPAN)
    axis.zoom_out()
    assert axis.span > SHORTEST_SPAN
    axis.show_all()
    assert axis.shows_all


def test_pan_stays_inside(axis: TimeAxis) -> None:
    axis.set_range(20.0, 30.0)
    axis.pan(-1000.0)
    assert (axis.start, axis.stop) == (0.0, 10.0)
    axis.pan(1000.0)
    assert axis.stop == pytest.approx(100.0)
    assert axis.span == pytest.approx(10.0)


@given(
    st.floats(0.0, 4000.0),
    st.lists(
        st.tuples(st.sampled_from(["zoom", "pan", "range", "head", "reveal"]), st.floats(-500, 500)),
        max_size=20,
    ),
)
def test_the_range_is_always_inside(duration: float, steps: list[tuple[str, float]]) -> None:
    axis = TimeAxis()
    axis.set_duration(duration)
    for what, figure in steps:
        if what == "zoom":
            axis.zoom(abs(figure) / 100 + 0.01, figure)
        elif what == "pan":
            axis.pan(figure)
        elif what == "range":
            axis.set_range(figure, figure + 10)
        elif what == "head":
            axis.play_head_at(abs(figure))
        else:
            axis.reveal(figure)
        whole = max(duration, SHORTEST_SPAN)
        assert -1e-6 <= axis.start <= axis.stop <= whole + 1e-6
        assert axis.span >= min(SHORTEST_SPAN, whole) - 1e-6


def test_the_page_turns_with_the_play_head(axis: TimeAxis, qtbot) -> None:
    axis.set_range(10.0, 20.0)
    with qtbot.assertNotEmitted(axis.changed):
        axis.play_head_at(15.0)
    with qtbot.waitSignal(axis.changed):
        axis.play_head_at(20.0)
    assert axis.start < 20.0 < axis.stop
    assert axis.span == pytest.approx(10.0)


def test_panning_away_lets_go_until_the_head_is_seen_again(axis: TimeAxis) -> None:
    axis.set_range(10.0, 20.0)
    axis.pan(50.0)
    axis.play_head_at(15.0)
    assert axis.start == pytest.approx(60.0)
    axis.play_head_at(65.0)
    axis.play_head_at(70.1)
    assert axis.start > 60.0


def test_following_can_be_turned_off(axis: TimeAxis, qtbot) -> None:
    with qtbot.waitSignal(axis.follow_changed):
        axis.set_follow(False)
    axis.set_range(10.0, 20.0)
    axis.play_head_at(50.0)
    assert axis.start == 10.0
    assert not axis.follow


def test_reveal_moves_only_where_it_must(axis: TimeAxis, qtbot) -> None:
    axis.set_range(10.0, 20.0)
    with qtbot.assertNotEmitted(axis.changed):
        axis.reveal(12.0)
    axis.reveal(50.0)
    assert axis.start < 50.0 < axis.stop
    axis.reveal(5.0)
    assert axis.start < 5.0 < axis.stop
