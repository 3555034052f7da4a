"""The questions about files: which to open, where to save, and whether to save before something is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.session_file import SUFFIX
from ui.chosen_file import chosen_file

SOUND_FILES = (
    "*.wav *.flac *.mp3 *.ogg *.opus *.oga *.aif *.aiff *.aifc *.m4a *.aac *.wma *.mp4 *.mkv *.webm "
    "*.w64 *.rf64 *.caf *.au"
)
"""What the file dialog offers; what can really be opened is found out by opening it."""

Answer = Literal["save", "discard", "cancel"]


class FileQuestions:
    """Asks the user, in front of a window. Tests put their own answers in its place."""

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def open_file(self, folder: str) -> Path | None:
        """A recording or a session to open, or None."""
        everything = f"{SOUND_FILES} {SOUND_FILES.upper()} *{SUFFIX}"
        kinds = ";;".join(
            (
                _tr("Recordings and sessions ({0})").format(everything),
                _tr("Ripieno sessions ({0})").format(f"*{SUFFIX}"),
                _tr("All files ({0})").format("*"),
            )
        )
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, _tr("Open a recording or a session"), folder, kinds
        )
        return Path(chosen) if chosen else None

    def open_folder(self, folder: str) -> Path | None:
        """A folder of stems to open, or None."""
        chosen = QFileDialog.getExistingDirectory(self._window, _tr("Open a folder of stems"), folder)
        return Path(chosen) if chosen else None

    def save_session(self, proposal: Path) -> Path | None:
        """Where to save the session, with the ending of a session file, or None.

        Raises :class:`~app.errors.UserError` as :func:`~ui.chosen_file.chosen_file` does.
        """
        kinds = _tr("Ripieno sessions ({0})").format(f"*{SUFFIX}")
        chosen, _ = QFileDialog.getSaveFileName(self._window, _tr("Save the session"), str(proposal), kinds)
        return chosen_file(chosen, SUFFIX) if chosen else None

    def before_losing(self, title: str) -> Answer:
        """Whether to save what would be lost otherwise."""
        box = QMessageBox(self._window)
        box.setWindowTitle(_tr("Ripieno"))
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(_tr("Save the changes to “{0}”?").format(title))
        box.setInformativeText(
            _tr("Without saving, the settings of this mix are lost. The recording itself stays as it is.")
        )
        button = QMessageBox.StandardButton
        box.setStandardButtons(button.Save | button.Discard | button.Cancel)
        box.button(button.Save).setText(_tr("Save"))
        box.button(button.Discard).setText(_tr("Don’t save"))
        box.button(button.Cancel).setText(_tr("Cancel"))
        box.setDefaultButton(button.Save)
        box.setEscapeButton(button.Cancel)
        answers: dict[QMessageBox.StandardButton, Answer] = {button.Save: "save", button.Discard: "discard"}
        return answers.get(QMessageBox.StandardButton(box.exec()), "cancel")


def _tr(text: str) -> str:
    return QCoreApplication.translate("FileQuestions", text)
