"""Gains: stepping, typing, dragging, and the words a screen reader gets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import ui.spoken
from ui.gain_control import GainControl, GainField, gain_to_share, share_to_gain

MINUS_INFINITY = -math.inf


@pytest.fixture
def control(qtbot) -> GainControl:
    control = GainControl("Violin gain")
    qtbot.addWidget(control)
    control.resize(320, 40)
    control.show()
    return control


@given(st.integers(-120, 24))
def test_every_step_has_a_place_on_the_way(steps: int) -> None:
    assert share_to_gain(gain_to_share(steps / 2)) == steps / 2


@given(st.floats(-0.5, 1.5))
def test_every_place_is_a_step(share: float) -> None:
    gain = share_to_gain(share)
    assert gain == MINUS_INFINITY or (-60 <= gain <= 12 and gain * 2 == round(gain * 2))


def test_the_ends_of_the_way() -> None:
    assert share_to_gain(0.0) == MINUS_INFINITY
    assert share_to_gain(1.0) == 12.0
    assert gain_to_share(MINUS_INFINITY) == 0.0
    assert gain_to_share(12.0) == 1.0


def test_a_programs_change_is_shown_and_not_told(control: GainControl, qtbot) -> None:
    with qtbot.assertNotEmitted(control.edited):
        control.set_gain(-3.5)
    assert control.gain == -3.5
    assert control.field.text() == "−3.5 dB"
    assert control.field.accessibleName() == "Violin gain"
    assert control.field.accessibleDescription() == "minus 3.5 decibels"


@pytest.mark.parametrize(
    ("key", "modifier", "expected"),
    [
        (Qt.Key.Key_Up, Qt.KeyboardModifier.NoModifier, 0.5),
        (Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier, -0.5),
        (Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier, 3.0),
        (Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier, -3.0),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, -3.0),
    ],
)
def test_arrow_keys_step(control: GainControl, qtbot, key, modifier, expected: float) -> None:
    with qtbot.waitSignal(control.edited) as emitted:
        qtbot.keyClick(control.field, key, modifier)
    assert emitted.args == [expected]
    assert control.gain == expected


def test_below_the_lowest_step_is_silence(control: GainControl, qtbot) -> None:
    control.set_gain(-60.0)
    qtbot.keyClick(control.field, Qt.Key.Key_Down)
    assert control.gain == MINUS_INFINITY
    assert control.field.text() == "−∞ dB"
    assert control.field.accessibleDescription() == "silent"
    qtbot.keyClick(control.field, Qt.Key.Key_Down)
    assert control.gain == MINUS_INFINITY
    qtbot.keyClick(control.field, Qt.Key.Key_Up)
    assert control.gain == -60.0
    control.set_gain(12.0)
    qtbot.keyClick(control.field, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert control.gain == 12.0


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("-3", -3.0),
        ("−3,5 dB", -3.5),
        ("+6", 6.0),
        ("-inf", MINUS_INFINITY),
        ("-∞", MINUS_INFINITY),
        ("−∞", MINUS_INFINITY),
        ("99", 12.0),
        ("-99", MINUS_INFINITY),
        ("0", 0.0),
    ],
)
def test_a_number_can_be_typed(control: GainControl, qtbot, typed: str, expected: float) -> None:
    control.set_gain(-20.0)
    control.field.selectAll()
    type_text(control.field, typed)
    qtbot.keyClick(control.field, Qt.Key.Key_Return)
    assert control.gain == expected


def test_what_is_no_number_changes_nothing(control: GainControl, qtbot) -> None:
    control.set_gain(-20.0)
    control.field.selectAll()
    qtbot.keyClicks(control.field, "-")
    qtbot.keyClick(control.field, Qt.Key.Key_Return)
    assert control.gain == -20.0
    control.field.selectAll()
    qtbot.keyClicks(control.field, "qwk")
    assert control.field.text() == "−20.0 dB"


def test_typing_tells_once(control: GainControl, qtbot) -> None:
    told = []
    control.edited.connect(told.append)
    control.field.selectAll()
    qtbot.keyClicks(control.field, "-12.5")
    assert told == []
    qtbot.keyClick(control.field, Qt.Key.Key_Return)
    assert told == [-12.5]


def test_double_click_is_zero(control: GainControl, qtbot) -> None:
    control.set_gain(-12.0)
    qtbot.mouseDClick(control.fader, Qt.MouseButton.LeftButton, pos=QPoint(20, 16))
    assert control.gain == 0.0


def test_a_click_beside_the_handle_goes_three_decibels(control: GainControl, qtbot) -> None:
    fader = control.fader
    qtbot.mouseClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(4, fader.height() // 2))
    assert control.gain == -3.0
    qtbot.mouseClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(fader.width() - 4, fader.height() // 2))
    assert control.gain == 0.0


def test_a_drag_moves_from_where_the_handle_was(control: GainControl, qtbot) -> None:
    fader, middle = control.fader, control.fader.height() // 2
    order: list[object] = []
    control.drag_started.connect(lambda: order.append("start"))
    control.edited.connect(order.append)
    control.drag_finished.connect(lambda: order.append("stop"))
    qtbot.mousePress(fader, Qt.MouseButton.LeftButton, pos=QPoint(100, middle))
    for x in range(101, 140):
        qtbot.mouseMove(fader, QPoint(x, middle))
    qtbot.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=QPoint(139, middle))
    assert order[0] == "start"
    assert order[-1] == "stop"
    gains = order[1:-1]
    assert gains == sorted(gains)
    assert gains[-1] == control.gain > 3.0
    assert all(gain * 2 == round(gain * 2) for gain in gains)


def type_text(field: GainField, text: str) -> None:
    """Type any characters; QTest's own typing knows only ASCII."""
    for letter in text:
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(field, QKeyEvent(kind, 0, Qt.KeyboardModifier.NoModifier, letter))


