from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pyloudnorm
import pytest

from app.loudness import MOST_MATCHING_DB, matching_gains, measure, measure_pair
from app.session import Session
from separation.separator import Part


def music(seconds: float, rate: int, channels: int, seed: int = 1) -> np.ndarray:
    """Noise that comes and goes, so that both gates have something to do."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    swell = 10.0 ** (np.where(t % 3 < 1.7, -20, -45) / 20)
    return (0.5 * rng.standard_normal((len(t), channels)) * swell[:, None]).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_figure_is_pyloudnorms(rate: int, channels: int) -> None:
    audio = music(4.37, rate, channels)
    expected = pyloudnorm.Meter(rate).integrated_loudness(audio.astype(np.float64))
    found = measure(audio, rate)
    assert found.method == "integrated loudness"
    assert found.value_db == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seconds", [0.4, 0.41, 0.449, 0.451, 0.5, 0.99, 1.55])
def test_short_clips_too(seconds: float) -> None:
    audio = music(seconds, 44100, 2)
    expected = pyloudnorm.Meter(44100).integrated_loudness(audio.astype(np.float64))
    assert measure(audio, 44100).value_db == pytest.approx(expected, abs=1e-6)


def test_reading_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = music(3.3, 44100, 2)
    whole = measure(audio, 44100)
    monkeypatch.setattr("app.loudness.READ_FRAMES", 1000)
    assert measure(audio, 44100).value_db == pytest.approx(whole.value_db, abs=1e-9)


@pytest.mark.parametrize(("seconds", "channels"), [(0.3, 2), (2.0, 6)])
def test_rms_where_the_standard_has_no_figure(seconds: float, channels: int) -> None:
    audio = music(seconds, 44100, channels)
    found = measure(audio, 44100)
    assert found.method == "RMS level"
    power = np.mean(np.sum(audio.astype(np.float64) ** 2, axis=1))
    assert found.value_db == pytest.approx(10 * np.log10(power), abs=1e-9)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 2.0])
def test_silence_is_minus_infinity(seconds: float) -> None:
    assert measure(np.zeros((round(seconds * 44100), 2), np.float32), 44100).value_db == -math.inf


def test_a_mono_recording_heard_from_two_loudspeakers() -> None:
    mono = music(2.0, 44100, 1)
    stereo = np.repeat(mono, 2, axis=1)
    assert measure(mono, 44100, spread=2).value_db == pytest.approx(measure(stereo, 44100).value_db, abs=1e-9)


def test_check_stops_it() -> None:
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        measure(music(1.0, 8000, 1), 8000, check=check)


@pytest.mark.parametrize(
    ("recording", "remix", "gains"),
    [
        (-20.0, -14.0, (0.0, -6.0)),
        (-14.0, -20.0, (-6.0, 0.0)),
        (-14.0, -14.0, (0.0, 0.0)),
        (-math.inf, -14.0, (0.0, 0.0)),
        (-14.0, -math.inf, (0.0, 0.0)),
        (-math.inf, -math.inf, (0.0, 0.0)),
        (0.0, -80.0, (-MOST_MATCHING_DB, 0.0)),
    ],
)
def test_the_louder_side_is_turned_down(recording: float, remix: float, gains: tuple[float, float]) -> None:
    assert matching_gains(recording, remix) == gains


@dataclass
class Material:
    sample_rate: int
    channels: int
    audio: np.ndarray
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def done(self) -> int:
        return len(self.audio)


def material(channels: int = 2) -> Material:
    violin, rest = music(2.0, 22050, channels, 1), music(2.0, 22050, channels, 2)
    return Material(22050, channels, violin + rest, {"violin": violin, "residual": rest})


def test_a_pair_is_measured_as_the_mixer_mixes_it() -> None:
    both = material()
    session = Session().with_stems((Part("violin"),), "nmf").with_gain("violin", -12.0)
    found = measure_pair(session, both, both)
    by_hand = both.arrays["residual"] + both.arrays["violin"] * np.float32(10 ** (-12 / 20))
    assert found.recording_db == pytest.approx(measure(both.audio, 22050).value_db)
    assert found.remix_db == pytest.approx(measure(by_hand, 22050).value_db, abs=1e-4)
    assert found.gains_db == matching_gains(found.recording_db, found.remix_db)


def test_a_flat_mix_needs_no_matching() -> None:
    both = material()
    session = Session().with_stems((Part("violin"),), "nmf")
    assert measure_pair(session, both, both).gains_db == (0.0, 0.0)
    assert measure_pair(session, both, None).gains_db == (0.0, 0.0)


def test_a_mono_recording_with_a_pan() -> None:
    both = material(1)
    session = Session().with_stems((Part("violin"),), "nmf").with_pan("violin", 0.0001)
    found = measure_pair(session, both, both)
    assert found.remix_db == pytest.approx(found.recording_db, abs=0.01)
