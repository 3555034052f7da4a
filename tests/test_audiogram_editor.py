"""The audiogram editor as a whole, over the window's program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox

from app.hearing.audiogram import PRESETS
from app.hearing.audiogram_file import read_listener
from app.hearing.typical import typical
from tests.listener_ears import LEFT, RIGHT, a_profile
from tests.shell_program import ShellProgram
from tests.shell_window import dress, forget
from tests.test_accessible_names import cut_off, unnamed
from ui.audiogram_editor import AudiogramEditor
from ui.listener_questions import ListenerQuestions

pytestmark = pytest.mark.usefixtures("qapp")


class Answers(ListenerQuestions):
    """What the user would say."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.name: str | None = None
        self.lose = True
        self.asked = 0

    def load(self, _folder: str) -> Path | None:
        return self.file

    def export(self, _folder: str) -> tuple[Path, str] | None:  # type: ignore[override]
        return None if self.file is None else (self.file, "ripieno")

    def with_name(self) -> bool:
        return False

    def which(self, _names: list[str]) -> str | None:
        return self.name

    def discard(self) -> bool:
        self.asked += 1
        return self.lose


@pytest.fixture
def program() -> Iterator[ShellProgram]:
    made = ShellProgram()
    yield made
    forget(made)


@pytest.fixture
def editor(program: ShellProgram) -> Iterator[AudiogramEditor]:
    dress()
    program.listeners.add(a_profile())
    made = open_editor(program)
    yield made
    made.close()
    forget(made)


def open_editor(program: ShellProgram, *, new: bool = False) -> AudiogramEditor:
    made = AudiogramEditor(program, new=new)  # type: ignore[arg-type]
    made.questions = Answers()  # type: ignore[assignment]
    made.show()
    return made


def keep(editor: AudiogramEditor) -> None:
    QTest.mouseClick(editor.keep, Qt.MouseButton.LeftButton)


def test_what_is_typed_is_drawn_told_and_kept(editor: AudiogramEditor, program: ShellProgram) -> None:
    assert editor.name.text() == "Anna Beispiel"
    editor.table.setCurrentIndex(editor.table.thresholds.cell("right", 2000))
    assert (editor.chart.ear, editor.chart.frequency) == ("right", 2000)
    editor.table.thresholds.setData(editor.table.currentIndex(), "60")
    assert "Right ear, 2000 hertz, 60 decibels" in editor.point.text()
    assert editor.averages.text().startswith("WHO: moderate hearing loss (better ear, right, 39 dB).")
    editor.name.selectAll()
    QTest.keyClicks(editor.name, "Ada")
    profile = program.listeners.profile
    assert profile is not None
    assert profile.name == "Anna Beispiel"  # not before it is kept
    keep(editor)
    after = program.listeners.profile
    assert after is not None
    assert (after.id, after.name, after.right.level_at(2000)) == (profile.id, "Ada", 60)
    assert not editor.isVisible()


def test_votes_that_came_in_meanwhile_stay(editor: AudiogramEditor, program: ShellProgram) -> None:
    from dataclasses import replace

    profile = program.listeners.profile
    assert profile is not None
    program.listeners.replace(replace(profile, trials=({"choice": "B"},)))
    program.listeners.choose("N2")
    editor.document.set_level("left", 500, 40)
    keep(editor)
    assert program.listeners.store.load(profile.id).trials == ({"choice": "B"},)
    assert program.listeners.store.load(profile.id).left.level_at(500) == 40


def test_bad_entries_are_a_sentence(editor: AudiogramEditor) -> None:
    editor.table.thresholds.setData(editor.table.thresholds.cell("left", 500), "loud")
    assert "no hearing level" in editor.problem.text()
    assert editor.problem.isVisible()
    editor.table.thresholds.setData(editor.table.thresholds.cell("left", 500), "30")
    assert not editor.problem.isVisible()


def test_a_preset_becomes_a_new_profile(program: ShellProgram) -> None:
    program.listeners.choose("N3")
    editor = open_editor(program)
    assert editor.document.listener().left.levels == PRESETS["N3"].levels
    editor.name.setText("Bo")
    editor.document.set_name("Bo")
    keep(editor)
    assert program.listeners.profile is not None
    assert program.listeners.profile.name == "Bo"
    assert program.listeners.profile.left.extrapolated == (8000,)
    forget(editor)


def test_a_new_listener_begins_empty_and_the_one_before_is_forgotten(
    editor: AudiogramEditor, program: ShellProgram
) -> None:
    told: list[str] = []
    program.listeners.forgotten.connect(lambda: told.append(program.listeners.listener.name))
    new = open_editor(program, new=True)
    assert new.document.draft.right.levels == {}
    assert new.name.text() == ""
    keep(new)
    assert "has no threshold yet" in new.problem.text()
    assert new.isVisible()
    assert told == []
    new.document.set_level("right", 1000, 30)
    QTest.mouseClick(new.to_left, Qt.MouseButton.LeftButton)
    keep(new)
    assert told == ["Anna Beispiel"]
    assert program.listeners.listener.left.levels == (30,)
    assert len(program.listeners.profiles) == 2
    forget(new)


