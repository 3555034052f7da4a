"""Keeps the session and the chosen listener together: a session names a profile by its random id."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from app.document import Document
from app.errors import UserError
from app.listeners import NORMAL_KEY, Listeners
from app.recovery import Recovery


class SessionListener(QObject):
    """Chooses the listener that an opened session names, and lets the session name who is chosen.

    A session of a listener whose profile is not here is heard with normal hearing, and keeps the id until
    somebody else is chosen, so that it is whole again where the profile is; ``notice`` carries the sentence.
    A new listener (:meth:`Listeners.forget`) finds neither undo history nor autosaves of the one before.
    """

    notice = Signal(str)

    def __init__(
        self, document: Document, listeners: Listeners, recovery: Recovery, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._listeners = listeners
        self._recovery = recovery
        document.changed.connect(self._on_document)
        listeners.changed.connect(self._on_listener)
        listeners.forgotten.connect(self._on_forgotten)

    @Slot(str)
    def _on_document(self, what: str) -> None:
        if what != "source":
            return
        named = self._document.session.listener
        if not named:
            self._on_listener()
            return
        try:
            self._listeners.choose(named)
        except UserError as exc:
            self._listeners.choose(NORMAL_KEY)
            self._document.set_listener(named)
            self.notice.emit(str(exc))

    @Slot()
    def _on_listener(self) -> None:
        profile = self._listeners.profile
        self._document.set_listener("" if profile is None else profile.id)

    @Slot()
    def _on_forgotten(self) -> None:
        self._document.forget_history()
        self._recovery.forget()
