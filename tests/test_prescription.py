import numpy as np
import pytest

from app.hearing.audiogram import NORMAL, PRESETS, Audiogram
from app.hearing.prescription import NAL_R_HZ, apply_nal_r, filter_order, nal_r, nal_r_gains


def test_gains_by_the_formula():
    # N3: 35, 35, 40, 50, 60, 65 dB HL; 0.05·(35 + 40 + 50) = 6.25
    expected = [0, 6.25 + 0.31 * 35 - 8, 6.25 + 12.4 + 1, 6.25 + 15.5 - 1, 6.25 + 18.6 - 2, 6.25 + 20.15 - 2]
    expected[0] = max(6.25 + 0.31 * 35 - 17, 0)
    assert nal_r_gains(PRESETS["N3"]) == pytest.approx(expected)


def test_losses_beyond_180_db_add_more():
    severe = Audiogram(NAL_R_HZ, (80,) * 6)
    assert nal_r_gains(severe)[2] == pytest.approx(9 + 0.116 * 60 + 0.31 * 80 + 1)


def test_normal_hearing_is_only_passed_through():
    signal = np.random.default_rng(0).standard_normal(500)
    assert not nal_r_gains(NORMAL).any()
    assert apply_nal_r(signal, 44100, NORMAL) == pytest.approx(signal, abs=1e-12)


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_the_filter_has_the_prescribed_response_and_no_delay(rate):
    audiogram = PRESETS["N2"]
    t = np.arange(rate) / rate
    # Between the prescribed frequencies; at them the filter rounds the corners off.
    for frequency in (1500, 3000):
        gain = np.interp(frequency, NAL_R_HZ, nal_r_gains(audiogram))
        tone = 0.1 * np.sin(2 * np.pi * frequency * t)
        out = apply_nal_r(tone, rate, audiogram)
        middle = slice(rate // 4, 3 * rate // 4)
        expected = 10 ** (gain / 20) * tone[middle]
        assert np.abs(out[middle] - expected).max() < 0.06 * expected.max()


def test_the_filter_is_as_long_in_time_at_any_rate():
    assert [filter_order(rate) for rate in (22050, 44100, 96000, 384000)] == [110, 220, 478, 1022]


def test_low_sample_rates_and_short_signals_work():
    assert np.isfinite(nal_r(PRESETS["N4"], 8000)).all()
    assert apply_nal_r(np.ones(1), 44100, PRESETS["N4"]).shape == (1,)
    assert apply_nal_r(np.ones(0), 44100, PRESETS["N4"]).shape == (0,)


def test_what_cannot_be_designed_is_refused():
    with pytest.raises(ValueError, match="order"):
        nal_r(NORMAL, 44100, 141)
    with pytest.raises(ValueError, match="order"):
        nal_r(NORMAL, 44100, 1024)
    with pytest.raises(ValueError, match="rate"):
        nal_r(NORMAL, 0)
    with pytest.raises(ValueError, match="1-D"):
        apply_nal_r(np.ones((2, 3)), 44100, NORMAL)


@pytest.mark.parametrize("order", [140, 220])
@pytest.mark.parametrize("rate", [16000, 24000, 32000, 44100, 48000, 96000])
def test_parity_with_pyclarity(rate, order):
    nalr = pytest.importorskip("clarity.enhancer.nalr")
    theirs = pytest.importorskip("clarity.utils.audiogram")
    signal = np.clip(0.3 * np.random.default_rng(1).standard_normal(4000), -1, 1)
    half = order // 2
    for audiogram in PRESETS.values():
        same = theirs.Audiogram(
            levels=np.array(audiogram.levels), frequencies=np.array(audiogram.frequencies)
        )
        reference = nalr.NALR(order, rate)
        taps, _ = reference.build(same)
        assert np.abs(taps - nal_r(audiogram, rate, order)).max() < 1e-9
        expected = reference.apply(taps, signal)[half : half + signal.size]
        assert np.abs(expected - apply_nal_r(signal, rate, audiogram, order)).max() < 1e-4
