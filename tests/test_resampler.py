"""Playing at another rate: as good as it needs to be, the same however it is cut, and without allocation."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import memory_taken

from app.resampler import Resampler


class Tones:
    """A source of two sine tones, one a channel, at ``rate``; counts what was pulled."""

    def __init__(self, rate: int, *frequencies: float) -> None:
        self.rate, self.frequencies, self.pulled = rate, frequencies, 0

    def at(self, times: np.ndarray) -> np.ndarray:
        return np.stack([0.5 * np.sin(2 * np.pi * f * times) for f in self.frequencies], axis=1)

    def pull(self, out: np.ndarray) -> None:
        out[:] = self.at((self.pulled + np.arange(out.shape[0])) / self.rate)
        self.pulled += out.shape[0]


def resampled(tones: Tones, rate: int, frames: int, blocks: list[int]) -> tuple[np.ndarray, Resampler]:
    resampler = Resampler(tones.pull, len(tones.frequencies), tones.rate, rate)
    out = np.full((frames, len(tones.frequencies)), np.nan, np.float32)
    at = turn = 0
    while at < frames:
        n = min(blocks[turn % len(blocks)], frames - at)
        resampler.process(out[at : at + n])
        at, turn = at + n, turn + 1
    return out, resampler


RATES = [(44100, 48000), (48000, 44100), (96000, 48000), (192000, 44100), (8000, 48000), (11025, 44100)]


@pytest.mark.parametrize(("source", "rate"), [*RATES, (44099, 48000)])
def test_tones_come_through_in_time_and_in_tune(source: int, rate: int) -> None:
    tones = Tones(source, 997.0, 0.4 * min(source, rate))
    out, resampler = resampled(tones, rate, rate // 2, [512])
    wanted = tones.at(np.arange(rate // 2) / rate)
    settled = slice(rate // 20, None)
    error = (out - wanted)[settled]
    assert np.sqrt((error**2).mean(axis=0)).max() < 10 ** (-85 / 20)
    assert resampler.consumed == pytest.approx(source / 2, abs=1.0)
    assert tones.pulled - resampler.consumed < 400  # so much later a gain is heard, at most


def test_what_the_device_cannot_play_does_not_fold_back() -> None:
    out, _ = resampled(Tones(96000, 30000.0), 48000, 24000, [512])
    assert np.abs(out[2000:]).max() < 10 ** (-80 / 20)


@pytest.mark.parametrize(("source", "rate"), RATES)
def test_the_cut_into_blocks_does_not_matter(source: int, rate: int) -> None:
    one, _ = resampled(Tones(source, 440.0, 1000.0), rate, 6000, [6000])
    other, _ = resampled(Tones(source, 440.0, 1000.0), rate, 6000, [1, 700, 13, 256, 2])
    np.testing.assert_allclose(one, other, atol=3e-7)


def test_a_constant_stays_constant() -> None:
    def ones(out: np.ndarray) -> None:
        out[:] = 1.0

    resampler = Resampler(ones, 1, 44100, 48000)
    out = np.zeros((5000, 1), np.float32)
    resampler.process(out)
    np.testing.assert_allclose(out[200:], 1.0, atol=1e-6)


def test_it_keeps_no_memory_and_needs_next_to_none() -> None:
    def silence(out: np.ndarray) -> None:
        out[:] = 0.0

    resampler = Resampler(silence, 2, 44100, 48000)
    out = np.zeros((512, 2), np.float32)
    kept, most = memory_taken(lambda: resampler.process(out), 100)
    assert kept < 512
    assert most < out.nbytes  # less than one block
