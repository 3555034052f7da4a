"""The window follows the program, opens what is dropped, and asks only where something would be lost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app.status import ExportStatus, SeparationStatus
from separation.separator import Part
from tests.shell_program import FakeLeftover, ShellProgram
from tests.shell_window import shell_window
from ui.file_questions import FileQuestions
from ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def window() -> Iterator[MainWindow]:
    with shell_window() as made:
        yield made


def program_of(window: MainWindow) -> ShellProgram:
    program = window.program
    assert isinstance(program, ShellProgram)
    return program


def test_it_begins_empty(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.empty
    assert not window.transport.isVisible()
    assert window.windowTitle() == "Ripieno[*]"
    for key in ("save", "export", "play", "separate", "compare"):
        assert not window.actions_[key].isEnabled()
    assert window.actions_["open"].isEnabled()


def test_after_opening_the_instruments_stand_in_the_strips_place(window: MainWindow) -> None:
    program_of(window).open_made_up()
    assert window.pages.currentWidget() is window.mixer
    assert window.picker.isVisible()
    assert window.picking
    assert window.actions_["instruments"].isChecked()
    assert window.windowTitle() == "[*] Trio in a minor — Ripieno"
    assert not window.isWindowModified()


def test_separating_shows_the_strips_at_once_and_its_progress(window: MainWindow) -> None:
    program = program_of(window)
    program.open_made_up()
    window.picker.set_parts({"violin": 2, "cello": 1})
    window.actions_["separate"].trigger()
    assert program.calls[-1] == (
        "separate",
        (Part("violin", 1), Part("violin", 2), Part("cello")),
        "nmf",
        "auto",
    )
    assert not window.picker.isVisible()
    assert [s.stem for s in window.mixer.strips] == ["violin-1", "violin-2", "cello", "residual"]
    program.progress(SeparationStatus(True, 0.5, 2.0, 1.5, 30.0))
    assert window.job.isVisible()
    window.job.cancel.click()
    assert program.calls[-1] == ("cancel_separation",)
    assert not window.job.isVisible()
    assert program.settings.last_instruments == ("violin-1", "violin-2", "cello")


def test_the_instruments_can_be_looked_at_again(window: MainWindow) -> None:
    program_of(window).open_separated()
    assert not window.picking
    window.actions_["instruments"].trigger()
    assert window.picker.isVisible()
    assert window.picker.keep.isVisible()
    window.picker.keep.click()
    assert not window.picker.isVisible()
    assert not window.actions_["instruments"].isChecked()


def test_a_dropped_file_is_opened(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "Quintett in Ä.flac"
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *keys)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *keys)
    window.dropEvent(drop)
    assert program_of(window).calls == [("open_path", path)]


def test_what_is_no_file_is_not_welcome(window: MainWindow) -> None:
    data = QMimeData()
    data.setText("no file")
    enter = QDragEnterEvent(
        QPoint(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter.ignore()
    window.dragEnterEvent(enter)
    assert not enter.isAccepted()


def test_a_failure_is_a_message_that_can_be_dismissed(window: MainWindow) -> None:
    program = program_of(window)
    program.failed.emit("This could not be opened", "“notes.txt” is no sound file.")
    (message,) = window.messages.messages
    assert message.text.text() == "“notes.txt” is no sound file."
    assert window.messages.isVisible()
    message.cross.click()
    assert window.messages.messages == []
    assert not window.messages.isVisible()


def test_opening_something_else_takes_old_problems_away(window: MainWindow) -> None:
    program_of(window).failed.emit("This could not be opened", "“notes.txt” is no sound file.")
    program_of(window).open_made_up()
    assert window.messages.messages == []


def test_a_notice_stands_in_the_status_line(window: MainWindow) -> None:
    program_of(window).notice.emit("The graphics card has run out of memory.")
    assert window.status.currentMessage() == "The graphics card has run out of memory."


def test_the_title_says_that_something_is_not_saved(window: MainWindow) -> None:
    program = program_of(window)
    program.open_separated()
    program.document.set_gain("violin", -3.0)
    assert window.isWindowModified()


def test_undo_and_redo_say_what_they_do(window: MainWindow) -> None:
    program = program_of(window)
    program.open_separated()
    undo, redo = window.actions_["undo"], window.actions_["redo"]
    assert not undo.isEnabled()
    program.document.set_gain("violin", -3.0)
    assert undo.isEnabled()
    assert undo.text() == "&Undo: Violin gain −3.0 dB"
    undo.trigger()
    assert program.document.session.strips["violin"].gain_db == 0.0
    assert redo.text() == "&Redo: Violin gain −3.0 dB"
    redo.trigger()
    assert program.document.session.strips["violin"].gain_db == -3.0
    window.actions_["reset mix"].trigger()
    assert program.document.session.strips["violin"].gain_db == 0.0


@pytest.mark.parametrize(("answer", "closes"), [("discard", True), ("cancel", False)])
def test_closing_asks_where_something_would_be_lost(window: MainWindow, answer: str, closes: bool) -> None:
    program = program_of(window)
    program.open_separated()
    program.document.set_gain("violin", -math.inf)
    window.questions.losing = answer  # type: ignore[attr-defined]
    assert window.close() is closes
    assert (("close",) in program.calls) is closes
    assert len(window.questions.asked) == 1  # type: ignore[attr-defined]


def test_closing_saves_where_that_is_the_answer(window: MainWindow, tmp_path: Path) -> None:
    program = program_of(window)
    program.open_separated()
    program.document.set_gain("violin", -6.0)
    window.questions.losing = "save"  # type: ignore[attr-defined]
    window.questions.target = tmp_path / "mix.ripieno"  # type: ignore[attr-defined]
    assert window.close()
    assert (tmp_path / "mix.ripieno").exists()


def test_a_session_that_cannot_be_saved_keeps_the_window_open(window: MainWindow, tmp_path: Path) -> None:
    program = program_of(window)
    program.open_separated()
    program.document.set_gain("violin", -6.0)
    program.save_works = False
    window.questions.losing = "save"  # type: ignore[attr-defined]
    window.questions.target = tmp_path / "mix.ripieno"  # type: ignore[attr-defined]
    assert not window.close()
    assert "could not be saved" in window.messages.messages[0].title
    assert ("close",) not in program.calls


def test_closing_asks_nothing_where_nothing_is_lost(window: MainWindow, tmp_path: Path) -> None:
    program = program_of(window)
    program.open_separated()
    program.document.save(tmp_path / "kept.ripieno")
    assert window.close()
    assert window.questions.asked == []  # type: ignore[attr-defined]


def test_size_and_panels_are_remembered() -> None:
    with shell_window() as window:
        window.resize(760, 620)
        window.actions_["hearing"].trigger()
        assert not window.dock.isVisible()
    with shell_window() as window:
        assert window.size().toTuple() == (760, 620)
        assert not window.dock.isVisible()
        assert not window.actions_["hearing"].isChecked()


def test_an_export_says_where_it_went(window: MainWindow, tmp_path: Path) -> None:
    program = program_of(window)
    program.open_separated()
    program.exporting.put(ExportStatus(True, 0.25, 12.0))
    assert not window.actions_["export"].isEnabled()
    window.job.cancel.click()
    assert program.exporting.cancelled == 1
    program.exporting.put(ExportStatus(False, 1.0, 0.0, "“mix.wav” was written.", tmp_path / "mix.wav", True))
    (message,) = window.messages.messages
    assert message.sentence == "“mix.wav” was written."
    assert window.actions_["export"].isEnabled()


def test_leftovers_of_an_earlier_run_are_offered(window: MainWindow) -> None:
    program = program_of(window)
    program.leftovers = [FakeLeftover("Trio"), FakeLeftover("Duo")]
    program.crash = "a note"
    window.offer_leftovers()
    titles = [m.sentence for m in window.messages.messages]
    assert any("Trio" in t for t in titles)
    assert program.crash is None
    trio = next(m for m in window.messages.messages if "Trio" in m.sentence)
    trio.buttons[0].click()
    assert program.calls[-1] == ("recover", program.leftovers[0])
    duo = next(m for m in window.messages.messages if "Duo" in m.sentence)
    duo.buttons[1].click()
    assert [left.title for left in program.leftovers] == ["Trio"]


def test_space_plays_except_on_a_button_that_has_the_keyboard(window: MainWindow) -> None:
    program = program_of(window)
    program.open_separated()
    window.activateWindow()
    window.mixer.strips[0].setFocus()
    QTest.keyClick(window.mixer.strips[0], Qt.Key.Key_Space)
    assert program.player.playing
    box = window.mixer.strips[0].mute
    box.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert program.player.playing
    assert program.document.session.strips["violin"].mute


def test_a_click_leaves_the_keyboard_where_it_was(window: MainWindow) -> None:
    program_of(window).open_separated()
    strip = window.mixer.strips[0]
    window.activateWindow()
    strip.setFocus()
    QTest.mouseClick(strip.mute, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() in (strip, None)


def test_no_timer_of_the_window_runs_after_closing(window: MainWindow) -> None:
    program_of(window).open_separated()
    window.close()
    assert not window.transport._timer.isActive()
    assert not window.mixer._timer.isActive()


def test_saving_never_replaces_a_file_that_nobody_was_asked_about(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "trio.ripieno"
    there.write_text("kept")
    program_of(window).open_separated()
    answers, window.questions = window.questions, FileQuestions(window)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "trio"), ""))
    window.actions_["save as"].trigger()
    window.questions = answers
    assert "trio.ripieno" in window.messages.messages[0].sentence
    assert there.read_text() == "kept"
