import numpy as np
import pytest

from app.hearing import cochlea as c
from app.hearing import features
from app.hearing import nerve_kernels as n
from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.cochlea_kernels import BLOCK
from app.hearing.compiled import LANES
from app.hearing.ear_model import Ear, band_groups
from app.hearing.lanes import lanes_array

STILL = np.zeros(LANES, np.int64)


def noise(samples, seed=0):
    return np.random.default_rng(seed).standard_normal(samples)


def ear_of(level1=65.0, audiogram=NORMAL):
    return Ear(c.cochlea(audiogram), level1, seed=0)


def adapted(ear, linear, motion, group=0):
    """What the hair cells make of a linear envelope and motion (samples): envelope and motion (LANES, …)."""
    nerve = ear.nerve(band_groups()[group], STILL)
    envelopes, motions = [], []
    for start in range(0, linear.size, BLOCK):
        parts = [lanes_array(BLOCK) for _ in range(3)]
        for part, values in zip(parts, (linear, motion), strict=False):
            part[:] = np.repeat(values[start : start + BLOCK], LANES)
        n._adapt(nerve, parts[0], parts[2], parts[1], 0)
        envelopes.append(parts[2].reshape(-1, LANES))
        motions.append(parts[1].reshape(-1, LANES))
    return np.concatenate(envelopes).T, np.concatenate(motions).T


