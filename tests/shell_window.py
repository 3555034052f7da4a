"""A window over a ShellProgram, and answers in the place of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication

from tests.shell_program import ShellProgram
from ui.main_window import MainWindow
from ui.theme import apply_theme

_SCALE = "textScaleOfTests"


class Answers:
    """What the user would say; ``asked`` counts the questions."""

    def __init__(self) -> None:
        self.losing = "discard"
        self.file: Path | None = None
        self.folder: Path | None = None
        self.target: Path | None = None
        self.asked: list[str] = []

    def before_losing(self, title: str) -> str:
        self.asked.append(title)
        return self.losing

    def open_file(self, _folder: str) -> Path | None:
        return self.file

    def open_folder(self, _folder: str) -> Path | None:
        return self.folder

    def save_session(self, proposal: Path) -> Path | None:
        self.asked.append(str(proposal))
        return self.target


@contextmanager
def shell_window(program: ShellProgram | None = None, *, text_scale: float = 1.0) -> Iterator[MainWindow]:
    """A window that is shown, and closed and forgotten afterwards; its answers are in ``questions``."""
    dress(text_scale)
    program = program or ShellProgram()
    window = MainWindow(program)
    window.questions = Answers()  # type: ignore[assignment]
    window.show()
    try:
        yield window
    finally:
        window.questions.losing = "discard"  # type: ignore[attr-defined]
        window.close()
        forget(window, program)


def forget(*things: QObject) -> None:
    """Delete now: a style sheet visits every widget there is, so those of earlier tests cost time."""
    for thing in things:
        thing.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def dress(text_scale: float = 1.0) -> None:
    """The light theme in this text size, unless the program has it already."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    if app.property(_SCALE) != text_scale:
        apply_theme(app, "light", text_scale)
        app.setProperty(_SCALE, text_scale)
