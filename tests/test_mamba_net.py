"""Both stages' masks add up to one, depend on who is asked for, and learn whose a sound is."""

import pytest
import torch

from separation.models.mamba_net import MambaConfig, MambaNet
from separation.training.losses import separation_loss

TINY = MambaConfig(8000, 256, 64, channels=12, layers=1, refine_channels=8, state=4, chunk=8)
OWNER = torch.tensor([0, 0, 0, 1, 1])
INSTRUMENT = torch.tensor([2, 7, 8, 7, 7])
ORDER = torch.tensor([0, 0, 0, 1, 2])
SLOTS = (OWNER, INSTRUMENT, ORDER)


@pytest.fixture
def net() -> MambaNet:
    torch.manual_seed(5)
    net = MambaNet(TINY)
    for parameter in net.refine_merge.parameters():  # as if it had learnt something
        torch.nn.init.normal_(parameter, std=0.3)
    return net


def spectrum(channels: int = 1, frames: int = 11) -> torch.Tensor:
    generator = torch.Generator().manual_seed(6)
    return torch.randn(2, channels, frames, TINY.bins, dtype=torch.complex64, generator=generator)


@pytest.mark.parametrize("channels", [1, 2])
def test_masks_of_an_item_add_up_to_one_after_both_stages(net: MambaNet, channels: int) -> None:
    masks, refined = net(spectrum(channels), *SLOTS)
    assert refined is not None
    assert masks.shape == (5, 11, TINY.bins)
    assert refined.shape == (5, channels, 11, TINY.bins)
    assert bool(((refined - masks[:, None]).abs() > 0.05).any())
    for item in (0, 1):
        mine = item == OWNER
        torch.testing.assert_close(masks[mine].sum(0), torch.ones(11, TINY.bins))
        whole = torch.ones(channels, 11, TINY.bins, dtype=torch.complex64)
        torch.testing.assert_close(refined[mine].sum(0), whole, atol=1e-4, rtol=1e-4)


def test_stage_two_begins_by_changing_nothing_and_can_be_left_out() -> None:
    net = MambaNet(TINY)
    masks, refined = net(spectrum(), *SLOTS)
    assert refined is not None
    torch.testing.assert_close(refined[:, 0].real, masks)
    again, none = net(spectrum(), *SLOTS, refine=False)
    assert none is None
    assert torch.equal(again, masks)


def test_items_and_the_order_of_slots_do_not_mix(net: MambaNet) -> None:
    both = net(spectrum(), *SLOTS)[1]
    alone = net(spectrum()[:1], *(each[:3] for each in SLOTS))[1]
    turned = net(spectrum()[:1], *(each[:3].flip(0) for each in SLOTS))[1]
    torch.testing.assert_close(both[:3], alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(turned.flip(0), alone, atol=1e-4, rtol=1e-4)


def test_who_else_is_asked_for_is_heard(net: MambaNet) -> None:
    magnitude = spectrum()[:1].abs()[:, 0]
    none = torch.zeros(2, dtype=torch.long)
    heard = [net.hear(magnitude, none, torch.tensor(kinds), none) for kinds in ([2, 7], [2, 5])]
    assert bool(((heard[0] - heard[1]).abs() > 1e-3).any())


def test_level_does_not_matter(net: MambaNet) -> None:
    loud, soft = net(spectrum(), *SLOTS)[1], net(spectrum() * 1e-3, *SLOTS)[1]
    torch.testing.assert_close(soft, loud, atol=2e-2, rtol=2e-2)


def test_silence_gives_finite_masks_and_gradients(net: MambaNet) -> None:
    masks, refined = net(torch.zeros(2, 1, 5, TINY.bins, dtype=torch.complex64), *SLOTS)
    torch.autograd.backward(masks.square().sum() + refined.abs().square().sum())
    gradients = [each.grad for each in net.parameters() if each.grad is not None]
    assert len(gradients) > 20
    assert all(bool(each.isfinite().all()) for each in gradients)


def test_in_half_precision_it_stays_near(net: MambaNet) -> None:
    with torch.no_grad():
        exact = net(spectrum(), *SLOTS)[1]
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(spectrum(), *SLOTS)[1]
    assert rough.dtype == torch.complex64
    assert float((rough - exact).abs().mean() / exact.abs().mean()) < 0.05


def test_both_stages_learn_whose_a_sound_is() -> None:
    """Low is the bassoon's, high the violin's, in both items: the loss must fall well below a guess."""
    torch.manual_seed(7)
    net = MambaNet(TINY)
    owner, instrument = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 7, 7, 0])
    order = torch.zeros(4, dtype=torch.long)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    first: list[float] = []
    for _ in range(25):
        mixture = torch.randn(2, 1, 8, TINY.bins, dtype=torch.complex64)
        low = (torch.arange(TINY.bins) < TINY.bins // 2).float()
        shares = torch.stack([low, 1 - low, 1 - low, low])[:, None]
        sources = mixture[owner][:, 0] * shares
        masks, refined = net(mixture, owner, instrument, order)
        losses = [separation_loss(each, mixture[:, 0], sources, owner) for each in (masks, refined[:, 0])]
        optimiser.zero_grad()
        torch.autograd.backward(losses[0] + losses[1])
        optimiser.step()
        last = [loss.item() for loss in losses]
        first = first or last
    assert all(after < before - 4 for before, after in zip(first, last, strict=True))
