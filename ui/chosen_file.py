"""The file that a save dialog's answer means: with its ending, and never one that nobody was asked about."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.errors import UserError


def chosen_file(chosen: str, ending: str) -> Path:
    """The path of what was typed, with ``ending`` appended to the name where it has another one or none.

    The dialog has asked whether to replace the file of the name that was typed, not the longer one's: raises
    UserError where that is there already. So what exists under the path returned may be replaced.
    """
    path = Path(chosen)
    if path.suffix.lower() == ending:
        return path
    path = path.with_name(path.name + ending)
    if path.exists():
        raise UserError(
            QCoreApplication.translate(
                "SaveQuestions", "“{0}” is there already. Choose it by its whole name to replace it."
            ).format(path.name)
        )
    return path
