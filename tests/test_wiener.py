from __future__ import annotations

import numpy as np
import pytest
import torch

from separation.wiener import masks, share


def test_masks_add_up_and_stay_between_zero_and_one() -> None:
    powers = torch.rand(4, 2, 30, 20, generator=torch.Generator().manual_seed(1)) ** 8
    for exponent in (0.5, 1.0, 2.0):
        found = masks(powers, exponent)
        assert found.min() >= 0
        assert found.max() <= 1
        assert torch.allclose(found.sum(0), torch.ones(2, 30, 20), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-37, 1e-20, 1.0, 1e20, 1e37])
def test_masks_do_not_depend_on_how_loud_everything_is(scale: float) -> None:
    powers = torch.tensor([[1.0], [3.0]])
    for exponent in (0.5, 1.0, 2.0):
        wanted = 3.0**exponent / (1 + 3.0**exponent)
        assert masks(powers * scale, exponent)[1, 0] == pytest.approx(wanted, rel=1e-5)


def test_guesses_that_are_no_powers() -> None:
    nan, inf = float("nan"), float("inf")
    powers = torch.tensor([[nan, inf, -1.0, 0.0, nan, inf], [2.0, 2.0, 2.0, 0.0, nan, inf]])
    found = masks(powers)
    assert torch.isfinite(found).all()
    assert torch.allclose(found[0], torch.tensor([0.0, 1.0, 0.0, 0.5, 0.5, 0.5]))
    assert torch.allclose(found.sum(0), torch.ones(6))


def test_shares_add_up_to_the_mixture() -> None:
    generator = torch.Generator().manual_seed(2)
    mixture = torch.randn(2, 30, 20, dtype=torch.complex64, generator=generator)
    one_for_all_channels = torch.rand(3, 30, 20, generator=generator)
    shares = share(mixture, one_for_all_channels)
    assert shares.shape == (3, 2, 30, 20)
    assert torch.allclose(shares.sum(0), mixture, atol=1e-6)
    per_channel = one_for_all_channels[:, None].expand(3, 2, 30, 20)
    assert torch.equal(share(mixture, per_channel), shares)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # norbert imports scipy by an old path
def test_agrees_with_norbert() -> None:
    import norbert

    rng = np.random.default_rng(3)
    magnitudes = rng.random((20, 30, 2, 3))  # norbert: (frames, bins, channels, sources)
    mixture = rng.standard_normal((20, 30, 2)) + 1j * rng.standard_normal((20, 30, 2))
    theirs = norbert.softmask(magnitudes, mixture, logit=None)
    ours = share(torch.from_numpy(mixture).permute(2, 1, 0), torch.from_numpy(magnitudes).permute(3, 2, 1, 0))
    assert np.abs(ours.permute(3, 2, 1, 0).numpy() - theirs).max() < 1e-6


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="exponent"):
        masks(torch.ones(2, 3), 0.0)
    with pytest.raises(ValueError, match="do not fit"):
        share(torch.ones(2, 3, 4, dtype=torch.complex64), torch.ones(3, 4))