def test_starting_points_copying_undo_and_redo(editor: AudiogramEditor) -> None:
    editor.start.setCurrentIndex(editor.start.findData("N4"))
    editor.start.activated.emit(editor.start.currentIndex())
    assert not editor.age.isEnabled()
    editor.use.click()
    assert editor.document.listener().right.levels == PRESETS["N4"].levels
    editor.start.setCurrentIndex(editor.start.findData("female"))
    editor.start.activated.emit(editor.start.currentIndex())
    editor.age.setValue(65)
    editor.use.click()
    assert editor.document.listener().right.levels == typical(65, "female").levels
    assert editor.name.text() == "Anna Beispiel"
    editor.undo.click()
    editor.undo.click()
    assert editor.document.listener().left == LEFT
    assert not editor.undo.isEnabled()
    editor.redo.click()
    editor.undo.click()
    editor.exchange.click()
    assert editor.document.listener().left == RIGHT
    editor.to_left.click()
    editor.to_right.click()
    assert editor.document.listener().same_ears


def test_the_ear_and_no_response_can_be_switched(editor: AudiogramEditor) -> None:
    editor.left.click()
    assert editor.chart.ear == "left"
    editor.chart.select("left", 4000)
    editor.silent.click()
    assert 4000 in editor.document.draft.left.no_response
    assert "5 dB more" in editor.averages.text()
    editor.silent.click()
    assert 4000 not in editor.document.draft.left.no_response
    editor.chart.select("left", 8000)
    assert editor.silent.isChecked()


def test_files_are_loaded_with_their_doubts(editor: AudiogramEditor, tmp_path: Path) -> None:
    path = tmp_path / "ears.csv"
    path.write_text("Hz,left,right\n500,20,30\n4000,60,70\n")
    editor.questions.file = path  # type: ignore[attr-defined]
    editor.load.click()
    assert editor.document.listener().left.levels == (20, 60)
    assert "not measured at 250, 1000, 2000 Hz" in editor.problem.text()
    assert editor.name.text() == "Anna Beispiel"
    path.write_text("Hz,left,right\n500,200,30\n")
    editor.load.click()
    assert "200 dB HL" in editor.problem.text()
    assert editor.document.listener().left.levels == (20, 60)


def test_what_is_edited_can_be_saved_to_a_file(editor: AudiogramEditor, tmp_path: Path) -> None:
    editor.save.click()
    assert not editor.problem.isVisible()
    path = tmp_path / "ears.json"
    editor.questions.file = path  # type: ignore[attr-defined]
    editor.document.set_level("right", 1000, 90)
    editor.save.click()
    assert editor.problem.text() == "Exported as “ears.json”."
    assert "Anna" not in path.read_text()
    assert read_listener(path).right.level_at(1000) == 90
    editor.questions.file = tmp_path / "no" / "ears.json"  # type: ignore[attr-defined]
    editor.save.click()
    assert "cannot be written" in editor.problem.text()


def test_one_of_several_listeners_is_asked_for(editor: AudiogramEditor, tmp_path: Path) -> None:
    one = {"audiogram_cfs": [500], "audiogram_levels_l": [5], "audiogram_levels_r": [6]}
    path = tmp_path / "listeners.json"
    path.write_text(json.dumps({"L1": one, "L2": one | {"audiogram_levels_l": [7]}}))
    editor.load_file(path)  # nobody chosen
    assert editor.document.listener().left == LEFT
    editor.questions.name = "L2"  # type: ignore[attr-defined]
    editor.load_file(path)
    assert editor.document.listener().left.levels == (7,)


def test_changes_are_not_lost_without_a_question(editor: AudiogramEditor, program: ShellProgram) -> None:
    answers = editor.questions
    editor.document.set_level("right", 1000, 90)
    answers.lose = False  # type: ignore[attr-defined]
    cancel = next(
        b for b in editor.buttons.buttons()
        if editor.buttons.buttonRole(b) == QDialogButtonBox.ButtonRole.RejectRole
    )  # fmt: skip
    cancel.click()
    assert editor.isVisible()
    answers.lose = True  # type: ignore[attr-defined]
    cancel.click()
    assert answers.asked == 2  # type: ignore[attr-defined]
    assert not editor.isVisible()
    assert program.listeners.listener.right == RIGHT


def test_enter_goes_on_and_keeps_only_on_the_button(editor: AudiogramEditor, program: ShellProgram) -> None:
    editor.document.set_level("right", 1000, 90)
    for widget in (editor.name, editor.chart, editor.table):
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_Return)
    assert editor.isVisible()
    assert program.listeners.listener.right == RIGHT
    editor.keep.setFocus()
    QTest.keyClick(editor.keep, Qt.Key.Key_Return)
    assert program.listeners.listener.right.level_at(1000) == 90


def test_every_control_has_a_name_and_nothing_is_cut_off_in_large_text(program: ShellProgram) -> None:
    dress(2.0)
    editor = open_editor(program)
    editor.resize(1280, 680)
    assert unnamed(editor) == []
    assert cut_off(editor) == []
    assert editor.page.minimumSizeHint().width() <= 1240
    assert editor.minimumSizeHint().height() <= 680
    editor.close()
    forget(editor)
    dress()
