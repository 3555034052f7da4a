"""One slider that brings a part forward: all gains move together, the loudness of the whole stays.

The part goes up and all others go down against it by the same number of decibels; then all of them move
together until the mix is as loud as before. At the end of the way the part stands 24 dB further above the
others than it did.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from app.audibility_job import AudibilityJob
from app.document import Document
from app.mix_loudness import MixLoudness
from app.names import display_name
from app.session import HIGHEST_GAIN_DB, LOWEST_GAIN_DB, Session, Strip, clamp_gain
from separation.separator import RESIDUAL

FURTHEST_DB = 24.0
"""How much further the part stands above the others at the end of the slider."""
_DECIMALS = 2
MOST_STEPS = 500
"""Mixes of one part's way that are remembered, so that undo and redo find the slider's place again."""

Mix = tuple[dict[str, Strip], float]


@dataclass(frozen=True, eq=False)
class _Step:
    """A mix on the way from the beginning, how far that is (0…1), and whether it became quieter for it."""

    mix: Mix
    amount: float
    lowered: bool


@dataclass(frozen=True)
class Followed:
    """A mix with a part brought forward, and whether it had to become quieter so as not to clip."""

    session: Session
    lowered: bool


def bring_forward(base: Session, part: str, amount: float, measure: MixLoudness) -> Followed:
    """The mix ``base`` with a part brought forward by ``amount`` (0…1), as loud as before.

    Gains stay within −60…+12 dB; what the part cannot take any more, the master does. Where the mix would
    clip in the window measured, and did not before, all of it becomes quieter instead. Strips that are not
    heard stay as they are.
    """
    way = FURTHEST_DB * min(1.0, max(0.0, amount))
    if way == 0.0:
        return Followed(base, False)
    heard = [name for name in base.stem_names if base.audible_gain(name) > 0]
    start = {name: base.strips[name].gain_db for name in heard}
    moved = {name: gain - (0.0 if name == part else way) for name, gain in start.items()}
    before, after = measure.loudness(base), measure.loudness(_with_gains(base, moved))
    lift = before - after if math.isfinite(before) and math.isfinite(after) else 0.0
    beyond = max(0.0, start[part] + lift - HIGHEST_GAIN_DB)
    highest = HIGHEST_GAIN_DB - max(0.0, base.master_db)
    made = _with_gains(base, {name: gain + lift - beyond for name, gain in moved.items()})
    made = made.with_master(round(min(base.master_db + beyond, max(base.master_db, highest)), _DECIMALS))
    over = 20 * math.log10(max(measure.peak(made), 1e-9) / max(1.0, measure.peak(base)))
    if over <= 0.0:
        return Followed(made, False)
    lower = math.floor((made.master_db - over) * 10**_DECIMALS) / 10**_DECIMALS
    return Followed(made.with_master(lower), True)


class Follow(QObject):
    """The control's state: which part, how far. ``changed`` tells that either is different, or may be used.

    The way begins at the mix that was there before. Any other edit of the mix is a new beginning; undo and
    redo are not, as long as they stay on the way.
    """

    changed = Signal()

    def __init__(self, document: Document, audibility: AudibilityJob, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._audibility = audibility
        self._part = ""
        self._amount = 0.0
        self._base: Session = document.session
        self._steps: deque[_Step] = deque(maxlen=MOST_STEPS)
        self._moving = False
        self.lowered = False
        document.changed.connect(self._on_changed)
        audibility.changed.connect(self.changed)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that can be followed."""
        return tuple(name for name in self._document.session.stem_names if name != RESIDUAL)

    @property
    def part(self) -> str:
        """The part that is followed; empty where there is none."""
        return self._part if self._part in self.parts else next(iter(self.parts), "")

    @property
    def amount(self) -> float:
        """How far it is brought forward, 0…1."""
        return self._amount

    @property
    def problem(self) -> str:
        """Why it cannot be brought forward now, in a sentence; empty where it can."""
        session, part = self._document.session, self.part
        if not part:
            return translate("Separate the recording first.")
        if session.audible_gain(part) == 0.0:
            return translate("{0} is silent now: unmute it first.").format(_name(part))
        if self._audibility.loudness is None:
            if self._audibility.problem:
                return translate("The parts could not be measured. {0}").format(self._audibility.problem)
            return translate("The parts are being measured …")
        return ""

    def set_part(self, part: str) -> None:
        """Follow another part, from the mix as it is now."""
        if part in self.parts and part != self.part:
            self._part = part
            self._begin()

    def set_amount(self, amount: float) -> None:
        """Bring the part forward by 0…1 of the way; a drag is one step of undo. Not with a problem."""
        measure = self._audibility.loudness
        if self.problem or measure is None:
            return
        amount = min(1.0, max(0.0, amount))
        followed = bring_forward(self._base, self.part, amount, measure)
        self._amount, self.lowered = amount, followed.lowered
        self._steps.append(_Step(_mix(followed.session), amount, followed.lowered))
        self._moving = True
        text = translate("Follow {0} {1} %").format(_name(self.part), round(100 * amount))
        self._document.set_mix(f"follow {self.part}", followed.session, text)
        self._moving = False
        self.changed.emit()

    @Slot(str)
    def _on_changed(self, what: str) -> None:
        if what == "stems":
            self._begin()
        elif what == "mix" and not self._moving:
            step = self._step_at(_mix(self._document.session))
            if step is None:
                self._begin()
            else:
                self._amount, self.lowered = step.amount, step.lowered
                self.changed.emit()

    def _step_at(self, mix: Mix) -> _Step | None:
        """Where on the way a mix is, the newest first; None where it is not on it."""
        if mix == _mix(self._base):
            return _Step(mix, 0.0, False)
        return next((step for step in reversed(self._steps) if step.mix == mix), None)

    def _begin(self) -> None:
        self._base = self._document.session
        self._amount, self.lowered = 0.0, False
        self._steps.clear()
        self.changed.emit()


def _with_gains(session: Session, gains: dict[str, float]) -> Session:
    """The session with these gains (dB), none of which becomes silence; to 0.01 dB."""
    strips = dict(session.strips)
    for name, gain in gains.items():
        kept = round(clamp_gain(max(LOWEST_GAIN_DB, gain)), _DECIMALS)
        strips[name] = replace(strips[name], gain_db=kept)
    return replace(session, strips=strips)


def _mix(session: Session) -> Mix:
    return session.strips, session.master_db


def _name(stem: str) -> str:
    return display_name(stem, lambda word: QCoreApplication.translate("names", word))


def translate(text: str) -> str:
    """An English source text of this module in the user's language."""
    return QCoreApplication.translate("Follow", text)
