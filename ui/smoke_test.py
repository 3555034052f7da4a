"""Proves that an installed or frozen program works: separate what was opened, then quit."""

from __future__ import annotations

import sys

from PySide6.QtCore import QCoreApplication, QObject, QTimer

from app.program import Program
from separation.catalogue import default_separator
from separation.separator import parse_parts

PATIENCE_MILLISECONDS = 150_000


class SmokeTest(QObject):
    """Waits for the recording, separates the named instruments, and quits: 0 if stems came, else 1."""

    def __init__(self, program: Program, instruments: str, parent: QObject) -> None:
        super().__init__(parent)
        self._program = program
        self._instruments = instruments

    def start(self) -> None:
        """Begin as soon as the recording is open."""
        self._program.recording_changed.connect(self._separate)
        self._program.separation_changed.connect(self._look)
        self._program.failed.connect(lambda title, text: self._end(1, f"{title}: {text}"))
        QTimer.singleShot(PATIENCE_MILLISECONDS, self, lambda: self._end(1, "it took too long"))

    def _separate(self) -> None:
        card = self._program.cards[default_separator()]
        self._program.separate(parse_parts(self._instruments, card), card.name, "cpu")

    def _look(self, status: object) -> None:
        stems = self._program.stems
        if status is None and stems is not None and stems.complete:
            self._end(0, f"separated into {', '.join(stems.arrays)}")

    def _end(self, code: int, text: str) -> None:
        print(text, file=sys.stderr)  # noqa: T201 - whoever runs the smoke test reads it
        QCoreApplication.exit(code)