def wheel(widget, notches: float, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    window = widget.window()
    centre = QPointF(widget.mapTo(window, widget.rect().center()))
    QTest.wheelEvent(window.windowHandle(), centre, QPoint(0, round(notches * 120)), QPoint(), modifiers)
    QApplication.processEvents()


def test_the_wheel_steps_over_fader_and_field(control: GainControl) -> None:
    wheel(control.fader, 1)
    assert control.gain == 0.5
    wheel(control.field, -2)
    assert control.gain == -0.5
    wheel(control, 1, Qt.KeyboardModifier.ShiftModifier)
    assert control.gain == 2.5
    for _ in range(4):
        wheel(control.fader, 0.25)
    assert control.gain == 3.0


def test_keys_of_the_strip_pass_through_the_field(control: GainControl, qtbot) -> None:
    for key in (Qt.Key.Key_M, Qt.Key.Key_S, Qt.Key.Key_Space):
        qtbot.keyClick(control.field, key)
    assert control.field.text() == "0.0 dB"


def test_what_assistive_technology_is_told(control: GainControl) -> None:
    control.set_gain(-0.5)
    interface = QAccessible.queryAccessibleInterface(control.field)
    assert interface.text(QAccessible.Text.Name) == "Violin gain"
    assert interface.text(QAccessible.Text.Description) == "minus 0.5 decibels"
    assert interface.role() == QAccessible.Role.SpinBox
    assert interface.valueInterface().currentValue() == -0.5


def test_changes_are_announced_where_someone_listens(control: GainControl, qtbot, monkeypatch) -> None:
    said = []
    monkeypatch.setattr(ui.spoken.QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(
        ui.spoken.QAccessible, "updateAccessibility", lambda event: said.append(event.message())
    )
    qtbot.keyClick(control.field, Qt.Key.Key_Down)
    assert said == ["minus 0.5 decibels"]
    middle = control.fader.height() // 2
    qtbot.mousePress(control.fader, Qt.MouseButton.LeftButton, pos=QPoint(100, middle))
    for x in range(101, 120):
        qtbot.mouseMove(control.fader, QPoint(x, middle))
    assert len(said) == 1
    qtbot.mouseRelease(control.fader, Qt.MouseButton.LeftButton, pos=QPoint(119, middle))
    assert len(said) == 2


def test_announcing_for_real_does_no_harm(control: GainControl) -> None:
    QAccessible.setActive(True)
    try:
        ui.spoken.announce(control.field, "minus 0.5 decibels")
        control.set_gain(-7.5)
    finally:
        QAccessible.setActive(False)


def test_it_paints_when_disabled_too(control: GainControl) -> None:
    control.setEnabled(False)
    assert not control.grab().isNull()
