import pytest
import torch

from separation.training.losses import FLOOR, pitch_loss, separation_loss


def spectra() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    sources = torch.randn(3, 20, 6, dtype=torch.complex64)
    owner = torch.tensor([0, 0, 1])
    mixture = torch.zeros(2, 20, 6, dtype=torch.complex64).index_add(0, owner, sources)
    return mixture, sources, owner


def test_perfect_masks_reach_the_floor() -> None:
    mixture, sources, owner = spectra()
    masks = sources / mixture[owner]
    assert float(separation_loss(masks, mixture, sources, owner).real) == pytest.approx(-20, abs=0.1)


def test_nothing_taken_costs_nothing_and_a_wrong_half_more() -> None:
    mixture, sources, owner = spectra()
    nothing = separation_loss(torch.zeros(3, 20, 6), mixture, sources, owner)
    assert float(nothing) == pytest.approx(10 * torch.log10(torch.tensor(1 + FLOOR)).item(), abs=1e-3)


def test_sound_in_a_silent_part_counts() -> None:
    mixture, sources, owner = spectra()
    sources[2] = 0
    mixture = torch.zeros(2, 20, 6, dtype=torch.complex64).index_add(0, owner, sources)
    mixture[1] = torch.randn(20, 6, dtype=torch.complex64)
    quiet = separation_loss(torch.zeros(3, 20, 6), mixture, sources, owner)
    loud = separation_loss(torch.cat([torch.zeros(2, 20, 6), torch.ones(1, 20, 6)]), mixture, sources, owner)
    assert float(loud) > float(quiet) + 1


def test_pitches_of_untaught_slots_do_not_count() -> None:
    logits = torch.zeros(2, 5, 3)
    logits[:, 2] = 8.0
    played = torch.tensor([[2, 2, 2], [2, 4, 4]])
    right = pitch_loss(logits, played, torch.tensor([True, False]))
    both = pitch_loss(logits, played, torch.tensor([True, True]))
    assert float(right) < 0.01
    assert float(both) == pytest.approx(8.0 / 3, abs=0.01)  # two frames of six are wrong by 8 nats
