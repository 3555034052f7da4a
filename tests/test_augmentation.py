import numpy as np
import pytest
from training_material import tone

from separation.training import augmentation
from separation.training.note_bank import SAMPLE_RATE


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def strongest(sound: np.ndarray) -> float:
    """The frequency of the strongest partial in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax()) * SAMPLE_RATE / len(sound)


@pytest.mark.parametrize("semitones", [-3.0, 0.0, 4.0])
def test_warping_moves_the_pitch_and_lasts_as_asked(semitones: float) -> None:
    out = augmentation.warped(rng(), tone(69, 0.7, [1.0]), semitones, SAMPLE_RATE, (0.0, 5.0), SAMPLE_RATE)
    assert out is not None
    assert len(out) >= SAMPLE_RATE
    assert strongest(out[2000:20000]) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)


def test_a_scrap_of_sound_gives_no_note() -> None:
    assert augmentation.warped(rng(), np.ones(100, np.float32), 0.0, 5000, (0, 5), SAMPLE_RATE) is None


def test_harmonic_gains_change_each_harmonic_by_its_gain() -> None:
    f0 = 440.0
    sound = tone(69, 1.0, [1, 1, 1])
    gains = np.array([0.0, -20.0, 6.0])
    out = augmentation.harmonic_gains(sound, f0, gains, SAMPLE_RATE)
    before, after = np.abs(np.fft.rfft(sound)), np.abs(np.fft.rfft(out))
    for number, gain in enumerate(gains, 1):
        at = round(number * f0 * len(sound) / SAMPLE_RATE)
        assert 20 * np.log10(after[at] / before[at]) == pytest.approx(gain, abs=0.2)


def test_shaped_tones_have_one_level() -> None:
    out = augmentation.shaped(rng(), tone(60, 0.5, [1, 1]) * 7, SAMPLE_RATE)
    assert np.sqrt((out**2).mean()) == pytest.approx(1.0, rel=0.1)


def test_equalising_and_rooms_keep_length_and_are_repeatable() -> None:
    sound = np.stack([tone(60, 0.5, [1, 1]), tone(67, 0.5, [1, 1])])
    for seed in range(8):
        a = augmentation.room(np.random.default_rng(seed), sound, SAMPLE_RATE)
        b = augmentation.room(np.random.default_rng(seed), sound, SAMPLE_RATE)
        assert a.shape == sound.shape
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)
    changed = augmentation.equalised(rng(), sound[0], SAMPLE_RATE, 10.0)
    assert changed.shape == sound[0].shape
    assert not np.allclose(changed, sound[0])
    np.testing.assert_allclose(augmentation.equalised(rng(), sound[0], SAMPLE_RATE, 0.0), sound[0], atol=1e-4)


def test_fresh_gains_are_smooth_and_positive() -> None:
    gains = augmentation.spectral_gains(rng(), np.linspace(0, 11025, 500), 3, 8.0)
    assert gains.shape == (3, 500)
    assert bool((gains > 0).all())
    assert float((gains[:, 21:] / gains[:, 20:-1]).log().abs().max()) < 0.5


def test_noise_has_unit_level() -> None:
    out = augmentation.noise(rng(), 5000)
    assert out.shape == (5000,)
    assert np.sqrt((out**2).mean()) == pytest.approx(1.0, rel=1e-3)
