"""Blind comparison of two or three settings: hidden order, repeated trials, counts, and what they prove.

In every trial the settings stand under the numbers 1, 2, 3 in a new random order that nobody is shown. A
vote is for one of the numbers or for *no difference*. Only when the comparison is revealed, which ends
it, are the counts told: before that the votes so far would lead the next one.

The interval of a share is that of Clopper & Pearson (1934), "The use of confidence or fiducial limits
illustrated in the case of the binomial", Biometrika 26, 404–413: exact, and wide where votes are few. With
three settings the three intervals hold together (Bonferroni: each at a third of the error).
"""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scipy.special import betaincinv

LABELS = ("A", "B", "C")
"""What settings are called when they are not hidden."""
CONFIDENCE = 0.95
MOST_VOTES = 10_000
LONGEST_COMMENT = 4000
KIND = "blind comparison"
FORMAT = 1
_MOST_NEEDED = 1000

Seed = Callable[[], int]


def fresh_seed() -> int:
    """A number that nobody can foresee."""
    return secrets.randbits(64)


class NotRevealedError(ValueError):
    """The counts, or which setting was which, were asked for before the comparison was revealed."""


@dataclass(frozen=True)
class TrialSetting:
    """One of the settings compared, in words and figures that a report can show.

    ``mix`` says the mix in words, ``amplification`` is a kind of ``app.hearing.amplify`` and ``listener``
    whose prescription it follows; ``gain_db`` (≤ 0) is what the mix was turned down by to be as loud as
    the others. ``score`` is the HAAQI of the left and the right ear against ``reference``, where there
    was one.
    """

    label: str
    mix: str
    amplification: str = "off"
    listener: str = field(default="", repr=False)
    gain_db: float = 0.0
    score: tuple[float, float] | None = None
    reference: str = ""


@dataclass(frozen=True)
class Trial:
    """One trial: the labels in the order in which they stood (hidden then), and the label voted for.

    ``vote`` is empty where no difference was heard.
    """

    order: tuple[str, ...]
    vote: str


