"""Bands cover every bin once, mean the same at every sample rate, and keep to themselves."""

import itertools

import pytest
import torch

from separation.models.band_split import BandMerge, BandSplit, as_features, band_edges, compress


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("size", [64, 1024, 4096, 8192])
def test_every_bin_is_in_exactly_one_band(rate: int, size: int) -> None:
    edges = band_edges(size // 2 + 1, rate / size)
    covered = [bin_ for a, b in itertools.pairwise(edges) for bin_ in range(a, b)]
    assert covered == list(range(size // 2 + 1))
    assert all(b > a for a, b in itertools.pairwise(edges))


def test_bands_are_narrow_below_and_wide_above() -> None:
    edges = band_edges(4097, 44100 / 8192)
    wide = [(b - a) * 44100 / 8192 for a, b in itertools.pairwise(edges)]
    assert max(wide[:19]) < 60
    assert min(wide[-3:]) > 2000
    # but for the rounding to bins no band is narrower than one below it
    assert all(after > 0.8 * before for before, after in itertools.pairwise(wide))


def test_the_lower_rate_has_the_lower_bands() -> None:
    low, high = band_edges(2049, 22050 / 4096), band_edges(4097, 44100 / 8192)
    assert high[: len(low) - 1] == low[:-1]
    assert len(high) - len(low) == 3


@pytest.mark.parametrize(("bins", "width"), [(1, 10.0), (0, 10.0), (100, 0.0)])
def test_what_cannot_be_split_is_refused(bins: int, width: float) -> None:
    with pytest.raises(ValueError, match="cannot be split"):
        band_edges(bins, width)


def test_a_bin_is_heard_in_its_band_only_and_made_of_it_only() -> None:
    edges = (0, 2, 5, 12)
    split, merge = BandSplit(edges, 2, 4), BandMerge(edges, 4, 3)
    x = torch.randn(2, 6, 2, 12)
    other = x.clone()
    other[:, 3, 1, 4] += 1  # frame 3, the last bin of the middle band
    bands, others = split(x), split(other)
    assert bands.shape == (2, 3, 6, 4)
    moved = (others - bands).abs().amax((0, 3)) > 1e-6
    assert moved.nonzero().tolist() == [[1, 3]]
    made = (merge(others) - merge(bands)).abs().amax((0, 2)) > 1e-6
    assert made.nonzero().tolist() == [[3, 2], [3, 3], [3, 4]]
    assert merge(bands).shape == (2, 6, 3, 12)


def test_complex_spectra_keep_their_phase_and_lose_their_range() -> None:
    spectrum = torch.polar(torch.tensor([1e-2, 1.0, 100.0]), torch.tensor([0.3, -2.0, 3.0]))
    small = compress(spectrum, 0.5)
    torch.testing.assert_close(small.angle(), spectrum.angle())
    torch.testing.assert_close(small.abs(), torch.tensor([0.1, 1.0, 10.0]), rtol=1e-2, atol=1e-3)
    features = as_features([spectrum, small])
    assert features.shape == (4, 3)
    assert torch.equal(features[1], spectrum.imag)
    assert torch.equal(features[2], small.real)
