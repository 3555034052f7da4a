"""The undoable edits of a session: each knows its text, what it changed, and what it may merge with.

An edit keeps what it changed before and after, as values, so undo restores the exact figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from app.names import display_name, shown_gain, shown_pan, shown_time
from app.session import Session

MERGE_SECONDS = 0.7
"""Two steps on the same control become one step of undo when they lie no further apart than this."""

Put = Callable[[Session, str], None]
"""Makes a session the current one and says what changed: ``mix`` or ``loop``."""


@dataclass(frozen=True)
class Moment:
    """When an edit was made: the clock (seconds) and the drag it belongs to, 0 outside a drag.

    ``gesture`` counts the gestures that the user has ended (a released slider, a lost focus): edits of
    two gestures never merge.
    """

    seconds: float
    gesture: int
    dragging: bool

    def joins(self, later: Moment) -> bool:
        """Whether an edit made at ``later`` belongs to the same step of undo as one made now."""
        if self.gesture != later.gesture or self.dragging != later.dragging:
            return False
        return self.dragging or 0 <= later.seconds - self.seconds <= MERGE_SECONDS


translate = QCoreApplication.translate


def _name(stem: str) -> str:
    return display_name(stem, lambda word: translate("names", word))


class Edit(QUndoCommand):
    """A change from one session to the next, applied by undo and redo through ``put``.

    ``current`` gives the session of the moment, because what no edit touches (the play head, where the
    recording lies) must survive undo. Subclasses say which part of the session they are about.
    """

    what = "mix"
    merge_id = -1

    def __init__(self, before: Session, after: Session, current: Callable[[], Session], put: Put) -> None:
        super().__init__()
        self._before = before
        self._after = after
        self._current = current
        self._put = put

    def redo(self) -> None:
        """Make the change."""
        self._put(self._carry(self._current(), self._after), self.what)

    def undo(self) -> None:
        """Take the change back."""
        self._put(self._carry(self._current(), self._before), self.what)

    def id(self) -> int:
        """The kind of edit for Qt: only edits of one kind are offered to :meth:`mergeWith`."""
        return self.merge_id

    def _carry(self, now: Session, then: Session) -> Session:
        """The session of now with this edit's part of the session of then."""
        return replace(now, strips=then.strips, master_db=then.master_db)


class SteppedEdit(Edit):
    """An edit of one control that moves in steps; the steps of a drag, or of a quick run, are one edit.

    ``control`` names the control, so that only steps on the same one merge.
    """

    def __init__(
        self,
        control: str,
        before: Session,
        after: Session,
        current: Callable[[], Session],
        put: Put,
        moment: Moment,
    ) -> None:
        super().__init__(before, after, current, put)
        self._control = control
        self._moment = moment
        self.setText(self._describe())

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a later step in, if it is one on the same control in the same gesture."""
        if type(other) is not type(self) or not isinstance(other, SteppedEdit):
            return False
        if other._control != self._control or not self._moment.joins(other._moment):
            return False
        self._after = other._after
        self._moment = other._moment
        self.setText(self._describe())
        # A drag that came back to where it began changed nothing: Qt then drops the command.
        self.setObsolete(self._carry(self._after, self._before) == self._after)
        return True

    def _describe(self) -> str:
        raise AssertionError("every stepped edit describes itself")


class GainEdit(SteppedEdit):
    """A strip's gain."""

    merge_id = 1

    def _describe(self) -> str:
        gain = shown_gain(self._after.strips[self._control].gain_db)
        return translate("edits", "{strip} gain {gain}").format(strip=_name(self._control), gain=gain)


class PanEdit(SteppedEdit):
    """A strip's pan."""

    merge_id = 2

    def _describe(self) -> str:
        pan = shown_pan(self._after.strips[self._control].pan, lambda word: translate("names", word))
        return translate("edits", "{strip} pan {pan}").format(strip=_name(self._control), pan=pan)


class MasterEdit(SteppedEdit):
    """The master gain."""

    merge_id = 3

    def _describe(self) -> str:
        return translate("edits", "Master gain {gain}").format(gain=shown_gain(self._after.master_db))


class MixEdit(SteppedEdit):
    """Several gains moved together by one control, which says what it did in ``text``."""

    merge_id = 5

    def __init__(
        self,
        control: str,
        text: str,
        before: Session,
        after: Session,
        current: Callable[[], Session],
        put: Put,
        moment: Moment,
    ) -> None:
        self._text = text
        super().__init__(control, before, after, current, put, moment)

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a later step in with its words."""
        if not isinstance(other, MixEdit) or not super().mergeWith(other):
            return False
        self._text = other._text
        self.setText(self._text)
        return True

    def _describe(self) -> str:
        return self._text


class LoopEdit(SteppedEdit):
    """The selection; whether it repeats is no edit, so undo leaves that switch as it is."""

    what = "loop"
    merge_id = 4

    def _carry(self, now: Session, then: Session) -> Session:
        loop = then.loop
        if loop is not None and now.loop is not None:
            loop = replace(loop, on=now.loop.on)
        return replace(now, loop=loop)

    def _describe(self) -> str:
        loop, source = self._after.loop, self._after.source
        if loop is None:
            return translate("edits", "Remove the loop")
        if source is None:
            return translate("edits", "Loop")
        start, stop = (shown_time(frame / source.sample_rate) for frame in (loop.start, loop.stop))
        return translate("edits", "Loop {start}–{stop}").format(start=start, stop=stop)


class MuteEdit(Edit):
    """A strip muted or heard again."""

    def __init__(
        self, stem: str, before: Session, after: Session, current: Callable[[], Session], put: Put
    ) -> None:
        super().__init__(before, after, current, put)
        text = (
            translate("edits", "Mute {strip}")
            if after.strips[stem].mute
            else translate("edits", "Unmute {strip}")
        )
        self.setText(text.format(strip=_name(stem)))


class SoloEdit(Edit):
    """A strip soloed, alone or beside others, or its solo taken off."""

    def __init__(
        self, stem: str, before: Session, after: Session, current: Callable[[], Session], put: Put
    ) -> None:
        super().__init__(before, after, current, put)
        text = (
            translate("edits", "Solo {strip}")
            if after.strips[stem].solo
            else translate("edits", "Unsolo {strip}")
        )
        self.setText(text.format(strip=_name(stem)))


class FlattenEdit(Edit):
    """Every strip and the master back at 0 dB, nothing muted, soloed or panned."""

    def __init__(self, before: Session, after: Session, current: Callable[[], Session], put: Put) -> None:
        super().__init__(before, after, current, put)
        self.setText(translate("edits", "Reset the mix"))
