import numpy as np
import pytest

from app.hearing.alignment import LARGEST_DELAY, BulkAlignment, shifted
from app.hearing.audiogram import NORMAL
from app.hearing.cochlea import SAMPLE_RATE
from app.hearing.haaqi import LONGEST_KEPT, haaqi


@pytest.mark.parametrize("delay", [-12, -10, -3, 0, 3, 10, 12])
def test_a_shift_moves_zeros_in_even_where_nothing_is_left(delay):
    signal = np.arange(1.0, 11.0)
    places = np.arange(10) + delay
    inside = (places >= 0) & (places < 10)
    expected = np.where(inside, signal[places.clip(0, 9)], 0.0)
    assert np.array_equal(shifted(signal, delay), expected)


def test_a_delay_as_long_as_the_signal_has_a_score():
    """A click at the end of one and at the start of the other: with the 2 ms back, nothing is left."""
    rng = np.random.default_rng(1)
    reference, processed = 0.01 * rng.standard_normal((2, SAMPLE_RATE // 4))
    reference[-20:] = 5 * rng.standard_normal(20)
    processed[:] = 0.0
    processed[:20] = reference[-20:]
    assert 0 <= haaqi(reference, processed, SAMPLE_RATE, NORMAL).score <= 1
    assert 0 <= haaqi(processed, reference, SAMPLE_RATE, NORMAL).score <= 1


def test_long_signals_are_searched_as_far_as_is_said():
    reference = np.zeros(LONGEST_KEPT + 1)
    assert BulkAlignment(reference)._search == BulkAlignment(reference, LONGEST_KEPT)._search == LARGEST_DELAY
    assert LARGEST_DELAY / SAMPLE_RATE == 11.25
