"""The questions about listeners: which file to load, where an export goes, and whether to delete."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from app.hearing.audiogram import PRESETS, Listener
from app.hearing.audiogram_writing import KINDS, Kind, write_listener
from app.settings import Settings
from ui.chosen_file import chosen_file

AUDIOGRAM_FILES = "*.json *.csv *.txt *.tsv"


class ListenerQuestions:
    """Asks the user, in front of a window. Tests put their own answers in its place."""

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def load(self, folder: str) -> Path | None:
        """An audiogram file to load, or None."""
        kinds = ";;".join(
            (_tr("Audiograms ({0})").format(AUDIOGRAM_FILES), _tr("All files ({0})").format("*"))
        )
        chosen, _ = QFileDialog.getOpenFileName(self._window, _tr("Load an audiogram"), folder, kinds)
        return Path(chosen) if chosen else None

    def which(self, names: list[str]) -> str | None:
        """One of several listeners in a file, or None."""
        chosen, taken = QInputDialog.getItem(
            self._window, _tr("Load an audiogram"), _tr("Which listener of this file?"), names, 0, False
        )
        return chosen if taken else None

    def export(self, folder: str) -> tuple[Path, Kind] | None:
        """Where an audiogram is exported to and in which form, or None.

        Raises UserError where the ending makes it a file that nobody was asked about.
        """
        filters: dict[str, Kind] = {
            f"{_tr(title)} (*{ending})": kind for kind, (title, ending) in KINDS.items()
        }
        proposal = Path(folder or Path.home()) / _tr("audiogram.json")
        chosen, taken = QFileDialog.getSaveFileName(
            self._window, _tr("Export the audiogram"), str(proposal), ";;".join(filters)
        )
        if not chosen:
            return None
        kind = "csv" if chosen.lower().endswith(".csv") else filters.get(taken, "ripieno")
        return chosen_file(chosen, KINDS[kind][1]), kind

    def with_name(self) -> bool:
        """Whether the listener's name goes into an exported file."""
        return self._yes(
            _tr("Write the listener’s name into the file too?"),
            _tr("Without it, the file holds the audiograms of both ears and nothing about the person."),
            _tr("With the name"),
            _tr("Without"),
        )

    def delete(self, name: str) -> bool:
        """Whether a profile may be deleted for good."""
        return self._yes(
            _tr("Delete the profile of “{0}”?").format(name),
            _tr("Audiograms, votes and comments of this listener are gone for good."),
            _tr("Delete"),
            _tr("Keep"),
        )

    def discard(self) -> bool:
        """Whether the changes of an audiogram may be lost."""
        return self._yes(
            _tr("Close without keeping the changes of this audiogram?"),
            _tr("The listener’s profile stays as it was."),
            _tr("Close"),
            _tr("Go on editing"),
        )

    def write(self, listener: Listener, settings: Settings) -> str:
        """Ask where a listener's audiograms go and write them there: the only way out of a profile.

        A sentence says what was done; it is empty where the user thought better of it. Raises UserError.
        """
        chosen = self.export(settings.last_folder)
        if chosen is None:
            return ""
        path, kind = chosen
        named = kind != "csv" and bool(listener.name) and listener.name not in PRESETS
        told = write_listener(listener, path, kind, with_name=named and self.with_name())
        settings.last_folder = str(path.parent)
        return " ".join((_tr("Exported as “{0}”.").format(path.name), *told))

    def _yes(self, text: str, more: str, yes: str, no: str) -> bool:
        box = QMessageBox(self._window)
        box.setWindowTitle(_tr("Ripieno"))
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(text)
        box.setInformativeText(more)
        accept = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        refuse = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(refuse)
        box.setEscapeButton(refuse)
        box.exec()
        return box.clickedButton() is accept


def _tr(text: str) -> str:
    return QCoreApplication.translate("ListenerQuestions", text)
