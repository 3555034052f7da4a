from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.waveform import BASE_FRAMES, Waveform


def noise(frames: int, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(frames).standard_normal((frames, channels)).astype(np.float32)


def filled(audio: np.ndarray) -> Waveform:
    waveform = Waveform(audio)
    for _ in waveform.fill():
        pass
    return waveform


@pytest.mark.parametrize("frames", [1, 2, 255, 256, 257, 5000, 300_000])
def test_the_coarsest_picture_has_the_extremes(frames: int) -> None:
    audio = noise(frames)
    low, high = filled(audio).peaks(0, frames, 1)
    mono = audio.mean(axis=1)
    assert (low[0], high[0]) == (mono.min(), mono.max())
    assert filled(audio).loudest == pytest.approx(abs(mono).max())


def test_close_up_it_is_the_samples() -> None:
    audio = noise(4000, 1)
    low, high = filled(audio).peaks(100, 110, 10)
    for column in range(10):
        pair = audio[100 + column : 102 + column, 0]  # its own sample and the one it shares with the next
        assert (low[column], high[column]) == (pair.min(), pair.max())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20_000), st.floats(-5000, 25_000), st.floats(0.1, 30_000), st.integers(1, 80))
def test_no_peak_is_lost_and_none_invented(frames: int, start: float, length: float, columns: int) -> None:
    audio = noise(frames, 1)
    low, high = filled(audio).peaks(start, start + length, columns)
    assert low.shape == high.shape == (columns,)
    assert (low <= high).all()
    a, b = max(0, int(np.floor(start))), min(frames, int(np.floor(start + length)) + 1)
    if a < b:
        inner = audio[a:b, 0]
        assert low.min() <= min(inner.min(), 0) or low.min() == pytest.approx(inner.min())
        assert high.max() >= inner.max()
    else:
        assert not low.any()
        assert not high.any()


def test_outside_the_recording_it_is_flat() -> None:
    low, high = filled(np.ones((1000, 1), np.float32)).peaks(-1000, 2000, 30)
    assert not high[:9].any()
    assert not high[21:].any()
    assert high[11:19].all()
    assert low[11:19].all()


def test_it_fills_from_the_left_and_can_be_looked_at_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.waveform.READ_FRAMES", 4 * BASE_FRAMES)
    waveform = Waveform(np.ones((100 * BASE_FRAMES, 1), np.float32))
    steps = waveform.fill()
    assert next(steps) == 4 * BASE_FRAMES
    assert waveform.filled == 4 * BASE_FRAMES
    _, high = waveform.peaks(0, 100 * BASE_FRAMES, 25)
    assert high[0] == 1.0
    assert not high[2:].any()
    assert list(steps)[-1] == 100 * BASE_FRAMES
    assert waveform.filled == 100 * BASE_FRAMES


def test_a_stretch_can_be_brought_up_to_date() -> None:
    audio = np.zeros((50_000, 1), np.float32)
    waveform = filled(audio)
    audio[20_000:21_000] = 0.5
    for _ in waveform.fill(20_000, 21_000):
        pass
    _low, high = waveform.peaks(0, 50_000, 50)
    assert high[20] == 0.5
    assert not high[:18].any()
    assert not high[23:].any()
    assert waveform.loudest == 0.5


def test_nan_is_flat() -> None:
    audio = np.full((600, 1), np.nan, np.float32)
    low, high = filled(audio).peaks(0, 600, 4)
    assert not low.any()
    assert not high.any()


def test_nothing() -> None:
    waveform = filled(np.zeros((0, 1), np.float32))
    assert waveform.peaks(0, 10, 3)[0].shape == (3,)
    assert waveform.peaks(0, 10, 0)[0].shape == (0,)
    assert waveform.loudest == 0.0
