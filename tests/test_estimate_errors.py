import numpy as np
import pytest

from app.hearing.estimate_errors import StemErrors

RATE = 24000


def tones(*hertz, seconds=1.0, level=0.1):
    t = np.arange(round(seconds * RATE)) / RATE
    return np.stack([level * np.sin(2 * np.pi * f * t) for f in hertz])


def leaking(leak, seconds=1.0):
    """Two stems that each hold a share ``leak`` of the other's tone; they add up to the same recording."""
    a, b = tones(440, 660, seconds=seconds)
    return np.stack([(1 - leak) * a + leak * b, (1 - leak) * b + leak * a])


def test_equal_gains_leave_nothing_to_err():
    errors = StemErrors(leaking(0.3), RATE)
    drawn = errors.draw(np.array([0.7, 0.7]))
    assert drawn.level == 0
    assert not drawn.signals.any()


def test_stems_that_never_overlap_are_sure_and_those_that_do_are_not():
    gains = np.array([1.0, 0.25])
    levels = [StemErrors(leaking(leak), RATE).draw(gains).level for leak in (0.0, 0.02, 0.1, 0.3)]
    assert levels == sorted(levels)
    assert levels[0] < 5e-3
    assert levels[-1] > 20 * levels[0]


@pytest.mark.parametrize("coherent", [0.0, 0.5, 1.0])
def test_an_error_of_any_kind_has_about_the_expected_power(coherent):
    stems = 0.05 * np.random.default_rng(2).standard_normal((2, 2 * RATE))
    drawn = StemErrors(stems, RATE, coherent=coherent).draw(np.array([1.0, 0.1]))
    remix = stems[0] + 0.1 * stems[1]
    # shares that jump from cell to cell, as those of noise do, cannot be drawn in full
    assert 0.4 * drawn.level < np.mean(drawn.signals**2) / np.mean(remix**2) < 1.3 * drawn.level


def test_the_expected_power_is_that_of_two_stems_in_one_cell():
    tone = tones(440)[0]
    errors = StemErrors(np.stack([0.75 * tone, 0.25 * tone]), RATE)
    drawn = errors.draw(np.array([1.0, 0.0]))
    # shares 3/4 and 1/4: the gains' mean is 0.75 and their variance 0.1875
    assert drawn.level == pytest.approx(0.1875 / 0.75**2, rel=1e-3)


def test_the_draw_has_about_the_expected_power_and_grows_with_the_gains():
    rng = np.random.default_rng(1)
    noise = 0.1 * rng.standard_normal(3 * RATE)
    errors = StemErrors(np.stack([0.5 * noise, 0.5 * noise]), RATE)
    drawn = errors.draw(np.array([1.0, 0.0]))
    power = np.mean(drawn.signals**2) / np.mean((0.5 * noise) ** 2)
    assert power == pytest.approx(drawn.level, rel=0.3)
    assert errors.draw(np.array([1.0, 0.5])).level < drawn.level


def test_the_same_seed_draws_the_same_and_another_one_differs():
    stems, gains = leaking(0.2), np.array([1.0, 0.1])
    first, again, other = (
        StemErrors(stems, RATE, seed=seed, draws=2).draw(gains).signals for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3 * np.abs(first).max()
    assert np.abs(first[0] - first[1]).max() > 1e-3 * np.abs(first).max()


@pytest.mark.parametrize("samples", [1, 100, 2400, 7001])
def test_any_length_comes_back_as_it_was(samples):
    drawn = StemErrors(leaking(0.2)[:, :samples], RATE).draw(np.array([1.0, 0.1]))
    assert drawn.signals.shape == (1, samples)
    assert np.isfinite(drawn.signals).all()


def test_silence_errs_in_silence():
    errors = StemErrors(np.zeros((3, RATE)), RATE)
    drawn = errors.draw(np.array([1.0, 0.0, 2.0]))
    assert drawn.level == 0
    assert not drawn.signals.any()
