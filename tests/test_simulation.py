"""The simulated hearing loss: the reference's numbers, block by block, and nothing that upsets playback."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest
import soxr
from audio_signals import memory_taken
from threadpoolctl import threadpool_limits

from app.hearing.audiogram import NORMAL, PRESETS, Audiogram
from app.hearing.simulation import LossSimulation, simulate

RATE = 44100
SECONDS = 0.9
THIRDS = tuple(1000 * 2.0 ** (np.arange(-9, 13) / 3))
INSIDE = slice(4410, -4410)  # MSBG's filters start and end otherwise than a stream's
LARGEST = 0.1  # dB


def noise() -> np.ndarray:
    """Falling by 3 dB an octave, 0.05 RMS."""
    frames = round(SECONDS * RATE)
    white = np.random.default_rng(1).standard_normal(frames)
    lines = np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(frames // 2 + 1), 10))
    pink = np.fft.irfft(lines, frames)
    return 0.05 * pink / pink.std()


def music() -> np.ndarray:
    """Overlapping notes with all their partials, 0.08 RMS."""
    frames = round(SECONDS * RATE)
    rng = np.random.default_rng(2)
    out = np.zeros(frames)
    for start in np.arange(-0.1, SECONDS - 0.1, 0.11):
        fundamental = rng.choice([110.0, 146.8, 196.0, 261.6, 329.6, 440.0])
        t = np.arange(frames) / RATE - start
        shape = np.clip(t / 0.02, 0, 1) * np.exp(-4 * np.maximum(t, 0))
        out += shape * sum(np.sin(2 * np.pi * fundamental * k * t) / k for k in range(1, 25))
    return 0.08 * out / out.std()


SIGNALS = {"noise": noise, "music": music}


def third_octaves(signal: np.ndarray) -> np.ndarray:
    """Levels (dB) in third-octave bands from 125 Hz to 16 kHz."""
    power = np.abs(np.fft.rfft(signal)) ** 2 / signal.size**2
    hertz = np.fft.rfftfreq(signal.size, 1 / RATE)
    bands = [(hertz >= c * 2 ** (-1 / 6)) & (hertz < c * 2 ** (1 / 6)) for c in THIRDS]
    return np.array([10 * np.log10(power[band].sum() + 1e-30) for band in bands])


# The levels (dB) of the simulated noise at 125, 250, 500, 1000, 2000, 4000 and 8000 Hz, as they were when
# they agreed with pyclarity 0.9.0.
FROZEN = {
    "normal": (-46.19, -45.87, -45.41, -44.34, -44.53, -44.47, -44.3),
    "N1": (-53.1, -52.29, -51.06, -49.41, -52.02, -60.29, -78.74),
    "N3": (-73.3, -69.96, -67.96, -69.83, -82.19, -94.03, -112.54),
    "N5": (-132.29, -126.43, -132.58, -148.84, -175.46, -171.1, -183.4),
    "S1": (-52.65, -51.83, -50.56, -49.01, -52.41, -75.57, -93.82),
    "S2": (-59.4, -56.73, -55.84, -58.0, -77.11, -100.46, -103.82),
    "S3": (-68.24, -65.36, -67.48, -87.87, -106.56, -109.76, -112.41),
}


@pytest.mark.parametrize("name", FROZEN)
def test_levels_stay_as_they_were(name: str) -> None:
    levels = third_octaves(simulate(noise(), RATE, PRESETS[name])[INSIDE])
    assert levels[0:19:3] == pytest.approx(FROZEN[name], abs=0.02)


@pytest.mark.parametrize("name", ["N1", "N2", "N3", "N4", "S1", "S3"])
@pytest.mark.parametrize("kind", SIGNALS)
def test_third_octave_levels_are_pyclaritys(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("clarity", reason="pyclarity is not installed")
    monkeypatch.setattr("clarity.evaluator.msbg.cochlea.Smearer", smearer)
    signal, audiogram = SIGNALS[kind](), PRESETS[name]
    with threadpool_limits(1):  # their matrices are small, and threads wait for each other
        theirs = pyclarity_msbg(signal, audiogram)
    ours = simulate(signal, RATE, audiogram)[: theirs.size]
    before, after = third_octaves(theirs[INSIDE]), third_octaves(ours[INSIDE])
    audible = before > before.max() - 60
    assert audible.sum() >= 8
    assert np.abs(after - before)[audible].max() <= LARGEST
    # and not only the levels: the very waveform
    difference = ours[INSIDE] - theirs[INSIDE]
    assert np.sqrt(np.mean(difference**2) / np.mean(theirs[INSIDE] ** 2)) < 0.006


@functools.lru_cache(maxsize=8)
def smearer(lower: float, upper: float, rate: float) -> object:
    """A smearer of pyclarity's, made once: it takes seconds where processors are busy."""
    from clarity.evaluator.msbg.smearing import Smearer

    return Smearer(lower, upper, rate)


