"""What goes between the mix and these ears: which stages, at which level, for how one listens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.amplify import PRESENTATION_LUFS, amplify, presentation_gain_db
from app.hearing.audiogram import Audiogram, Listener
from app.hearing.compressor import CompressorStage, prescribed
from app.hearing.ear_stage import EarStage
from app.hearing.limiter import Limiter
from app.hearing.listener_tap import CEILING_DB, MOST_GAIN_DB, OFF, TapSetting
from app.hearing.nal_r_stage import NalRStage
from app.loudness import measure

WAYS = ("aids", "headphones", "loudspeakers")
"""How one listens: with hearing aids on, by headphones without aids, from loudspeakers without aids."""
PRESENTATION_DB_SPL = 65.0
FULL_SCALE_DB_SPL = PRESENTATION_DB_SPL - PRESENTATION_LUFS
"""What a sine at 0 dBFS stands for inside the chain (105 dB SPL): its input is at −40 LUFS, which stand for
65, and such a sine in both channels is at 0 LUFS."""
RMS_ONE_DB_SPL = FULL_SCALE_DB_SPL + 10 * math.log10(2)
"""What an RMS of 1 stands for in each ear (108 dB SPL): that sine's RMS is 3 dB lower. What remains is LUFS's
weighting: pink noise at −40 LUFS gets 63.7 dB SPL so, a sine of 997 Hz 65.0."""
HEADROOM_LU = 14.0
"""How far the amplified music stays under the ceiling: music's peaks are 12 to 16 dB above its loudness."""
MOST_DB_SPL = 117.0
"""The level at the ear of the loudest sine under the ceiling, where the output is calibrated; its peaks are
at 120 dB SPL. Our choice: over-the-counter hearing aids with compression may give as much (FDA, 21 CFR
800.30)."""
SEVERE_DB_HL = 60.0
STEEP_DB = 40.0


@dataclass(frozen=True)
class ChainRequest:
    """Everything that a chain depends on.

    ``kind`` is what is put into the ears, ``hear_as`` a simulation of the loss after it (for others than
    the listener), ``way`` one of :data:`WAYS`; ``channels`` the most that the device may have;
    ``loudness_db`` the recording's (LUFS); ``ceiling_db`` in dBFS; ``full_scale_db_spl`` the level at the
    ear of a sine at 0 dBFS where the output is calibrated, None where it is not.
    """

    kind: str
    way: str
    listener: Listener
    sample_rate: int
    channels: int
    loudness_db: float
    ceiling_db: float = CEILING_DB
    hear_as: bool = False
    full_scale_db_spl: float | None = None


def tap_setting(request: ChainRequest) -> TapSetting:
    """The tap's setting for a request; takes some tenths of a second, so not on the main thread.

    The mix is brought to −40 LUFS, amplified, and brought to where it is heard: to 65 dB SPL plus the
    prescription where the output is calibrated, under :func:`safe_ceiling_db`; otherwise 14 LU under the
    ceiling, so that the limiter rests. A simulation alone leaves the mix at its own level. Raises ValueError
    where the way forbids the kind.
    """
    if request.kind != "off" and request.way == "aids":
        raise ValueError("what goes to hearing aids is not amplified a second time")
    if request.kind == "off" and not request.hear_as:
        return OFF
    Limiter(request.sample_rate, 2)  # so that its kernel is compiled here, not where the tap is set
    ears = ears_of(request.listener, request.way)
    count = 2 if request.way != "loudspeakers" else max(2, request.channels)
    stages = tuple(
        _stages(request, ears.left if channel % 2 == 0 else ears.right) for channel in range(count)
    )
    before = _held(presentation_gain_db(request.loudness_db))
    if request.hear_as:
        after = -before
    elif request.full_scale_db_spl is not None:
        after = FULL_SCALE_DB_SPL - request.full_scale_db_spl
    else:
        after = request.ceiling_db - HEADROOM_LU - amplified_loudness(request.kind, ears)
    kind = f"{request.kind}, heard as" if request.hear_as else request.kind
    fit = (kind, ears.left, ears.right, count, request.sample_rate)
    ceiling_db = safe_ceiling_db(request.ceiling_db, request.full_scale_db_spl)
    return TapSetting(kind, stages, before, _held(after), ceiling_db, fit)


def safe_ceiling_db(ceiling_db: float, full_scale_db_spl: float | None) -> float:
    """The ceiling (dBFS) that is kept: lower where that is known to be more than :data:`MOST_DB_SPL`."""
    return ceiling_db if full_scale_db_spl is None else min(ceiling_db, MOST_DB_SPL - full_scale_db_spl)


def ears_of(listener: Listener, way: str) -> Listener:
    """The audiograms to amplify for: each ear's own, or for loudspeakers one for both.

    From loudspeakers both ears hear both channels, so the one curve is for the better ear at each frequency:
    neither ear gets more than it is prescribed.
    """
    if way != "loudspeakers":
        return listener
    frequencies = tuple(sorted({*listener.left.frequencies, *listener.right.frequencies}))
    both = zip(listener.left.levels_at(frequencies), listener.right.levels_at(frequencies), strict=True)
    common = Audiogram(frequencies, tuple(min(pair) for pair in both), "better ear")
    return Listener(common, common, listener.name)


def amplified_loudness(kind: str, listener: Listener) -> float:
    """How loud (LUFS) pink noise at the presentation level is once amplified; about as music is."""
    rate = 32000
    noise = _pink(2 * rate)
    ears = np.stack([noise, noise])
    gain = 10 ** ((PRESENTATION_LUFS - measure(ears.T, rate).value_db) / 20)
    amplified = amplify(gain * ears, rate, listener, kind, loudness_db=PRESENTATION_LUFS)
    return measure(amplified.T, rate).value_db


def caution(kind: str, listener: Listener) -> str:
    """What should be known about a kind of amplification for this listener, in a sentence; or nothing."""
    if kind != "nal-r":
        return ""
    worst = max(np.mean(ear.levels_at((500, 1000, 2000, 4000))) for ear in (listener.left, listener.right))
    steep = max(ear.level_at(4000) - ear.level_at(500) for ear in (listener.left, listener.right))
    if worst > SEVERE_DB_HL:
        return "NAL-R was made for mild to moderate losses. For a loss as large as this it is a rough guess."
    if steep >= STEEP_DB:
        return "NAL-R was made for sloping, not steep losses. For one as steep as this it is a rough guess."
    return ""


def _stages(request: ChainRequest, ear: Audiogram) -> tuple[EarStage, ...]:
    stages: list[EarStage] = []
    if request.kind == "nal-r":
        stages.append(NalRStage(request.sample_rate, ear))
    elif request.kind == "cad2":
        stages.append(CompressorStage(request.sample_rate, prescribed(ear)))
    if request.hear_as:
        from app.hearing.simulation import LossSimulation  # its kernels are only needed here

        stages.append(LossSimulation(request.sample_rate, ear, full_scale_db_spl=RMS_ONE_DB_SPL))
    return tuple(stages)


def _held(gain_db: float) -> float:
    return min(MOST_GAIN_DB, max(-MOST_GAIN_DB, gain_db))


def _pink(frames: int) -> NDArray[np.float64]:
    """Noise whose power falls by 3 dB an octave, without what lies below 40 Hz; always the same."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(frames))
    bins = np.arange(spectrum.size)
    spectrum /= np.sqrt(np.maximum(bins, 1))
    spectrum[: frames * 40 // 32000] = 0.0
    return np.asarray(np.fft.irfft(spectrum, frames))
