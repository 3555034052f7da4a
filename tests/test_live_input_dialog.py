"""The live input dialog: headphones first, muted at first, everything spoken, off when it closes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from tests.fake_duplex import LINE_IN, MICROPHONE
from tests.shell_program import ShellProgram
from tests.shell_window import dress, forget, shell_window
from ui.live_input_dialog import LiveInputDialog

NOISE = 0.1 * np.random.default_rng(0).standard_normal(48000)


@pytest.fixture
def dialog(qapp) -> Iterator[LiveInputDialog]:
    dress()
    program = ShellProgram()
    made = LiveInputDialog(program)
    made.show()
    yield made
    made.close()
    program.live_input.close()
    program.jobs.cancel_all()
    forget(made, program)


def started(qtbot, dialog: LiveInputDialog) -> LiveInputDialog:
    qtbot.mouseClick(dialog.headphones, Qt.MouseButton.LeftButton, pos=dialog.headphones.rect().center())
    if not dialog.headphones.isChecked():
        dialog.headphones.click()
    with qtbot.waitSignal(dialog.program.jobs.ended, timeout=60_000):
        dialog.switch.click()
    assert dialog.live.running
    return dialog


def test_it_says_what_it_is_not_before_anything_can_be_switched_on(dialog: LiveInputDialog) -> None:
    texts = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "not a hearing aid" in texts
    assert "Wear headphones" in texts
    assert not dialog.switch.isEnabled()
    assert not dialog.mute.isEnabled()
    assert not dialog.level.isEnabled()
    assert "Tick that you wear headphones" in dialog.status.text()


def test_it_starts_muted_and_20_db_down_and_is_unmuted_by_hand(qtbot, dialog: LiveInputDialog) -> None:
    started(qtbot, dialog)
    assert dialog.mute.isChecked()
    assert dialog.level.value() == -20
    assert dialog.switch.text() == "&Stop"
    assert "muted" in dialog.status.text()
    stream = dialog.program.duplex.stream
    dialog.mute.click()
    assert not dialog.live.muted
    assert not dialog.mute.isChecked()
    assert "You hear the microphone" in dialog.status.text()
    dialog.level.setValue(-3)
    assert dialog.live.gain_db == -3.0
    assert np.abs(stream.pull(np.tile(NOISE, 3))).max() > 0.1
    assert "18 ms" in dialog.latency.text()
    stream.pull(NOISE, lost=True)
    dialog.refresh()
    assert "Sound was lost" in dialog.latency.text()
    dialog.switch.click()
    assert stream.closed
    assert dialog.switch.text() == "&Start"
    assert "shown while it runs" in dialog.latency.text()


def test_levels_are_figures_and_spoken(qtbot, dialog: LiveInputDialog) -> None:
    started(qtbot, dialog)
    dialog.program.duplex.stream.pull(0.5 * np.ones(4800))
    dialog._spoken -= 10.0
    dialog._read()
    assert dialog.figures["input"].text() == "−6.0 dBFS"
    assert dialog.meters["input"].accessibleDescription() == "−6.0 dBFS"
    assert dialog.figures["output"].text() == "silent"
    dialog.switch.click()
    assert dialog.figures["input"].text() == "silent"


def test_inputs_are_listed_and_chosen(qtbot, dialog: LiveInputDialog) -> None:
    names = [dialog.input.itemText(i) for i in range(dialog.input.count())]
    assert names == ["System default", MICROPHONE.name, LINE_IN.name]
    dialog.input.setCurrentIndex(2)
    dialog.input.activated.emit(2)
    started(qtbot, dialog)
    assert dialog.program.duplex.opened[-1][0] == LINE_IN.name
    dialog.live.stop()
    dialog.program.duplex.sources = (MICROPHONE,)
    dialog.program.listening.devices_changed.emit()
    assert dialog.input.currentText() == "Line in, Fake (not there now)"


def test_what_may_not_be_amplified_is_explained(dialog: LiveInputDialog) -> None:
    dialog.program.settings.amplification = "off"
    index = dialog.way.findData("amplified")
    dialog.way.setCurrentIndex(index)
    dialog.way.activated.emit(index)
    assert dialog.live.way == "plain"
    assert dialog.way.currentData() == "plain"
    assert "No amplification" in dialog.status.text()
    index = dialog.way.findData("heard as")
    dialog.way.setCurrentIndex(index)
    dialog.way.activated.emit(index)
    assert dialog.live.way == "heard as"


def test_a_sentence_from_live_input_stays_in_sight(qtbot, dialog: LiveInputDialog) -> None:
    started(qtbot, dialog)
    dialog.program.duplex.stream.gone = True
    dialog.live._look()
    assert "gone" in dialog.status.text()
    assert dialog.switch.text() == "&Start"


def test_closing_it_switches_it_off(qtbot, dialog: LiveInputDialog) -> None:
    started(qtbot, dialog)
    stream = dialog.program.duplex.stream
    dialog.close()
    assert stream.closed
    assert not dialog.live.running


def test_no_inputs_is_a_sentence(qapp) -> None:
    program = ShellProgram()
    program.duplex.missing = True
    made = LiveInputDialog(program)
    assert made.input.count() == 1
    assert "PortAudio" in made.status.text()
    program.live_input.close()
    forget(made, program)


def test_every_control_has_a_name_and_is_large_enough(dialog: LiveInputDialog) -> None:
    controls = (dialog.input, dialog.way, dialog.headphones, dialog.switch, dialog.mute, dialog.level)
    for control in controls:
        assert control.accessibleName()
        assert control.height() >= 32
    for meter in dialog.meters.values():
        assert meter.accessibleName()


def test_the_menu_opens_it_and_the_windows_end_is_its_end(qtbot) -> None:
    program = ShellProgram()
    with shell_window(program) as window:
        window.actions_["live input"].trigger()
        dialog = window.verbs.dialog("live input")
        assert isinstance(dialog, LiveInputDialog)
        started(qtbot, dialog)
        stream = program.duplex.stream
    assert stream.closed
    assert len(program.duplex.streams) == 1
