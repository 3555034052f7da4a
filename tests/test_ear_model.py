import numpy as np
import pytest
from scipy.signal import butter, lfilter

from app.hearing import cochlea as c
from app.hearing.alignment import (
    STEP,
    BandCorrelation,
    BandSpectra,
    BulkAlignment,
    band_signals,
    shifted,
)
from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.compiled import LANES, exp2f, kernel, log2f
from app.hearing.ear_model import Ear, band_groups
from app.hearing.resampling import to_model_rate


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples)


def test_centre_frequencies_span_80_to_8000_hz():
    centre = c.centre_frequencies()
    assert centre[[0, -1]] == pytest.approx((80, 8000))
    assert (np.diff(centre, 2) > 0).all()


def test_a_normal_cochlea_compresses_and_a_lost_one_does_not():
    normal, lost = c.cochlea(NORMAL), c.cochlea(PRESETS["N7"])
    assert not normal.ohc_loss.any()
    assert not normal.ihc_loss.any()
    assert normal.knee == pytest.approx(np.full(32, 30))
    assert normal.ratio[[0, -1]] == pytest.approx((1.25, 3.5))
    assert lost.ratio == pytest.approx(np.ones(32))
    assert (lost.narrow > 1).all()
    assert (lost.ihc_loss > 20).all()
    levels = np.array([PRESETS["N7"].level_at(f) for f in c.AUDIOGRAM_HZ])
    assert lost.ohc_loss + lost.ihc_loss == pytest.approx(np.interp(lost.centre, c.AUDIOGRAM_HZ, levels))


def test_bandwidth_grows_from_50_to_100_db():
    cochlea = c.cochlea(NORMAL)
    assert cochlea.bandwidth_at(np.full(32, 50.0)) == pytest.approx(cochlea.narrow)
    assert cochlea.bandwidth_at(np.full(32, 75.0)) == pytest.approx((cochlea.narrow + cochlea.wide) / 2)
    assert cochlea.bandwidth_at(np.full(32, 120.0)) == pytest.approx(cochlea.wide)


def test_compression_of_the_long_term_spectrum():
    cochlea = c.cochlea(NORMAL)
    # 60 dB SPL is 30 dB above the knee: of these a ratio of 3.5 : 1 leaves 30 / 3.5
    level = cochlea.sensation_level(np.full(32, 1e-3), np.full(32, 1e-3), 120.0)
    assert level[-1] == pytest.approx(30 + 30 / 3.5)
    assert not cochlea.sensation_level(np.zeros(32), np.zeros(32), 65.0).any()


def test_fast_logarithm_and_power():
    @kernel
    def both(x, logarithm, power):
        for n in range(x.size):
            logarithm[n] = log2f(x[n])
            power[n] = exp2f(logarithm[n])

    x = np.exp(np.linspace(-69, 69, 20001)).astype(np.float32)
    logarithm, power = np.zeros_like(x), np.zeros_like(x)
    both(x, logarithm, power)
    assert np.abs(logarithm - np.log2(x.astype(float))).max() < 1e-5
    assert np.abs(power / x.astype(float) - 1).max() < 3e-5


@pytest.mark.parametrize("audiogram", ["normal", "N3"])
def test_bands_are_those_of_a_plain_double_precision_model(audiogram):
    cochlea = c.cochlea(PRESETS[audiogram])
    ear = Ear(cochlea, 100.0, seed=0)
    signal = 0.02 * noise(5000) * np.linspace(0.01, 1, 5000)
    middle = ear.middle_ear(signal)
    for bands in band_groups():
        group = ear.group(middle, bands)
        for lane in (0, 7, LANES - 1):
            band = bands.start + lane
            envelope, motion, wide, narrow = plain_band(middle.astype(float), cochlea, band)
            assert group.levels.control_power[lane] == pytest.approx(wide, rel=1e-3)
            assert group.levels.power[lane] == pytest.approx(narrow, rel=1e-3)
            assert np.abs(group.envelope[lane] - envelope).max() < 1e-4 * envelope.max()
            assert np.abs(group.motion[lane] - motion).max() < 1e-4 * envelope.max()


