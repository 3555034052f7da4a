from __future__ import annotations

import numpy as np
import pytest

from app.spectrogram import FLOOR_DB, SPECTRA_PER_COLUMN, row_frequencies, tile, window_frames

RATE = 44100


def sine(frequency: float, seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return np.repeat(np.sin(2 * np.pi * frequency * t).astype(np.float32)[:, None], channels, axis=1)


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize(("rows", "row"), [(64, 20), (256, 150), (512, 500), (1000, 700)])
def test_a_full_scale_sine_on_a_row_is_at_0_db_there(scale: str, rows: int, row: int) -> None:
    frequency = row_frequencies(rows, RATE, scale=scale, high=16000)[row]
    levels = tile(sine(frequency, 1.0), RATE, 0, RATE, 8, rows, scale=scale, high=16000)
    middle = levels[:, 4]
    assert abs(int(np.argmax(middle)) - row) <= max(1, rows * 12 // 2000)  # within the window's width
    assert middle[row] == pytest.approx(0.0, abs=2.0)  # the Hann window's scalloping is 1.4 dB


def test_row_0_is_the_lowest_frequency() -> None:
    levels = tile(sine(70, 1.0), RATE, 0, RATE, 4, 128)
    assert np.argmax(levels[:, 2]) < 20


def test_silence_and_what_lies_outside_are_the_floor() -> None:
    assert np.all(tile(np.zeros((RATE, 2), np.float32), RATE, 0, RATE, 5, 32) == FLOOR_DB)
    levels = tile(sine(440, 1.0), RATE, -RATE, 2 * RATE, 30, 32)
    assert np.all(levels[:, :9] == FLOOR_DB)
    assert np.all(levels[:, 21:] == FLOOR_DB)
    assert np.all(levels[:, 11:19].max(axis=0) > -3)


@pytest.mark.parametrize("audio", [np.zeros((0, 1), np.float32), np.ones((1, 3), np.float32)])
def test_tiny_recordings(audio: np.ndarray) -> None:
    levels = tile(audio, 8000, 0, 1, 3, 16)
    assert levels.shape == (16, 3)
    assert np.isfinite(levels).all()


def test_empty_tiles() -> None:
    audio = np.zeros((100, 1), np.float32)
    assert tile(audio, RATE, 10, 10, 3, 4).shape == (4, 3)
    assert tile(audio, RATE, 0, 10, 0, 4).shape == (4, 0)


def test_nan_is_silence() -> None:
    audio = sine(440, 0.5)
    audio[1000:1010] = np.nan
    assert np.isfinite(tile(audio, RATE, 0, len(audio), 10, 64)).all()


def test_channels_are_mixed_down_by_their_mean() -> None:
    mono = sine(440, 0.5)
    one = tile(mono, RATE, 0, len(mono), 6, 64)
    two = tile(np.concatenate([mono, mono], axis=1), RATE, 0, len(mono), 6, 64)
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_neighbouring_tiles_join() -> None:
    rng = np.random.default_rng(3)
    audio = rng.standard_normal((RATE, 1)).astype(np.float32)
    whole = tile(audio, RATE, 0, 40000, 40, 64)
    left = tile(audio, RATE, 0, 20000, 20, 64)
    right = tile(audio, RATE, 20000, 40000, 20, 64)
    np.testing.assert_allclose(np.concatenate([left, right], axis=1), whole, atol=1e-3)


class Counting(np.ndarray):
    """An array that counts the frames that are sliced out of it."""

    read = 0

    def __getitem__(self, key):
        if isinstance(key, tuple):
            key, channel = key
            Counting.read += key.stop - key.start
            return np.asarray(self)[key, channel]
        Counting.read += key.stop - key.start
        return np.asarray(self)[key]


def test_an_hour_wide_tile_reads_no_more_than_its_columns_need() -> None:
    hour = np.broadcast_to(np.zeros((1, 1), np.float32), (3600 * RATE, 1)).view(Counting)
    Counting.read = 0
    levels = tile(hour, RATE, 0, len(hour), 32, 64)
    assert levels.shape == (64, 32)
    assert 0 < Counting.read <= 32 * SPECTRA_PER_COLUMN * window_frames(RATE)


def test_check_can_stop_it() -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def check() -> None:
        raise Stop

    with pytest.raises(Stop):
        tile(sine(440, 1.0), RATE, 0, RATE, 10, 10, check=check)


def test_unknown_scale() -> None:
    with pytest.raises(ValueError, match="mel"):
        tile(sine(440, 0.1), RATE, 0, 100, 3, 3, scale="mel")


@pytest.mark.parametrize("rate", [8000, 16000, 48000, 96000, 192000])
def test_every_sample_rate(rate: int) -> None:
    levels = tile(sine(440, 0.5, rate), rate, 0, rate // 2, 4, 200)
    centre = row_frequencies(200, rate)[np.argmax(levels[:, 2])]
    assert centre == pytest.approx(440, rel=0.04)
