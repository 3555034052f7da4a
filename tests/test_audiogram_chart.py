"""The chart of the editor, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.audiogram_document import AudiogramDocument, draft_of
from app.hearing.audiogram import Listener
from tests.listener_ears import LEFT, RIGHT
from tests.shell_window import dress, forget
from ui.audiogram_chart import AudiogramChart
from ui.theme import palette_for, theme_of

pytestmark = pytest.mark.usefixtures("qapp")
BUTTON = Qt.MouseButton.LeftButton


@pytest.fixture
def chart() -> Iterator[AudiogramChart]:
    dress()
    window = QWidget()
    document = AudiogramDocument(draft_of(Listener(LEFT, RIGHT)), window)
    made = AudiogramChart(document, window)
    made.resize(520, 600)
    window.resize(520, 600)
    window.show()
    made.grab()  # lays the axes out
    yield made
    window.close()
    forget(window)


def place(chart: AudiogramChart, frequency: float, level: float) -> QPoint:
    return chart.point_at(frequency, level).toPoint()


def press(chart: AudiogramChart, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    QTest.keyClick(chart, key, modifiers[0] if modifiers else Qt.KeyboardModifier.NoModifier)


def test_an_octave_is_as_wide_as_twenty_decibels_and_levels_run_down(chart: AudiogramChart) -> None:
    zero, octave = chart.point_at(1000, 0), chart.point_at(2000, 0)
    assert chart.point_at(500, 0).x() < zero.x() < octave.x()
    twenty = chart.point_at(1000, 20).y() - zero.y()
    assert twenty > 0
    assert octave.x() - zero.x() == pytest.approx(twenty, abs=2)
    for f in (125, 8000):
        for v in (-10, 120):
            assert chart.rect().contains(place(chart, f, v))


def test_a_point_is_dragged_in_steps_of_five_and_is_one_undo(chart: AudiogramChart) -> None:
    viewport, document = chart.viewport(), chart._document
    QTest.mousePress(viewport, BUTTON, pos=place(chart, 1000, 25))
    for level in (31, 38, 47):
        QTest.mouseMove(viewport, place(chart, 1000, level))
    QTest.mouseRelease(viewport, BUTTON, pos=place(chart, 1000, 47))
    assert document.draft.right.levels[1000] == 45
    assert document.undo_stack.count() == 1
    assert (chart.ear, chart.frequency) == ("right", 1000)
    QTest.mousePress(viewport, BUTTON, pos=place(chart, 2000, 50))
    QTest.mouseRelease(viewport, BUTTON, pos=place(chart, 2000, 50))
    assert (chart.ear, chart.frequency) == ("left", 2000)


def test_a_click_where_an_ear_has_no_point_puts_one_there(chart: AudiogramChart) -> None:
    QTest.mouseClick(chart.viewport(), BUTTON, pos=place(chart, 6000, 62))
    assert chart._document.draft.right.levels[6000] == 60
    QTest.mouseClick(chart.viewport(), BUTTON, pos=place(chart, 1000, 100))
    assert chart._document.draft.right.levels[1000] == 25  # only chosen: it is far away
    assert chart.frequency == 1000


def test_arrow_keys_move_and_choose(chart: AudiogramChart) -> None:
    levels = chart._document.draft
    assert (chart.ear, chart.frequency) == ("right", 1000)
    press(chart, Qt.Key.Key_Down)
    assert chart._document.draft.right.levels[1000] == 30
    press(chart, Qt.Key.Key_Up)
    press(chart, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert chart._document.draft.right.levels[1000] == 24
    press(chart, Qt.Key.Key_Right)
    assert chart.frequency == 1500
    press(chart, Qt.Key.Key_X)
    assert chart.ear == "left"
    press(chart, Qt.Key.Key_Left)
    press(chart, Qt.Key.Key_O)
    assert (chart.ear, chart.frequency) == ("right", 1000)
    press(chart, Qt.Key.Key_N)
    assert chart._document.draft.right.no_response == {1000}
    press(chart, Qt.Key.Key_N)
    assert chart._document.draft.right.no_response == frozenset()
    press(chart, Qt.Key.Key_Delete)
    assert 1000 not in chart._document.draft.right.levels
    for _ in range(20):
        press(chart, Qt.Key.Key_Left)
    assert chart.frequency == 125
    assert levels.right.levels[1000] == 25


def test_it_speaks_the_selected_point(chart: AudiogramChart) -> None:
    assert chart.accessibleDescription() == "Right ear, 1000 hertz, 25 decibels"
    chart.select("left", 8000)
    assert chart.accessibleDescription() == "Left ear, 8000 hertz, 95 decibels, no response"
    press(chart, Qt.Key.Key_Up)
    assert "90 decibels" in chart.accessibleDescription()


def test_ears_differ_by_shape_and_colour_in_every_theme(chart: AudiogramChart) -> None:
    from ui.theme import DARK, HIGH_CONTRAST, LIGHT

    for theme in (LIGHT, DARK, HIGH_CONTRAST):
        chart.setPalette(palette_for(theme))
        assert theme_of(chart.palette()) is theme
        right, left = (chart._points[ear].points()[0] for ear in ("right", "left"))
        assert right.symbol() == "o"
        assert left.symbol() != "o"
        assert right.pen().color() != left.pen().color()
        assert not chart.grab().isNull()


def test_tones_not_heard_carry_an_arrow_and_are_not_joined(chart: AudiogramChart) -> None:
    assert len(chart._arrows["left"].points()) == 1
    assert len(chart._arrows["right"].points()) == 0
    assert len(chart._bones["left"].points()) == 2
    x, y = chart._lines["left"].getData()
    assert len(x) == 6
    assert y[-1] != y[-1]  # not a number: the line ends before it
