"""Strips: mouse, keyboard, undo, and what a screen reader is told."""

import math

import numpy as np
import pytest
from fake_program import FakeProgram
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible

from ui.strip import Strip
from ui.tile_worker import TileWorker
from ui.time_axis import TimeAxis

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def program(qapp) -> FakeProgram:
    program = FakeProgram()
    program.open_made_up(1.0)
    program.separate("violin-1", "clarinet")
    return program


@pytest.fixture
def strips(program: FakeProgram, qtbot):
    worker = TileWorker()
    made = {}
    for name in program.document.session.stem_names:
        strip = made[name] = Strip(program, TimeAxis(), worker, name)
        qtbot.addWidget(strip)
        program.document.changed.connect(lambda _what, strip=strip: strip.refresh())
        strip.resize(700, 120)
        strip.show()
    yield made
    for strip in made.values():
        strip.shutdown()
    worker.shutdown()


def test_names(strips: dict[str, Strip]) -> None:
    assert strips["violin-1"].accessibleName() == "Violin 1"
    assert strips["violin-1"].gain.field.accessibleName() == "Violin 1 gain"
    assert strips["residual"].title.text() == "Everything else"
    for strip in strips.values():
        for control in (
            strip.mute,
            strip.solo,
            strip.gain.field,
            strip.pan.slider,
            strip.meter,
            strip.spectrogram,
        ):
            assert control.accessibleName(), control


def test_keys_of_a_strip(program: FakeProgram, strips: dict[str, Strip], qtbot) -> None:
    strip = strips["clarinet"]

    def state():
        return program.document.session.strips["clarinet"]

    qtbot.keyClick(strip, Qt.Key.Key_M)
    assert state().mute
    assert strip.mute.isChecked()
    qtbot.keyClick(strip, Qt.Key.Key_M)
    assert not state().mute
    qtbot.keyClick(strip, Qt.Key.Key_S)
    assert state().solo
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert state().gain_db == 0.5
    qtbot.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert state().gain_db == -2.5
    qtbot.keyClick(strip, Qt.Key.Key_0)
    assert state().gain_db == 0.0
    with qtbot.waitSignal(strip.leave) as leaving:
        qtbot.keyClick(strip, Qt.Key.Key_Down)
    assert leaving.args == [1]
    with qtbot.waitSignal(strip.leave) as leaving:
        qtbot.keyClick(strip, Qt.Key.Key_Up)
    assert leaving.args == [-1]


