"""An audiogram while it is edited: points may be missing, and every change can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.errors import UserError
from app.hearing.audiogram import BEST_DB_HL, STEP_DB, WORST_DB_HL, Audiogram, Listener
from app.hearing.audiogram_csv import level_in

EDIT_HZ = (125.0, 250.0, 500.0, 750.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 6000.0, 8000.0)
"""The frequencies (Hz) that can be typed; those of a file are kept beside them."""
Ear = Literal["right", "left"]
EARS: tuple[Ear, ...] = ("right", "left")


@dataclass(frozen=True)
class EarDraft:
    """One ear: ``levels`` in dB HL by frequency in Hz, and what else an audiogram holds."""

    levels: Mapping[float, float] = field(default_factory=dict)
    no_response: frozenset[float] = frozenset()
    extrapolated: frozenset[float] = frozenset()
    bone: tuple[tuple[float, float], ...] = ()

    def with_level(self, frequency: float, level: float | None, *, answered: bool = True) -> EarDraft:
        """The ear with this level, or without one (None); a level that is set is no longer extrapolated."""
        levels = {f: v for f, v in self.levels.items() if f != frequency}
        silent = self.no_response - {frequency}
        if level is not None:
            levels[frequency] = min(WORST_DB_HL, max(BEST_DB_HL, level))
            silent = silent if answered else silent | {frequency}
        return replace(self, levels=levels, no_response=silent, extrapolated=self.extrapolated - {frequency})

    def audiogram(self, name: str = "") -> Audiogram:
        """What formulas take; ValueError where there is no point at all."""
        frequencies = tuple(sorted(self.levels))
        return Audiogram(
            frequencies,
            tuple(self.levels[f] for f in frequencies),
            name,
            tuple(sorted(self.extrapolated)),
            bone=self.bone,
            no_response=tuple(sorted(self.no_response)),
        )


@dataclass(frozen=True)
class Draft:
    """Both ears and the name of the listener."""

    right: EarDraft = EarDraft()
    left: EarDraft = EarDraft()
    name: str = field(default="", repr=False)

    def ear(self, ear: Ear) -> EarDraft:
        """One of the two ears."""
        return self.right if ear == "right" else self.left

    def with_ear(self, ear: Ear, draft: EarDraft) -> Draft:
        """The draft with another right or left ear."""
        return replace(self, right=draft) if ear == "right" else replace(self, left=draft)

    @property
    def frequencies(self) -> tuple[float, ...]:
        """The rows of the table: the usual frequencies and those that an ear has besides."""
        return tuple(sorted({*EDIT_HZ, *self.right.levels, *self.left.levels}))


def draft_of(listener: Listener, name: str = "") -> Draft:
    """A listener's ears to be edited."""
    right, left = (
        EarDraft(
            dict(zip(ear.frequencies, ear.levels, strict=True)),
            frozenset(ear.no_response),
            frozenset(ear.extrapolated),
            ear.bone,
        )
        for ear in (listener.right, listener.left)
    )
    return Draft(right, left, name)


