"""Autosave: what was not saved when the program died is offered at its next start.

Each running program keeps at most one file in the recovery folder, under a name of its own, and claims
it (:mod:`app.claims`): so two programs at once leave each other's alone, and a file that nobody claims
is one whose program is gone. A clean exit removes it.
"""

from __future__ import annotations

import datetime
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from app import session_file
from app.claims import Claim, claim, is_claimed
from app.document import Document
from app.paths import recovery_folder
from app.session import Session
from app.session_file import SessionFileError

log = logging.getLogger(__name__)

FIELD = "recovery"
INTERVAL_SECONDS = 30.0


@dataclass(frozen=True)
class Leftover:
    """An autosave whose program is gone.

    ``file`` is itself a session file. ``path`` is the session file that the user had given the work, if
    any, ``title`` the document's title, ``saved`` local time.
    """

    file: Path
    session: Session
    path: Path | None
    title: str
    saved: datetime.datetime


class Recovery(QObject):
    """Saves the document when it becomes dirty and every 30 s from then on; finds what earlier runs left.

    Make it after the document, call :meth:`start` when the window is up and :meth:`close` on exit.
    """

    def __init__(
        self,
        document: Document,
        folder: Path | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._folder = folder or recovery_folder()
        self._file = self._folder / f"{secrets.token_hex(8)}{session_file.SUFFIX}"
        self._claim: Claim | None = None
        self._written: tuple[Session, Path | None] | None = None
        self._said_problem = False
        self._timer = QTimer(self)
        self._timer.setInterval(round(interval_seconds * 1000))
        self._timer.timeout.connect(self.save_now)
        document.changed.connect(self._on_changed)

    def start(self) -> None:
        """Autosave from now on."""
        self._timer.start()

    def stop(self) -> None:
        """No autosave any more, and none is kept."""
        self._timer.stop()
        self._remove()

    def close(self, *, keep: bool = False) -> None:
        """The program ends: nothing is left to recover, unless ``keep`` asks for what is unsaved."""
        if keep:
            self._timer.stop()
            self.save_now()
            self._let_go()
        else:
            self.stop()
        self._document.changed.disconnect(self._on_changed)

    def forget(self) -> None:
        """Nothing of what was done so far is kept, nor of earlier runs: somebody else listens now.

        What is unsaved in the document is autosaved again later, with the new listener.
        """
        self._remove()
        for leftover in self.leftovers():
            self.discard(leftover)

    @Slot()
    def save_now(self) -> None:
        """Autosave, if something would be lost; without waiting for the disk, so it takes no time.

        A problem (a full disk) is logged once and not shown: the user did not ask for this.
        """
        document = self._document
        state = (document.session, document.path)
        if not document.dirty or state == self._written:
            return
        data = session_file.to_data(document.session, self._folder)
        # A field that session files do not know, so the autosave is one for everything that reads them.
        data[FIELD] = {
            "saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "path": str(document.path) if document.path else None,
            "title": document.title,
        }
        try:
            # Nobody else's business, though it lies in a shared place on some systems.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._claim is None:
                self._claim = claim(_lock(self._file))
            session_file.write_bytes(self._file, session_file.dump(data), durable=False)
        except (OSError, SessionFileError) as exc:
            if not self._said_problem:
                log.warning("the autosave failed: %s", exc)
                self._said_problem = True
            return
        self._written = state
        self._said_problem = False

    def leftovers(self) -> list[Leftover]:
        """The autosaves of programs that are gone, the newest first; damaged ones are logged and removed."""
        found = []
        for file in self._folder.glob(f"*{session_file.SUFFIX}"):
            if file == self._file or is_claimed(_lock(file)):
                continue
            leftover = _read(file)
            if leftover is not None:
                found.append(leftover)
            else:
                _discard(file)
        return sorted(found, key=lambda leftover: leftover.saved, reverse=True)

    def discard(self, leftover: Leftover) -> None:
        """Remove a leftover that is not wanted, or that the document holds now.

        The latter is safe at any moment: a document that becomes dirty is autosaved at once.
        """
        _discard(leftover.file)

    @Slot(str)
    def _on_changed(self, what: str) -> None:
        if what not in ("clean", "path"):
            return
        if not self._document.dirty:
            self._remove()
        elif self._timer.isActive():
            self.save_now()

    def _remove(self) -> None:
        self._written = None
        try:
            self._file.unlink(missing_ok=True)
        except OSError as exc:
            log.warning("the autosave could not be removed: %s", exc)
            return
        self._let_go()

    def _let_go(self) -> None:
        if self._claim is not None:
            self._claim.release()
            self._claim = None


def _lock(file: Path) -> Path:
    return file.with_suffix(".lock")


def _discard(file: Path) -> None:
    try:
        taken = claim(_lock(file))
        if taken is None:
            return
        try:
            file.unlink(missing_ok=True)
        finally:
            taken.release()
    except OSError as exc:
        log.warning("an autosave could not be removed: %s", exc)


def _read(file: Path) -> Leftover | None:
    try:
        data = session_file.read_json(file)
        about = data.get(FIELD) if isinstance(data, dict) else None
        if not isinstance(about, dict):
            raise SessionFileError(f"“{file.name}” is no autosave.")
        path, title, saved = about.get("path"), about.get("title"), about.get("saved")
        if not isinstance(path, str | None) or not isinstance(title, str) or not isinstance(saved, str):
            raise SessionFileError(f"“{file.name}” is a damaged autosave.")
        return Leftover(
            file=file,
            session=session_file.from_data(data, file),
            path=Path(path) if path else None,
            title=title,
            saved=datetime.datetime.fromisoformat(saved).astimezone(),
        )
    except (SessionFileError, ValueError) as exc:
        log.warning("an autosave could not be read: %s", exc)
        return None
