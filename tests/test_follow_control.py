"""The slider that brings a part forward: keys, drags, undo, and what is spoken."""

from __future__ import annotations

import pytest
from fake_program import RATE, FakeProgram
from PySide6.QtCore import Qt

from app.mix_loudness import MixLoudness
from ui.follow_control import FollowControl


@pytest.fixture
def program(qapp) -> FakeProgram:  # type: ignore[no-untyped-def]
    program = FakeProgram()
    program.open_made_up(1.0)
    program.separate("violin", "clarinet")
    program.finish()
    assert program.recording is not None
    assert program.stems is not None
    program.audibility.loudness = MixLoudness(program.recording.audio, program.stems.arrays, RATE)
    return program


@pytest.fixture
def control(program: FakeProgram, qtbot) -> FollowControl:  # type: ignore[no-untyped-def]
    made = FollowControl(program)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(900, 50)
    made.show()
    return made


def gains(program: FakeProgram) -> dict[str, float]:
    return {name: strip.gain_db for name, strip in program.document.session.strips.items()}


def test_the_parts_are_listed_and_the_rest_is_not(control: FollowControl) -> None:
    assert [control.part.itemText(i) for i in range(control.part.count())] == ["Violin", "Clarinet"]
    assert control.part.accessibleName() == "Follow a part"


def test_keys_bring_it_forward_and_home_takes_it_back(
    program: FakeProgram, control: FollowControl, qtbot
) -> None:  # type: ignore[no-untyped-def]
    before = gains(program)
    qtbot.keyClick(control.slider, Qt.Key.Key_PageUp)
    assert control.figure.text() == "10 %"
    now = gains(program)
    assert now["violin"] - now["clarinet"] == pytest.approx(2.4, abs=0.02)
    assert control.slider.accessibleDescription().startswith("10 percent")
    qtbot.keyClick(control.slider, Qt.Key.Key_Home)
    assert gains(program) == before


def test_a_drag_is_one_step_of_undo(program: FakeProgram, control: FollowControl) -> None:
    before = gains(program)
    control.slider.setSliderDown(True)
    for value in (20, 50, 80):
        control.slider.setValue(value)
    control.slider.setSliderDown(False)
    assert program.document.undo_stack.count() == 1
    program.document.undo()
    assert gains(program) == before
    assert control.slider.value() == 0


def test_another_part_begins_anew(program: FakeProgram, control: FollowControl) -> None:
    control.slider.setValue(40)
    control.part.setCurrentIndex(1)
    control.part.activated.emit(1)
    assert control.slider.value() == 0
    assert program.follow.part == "clarinet"


def test_what_comes_of_it_is_said(program: FakeProgram, control: FollowControl) -> None:
    program.audibility.put(violin=0.624, clarinet=0.3, residual=None)
    assert control.words.whole == "62 % audible"
    assert "62 % audible" in control.slider.accessibleDescription()
    program.document.set_mute("violin", True)
    assert "unmute" in control.words.whole
    assert not control.slider.isEnabled()


def test_what_could_not_be_measured_is_said(program: FakeProgram, control: FollowControl) -> None:
    program.audibility.loudness = None
    program.audibility.problem = "There is no memory left."
    program.audibility.changed.emit()
    assert control.words.whole == "The parts could not be measured. There is no memory left."
    assert "no memory left" in control.slider.accessibleDescription()
    assert not control.slider.isEnabled()