class AudiogramDocument(QObject):
    """The draft of the moment with its undo stack; ``changed`` follows every change of it."""

    changed = Signal()

    def __init__(self, draft: Draft, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._gesture = 0
        self.undo_stack = QUndoStack(self)

    @property
    def draft(self) -> Draft:
        """The draft of the moment."""
        return self._draft

    def end_gesture(self) -> None:
        """A drag ended or another point was chosen: the next change is a step of its own."""
        self._gesture += 1

    def set_level(self, ear: Ear, frequency: float, level: float | None, *, answered: bool = True) -> None:
        """One point's level in dB HL (cut to −10…120), or none; steps on one point in a row are one undo."""
        old = self._draft.ear(ear)
        made = self._draft.with_ear(ear, old.with_level(frequency, level, answered=answered))
        self._push(made, self.tr("Set a threshold"), (ear, frequency))

    def step(self, ear: Ear, frequency: float, decibels: float) -> None:
        """Move a point by so many dB on the grid of that step; a missing one begins where it is drawn."""
        draft = self._draft.ear(ear)
        now = draft.levels.get(frequency)
        if now is None:
            self.set_level(ear, frequency, self.level_shown(ear, frequency))
            return
        size = abs(decibels)
        exact = now / size
        start = int(exact // 1) if decibels > 0 else -int(-exact // 1)
        level = (start + (1 if decibels > 0 else -1)) * size
        self.set_level(ear, frequency, level, answered=frequency not in draft.no_response)

    def set_answered(self, ear: Ear, frequency: float, answered: bool) -> None:
        """Whether the tone was heard; a missing point begins where it is drawn."""
        level = self._draft.ear(ear).levels.get(frequency, self.level_shown(ear, frequency))
        self.end_gesture()
        self.set_level(ear, frequency, level, answered=answered)
        self.end_gesture()

    def type_level(self, ear: Ear, frequency: float, text: str) -> None:
        """Take what was typed: a figure, nothing, or “110 NR”. Raises UserError with a sentence."""
        self.end_gesture()
        level: float | None = None
        answered = True
        if text.strip():
            try:
                level, answered = level_in(text)
            except UserError as exc:
                raise UserError(
                    self.tr(
                        "“{0}” is no hearing level. Type a figure from −10 to 120, nothing where it was not "
                        "measured, or 110 NR where a tone of 110 dB was not heard."
                    ).format(text.strip()[:20])
                ) from exc
            if not BEST_DB_HL <= level <= WORST_DB_HL:
                raise UserError(
                    self.tr("{0} dB lies outside −10 to 120 dB hearing level, so it was not taken.").format(
                        text.strip()[:20]
                    )
                )
        self.set_level(ear, frequency, level, answered=answered)
        self.end_gesture()

    def copy(self, source: Ear) -> None:
        """Give the other ear everything of this one."""
        target: Ear = "left" if source == "right" else "right"
        self._push(self._draft.with_ear(target, self._draft.ear(source)), self.tr("Copy an ear"))

    def swap(self) -> None:
        """Exchange the two ears."""
        draft = self._draft
        self._push(replace(draft, right=draft.left, left=draft.right), self.tr("Exchange the ears"))

    def start_from(self, listener: Listener, name: str | None = None) -> None:
        """Take both ears of a preset or a file, and its name where one is given."""
        made = draft_of(listener, self._draft.name if name is None else name)
        self._push(made, self.tr("Start from another audiogram"))

    def set_name(self, name: str) -> None:
        """The listener's name; typing it is one step."""
        self._push(replace(self._draft, name=name), self.tr("Change the name"), ("name", 0.0))

    def level_shown(self, ear: Ear, frequency: float) -> float:
        """Where a point that is not there would lie: between its neighbours, on the grid of 5 dB."""
        draft = self._draft.ear(ear)
        if not draft.levels:
            return 0.0
        return (
            round(replace(draft, no_response=frozenset()).audiogram().level_at(frequency) / STEP_DB) * STEP_DB
        )

    def listener(self) -> Listener:
        """Both ears as they are. Raises UserError with a sentence where an ear has no point."""
        for ear, words in zip(EARS, (self.tr("right ear"), self.tr("left ear")), strict=True):
            if not self._draft.ear(ear).levels:
                raise UserError(
                    self.tr("The {0} has no threshold yet. Type at least one, or copy the other ear.").format(
                        words
                    )
                )
        name = self._draft.name.strip()
        return Listener(self._draft.left.audiogram(), self._draft.right.audiogram(), name)

    def _push(self, made: Draft, text: str, control: tuple[str, float] | None = None) -> None:
        if made != self._draft:
            key = None if control is None else (*control, self._gesture)
            self.undo_stack.push(_Change(self._draft, made, text, key, self._put))

    def _put(self, draft: Draft) -> None:
        self._draft = draft
        self.changed.emit()


class _Change(QUndoCommand):
    """From one draft to the next; changes of one control in one gesture are one step."""

    def __init__(
        self,
        before: Draft,
        after: Draft,
        text: str,
        key: tuple[str, float, int] | None,
        put: Callable[[Draft], None],
    ) -> None:
        super().__init__(text)
        self._before, self._after, self._key, self._put = before, after, key, put

    def redo(self) -> None:
        self._put(self._after)

    def undo(self) -> None:
        self._put(self._before)

    def id(self) -> int:
        return -1 if self._key is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other._key != self._key:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True


def spoken_point(draft: Draft, ear: Ear, frequency: float) -> str:
    """A point as a screen reader should say it: “Right ear, 1000 hertz, 45 decibels”."""
    side = translate("Right ear") if ear == "right" else translate("Left ear")
    points = draft.ear(ear)
    level = points.levels.get(frequency)
    if level is None:
        value = translate("not measured")
    else:
        value = translate("{0} decibels").format(
            f"{translate('minus')} {abs(level):g}" if level < 0 else f"{level:g}"
        )
        if frequency in points.no_response:
            value += ", " + translate("no response")
        if frequency in points.extrapolated:
            value += ", " + translate("extrapolated")
    return f"{side}, {frequency:g} {translate('hertz')}, {value}"


def translate(text: str) -> str:
    """An English source text of this module in the user's language."""
    return QCoreApplication.translate("AudiogramDocument", text)
