"""How loud a recording or a mix is, so that the two can be compared at equal loudness.

Integrated loudness after ITU-R BS.1770-4 with the filters of pyloudnorm, but block by block: an hour takes
a few kilobytes of state. Where the standard says nothing (less than one gating block of 400 ms, more than
five channels) it is the RMS level, and the result says so.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyloudnorm
import scipy.signal

from app.mixer import Mixer, mix_state, output_channels
from app.session import Session

Audio = npt.NDArray[np.float32]
Check = Callable[[], None]
Method = Literal["integrated loudness", "RMS level"]

BLOCK_SECONDS = 0.4
STEPS_PER_BLOCK = 4
"""Gating blocks overlap by three quarters (BS.1770-4, annex 1)."""
CHANNEL_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)
"""Left, right, centre, left surround, right surround (BS.1770-4, table 3, as rounded there)."""
OFFSET_DB = -0.691
ABSOLUTE_GATE_DB = -70.0
RELATIVE_GATE_DB = -10.0
READ_FRAMES = 1 << 16
QUIETEST_DB = -90.0
"""What is quieter than this is not matched: turning the other side down to it would be silence."""
MOST_MATCHING_DB = 40.0
"""Matching turns nothing down by more than this."""

Reader = Callable[[int, int], npt.NDArray[np.floating[Any]]]
"""Gives frames ``start`` to ``stop`` as ``(stop - start, channels)``."""


@dataclass(frozen=True)
class Loudness:
    """A level in LUFS, or in dBFS (RMS, summed over channels) where ``method`` says so; −∞ for silence."""

    value_db: float
    method: Method


@dataclass(frozen=True)
class Matching:
    """What was measured to play recording and remix equally loud; both in dB by the same ``method``."""

    recording_db: float
    remix_db: float
    method: Method

    @property
    def gains_db(self) -> tuple[float, float]:
        """The gains (dB) of recording and remix: the louder one is turned down, neither is turned up."""
        return matching_gains(self.recording_db, self.remix_db)


class HasAudio(Protocol):
    """A recording, as far as this module is concerned."""

    sample_rate: int
    channels: int
    audio: Audio


class HasStems(Protocol):
    """Stems, as far as this module is concerned."""

    arrays: dict[str, Audio]

    def done(self) -> int:
        """How many frames of them are there."""
        ...


def measure(
    audio: npt.NDArray[np.floating[Any]], sample_rate: int, *, spread: int = 1, check: Check | None = None
) -> Loudness:
    """The loudness of ``(frames, channels)``, full scale ±1, which may be a memory map of any length.

    ``spread`` says how many loudspeakers each channel is heard from: a mono recording beside a stereo mix
    is heard from two, and is 3 dB louder for it.
    """
    frames, channels = audio.shape
    return measure_reader(
        lambda start, stop: audio[start:stop], frames, channels, sample_rate, spread=spread, check=check
    )


def measure_reader(
    read: Reader, frames: int, channels: int, sample_rate: int, *, spread: int = 1, check: Check | None = None
) -> Loudness:
    """The loudness of what ``read`` gives, asked for in order from 0 to ``frames``. See :func:`measure`."""
    if channels > len(CHANNEL_WEIGHTS) or frames < int(BLOCK_SECONDS * sample_rate):
        energy = 0.0
        for start in range(0, frames, READ_FRAMES):
            if check:
                check()
            energy += float(
                np.sum(np.square(read(start, min(frames, start + READ_FRAMES)), dtype=np.float64))
            )
        return Loudness(_db(spread * energy / max(1, frames)), "RMS level")
    steps = _step_powers(read, frames, channels, sample_rate, check)
    return Loudness(gated_loudness(spread * steps), "integrated loudness")


def measure_pair(
    session: Session, recording: HasAudio, stems: HasStems | None, *, check: Check | None = None
) -> Matching:
    """The loudness of the recording and of the remix as ``session`` mixes it, to play both equally loud."""
    channels = output_channels(session, recording.channels)
    plain = measure(
        recording.audio, recording.sample_rate, spread=channels // recording.channels, check=check
    )
    if stems is None or mix_state(session, tuple(stems.arrays), channels).flat:
        return Matching(plain.value_db, plain.value_db, plain.method)
    mixer = Mixer(
        recording.audio,
        stems.arrays,
        sample_rate=recording.sample_rate,
        frames_done=stems.done,
        channels=channels,
    )
    mixer.state = mix_state(session, mixer.names, channels)

    def read(start: int, stop: int) -> Audio:
        out = np.empty((stop - start, channels), np.float32)
        mixer.render(start, out)
        return out

    remix = measure_reader(read, mixer.frames, channels, recording.sample_rate, check=check)
    return Matching(plain.value_db, remix.value_db, plain.method)


def matching_gains(recording_db: float, remix_db: float) -> tuple[float, float]:
    """The gains (dB, never above 0) that make two levels equal: the louder one comes down to the other.

    Both are 0 where one side is (nearly) silent, and nothing comes down by more than 40 dB.
    """
    if not (recording_db > QUIETEST_DB and remix_db > QUIETEST_DB):
        return 0.0, 0.0
    difference = max(-MOST_MATCHING_DB, min(MOST_MATCHING_DB, recording_db - remix_db))
    return -max(0.0, difference), -max(0.0, -difference)


def _db(power: float) -> float:
    return 10.0 * math.log10(power) if power > 0.0 else -math.inf


@functools.lru_cache(maxsize=8)
def weighting_filters(
    sample_rate: int,
) -> tuple[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], ...]:
    """The K-weighting filters of pyloudnorm for a sample rate (Hz), as ``(b, a)``."""
    meter = pyloudnorm.Meter(sample_rate)
    return tuple((stage.passband_gain * stage.b, stage.a) for stage in meter._filters.values())


def _step_powers(
    read: Reader, frames: int, channels: int, sample_rate: int, check: Check | None
) -> npt.NDArray[np.float64]:
    """The K-weighted power of each 100 ms step, summed over channels with their weights."""
    step = BLOCK_SECONDS / STEPS_PER_BLOCK * sample_rate
    count = (
        round((frames / sample_rate - BLOCK_SECONDS) / (BLOCK_SECONDS / STEPS_PER_BLOCK)) + STEPS_PER_BLOCK
    )
    edges = (np.arange(count + 1) * step).astype(np.int64)
    sums = np.zeros(count)
    weights = np.array(CHANNEL_WEIGHTS[:channels])
    filters = weighting_filters(sample_rate)
    states = [np.zeros((2, channels)) for _ in filters]
    for start in range(0, min(frames, int(edges[-1])), READ_FRAMES):
        if check:
            check()
        block = np.asarray(read(start, min(frames, start + READ_FRAMES)), np.float64)
        for index, (b, a) in enumerate(filters):
            block, states[index] = scipy.signal.lfilter(b, a, block, axis=0, zi=states[index])
        power = np.square(block) @ weights  # (frames,)
        stop = start + len(power)
        first = int(np.searchsorted(edges, start, "right")) - 1
        last = min(count, int(np.searchsorted(edges, stop, "left")))
        inner = np.maximum(edges[first:last], start) - start
        totals = np.add.reduceat(power, inner)
        beyond = int(edges[last]) - start
        if last == count and beyond < len(power):  # what is left after the last whole step belongs to none
            totals[-1] -= power[beyond:].sum()
        sums[first:last] += totals
    return sums / (BLOCK_SECONDS * sample_rate)


def gated_loudness(steps: npt.NDArray[np.float64]) -> float:
    """Integrated loudness (LUFS) by the two gates of BS.1770-4, from the powers of the 100 ms steps."""
    blocks = np.convolve(steps, np.ones(STEPS_PER_BLOCK), "valid")
    with np.errstate(divide="ignore"):
        levels = OFFSET_DB + 10.0 * np.log10(np.maximum(blocks, 0.0))
    loud = levels >= ABSOLUTE_GATE_DB
    if not loud.any():
        return -math.inf
    gate = OFFSET_DB + _db(float(blocks[loud].mean())) + RELATIVE_GATE_DB
    kept = blocks[(levels > gate) & loud]
    return OFFSET_DB + _db(float(kept.mean()))
