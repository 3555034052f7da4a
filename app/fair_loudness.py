"""Settings that are compared are made equally loud first: louder always seems better.

The mixes are matched by integrated loudness (LUFS) *before* amplification, and then all amplified alike.
Where the prescriptions themselves differ and are heard, that is not enough: LUFS assumes normal hearing,
and a prescription changes the level that it is measured at. Then each setting goes through its own chain,
at the level that prescriptions are made for, and the ear model of the listener says how loud it is
(:mod:`app.hearing.ear_loudness`); louder ones are turned down before their chain, so that a compressor
sees the level that it will get. Nothing is ever turned up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from app.hearing.amplify import PRESENTATION_LUFS, amplify, presentation_gain_db
from app.hearing.audiogram import Listener
from app.hearing.ear_loudness import listener_loudness, matching_gains
from app.hearing.listener_chain import RMS_ONE_DB_SPL, ChainRequest, ears_of, safe_ceiling_db, tap_setting
from app.hearing.listener_tap import MOST_GAIN_DB, TapSetting
from app.hearing.remix_window import Ears, to_ears
from app.loudness import MOST_MATCHING_DB, QUIETEST_DB, measure
from app.mixer import render_offline
from app.session import Session

Audio = NDArray[np.float32]
Check = Callable[[], None]

WINDOW_SECONDS = 4.0
"""How much of the music the ear model listens to, from the middle of the stretch."""
ALIKE = "The mixes were made equally loud (LUFS) before amplification, and then amplified alike."
BY_EAR = (
    "The amplifications differ, so these settings were made equally loud for this listener by the ear model, "
    "at the level that prescriptions are made for."
)
NOT_BY_EAR = (
    "The amplifications differ, but the ear model could not make these settings equally loud; only the mixes "
    "are (LUFS)."
)
SILENT = "One of the mixes is silent here, so their loudness was not matched."


@dataclass(frozen=True)
class Candidate:
    """A setting to compare: a mix, a kind of amplification, and whose prescription it follows."""

    session: Session = field(repr=False)
    amplification: str
    listener: Listener

    def amplified_like(self, other: Candidate) -> bool:
        """Whether the two are amplified alike: neither, or both for the same ears in the same way."""
        return self._prescription() == other._prescription()

    def _prescription(self) -> object:
        ears = self.listener.left, self.listener.right
        if self.amplification == "off":
            return "off"
        return self.amplification, *(ear.facts for ear in ears)


@dataclass(frozen=True, eq=False)
class FairRequest:
    """A snapshot of what is to be made equally loud.

    ``recording`` and ``stems`` are (frames, channels) float32 at ``sample_rate``, of which ``start`` to
    ``stop`` (frames) will be heard. ``listener`` is who listens. ``way`` is how, where amplification is
    heard (``headphones`` or ``loudspeakers``), and empty where it is not; ``now`` is what is amplified
    for then; ``ceiling_db`` and ``full_scale_db_spl`` are as in
    :class:`~app.hearing.listener_chain.ChainRequest`.
    """

    candidates: tuple[Candidate, ...]
    recording: Audio
    stems: Mapping[str, Audio]
    sample_rate: int
    start: int
    stop: int
    listener: Listener
    way: str = ""
    now: Candidate | None = None
    ceiling_db: float = -12.0
    full_scale_db_spl: float | None = None

    @property
    def amplified_alike(self) -> bool:
        """Whether what is heard of the candidates differs in their mixes only."""
        first, *others = self.candidates
        return not self.way or all(first.amplified_like(other) for other in others)

    @property
    def tap_stays(self) -> bool:
        """Whether what is heard now amplifies as all of the candidates ask for."""
        if not self.way:
            return True
        return self.now is not None and all(self.now.amplified_like(one) for one in self.candidates)


@dataclass(frozen=True)
class FairTap:
    """What makes a candidate's tap: always a new one, because a tap's stages are used once."""

    request: ChainRequest
    presentation_db: float
    trim_db: float

    def make(self) -> TapSetting:
        """The tap's setting; takes some tenths of a second, so not on the main thread.

        It says of itself that it may be louder than anything, so that every change comes up in the same way
        and tells nothing about which setting it is.
        """
        made = tap_setting(self.request)
        return replace(
            made,
            presentation_db=self.presentation_db,
            trim_db=self.trim_db,
            ceiling_db=safe_ceiling_db(self.request.ceiling_db, self.request.full_scale_db_spl),
            fit=None,
        )


@dataclass(frozen=True)
class Fairness:
    """The gain (dB, ≤ 0) before amplification of each candidate, and a sentence on how it was found.

    ``taps`` has one for each candidate where their amplification differs, and is empty where the tap may stay
    as it is.
    """

    gains_db: tuple[float, ...]
    sentence: str
    taps: tuple[FairTap, ...] = ()


def make_fair(request: FairRequest, check: Check | None = None) -> Fairness:
    """Find the gains. Takes seconds, so not on the main thread. ``check`` may raise to stop."""
    check = check or (lambda: None)
    rendered = []
    for candidate in request.candidates:
        check()
        rendered.append(_rendered(request, candidate, check))
    loudness = [measure(mix, request.sample_rate, check=check).value_db for mix in rendered]
    if min(loudness) < QUIETEST_DB:
        gains, sentence = (0.0,) * len(rendered), SILENT
    else:
        quietest = min(loudness)
        gains = tuple(max(-MOST_MATCHING_DB, quietest - level) for level in loudness)
        sentence = ALIKE
    if request.tap_stays:
        return Fairness(gains, sentence)
    channels = max(2, request.recording.shape[1])
    plain = measure(
        request.recording, request.sample_rate, spread=channels // request.recording.shape[1], check=check
    ).value_db
    before = max(-MOST_GAIN_DB, min(MOST_GAIN_DB, presentation_gain_db(plain)))
    if sentence == ALIKE and not request.amplified_alike:
        more = _by_ear(request, rendered, gains, before, check)
        sentence = BY_EAR if more is not None else NOT_BY_EAR
        gains = tuple(gain + extra for gain, extra in zip(gains, more or (0.0,) * len(gains), strict=True))
    return Fairness(gains, sentence, _taps(request, channels, plain, before))


def _rendered(request: FairRequest, candidate: Candidate, check: Check) -> Audio:
    blocks = []
    for block in render_offline(
        candidate.session,
        request.recording,
        request.stems,
        sample_rate=request.sample_rate,
        start=request.start,
        stop=request.stop,
    ):
        check()
        blocks.append(block)
    return np.concatenate(blocks)


def _by_ear(
    request: FairRequest, rendered: Sequence[Audio], gains: Sequence[float], before_db: float, check: Check
) -> tuple[float, ...] | None:
    """Further gains (dB, ≤ 0) that make the amplified candidates equally loud; None where they do not."""
    length = round(WINDOW_SECONDS * request.sample_rate)
    middle = len(rendered[0]) // 2
    part = slice(max(0, middle - length // 2), middle + length // 2)

    def loudness_of(candidate: Candidate, mix: Audio, gain_db: float) -> Callable[[float], float]:
        ears = to_ears(mix[part])
        return lambda extra: _loudness(request, candidate, ears, before_db + gain_db + extra, check)

    found = matching_gains(
        [loudness_of(*one) for one in zip(request.candidates, rendered, gains, strict=True)]
    )
    return tuple(one.gain_db for one in found) if all(one.reached for one in found) else None


def _loudness(request: FairRequest, candidate: Candidate, ears: Ears, gain_db: float, check: Check) -> float:
    check()
    prescribed = ears_of(candidate.listener, request.way)
    heard = amplify(
        ears * 10 ** (gain_db / 20),
        request.sample_rate,
        prescribed,
        candidate.amplification,
        loudness_db=PRESENTATION_LUFS,
    )
    return listener_loudness(heard, request.sample_rate, request.listener, RMS_ONE_DB_SPL, check)


def _taps(request: FairRequest, channels: int, loudness_db: float, before_db: float) -> tuple[FairTap, ...]:
    """One tap a candidate, all at the same level before and after their prescription.

    The gain after it is the lowest that any of them would have had alone, so none is louder than it may be.
    """
    chains = [
        ChainRequest(
            candidate.amplification,
            request.way,
            candidate.listener,
            request.sample_rate,
            channels,
            loudness_db,
            request.ceiling_db,
            full_scale_db_spl=request.full_scale_db_spl,
        )
        for candidate in request.candidates
    ]
    trims = [tap_setting(chain).trim_db for chain in chains if chain.kind != "off"]
    trim = min(trims, default=-before_db)  # none amplified: the mix at its own level
    return tuple(FairTap(chain, before_db, trim) for chain in chains)