def pyclarity_msbg(signal: np.ndarray, audiogram: Audiogram) -> np.ndarray:
    """The reference's simulation without its scaling and its lag."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from clarity.evaluator.msbg.msbg import Ear
        from clarity.evaluator.msbg.msbg_utils import measure_rms
        from clarity.utils.audiogram import Audiogram as TheirAudiogram

        ear = Ear("ff", RATE, equiv_0db_spl=100, ahr=0)
        ear.set_audiogram(TheirAudiogram(np.array(audiogram.levels), np.array(audiogram.frequencies)))
        gated = measure_rms(signal, RATE, -12)[0]
        out = ear.process(signal * gated / np.sqrt(np.mean(signal**2)))[0]
        lag = 1080 + (192 if ear.cochlea.smearer is not None else 0)
    return out[lag:]


@pytest.mark.parametrize("name", ["normal", "N2", "S3"])
@pytest.mark.parametrize("size", [1, 17, 240])
def test_blocks_give_what_the_whole_gives(name: str, size: int) -> None:
    signal = music()[: RATE // 4].astype(np.float32)
    whole = simulate(signal, RATE, PRESETS[name])
    stage = LossSimulation(RATE, PRESETS[name])
    frames = np.zeros((signal.size + stage.delay, 2), np.float32)
    frames[: signal.size, 1] = signal
    for start in range(0, len(frames), size):
        stage.process(frames[start : start + size, 1])
    assert np.abs(frames[stage.delay :, 1] - whole).max() <= 1e-6
    assert not frames[:, 0].any()


def test_a_normal_ear_hears_everything_in_time() -> None:
    signal = noise()
    heard = simulate(signal, RATE, NORMAL)
    assert heard.shape == signal.shape
    before, after = third_octaves(signal[INSIDE]), third_octaves(heard[INSIDE])
    assert np.abs(after - before)[:-1].max() < 1.5  # the bank's own ripple; from 18 kHz on there is nothing
    lag = np.argmax(np.correlate(heard[4410:14410], signal[4610:14210])) - 200
    assert abs(lag) <= 20  # half a millisecond


def test_what_is_below_threshold_vanishes_and_what_is_loud_stays() -> None:
    t = np.arange(RATE) / RATE
    audiogram = PRESETS["N3"]
    change = {}
    for level in (-80.0, -50.0, -10.0):
        tone = 10 ** (level / 20) * np.sin(2 * np.pi * 2000 * t)
        heard = simulate(tone, RATE, audiogram)[RATE // 4 : -RATE // 4]
        change[level] = 10 * np.log10(np.mean(heard**2) / np.mean(tone**2))
    # Expansion by 105 / (105 − 50) at 50 dB HL: 30 dB become 57 dB; a little less where the bands below,
    # whose threshold is better, take over.
    slope = 1 + (change[-50.0] - change[-80.0]) / 30
    assert slope == pytest.approx(105 / 55, abs=0.1)
    assert change[-80.0] < -60
    assert change[-10.0] > -20


def test_calibration_moves_the_threshold() -> None:
    signal = noise()
    assumed = np.mean(simulate(signal, RATE, PRESETS["N3"]) ** 2)
    louder = np.mean(simulate(signal, RATE, PRESETS["N3"], full_scale_db_spl=110) ** 2)
    assert louder > 2 * assumed


def test_the_worst_losses_still_give_numbers() -> None:
    deaf = Audiogram((125, 8000), (120, 120))
    better = Audiogram((125, 8000), (-10, -10))
    assert np.abs(simulate(noise(), RATE, deaf)).max() < 1e-3
    assert third_octaves(simulate(noise(), RATE, better)) == pytest.approx(
        third_octaves(simulate(noise(), RATE, NORMAL)), abs=1e-6
    )


def test_nonsense_does_not_stay_in_the_filters() -> None:
    stage = LossSimulation(RATE, PRESETS["N3"])
    bad = np.zeros(200, np.float32)
    bad[10], bad[20], bad[30] = np.nan, np.inf, -1e30
    stage.process(bad)
    tail = np.zeros(2 * RATE, np.float32)
    stage.process(tail)
    assert np.isfinite(tail).all()
    assert np.abs(tail[RATE:]).max() < 1e-6


def test_reset_forgets() -> None:
    stage = LossSimulation(RATE, PRESETS["S1"])
    signal = noise()[:8000].astype(np.float32)
    first, second = signal.copy(), signal.copy()
    stage.process(first)
    stage.reset()
    stage.process(second)
    assert np.array_equal(first, second)


def test_processing_takes_no_memory() -> None:
    stage = LossSimulation(RATE, PRESETS["N3"])
    frames = np.zeros((441, 2), np.float32)
    held, peak = memory_taken(lambda: stage.process(frames[:, 0]), 50)
    assert held < 1000
    assert peak < 4000


@pytest.mark.parametrize("rate", [32000, 48000, 96000])
@pytest.mark.parametrize("name", ["N2", "S3"])
def test_other_rates_give_the_same_levels(rate: int, name: str) -> None:
    signal, audiogram = music(), PRESETS[name]
    at_rate = soxr.resample(signal, RATE, rate, "VHQ")
    heard = simulate(at_rate, rate, audiogram)
    assert heard.shape == at_rate.shape
    there_and_back = soxr.resample(heard, rate, RATE, "VHQ")[: signal.size]
    reference = simulate(signal, RATE, audiogram)[: there_and_back.size]
    before, after = third_octaves(reference[INSIDE]), third_octaves(there_and_back[INSIDE])
    audible = (before > before.max() - 60) & (np.array(THIRDS) * 1.13 < 0.45 * rate)
    assert np.abs(after - before)[audible].max() <= LARGEST


def test_blocks_at_another_rate_give_what_the_whole_gives() -> None:
    signal = music()[: RATE // 4].astype(np.float32)
    whole = simulate(signal, 48000, PRESETS["N3"])
    stage = LossSimulation(48000, PRESETS["N3"])
    stage.process(signal.copy())
    stage.reset()
    column = np.concatenate((signal, np.zeros(stage.delay, np.float32)))
    for start in range(0, len(column), 101):
        stage.process(column[start : start + 101])
    assert np.abs(column[stage.delay :] - whole).max() <= 1e-6


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="at 4000"):
        LossSimulation(4000, NORMAL)
    with pytest.raises(ValueError, match="one row"):
        simulate(np.zeros((2, 10)), RATE, NORMAL)
    with pytest.raises(ValueError, match="not at 0"):
        simulate(np.zeros(10), 0, NORMAL)


def test_forgetting_in_the_audio_thread_takes_no_memory() -> None:
    stage = LossSimulation(RATE, PRESETS["N4"])
    fresh = stage._state.bank.copy()
    stage.process(np.full(480, 0.1, np.float32))
    assert not np.array_equal(stage._state.bank, fresh)
    held, peak = memory_taken(stage.reset, 20)
    assert held < 500
    assert peak < 1500
    np.testing.assert_array_equal(stage._state.bank, fresh)
