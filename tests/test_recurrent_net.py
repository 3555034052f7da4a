import pytest
import torch

from separation.models.recurrent_net import RecurrentConfig, RecurrentNet

SMALL = RecurrentConfig(fine_bands=64, fine_width=2, coarse_bands=40, coarse_width=8, hidden=16, layers=1)


def net(config: RecurrentConfig = SMALL) -> RecurrentNet:
    torch.manual_seed(3)
    return RecurrentNet(config).eval()


def slots(*rows: tuple[int, int, int]) -> tuple[torch.Tensor, ...]:
    """``owner``, ``instrument`` and ``order`` of slots given as one row each."""
    return tuple(torch.tensor(column) for column in zip(*rows, strict=True))


ASKED = slots((0, 7, 1), (0, 7, 2), (1, 2, 0), (0, 8, 0), (1, 8, 0))


def test_masks_of_an_item_add_up_to_one_at_every_bin() -> None:
    masks = net().masks(torch.rand(2, 2049, 9), *ASKED)
    assert masks.shape == (5, 2049, 9)
    assert bool((masks >= 0).all())
    total = torch.zeros(2, 2049, 9).index_add(0, ASKED[0], masks)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_the_usual_net_is_small() -> None:
    assert sum(p.numel() for p in net(RecurrentConfig()).parameters()) < 1_500_000


def test_bands_hear_what_lies_in_them() -> None:
    magnitude = torch.zeros(1, 2049, 3)
    magnitude[0, 21, 1] = 1.0  # the second bin of band 10
    magnitude[0, 128 + 8 * 5 + 3, 2] = 1.0  # within the sixth coarse band
    heard = net().features(magnitude)[0]
    assert int(heard[:, 1].argmax()) == 10
    assert int(heard[:, 2].argmax()) == 64 + 5
    torch.testing.assert_close(net().features(7 * magnitude)[0], heard, atol=1e-3, rtol=1e-3)


def test_a_mask_lies_where_its_band_does() -> None:
    made = net()
    banded = torch.linspace(0, 1, SMALL.bands)[None, :, None]
    spread = torch.lerp(banded[:, made._low], banded[:, made._low + 1], made._part[:, None])[0, :, 0]
    assert float(spread[0]) == 0.0
    assert float(spread[-1]) == 1.0
    assert bool((spread.diff() >= 0).all())
    # bins 126 and 127 make the last fine band, whose middle lies between them
    assert float(spread[126:128].mean()) == pytest.approx(float(banded[0, 63, 0]), abs=0.003)


@torch.no_grad()
def test_the_answer_depends_on_what_is_asked_and_on_past_and_future() -> None:
    made = net()
    magnitude = torch.rand(1, 2049, 12)
    one = made.masks(magnitude, *slots((0, 7, 0), (0, 8, 0)))
    other = made.masks(magnitude, *slots((0, 2, 0), (0, 8, 0)))
    assert float((one[0] - other[0]).abs().max()) > 1e-3
    changed = magnitude.clone()
    changed[:, :, 11] = changed[:, :, 11].flip(1)
    later = made(changed, *slots((0, 7, 0)))
    assert float((later - made(magnitude, *slots((0, 7, 0))))[0, :, 4].abs().max()) > 0


def test_bands_beyond_the_spectrum_are_refused() -> None:
    with pytest.raises(ValueError, match="lie in bands"):
        RecurrentNet(RecurrentConfig(size=1024))