@dataclass(frozen=True)
class Share:
    """A setting's share of the votes that preferred one: ``votes`` of ``of``, with its interval (0…1)."""

    label: str
    votes: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0…1; 0 where there are no votes."""
        return self.votes / self.of if self.of else 0.0


@dataclass(frozen=True)
class TrialResult:
    """A finished comparison. ``date`` is ISO 8601, ``matching`` says how the loudness was made equal."""

    settings: tuple[TrialSetting, ...]
    trials: tuple[Trial, ...]
    recording: str = ""
    matching: str = ""
    comment: str = field(default="", repr=False)
    date: str = ""

    @property
    def chance(self) -> float:
        """The share that each setting has where nobody hears a difference."""
        return 1.0 / len(self.settings)

    @property
    def no_difference(self) -> int:
        """How many votes said that there is none."""
        return sum(not trial.vote for trial in self.trials)

    def shares(self) -> tuple[Share, ...]:
        """Every setting's share of the votes for one, in the settings' order."""
        votes = [trial.vote for trial in self.trials if trial.vote]
        count = len(self.settings)
        error = (1 - CONFIDENCE) / (count if count > 2 else 1)
        return tuple(
            Share(
                s.label, votes.count(s.label), len(votes), *interval(votes.count(s.label), len(votes), error)
            )
            for s in self.settings
        )

    def verdict(self) -> str:
        """One or two sentences on what the votes prove, and how many more it would take."""
        shares = self.shares()
        total, most = shares[0].of, max(shares, key=lambda share: share.votes)
        fewest = votes_needed(len(self.settings), 1.0)
        nothing = (
            f"One vote proves nothing: even if all are for the same setting, it takes {fewest} of them "
            "before chance is an unlikely explanation."
        )
        if not total:
            return f"No vote preferred a setting. {nothing}"
        chosen = f"{most.label} was preferred in {most.votes} of {total} votes"
        span = f"{_percent(most.low)} to {_percent(most.high)} %, chance {_percent(self.chance)} %"
        if most.low > self.chance:
            return f"{chosen} ({span}): more than chance would explain. It holds for this listener and music."
        if sum(share.votes == most.votes for share in shares) > 1:
            return f"The votes show no preference ({most.label}: {span}). {nothing}"
        needed = votes_needed(len(self.settings), most.value)
        more = (
            f" If the share stayed like this, about {needed} votes would be needed."
            if needed is not None and needed > max(total, fewest or 0)
            else ""
        )
        return f"{chosen} ({span}): this may be chance. {nothing}{more}"

    def to_plain(self) -> dict[str, Any]:
        """The result as plain JSON values, for a listener's profile."""
        return {
            "kind": KIND,
            "format": FORMAT,
            "date": self.date,
            "recording": self.recording,
            "matching": self.matching,
            "comment": self.comment,
            "settings": [vars(setting) for setting in self.settings],
            "trials": [{"order": list(trial.order), "vote": trial.vote} for trial in self.trials],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrialResult:
        """A result out of a profile. Raises ValueError, with a sentence, for anything else."""
        try:
            if plain["kind"] != KIND or plain["format"] != FORMAT:
                raise ValueError("it is of another kind or a newer format")
            settings = tuple(_setting(one) for one in plain["settings"])
            labels = tuple(s.label for s in settings)
            if labels not in (LABELS[:2], LABELS):
                raise ValueError("it does not compare two or three settings")
            trials = tuple(Trial(tuple(map(str, one["order"])), str(one["vote"])) for one in plain["trials"])
            if len(trials) > MOST_VOTES:
                raise ValueError("it holds more votes than anyone gives")
            for trial in trials:
                if sorted(trial.order) != list(labels) or trial.vote not in ("", *labels):
                    raise ValueError("a trial names a setting that is not compared")
            texts = {name: str(plain.get(name, "")) for name in ("recording", "matching", "comment", "date")}
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            reason = str(exc) if type(exc) is ValueError else "something is missing from it"
            raise ValueError(f"This comparison cannot be read: {reason}.") from exc
        return cls(settings, trials, **texts)


@dataclass
class BlindComparison:
    """A comparison under way. It knows the hidden orders and tells them only once :meth:`reveal` was called.

    ``seed`` gives a number for each trial's order; tests give their own.
    """

    settings: tuple[TrialSetting, ...]
    recording: str = ""
    matching: str = ""
    seed: Seed = field(default=fresh_seed, repr=False)
    _order: tuple[str, ...] = field(default=(), init=False, repr=False)
    _trials: list[Trial] = field(default_factory=list, init=False, repr=False)
    _heard: set[int] = field(default_factory=set, init=False, repr=False)
    _result: TrialResult | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for fewer than two, more than three, or wrongly labelled settings."""
        labels = tuple(setting.label for setting in self.settings)
        if labels not in (LABELS[:2], LABELS):
            raise ValueError("A comparison needs two or three settings, called A, B and C.")
        self._shuffle()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The neutral names of this trial's settings: 1, 2 and perhaps 3."""
        return tuple(range(1, len(self.settings) + 1))

    @property
    def votes(self) -> int:
        """How many trials were voted on."""
        return len(self._trials)

    @property
    def revealed(self) -> bool:
        """Whether the comparison has ended."""
        return self._result is not None

    @property
    def unheard(self) -> tuple[int, ...]:
        """The numbers that were not played in this trial yet; a vote has to wait for them."""
        return tuple(number for number in self.numbers if number not in self._heard)

    def under(self, number: int) -> str:
        """The label that stands under a number in this trial: for the player, not for the screen."""
        if number not in self.numbers:
            raise ValueError(f"There is no setting {number} in this comparison.")
        return self._order[number - 1]

    def play(self, number: int) -> str:
        """Note that a number is heard now, and say its label: for the player, not for the screen."""
        label = self.under(number)
        self._heard.add(number)
        return label

    def vote(self, number: int | None) -> None:
        """Prefer a number, or None where no difference is heard; then the next trial begins, shuffled anew.

        Raises ValueError with a sentence where not all were heard, or the comparison has ended.
        """
        if self.revealed:
            raise ValueError("The comparison has been revealed: votes after that would not be blind.")
        if self.unheard:
            raise ValueError("Listen to each of them first, then vote.")
        if number is not None and number not in self.numbers:
            raise ValueError(f"There is no setting {number} in this comparison.")
        if self.votes >= MOST_VOTES:
            raise ValueError("These are votes enough; reveal the comparison.")
        self._trials.append(Trial(self._order, "" if number is None else self._order[number - 1]))
        self._shuffle()

    def reveal(self, comment: str = "", *, now: datetime | None = None) -> TrialResult:
        """End the comparison and tell everything. Raises ValueError without a vote. Once more: the same."""
        if self._result is None:
            if not self._trials:
                raise ValueError("There is no vote yet, so there is nothing to reveal.")
            date = (now or datetime.now().astimezone()).isoformat(timespec="seconds")
            self._result = TrialResult(
                self.settings,
                tuple(self._trials),
                self.recording,
                self.matching,
                comment.strip()[:LONGEST_COMMENT],
                date,
            )
        return self._result

    @property
    def result(self) -> TrialResult:
        """The result; raises :class:`NotRevealedError` before :meth:`reveal`."""
        if self._result is None:
            raise NotRevealedError("The comparison has not been revealed yet.")
        return self._result

    def _shuffle(self) -> None:
        order = [setting.label for setting in self.settings]
        random.Random(self.seed()).shuffle(order)
        self._order = tuple(order)
        self._heard.clear()


def interval(votes: int, of: int, error: float = 1 - CONFIDENCE) -> tuple[float, float]:
    """The Clopper–Pearson interval (0…1) of a share of ``votes`` in ``of``, two-sided at ``error``.

    Without votes nothing is known: 0 to 1. Raises ValueError where ``votes`` is not within 0…``of``.
    """
    if not 0 <= votes <= of:
        raise ValueError("the votes for one must lie between 0 and all of them")
    if not of:
        return 0.0, 1.0
    low = float(betaincinv(votes, of - votes + 1, error / 2)) if votes else 0.0
    high = float(betaincinv(votes + 1, of - votes, 1 - error / 2)) if votes < of else 1.0
    return low, high


def votes_needed(settings: int, share: float) -> int | None:
    """The least number of votes at which this share (0…1) of them is more than chance would explain.

    None where the share is not above chance, or so little above it that 1000 votes would not do.
    """
    chance = 1 / settings
    error = (1 - CONFIDENCE) / (settings if settings > 2 else 1)
    if share <= chance:
        return None
    for of in range(1, _MOST_NEEDED + 1):
        if interval(min(of, int(share * of + 1e-9)), of, error)[0] > chance:
            return of
    return None


def results(trials: Sequence[Mapping[str, Any]]) -> list[TrialResult]:
    """The comparisons among a profile's trials; what cannot be read (a later version's) is left out."""
    found = []
    for plain in trials:
        try:
            found.append(TrialResult.from_plain(plain))
        except ValueError:
            continue
    return found


def _setting(plain: Mapping[str, Any]) -> TrialSetting:
    gain_db = float(plain["gain_db"])
    if not math.isfinite(gain_db):
        raise ValueError("a gain is no number")
    score = plain.get("score")
    if score is not None:
        left, right = (float(ear) for ear in score)
        if not (math.isfinite(left) and math.isfinite(right)):
            raise ValueError("a score is no number")
        score = left, right
    return TrialSetting(
        label=str(plain["label"]),
        mix=str(plain["mix"]),
        amplification=str(plain["amplification"]),
        listener=str(plain["listener"]),
        gain_db=gain_db,
        score=score,
        reference=str(plain.get("reference", "")),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
