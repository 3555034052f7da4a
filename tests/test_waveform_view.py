"""The waveform: what it draws, and seeking, selecting and zooming by mouse and keyboard."""

import numpy as np
import pytest
from fake_program import RATE, FakeProgram
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.session import Loop
from ui.ruler import tick_label, tick_step
from ui.theme import LIGHT, palette_for
from ui.time_axis import TimeAxis
from ui.waveform_view import WaveformView

WIDTH = 400
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def program(qapp) -> FakeProgram:
    program = FakeProgram()
    program.open_made_up(40.0)
    return program


@pytest.fixture
def view(program: FakeProgram, qtbot):
    axis = TimeAxis()
    axis.set_duration(40.0)
    view = WaveformView(program, axis)
    view.setPalette(palette_for(LIGHT))
    qtbot.addWidget(view)
    view.resize(WIDTH, 120)
    view.load()
    view.show()
    qtbot.waitUntil(lambda: view.source.finished, timeout=20_000)
    yield view
    view.shutdown()


def body(view: WaveformView, seconds: float) -> QPoint:
    return QPoint(round(view.x_of(seconds)), view.ruler_height + 30)


def ruler(view: WaveformView, seconds: float) -> QPoint:
    return QPoint(round(view.x_of(seconds)), view.ruler_height // 2)


def drag(qtbot, view, start: QPoint, stop: QPoint, modifiers=NONE) -> None:
    qtbot.mousePress(view, LEFT, modifiers, pos=start)
    for i in range(1, 11):
        qtbot.mouseMove(view, start + (stop - start) * i / 10)
    qtbot.mouseRelease(view, LEFT, modifiers, pos=stop)


def test_loud_is_tall_and_silence_is_flat(program: FakeProgram, view: WaveformView, qtbot) -> None:
    program.recording.audio[: 20 * RATE] = 0.0
    view.load()
    qtbot.waitUntil(lambda: view.source.finished, timeout=20_000)
    image = view.grab().toImage()
    wave = LIGHT.color("wave").rgb()

    def height(x: int) -> int:
        return sum(image.pixel(x, y) == wave for y in range(view.ruler_height, view.height()))

    assert max(height(x) for x in range(10, 190)) <= 2
    assert np.median([height(x) for x in range(210, 390)]) > 12


def test_a_click_seeks(program: FakeProgram, view: WaveformView, qtbot) -> None:
    qtbot.mouseClick(view, LEFT, pos=body(view, 10.0))
    qtbot.mouseClick(view, LEFT, pos=ruler(view, 30.0))
    assert [s / RATE for s in program.seeks] == pytest.approx([10.0, 30.0], abs=0.1)
    assert program.document.session.loop is None


def test_dragging_the_ruler_selects_and_is_one_step_of_undo(program, view: WaveformView, qtbot) -> None:
    drag(qtbot, view, ruler(view, 10.0), ruler(view, 20.0))
    loop = program.document.session.loop
    assert loop.on
    assert (loop.start / RATE, loop.stop / RATE) == pytest.approx((10.0, 20.0), abs=0.2)
    assert program.seeks == []
    assert program.document.undo_stack.count() == 1
    program.document.undo()
    assert program.document.session.loop is None


def test_shift_and_drag_selects_backwards_too(program, view: WaveformView, qtbot) -> None:
    drag(qtbot, view, body(view, 20.0), body(view, 10.0), SHIFT)
    assert view.selection == pytest.approx((10.0, 20.0), abs=0.2)


def test_an_edge_of_the_selection_can_be_dragged(program, view: WaveformView, qtbot) -> None:
    program.document.set_loop(Loop(10 * RATE, 20 * RATE))
    drag(qtbot, view, ruler(view, 20.0), ruler(view, 30.0))
    assert view.selection == pytest.approx((10.0, 30.0), abs=0.2)
    drag(qtbot, view, ruler(view, 10.0), ruler(view, 35.0))
    assert view.selection == pytest.approx((30.0, 35.0), abs=0.3)


def test_a_drag_pans_when_there_is_more_to_see(program, view: WaveformView, qtbot) -> None:
    drag(qtbot, view, body(view, 10.0), body(view, 20.0))
    assert view.axis.shows_all
    view.axis.set_range(10.0, 20.0)
    drag(qtbot, view, QPoint(300, 80), QPoint(100, 80))
    assert view.axis.start == pytest.approx(15.0, abs=0.1)
    assert program.seeks == []


def test_the_wheel_zooms_around_the_pointer_and_with_shift_pans(view: WaveformView, qtbot) -> None:
    window = view.windowHandle()
    QTest.wheelEvent(window, QPointF(100, 80), QPoint(0, 240), QPoint(), NONE)
    qtbot.waitUntil(lambda: view.axis.span < 39.0)
    assert view.seconds_at(100) == pytest.approx(10.0, abs=0.01)
    start = view.axis.start
    QTest.wheelEvent(window, QPointF(100, 80), QPoint(0, -120), QPoint(), SHIFT)
    qtbot.waitUntil(lambda: view.axis.start != start)
    assert view.axis.start > start


@pytest.mark.parametrize(
    ("key", "modifier", "seconds"),
    [
        (Qt.Key.Key_Right, NONE, 21.0),
        (Qt.Key.Key_Left, NONE, 19.0),
        (Qt.Key.Key_Right, SHIFT, 30.0),
        (Qt.Key.Key_Left, SHIFT, 10.0),
        (Qt.Key.Key_Home, NONE, 0.0),
        (Qt.Key.Key_End, NONE, 40.0),
    ],
)
def test_keys_seek(program, view: WaveformView, qtbot, key, modifier, seconds: float) -> None:
    program.player.position = 20 * RATE
    qtbot.keyClick(view, key, modifier)
    assert program.seeks[-1] / RATE == pytest.approx(seconds, abs=0.001)
    assert program.seeks[-1] < program.recording.frames


def test_keys_zoom_and_select(program, view: WaveformView, qtbot) -> None:
    program.player.position = 10 * RATE
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.axis.span < 40.0
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.axis.shows_all
    qtbot.keyClick(view, Qt.Key.Key_BracketLeft)
    assert view.selection == pytest.approx((10.0, 40.0))
    program.player.position = 25 * RATE
    qtbot.keyClick(view, Qt.Key.Key_BracketRight)
    assert view.selection == pytest.approx((10.0, 25.0))
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert view.selection is None


def test_the_position_is_told_in_words(program, view: WaveformView) -> None:
    assert view.accessibleName()
    view.set_position(12.4)
    assert view.accessibleDescription() == "0:12 of 0:40"
    program.document.set_loop(Loop(5 * RATE, 9 * RATE))
    assert view.accessibleDescription() == "0:12 of 0:40, selected from 0:05 to 0:09"


def test_the_play_head_paints_only_where_it_was_and_is(view: WaveformView, qtbot) -> None:
    view.grab()
    areas = []
    original = view.paintEvent
    view.paintEvent = lambda event: (areas.append(event.region().boundingRect()), original(event))
    qtbot.waitUntil(lambda: bool(areas) or True)
    areas.clear()
    view.set_position(10.0)
    view.set_position(10.2)
    qtbot.waitUntil(lambda: bool(areas))
    assert all(a.width() < WIDTH / 2 or a.width() == WIDTH for a in areas)
    image = view.grab().toImage()
    assert QColor(image.pixel(round(view.x_of(10.2)), 60)) == LIGHT.color("playhead")


def test_what_is_not_separated_yet_is_hatched(view: WaveformView) -> None:
    before = view.grab().toImage()
    view.set_ready(20.0)
    after = view.grab().toImage()
    changed = [
        x
        for x in range(WIDTH)
        if before.pixel(x, 60) != after.pixel(x, 60) or before.pixel(x, 61) != after.pixel(x, 61)
    ]
    assert changed
    assert min(changed) >= view.x_of(20.0) - 1


def test_without_a_recording_nothing_happens(qapp, qtbot) -> None:
    program = FakeProgram()
    view = WaveformView(program, TimeAxis())
    qtbot.addWidget(view)
    view.show()
    view.load()
    qtbot.mouseClick(view, LEFT, pos=QPoint(50, 60))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    drag(qtbot, view, QPoint(10, 5), QPoint(60, 5))
    assert program.seeks == []
    assert view.accessibleDescription() == "No recording"
    assert not view.grab().isNull()
    view.shutdown()


def test_a_menu_for_the_selection(program, view: WaveformView) -> None:
    from PySide6.QtWidgets import QMenu

    program.document.set_loop(Loop(5 * RATE, 9 * RATE))
    actions = {a.text(): a for a in view._actions(QMenu(view))}
    actions["Zoom to the selection"].trigger()
    assert (view.axis.start, view.axis.stop) == pytest.approx((5.0, 9.0))
    actions["Clear the selection"].trigger()
    assert program.document.session.loop is None
    actions = {a.text(): a for a in view._actions(QMenu(view))}
    assert not actions["Clear the selection"].isEnabled()
    actions["Show the whole recording"].trigger()
    assert view.axis.shows_all


def test_labels_of_the_ruler_keep_apart() -> None:
    for per_pixel in (0.0001, 0.001, 0.01, 0.1, 1.0, 4.0):
        assert tick_step(per_pixel, 40) / per_pixel >= 64
    assert tick_label(65.0, 5.0) == "1:05"
    assert tick_label(65.2, 0.1) == "1:05.2"
    assert tick_label(59.999, 0.01) == "1:00.00"
    assert tick_label(3725.0, 60) == "1:02:05"
