"""After a whole walk nothing outside a listener's profile tells who they are or what they hear."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.listeners import Listeners
from app.log import start_log
from app.player import Player
from app.program import Program
from app.settings import Settings
from separation import catalogue
from tests.fake_audio import FakeBackend
from tests.fake_separators import CARD, SharingSeparator
from ui.audiogram_editor import AudiogramEditor
from ui.main_window import MainWindow

RATE = 22050
NAME = "Philippa Zwetschgenbaum"
LEVELS = {500: 36.2537, 1000: 48.7519, 2000: 61.2543, 4000: 73.7561}


@pytest.fixture
def window(qtbot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(catalogue, "cards", lambda folders=None: {CARD.name: CARD})
    monkeypatch.setattr(catalogue, "load", lambda name, folders=None: SharingSeparator())
    monkeypatch.setattr(catalogue, "default_separator", lambda: CARD.name)
    log = start_log(logging.DEBUG)
    window = MainWindow(Program(Player(FakeBackend()), Settings()))
    window.show()
    yield window
    window.end()
    log.close()
    window.deleteLater()


def enter_the_listener(window: MainWindow) -> None:
    """By the editor, as a person does."""
    window.actions_["new listener"].trigger()
    editor = window.verbs.dialog("audiogram")
    assert isinstance(editor, AudiogramEditor)
    QTest.keyClicks(editor.name, NAME)
    for frequency, level in LEVELS.items():
        cell = editor.table.thresholds.cell("right", frequency)
        assert editor.table.thresholds.setData(cell, str(level))
    editor.table.thresholds.setData(editor.table.thresholds.cell("right", 8000), "much too loud")
    QTest.mouseClick(editor.to_left, Qt.MouseButton.LeftButton)
    QTest.mouseClick(editor.keep, Qt.MouseButton.LeftButton)
    assert not editor.isVisible()


def traces(text: str) -> list[str]:
    """What of the listener stands in a text."""
    words = [*NAME.split(), *(str(level) for level in LEVELS.values())]
    return [word for word in words if word.lower() in text.lower()]


def test_a_whole_walk_leaves_no_trace_of_the_listener(
    qtbot, window: MainWindow, own_folders: Path, tmp_path: Path, expected_errors: list
) -> None:
    program = window.program
    enter_the_listener(window)
    profile = program.listeners.profile
    assert profile is not None
    assert traces((program.listeners.store.folder / f"{profile.id}.json").read_text()) == traces(
        " ".join([NAME, *map(str, LEVELS.values())])
    )

    time = np.arange(3 * RATE) / RATE
    recording = tmp_path / "duo.wav"
    sf.write(recording, 0.2 * np.sin(2 * np.pi * 880 * time) + 0.3 * np.sin(2 * np.pi * 131 * time), RATE)
    with qtbot.waitSignal(program.recording_changed, timeout=20_000):
        window.verbs.open(recording)
    window.picker.set_parts({"violin": 1, "bassoon": 1})
    with qtbot.waitSignal(program.separation_changed, timeout=30_000, check_params_cb=lambda s: s is None):
        QTest.mouseClick(window.picker.separate, Qt.MouseButton.LeftButton)
    scored = {"timeout": 120_000, "check_params_cb": lambda status: status.state == "scored"}
    with qtbot.waitSignal(program.scoring.changed, **scored):
        program.document.set_gain("violin", -3.0)
    program.recovery.save_now()
    session = tmp_path / "duo.ripieno"
    assert program.save_as(session)
    program.document.set_gain("violin", -6.0)

    # Something goes wrong with the listener at hand: in a job's own words, and past everything.
    program._fail("", RuntimeError(f"{program.listeners.listener} {profile} {profile.left}"))
    try:
        raise RuntimeError(repr(program.listeners.listener))
    except RuntimeError as exc:
        monkey = sys.excepthook
        assert monkey is not sys.__excepthook__
        logging.getLogger("app").critical("unexpected", exc_info=exc)
    assert len(expected_errors) == 2
    notes = [note.read_text() for note in program.log_folder.glob("crash-*.txt")]
    assert [traces(note) for note in notes] == [[]]

    window.end(keep_unsaved=True)
    private = own_folders / "data" / "listeners"
    looked: list[str] = []
    for file in [*own_folders.rglob("*"), session]:
        assert traces(file.name) == [], file
        if file.is_file() and private not in file.parents:
            looked.append(file.suffix)
            assert traces(file.read_bytes().decode("utf-8", errors="replace")) == [], file
    assert {".log", ".ini", ".ripieno"} <= set(looked)
    assert looked.count(".ripieno") == 2  # the session and the autosave
    assert profile.id in session.read_text()
    assert Listeners(Settings()).profile == profile