def listened(ear, middle, group=0, delay=STILL):
    """A reference's way to the nerve, whole: motion (samples, LANES), smoothed envelopes, power."""
    bands = band_groups()[group]
    blocks = -(-middle.size // BLOCK)
    motion = lanes_array((blocks + 1) * BLOCK)
    smooth = lanes_array(n.segment_count(middle.size, n.SMOOTHING_HALF))
    power = lanes_array(n.segment_count(middle.size, n.COVARIANCE_HALF))
    n.listen(
        middle, blocks, ear.auditory_bands(ear.widths(middle, bands)), ear.nerve(bands, delay),
        features.smoothing_window(), smooth, motion[BLOCK * LANES :], lanes_array(BLOCK),
    )  # fmt: skip
    n.powers(motion, 0, blocks, features.covariance_window(), power, lanes_array(2 * BLOCK))
    return motion, smooth.reshape(-1, LANES), power.reshape(-1, LANES)


def compared(ear, middle, reference, shift=0, group=0):
    """The smoothed envelope and the covariance (segments, LANES) of a signal with a :func:`listened` one."""
    motion, smooth, power = reference
    bands = band_groups()[group]
    shifts = (np.full(LANES, shift), np.full(LANES, shift))
    nerve = ear.nerve(bands, STILL, shifts)
    smoothed, covariance = lanes_array(len(smooth)), lanes_array(len(power))
    n.compare(
        middle, -(-middle.size // BLOCK) + nerve.ahead, ear.auditory_bands(ear.widths(middle, bands)), nerve,
        (features.smoothing_window(), features.covariance_window()), smoothed, motion, -1, power.ravel(),
        np.ones(power.shape, np.bool_), features.covariance_weights(), covariance,
        lanes_array(5 * BLOCK + 2 * n.LARGEST_LAG + n.LAGS),
    )  # fmt: skip
    return smoothed.reshape(-1, LANES), covariance.reshape(-1, LANES)


def test_adaptation_overshoots_by_two_and_settles():
    level = np.full(24000, 10 ** ((50 - 100) / 20))  # 50 dB SPL all at once
    envelope, motion = adapted(ear_of(100.0), level, level)
    assert envelope[0, 0] == pytest.approx(100, rel=0.03)
    assert envelope[0, -1] == pytest.approx(50, rel=0.01)
    assert np.abs(motion - envelope).max() < 1e-3


def test_motion_stays_linear_where_its_envelope_is_silent():
    motion = np.full(1920, 0.5 * 10 ** ((65 - 100) / 20))
    assert adapted(ear_of(), np.zeros(1920), motion)[1] == pytest.approx(0.5, abs=5e-3)


def test_silence_and_its_decay_stay_finite():
    ear = ear_of()
    signal = np.zeros(20000, np.float32)
    signal[100] = 1.0
    motion, smooth, power = listened(ear, signal)
    for array in (motion, smooth, power):
        assert np.isfinite(array).all()
    assert smooth[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("samples", [768, 5000, 1919, 1920, 2016, 2017])
def test_segments_are_windowed_means_and_powers(samples):
    ear = ear_of(100.0)
    motion, smooth, power = listened(ear, (0.02 * noise(samples)).astype(np.float32))
    rows = motion.reshape(-1, LANES)[BLOCK:]
    half = BLOCK
    window = np.hanning(2 * half)
    for s in (0, 1, len(power) - 2, len(power) - 1):
        size = half if s in (0, len(power) - 1) else 2 * half
        shape = window[half:] if s == 0 else window[:size]
        segment = rows[s * half : s * half + size] * shape[:, None]
        segment -= segment.mean(axis=0)
        expected = np.sum(segment**2, axis=0) / np.sum(shape**2)
        assert power[s] == pytest.approx(expected, rel=1e-4)
    assert len(smooth) == n.segment_count(samples, n.SMOOTHING_HALF)
    assert (smooth[1:] > 0).all()


def test_a_signal_is_one_with_itself_and_little_with_another():
    ear = ear_of(100.0)
    x, y = ((0.02 * noise(9000, seed)).astype(np.float32) for seed in (0, 1))
    reference = listened(ear, x, group=1)
    smooth, covariance = compared(ear, x, reference, group=1)
    assert covariance == pytest.approx(1.0, abs=0.02)
    assert smooth == pytest.approx(reference[1], abs=1e-3)
    assert compared(ear, y, reference, group=1)[1].mean() < 0.6


@pytest.mark.parametrize("shift", [1, 10, 191, 192, 700, -1, -300])
def test_shifts_are_read_with_silence_beyond_the_ends(shift):
    ear = ear_of(100.0)
    x = (0.02 * noise(9000)).astype(np.float32)
    x[:1500] = x[7500:] = 0.0
    y = np.zeros_like(x)
    if shift > 0:
        y[shift:] = x[:-shift]
    else:
        y[:shift] = x[-shift:]
    reference = listened(ear, x)
    smooth, covariance = compared(ear, y, reference, shift)
    inner = slice(20, 70)
    assert smooth[inner] == pytest.approx(reference[1][inner], abs=0.05)
    assert covariance[12:35].min() > 0.97


def test_what_is_delayed_starts_with_silence():
    ear = ear_of(100.0)
    delay = np.arange(LANES) * 40
    signal = (0.02 * noise(5000)).astype(np.float32)
    late, still = (listened(ear, signal, delay=d)[0].reshape(-1, LANES)[BLOCK:] for d in (delay, STILL))
    for lane in (0, 1, 15):
        assert not late[: delay[lane], lane].any()
        assert late[delay[lane] : 5000, lane] == pytest.approx(still[: 5000 - delay[lane], lane], abs=1e-3)


def test_noise_differs_between_reference_processed_and_bands():
    ear = ear_of()
    quiet = np.zeros(2 * BLOCK, np.float32)
    rows = []
    for group, bands in enumerate(band_groups()):
        rows.append(listened(ear, quiet, group)[0].reshape(-1, LANES)[BLOCK:])
        nerve = ear.nerve(bands, STILL, (STILL, STILL))
        moved = lanes_array(BLOCK)
        n._give_out(nerve, lanes_array(BLOCK), moved)
        rows.append(np.concatenate((moved.reshape(-1, LANES), rows[-1][BLOCK:])))
    likeness = np.corrcoef(np.concatenate([row[:BLOCK] for row in rows], axis=1).T)
    assert np.abs(likeness - np.eye(len(likeness))).max() < 0.4
    assert np.std(rows[0]) == pytest.approx(10 ** ((-10 - 65) / 20), rel=0.1)


def test_a_hearing_loss_takes_level():
    signal = (0.02 * noise(5000)).astype(np.float32)
    normal, lost = (listened(ear_of(85.0, PRESETS[name]), signal)[1] for name in ("normal", "N4"))
    assert normal.mean() > lost.mean() + 10
