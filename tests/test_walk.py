"""The walk of a first evening, in the real window over the real program: with its threads, offscreen.

Open, tick, separate, turn a gain down with the keyboard, see HAAQI, undo, export.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from PySide6.QtCore import Qt

from app.export import ExportRequest
from app.player import Player
from app.program import Program
from app.settings import Settings
from separation import catalogue
from separation.separator import RESIDUAL
from tests.fake_audio import FakeBackend
from tests.fake_separators import CARD, SharingSeparator
from ui.main_window import MainWindow

RATE = 22050


@pytest.fixture
def window(qtbot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(catalogue, "cards", lambda folders=None: {CARD.name: CARD})
    monkeypatch.setattr(catalogue, "load", lambda name, folders=None: SharingSeparator())
    monkeypatch.setattr(catalogue, "default_separator", lambda: CARD.name)
    window = MainWindow(Program(Player(FakeBackend()), Settings()))
    window.show()
    yield window
    window.end()
    window.deleteLater()


def test_open_tick_separate_mix_score_undo_export(qtbot, window: MainWindow, tmp_path: Path):
    program = window.program
    time = np.arange(4 * RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * 880 * time) + 0.3 * np.sin(2 * np.pi * 131 * time)
    recording = tmp_path / "Abendmusik – Köln.wav"
    sf.write(recording, sound, RATE, subtype="PCM_16")

    with qtbot.waitSignal(program.recording_changed, timeout=20_000):
        window.verbs.open(recording)
    assert "Abendmusik" in window.windowTitle()

    window.picker.set_parts({"violin": 1, "bassoon": 1})
    with qtbot.waitSignal(program.separation_changed, timeout=30_000, check_params_cb=lambda s: s is None):
        qtbot.mouseClick(window.picker.separate, Qt.MouseButton.LeftButton)
    assert {strip.stem for strip in window.mixer.strips} == {"violin", "bassoon", RESIDUAL}

    scored = {"timeout": 120_000, "check_params_cb": lambda status: status.state == "scored"}
    strip = window.mixer.find_strip("violin")
    with qtbot.waitSignal(program.scoring.changed, **scored):
        strip.setFocus()
        qtbot.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert program.document.session.strips["violin"].gain_db == -3.0
    assert 0 < program.scoring.status.quality.mean <= 1

    window.actions_["undo"].trigger()
    assert program.document.session.strips["violin"].gain_db == 0.0

    target = tmp_path / "remix.wav"
    done = {"timeout": 30_000, "check_params_cb": lambda status: status is not None and status.done}
    with qtbot.waitSignal(program.exporting.changed, **done):
        program.exporting.start(ExportRequest(mix=target, format="wav16", clipping="keep"))
    np.testing.assert_array_equal(sf.read(target, dtype="int16")[0], sf.read(recording, dtype="int16")[0])
