"""The table of the editor: both ears by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.audiogram_document import EDIT_HZ, AudiogramDocument, Draft, draft_of
from app.hearing.audiogram import PRESETS, Listener
from tests.listener_ears import LEFT, RIGHT
from tests.shell_window import dress, forget
from ui.audiogram_table import AudiogramTable
from ui.theme import apply_theme

pytestmark = pytest.mark.usefixtures("qapp")
TEXT = Qt.ItemDataRole.DisplayRole
SPOKEN = Qt.ItemDataRole.AccessibleTextRole


@pytest.fixture
def table() -> Iterator[AudiogramTable]:
    dress()
    window = QWidget()
    layout = QVBoxLayout(window)
    before, after = QPushButton("before"), QPushButton("after")
    made = AudiogramTable(AudiogramDocument(draft_of(Listener(LEFT, RIGHT)), window))
    for widget in (before, made, after):
        layout.addWidget(widget)
    window.show()
    window.activateWindow()
    made.setFocus()
    yield made
    window.close()
    forget(window)


def document(table: AudiogramTable) -> AudiogramDocument:
    return table.thresholds._document


def text(table: AudiogramTable, ear: str, frequency: float, role: int = TEXT) -> str:
    return table.thresholds.data(table.thresholds.cell(ear, frequency), role)


def type_in(table: AudiogramTable, figure: str, end: Qt.Key) -> None:
    """Type into the cell with the focus as a person does, and end with a key."""
    QTest.keyClicks(table, figure[0])
    (editor,) = (line for line in table.findChildren(QLineEdit) if line.isVisible())
    QTest.keyClicks(editor, figure[1:])
    QTest.keyClick(editor, end)
    QApplication.processEvents()


def test_it_shows_levels_gaps_and_what_was_not_heard(table: AudiogramTable) -> None:
    assert text(table, "right", 250) == "10"
    assert text(table, "right", 125) == "–"
    assert text(table, "left", 8000) == "95 NR"
    assert text(table, "left", 8000, SPOKEN) == "Left ear, 8000 hertz, 95 decibels, no response"
    assert table.thresholds.headerData(4, Qt.Orientation.Vertical) == "1000 Hz"
    assert table.thresholds.headerData(0, Qt.Orientation.Horizontal, SPOKEN) == "Right ear"
    document(table).set_level("right", 250, -5)
    assert text(table, "right", 250) == "−5"


def test_both_ears_by_keyboard_alone(table: AudiogramTable) -> None:
    document(table)._put(Draft())
    table.setCurrentIndex(table.thresholds.index(0, 0))
    figures = [str(5 * n) for n in range(len(EDIT_HZ))]
    for figure in figures:
        type_in(table, figure, Qt.Key.Key_Return)
    for figure in figures:
        type_in(table, figure, Qt.Key.Key_Tab)
    draft = document(table).draft
    expected = {f: 5.0 * n for n, f in enumerate(EDIT_HZ)}
    assert dict(draft.right.levels) == expected
    assert dict(draft.left.levels) == expected


def test_tab_runs_down_the_columns_and_out(table: AudiogramTable) -> None:
    rows = table.thresholds.rowCount()
    table.setCurrentIndex(table.thresholds.index(rows - 1, 0))
    assert table.focusNextPrevChild(True)
    assert (table.currentIndex().row(), table.currentIndex().column()) == (0, 1)
    assert table.focusNextPrevChild(False)
    assert (table.currentIndex().row(), table.currentIndex().column()) == (rows - 1, 0)
    table.setCurrentIndex(table.thresholds.index(rows - 1, 1))
    assert not table.go(1)
    table.setCurrentIndex(table.thresholds.index(0, 0))
    assert not table.go(-1)


def test_enter_goes_on_and_delete_empties(table: AudiogramTable) -> None:
    table.setCurrentIndex(table.thresholds.cell("right", 500))
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert 500 not in document(table).draft.right.levels
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert table.thresholds.place(table.currentIndex()) == ("right", 750)


def test_what_cannot_be_taken_is_refused_with_a_sentence(table: AudiogramTable) -> None:
    told: list[str] = []
    table.thresholds.refused.connect(told.append)
    cell = table.thresholds.cell("right", 500)
    assert not table.thresholds.setData(cell, "much")
    assert "no hearing level" in told[-1]
    assert table.thresholds.setData(cell, "20")
    assert told[-1] == ""
    assert text(table, "right", 500) == "20"
    assert table.thresholds.setData(cell, "20")
    assert document(table).undo_stack.count() == 1


def test_the_cell_in_focus_is_told_and_spoken(table: AudiogramTable) -> None:
    told: list[tuple[str, float]] = []
    table.selection_changed.connect(lambda ear, frequency: told.append((ear, frequency)))
    table.setCurrentIndex(table.thresholds.cell("left", 2000))
    assert told == [("left", 2000)]
    assert table.accessibleDescription() == "Left ear, 2000 hertz, 50 decibels"
    table.select("right", 4000)
    assert told == [("left", 2000)]
    assert table.accessibleDescription() == "Right ear, 4000 hertz, 55 decibels"


def test_rows_follow_the_draft(table: AudiogramTable) -> None:
    document(table).start_from(Listener(PRESETS["N3"], PRESETS["N3"]))
    assert table.thresholds.rowCount() == len(EDIT_HZ) + 1  # 375 Hz is in the paper's table
    assert text(table, "left", 8000) == "(65)"
    table.select("left", 375)
    document(table).undo_stack.undo()
    assert table.thresholds.rowCount() == len(EDIT_HZ)
    assert table.currentIndex().isValid()
    assert table.accessibleDescription().startswith("Left ear")


def test_the_ears_keep_readable_colours_in_another_theme(table: AudiogramTable) -> None:
    def colour() -> str:
        model = table.thresholds
        brush = model.headerData(0, Qt.Orientation.Horizontal, Qt.ItemDataRole.ForegroundRole)
        return brush.color().name()

    light = colour()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    dark = colour()
    apply_theme(app, "light")
    assert dark != light == colour()