def plain_band(middle, cochlea, band):
    """One band's compressed envelope and motion, and mean squared control and auditory envelope."""
    carrier = np.exp(-2j * np.pi * cochlea.centre[band] / 24000 * np.arange(middle.size))

    def filtered(bandwidth):
        pole = c.filter_poles(cochlea.centre[band], bandwidth)
        numerator = c.filter_gains(pole) * np.array([1, 4 * pole, 4 * pole**2])
        return lfilter(numerator, np.poly([pole] * 4), middle * carrier)

    control = np.abs(filtered(cochlea.wide[band]))
    control_db = 10 * np.log10(np.mean(control**2)) + 100
    bandwidth = cochlea.bandwidth_at(np.full(32, control_db))[band]
    motion = filtered(bandwidth)
    level = np.clip(100 + 20 * np.log10(np.maximum(control, 1e-30)), cochlea.knee[band], 100)
    gain = -cochlea.ohc_loss[band] - (level - cochlea.knee[band]) * (1 - 1 / cochlea.ratio[band])
    gain = lfilter(*butter(1, 800, fs=24000), 10 ** (gain / 20))
    envelope = np.abs(motion)
    wide, narrow = np.mean(control**2), np.mean(envelope**2)
    return gain * envelope, gain * (motion * carrier.conj()).real, wide, narrow


@pytest.mark.parametrize("samples", [900, 9000, 60000, STEP, STEP - 10])
@pytest.mark.parametrize("delay", [0, 1, 77, -300, 2399])
def test_band_delays_are_exact(samples, delay):
    x = noise(LANES * samples).reshape(LANES, samples).astype(np.float32)
    y = np.stack([shifted(row.astype(float), -delay) for row in x]) if abs(delay) < samples else x
    if abs(delay) >= samples:
        delay = 0
    envelope, motion = shifts(x, y.astype(np.float32))
    assert (envelope == -delay).all()
    assert (motion == -delay).all()


def test_band_delays_reach_100_ms_and_no_further():
    x = np.zeros((LANES, 9000), np.float32)
    y = np.zeros_like(x)
    x[:, 6000] = 1.0
    y[:, 3500] = 1.0  # 2500 samples early
    y[:, 5000] = 0.5
    assert (shifts(x, y)[0] == 1000).all()


def shifts(x, y):
    """The delays of rows (LANES, samples) as envelopes and as motions."""

    def filling(rows):
        def fill(start, *outs):
            piece = rows[:, start : start + STEP].T.ravel()
            for out in outs:
                out[:] = 0.0
                out[: piece.size] = piece

        return fill

    correlation = BandCorrelation()
    for pair in zip(
        *(BandSpectra(is_reference=rows is x).blocks(rows.shape[1], filling(rows)) for rows in (x, y)),
        strict=True,
    ):
        correlation.add(*pair)
    return correlation.shifts(x.shape[1])


def test_bands_of_a_late_signal_are_late():
    ear = Ear(c.cochlea(NORMAL), 100.0, seed=0)
    middle = ear.middle_ear(0.02 * noise(30000))
    middle[25000:] = 0.0
    late = np.concatenate((np.zeros(333, np.float32), middle[:-333]))
    for bands in band_groups():
        widths = ear.widths(middle, bands)
        correlation = BandCorrelation()
        spectra = (
            BandSpectra(is_reference=signal is middle).blocks(
                signal.size, band_signals(signal, ear.auditory_bands(widths))
            )
            for signal in (middle, late)
        )
        for pair in zip(*spectra, strict=True):
            correlation.add(*pair)
        for found in correlation.shifts(middle.size):
            assert (found == -333).all()


@pytest.mark.parametrize("delay", [0, 1, 500, -500])
def test_bulk_alignment_leaves_two_milliseconds(delay):
    x = noise(6000)
    x[:200] = x[5500:] = 0.0
    y = shifted(x, -delay)
    aligned = BulkAlignment(x).align(y)
    assert aligned.size == 5300
    inner = slice(1000, 4000)
    assert aligned[inner] == pytest.approx(x[200:5500][inner.start - 48 : inner.stop - 48])


@pytest.mark.parametrize("delay", [0, 1, 900, -900])
def test_a_long_signals_delay_is_found_block_by_block(delay):
    x = noise(9000)
    y = shifted(x, -delay)
    whole, blocks = BulkAlignment(x), BulkAlignment(x, 4096)
    assert (blocks.first, blocks.last) == (whole.first, whole.last)
    assert np.array_equal(blocks.align(y), whole.align(y))


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_resampling_keeps_the_level(rate):
    t = np.arange(rate) / rate
    tone = 0.1 * np.sin(2 * np.pi * 1000 * t)
    out = to_model_rate(tone, rate)
    assert np.sqrt(np.mean(out**2)) == pytest.approx(np.sqrt(np.mean(tone**2)), rel=0.01)
    assert abs(out.size - tone.size * 24 / round(rate / 1000)) <= 1
    assert not to_model_rate(np.zeros(100), rate).any()


def test_model_rate_is_left_alone():
    signal = noise(100)
    assert to_model_rate(signal, 24000) is signal
    with pytest.raises(ValueError, match="500"):
        to_model_rate(signal, 300)