def test_keys_with_ctrl_are_for_the_window(program: FakeProgram, strips: dict[str, Strip], qtbot) -> None:
    qtbot.keyClick(strips["clarinet"], Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert not program.document.session.strips["clarinet"].solo


def test_mute_and_solo_from_the_gain_field(program: FakeProgram, strips: dict[str, Strip], qtbot) -> None:
    qtbot.keyClick(strips["clarinet"].gain.field, Qt.Key.Key_M)
    assert program.document.session.strips["clarinet"].mute


def test_solo_adds_up_and_ctrl_is_exclusive(program: FakeProgram, strips: dict[str, Strip], qtbot) -> None:
    def soloed() -> list[str]:
        return [n for n, s in program.document.session.strips.items() if s.solo]

    qtbot.mouseClick(strips["violin-1"].solo, LEFT)
    qtbot.mouseClick(strips["clarinet"].solo, LEFT)
    assert soloed() == ["violin-1", "clarinet"]
    qtbot.mouseClick(strips["clarinet"].solo, LEFT, Qt.KeyboardModifier.ControlModifier)
    assert soloed() == ["clarinet"]
    qtbot.mouseClick(strips["clarinet"].solo, LEFT, Qt.KeyboardModifier.ControlModifier)
    assert soloed() == []
    qtbot.keyClick(strips["violin-1"], Qt.Key.Key_S)
    qtbot.keyClick(strips["residual"], Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert soloed() == ["residual"]


def test_a_focused_button_is_pressed_by_space_and_enter(program, strips: dict[str, Strip], qtbot) -> None:
    mute = strips["clarinet"].mute
    qtbot.keyClick(mute, Qt.Key.Key_Space)
    assert program.document.session.strips["clarinet"].mute
    qtbot.keyClick(mute, Qt.Key.Key_Return)
    assert not program.document.session.strips["clarinet"].mute


def test_a_drag_is_one_step_of_undo(program: FakeProgram, strips: dict[str, Strip], qtbot) -> None:
    fader = strips["clarinet"].gain.fader
    middle = fader.height() // 2
    qtbot.mousePress(fader, LEFT, pos=QPoint(60, middle))
    for x in range(61, 100):
        qtbot.mouseMove(fader, QPoint(x, middle))
    qtbot.mouseRelease(fader, LEFT, pos=QPoint(99, middle))
    assert program.document.session.strips["clarinet"].gain_db > 0
    assert program.document.undo_stack.count() == 1
    program.document.undo()
    assert program.document.session.strips["clarinet"].gain_db == 0.0
    assert strips["clarinet"].gain.gain == 0.0


def test_pan(program: FakeProgram, strips: dict[str, Strip], qtbot) -> None:
    pan = strips["clarinet"].pan
    qtbot.keyClick(pan.slider, Qt.Key.Key_Left)
    assert program.document.session.strips["clarinet"].pan == pytest.approx(-0.05)
    assert pan.slider.accessibleDescription() == "5 % left"
    qtbot.mouseDClick(pan.slider, LEFT)
    assert program.document.session.strips["clarinet"].pan == 0.0
    assert pan.slider.accessibleDescription() == "centre"
    qtbot.keyClick(pan.slider, Qt.Key.Key_M)
    assert program.document.session.strips["clarinet"].mute


def test_pan_is_for_two_channels_at_most(qtbot) -> None:
    program = FakeProgram()
    program.open_made_up(0.5, channels=6)
    program.separate("violin")
    worker = TileWorker()
    strip = Strip(program, TimeAxis(), worker, "violin")
    qtbot.addWidget(strip)
    assert not strip.pan.slider.isEnabled()
    assert "two channels" in strip.pan.toolTip()
    strip.shutdown()
    worker.shutdown()


def test_the_picture_is_as_loud_as_the_mix(program: FakeProgram, strips: dict[str, Strip]) -> None:
    clarinet, violin = strips["clarinet"].spectrogram, strips["violin-1"].spectrogram
    program.document.set_gain("clarinet", -6.0)
    assert clarinet._gain_db == pytest.approx(-6.0)
    program.document.set_solo("clarinet", True)
    assert clarinet._gain_db == pytest.approx(-6.0)
    assert violin._gain_db == -math.inf
    assert "solo" in violin._note
    program.document.set_mute("clarinet", True)
    assert clarinet._gain_db == -math.inf
    assert clarinet._note == "Muted"


def test_what_a_screen_reader_is_told(program: FakeProgram, strips: dict[str, Strip]) -> None:
    program.document.set_gain("clarinet", -3.0)
    program.document.set_mute("clarinet", True)
    strip = strips["clarinet"]
    interface = QAccessible.queryAccessibleInterface(strip)
    assert interface.text(QAccessible.Text.Name) == "Clarinet"
    assert interface.text(QAccessible.Text.Description) == "minus 3.0 decibels, muted"
    field = QAccessible.queryAccessibleInterface(strip.gain.field)
    assert field.text(QAccessible.Text.Name) == "Clarinet gain"
    assert field.text(QAccessible.Text.Description) == "minus 3.0 decibels"
    button = QAccessible.queryAccessibleInterface(strip.mute)
    assert button.text(QAccessible.Text.Name) == "Mute Clarinet"
    assert button.state().checked


def test_it_looks_like_its_instrument(strips: dict[str, Strip]) -> None:
    pictures = [s.mark.grab().toImage() for s in strips.values()]
    assert pictures[0] != pictures[1] != pictures[2]
    assert all(np.prod([p.width(), p.height()]) > 0 for p in pictures)
