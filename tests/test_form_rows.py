"""Rows of a form: label, buddy and accessible name at once; lines that give way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QVBoxLayout, QWidget

from tests.shell_window import forget
from ui.form_rows import FormRows, Note, OneLine, label_for
from ui.heading import Heading
from ui.theme import apply_theme, theme_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def page() -> Iterator[QWidget]:
    made = QWidget()
    yield made
    made.close()
    forget(made)


def test_a_row_names_its_control(page: QWidget) -> None:
    form, combo = FormRows(page), QComboBox()
    label = form.add("&Colours:", combo, "They change at once.")
    assert label.buddy() is combo
    assert combo.accessibleName() == "Colours"
    assert combo.accessibleDescription() == "They change at once."


def test_a_name_that_is_there_stays(page: QWidget) -> None:
    line = QLineEdit(page)
    line.setAccessibleName("File of the mix")
    label_for("File", line).setParent(page)
    assert line.accessibleName() == "File of the mix"


def test_one_line_is_shortened_and_whole_in_its_tool_tip(page: QWidget) -> None:
    layout = QVBoxLayout(page)
    line = OneLine()
    layout.addWidget(line)
    text = "A very long title of a very long quartet in a very remote key"
    line.set_text(text)
    page.resize(200, 40)
    page.show()
    assert "…" in line.text()
    assert line.toolTip() == line.accessibleDescription() == line.whole == text
    page.resize(2000, 40)
    assert line.text() == text


def test_muted_text_follows_the_theme(page: QWidget) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    note = Note("A sentence.", page)
    for name in ("dark", "light"):
        theme = apply_theme(app, name)
        assert note.palette().color(note.foregroundRole()) == theme.color("muted_text")
        assert theme_of(note.palette()) is theme


def test_headings_follow_the_text_size(page: QWidget) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    heading = Heading("Drop a recording here", 1.7, parent=page)
    page.show()
    try:
        for scale in (2.0, 1.0):
            apply_theme(app, "light", scale)
            app.processEvents()
            assert heading.font().pointSizeF() == pytest.approx(app.font().pointSizeF() * 1.7)
            assert heading.font().bold()
    finally:
        apply_theme(app, "light", 1.0)
