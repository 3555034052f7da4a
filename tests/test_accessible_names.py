"""Every widget of the window and its dialogs that takes the keyboard has a name, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QScrollBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

from app.status import QualityStatus, SeparationStatus
from tests.shell_program import FakeLeftover, ShellProgram, quality
from tests.shell_window import shell_window
from ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")

DIALOGS = ("preferences", "export", "shortcuts", "about", "live input")


@pytest.fixture
def window() -> Iterator[MainWindow]:
    program = ShellProgram()
    with shell_window(program) as made:
        program.settings.recent_files = ("/music/a.wav",)
        program.open_separated("violin-1", "violin-2", "clarinet")
        program.scoring.put(QualityStatus("scored", quality()))
        program.progress(SeparationStatus(True, 0.5, 1.0, 1.0, 5.0))
        program.failed.emit("A title", "A sentence.")
        program.leftovers = [FakeLeftover()]
        made.offer_leftovers()
        yield made
        program.progress(None)


def accessible_name(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface is not None else widget.accessibleName()


def unnamed(root: QWidget) -> list[str]:
    """The focusable widgets below ``root`` that a screen reader could not name."""
    found = []
    for widget in root.findChildren(QWidget):
        if widget.focusPolicy() == Qt.FocusPolicy.NoFocus or is_part(widget):
            continue
        if not (widget.accessibleName() or accessible_name(widget)).strip():
            found.append(f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}")
    return found


def is_part(widget: QWidget) -> bool:
    """Whether it is an inner piece of a compound widget that has the name, as a spin box's line is."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QComboBox | QAbstractSpinBox | QTabWidget | QScrollBar):
            return bool(parent.accessibleName())
        if parent.focusProxy() is widget and parent.accessibleName():
            return True
        parent = parent.parentWidget()
    return widget.objectName().startswith("qt_")


def test_every_control_of_the_window_has_a_name(window: MainWindow) -> None:
    assert unnamed(window) == []
    window.show_picker(True)
    assert unnamed(window) == []


@pytest.mark.parametrize("key", DIALOGS)
def test_every_control_of_a_dialog_has_a_name(window: MainWindow, key: str) -> None:
    window.actions_[key].trigger()
    dialog = window.verbs.dialog(key)
    assert isinstance(dialog, QDialog)
    assert dialog.accessibleName()
    assert unnamed(dialog) == []


def test_the_empty_window_has_names_too() -> None:
    with shell_window() as window:
        window.program.settings.recent_files = ("/music/a.wav",)
        assert unnamed(window) == []
        names = [b.accessibleName() for b in window.empty.recent.findChildren(QAbstractButton)]
        assert names == ["Open a.wav"]


def test_names_are_words_and_not_signs(window: MainWindow) -> None:
    for button in window.findChildren(QAbstractButton):
        name = button.accessibleName() or button.text()
        if button.focusPolicy() != Qt.FocusPolicy.NoFocus and not is_part(button):
            assert any(c.isalpha() for c in name), (type(button).__name__, name)
            assert len(name) > 1


def test_the_keyboard_reaches_everything(window: MainWindow) -> None:
    """Tab goes round the whole window and comes back: no trap, and nothing that can be used is left out."""
    reached: list[QWidget] = []
    widget = window.nextInFocusChain()
    while widget is not None and widget is not window and len(reached) < 5000:
        reached.append(widget)
        widget = widget.nextInFocusChain()
    assert widget is window
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and not is_part(button):
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus, button.accessibleName()
            assert button in reached


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_window_fits_a_small_screen(scale: float) -> None:
    program = ShellProgram()
    with shell_window(program, text_scale=scale) as window:
        for state in ("empty", "picking", "mixing"):
            if state == "picking":
                program.open_made_up()
            elif state == "mixing":
                program.open_separated()
                program.progress(SeparationStatus(True, 0.5, 1.0, 1.0, 5.0))
            window.resize(1280, 720)
            hint = window.minimumSizeHint()
            assert hint.width() <= 1280, state
            assert hint.height() <= 700, state
            assert cut_off(window) == [], state
        program.progress(None)


@pytest.mark.parametrize("key", DIALOGS)
def test_a_dialog_in_large_text_scrolls_instead_of_cutting_off(key: str) -> None:
    program = ShellProgram()
    with shell_window(program, text_scale=2.0) as window:
        program.open_separated()
        window.actions_[key].trigger()
        dialog = window.verbs.dialog(key)
        assert dialog is not None
        assert dialog.minimumSizeHint().width() <= 1280
        assert dialog.minimumSizeHint().height() <= 680


def cut_off(root: QWidget) -> list[str]:
    """Buttons and one-line labels that are narrower or lower than their text."""
    QApplication.processEvents()
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or not isinstance(widget, QAbstractButton | QLabel):
            continue
        text = str(widget.property("text") or "").replace("&", "")
        wraps = isinstance(widget, QLabel) and widget.wordWrap()
        icon_only = isinstance(widget, QToolButton) and (
            widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly and not widget.icon().isNull()
        )
        metrics = widget.fontMetrics()
        wide = 0 if wraps or icon_only else metrics.horizontalAdvance(text)
        if text and (widget.width() < wide or widget.height() < metrics.height()):
            found.append(f"{type(widget).__name__} “{text}” {widget.size().toTuple()} < {wide}")
    return found
