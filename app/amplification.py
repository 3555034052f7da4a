"""Amplification as the listener chooses it: what the score models, and what is put into their ears."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.hearing.amplify import KINDS
from app.listening import Listening
from app.settings import Settings

WAYS = ("aids", "headphones", "loudspeakers")
"""How one listens: with hearing aids on, by headphones without aids, from loudspeakers without aids."""


class Amplification(QObject):
    """What the score models and what is heard. Belongs to the main thread; sessions open with nothing heard.

    ``changed`` tells that anything here is different.
    """

    changed = Signal()

    def __init__(self, listening: Listening, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listening = listening
        self._settings = settings
        self._kind = "nal-r"
        self._heard = False
        self._hear_as = False
        self._way: str | None = None

    @property
    def kind(self) -> str:
        """What the score models, and what is heard where it is: one of :data:`~app.hearing.amplify.KINDS`."""
        return self._kind

    def set_kind(self, kind: str) -> None:
        """Choose what the score models. Raises ValueError for anything but one of the kinds."""
        if kind not in KINDS:
            raise ValueError(f"amplification is one of {KINDS}, not {kind!r}")
        if kind != self._kind:
            self._kind = kind
            self.changed.emit()

    @property
    def heard(self) -> bool:
        """Whether the amplification is put into the listener's ears."""
        return self._heard

    def set_heard(self, heard: bool) -> None:
        """Hear the amplification or not; it fades. Nothing happens where it may not be heard."""
        heard = heard and not self.may_be_heard()
        if heard != self._heard:
            self._heard = heard
            self.changed.emit()

    @property
    def way(self) -> str | None:
        """How the listener listens at the present output: one of :data:`WAYS`, None where not asked yet."""
        return self._way

    def set_way(self, way: str) -> None:
        """Note how the listener listens at the present output. Raises ValueError for another word."""
        if way not in WAYS:
            raise ValueError(f"a way of listening is one of {WAYS}, not {way!r}")
        if way != self._way:
            self._way = way
            self._heard = self._heard and not self.may_be_heard()
            self.changed.emit()

    def may_be_heard(self) -> str:
        """Why amplification may not be heard now, in a sentence; empty where it may."""
        if self._way is None:
            return "Say first how you listen."
        if self._way == "aids":
            return "Your hearing aids amplify already, so Ripieno does not do it again."
        return ""

    @property
    def hear_as(self) -> bool:
        """Whether a simulation of the hearing loss is heard (for others than the listener)."""
        return self._hear_as

    def set_hear_as(self, hear_as: bool) -> None:
        """Hear as the listener hears, or not; it fades."""
        if hear_as != self._hear_as:
            self._hear_as = hear_as
            self.changed.emit()
