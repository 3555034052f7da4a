import numpy as np
import pytest
import torch
from training_material import TINY, tone

from separation.models import harmonic_net
from separation.models.harmonic_net import FINE, HarmonicNet, NetConfig, slot_softmax
from separation.transforms import Stft


def net() -> HarmonicNet:
    torch.manual_seed(1)
    return HarmonicNet(TINY).eval()


def spectra(audio: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    wave = torch.from_numpy(audio)[None]
    return Stft(4096, 1024).forward(wave).abs(), Stft(8192, 1024).forward(wave).abs()


def test_filters_and_writer_know_where_things_lie() -> None:
    filters = harmonic_net.log_filters(TINY, TINY.size, TINY.semitones)
    np.testing.assert_allclose(filters.sum(1).numpy(), 1.0, rtol=1e-5)
    magnitude, _ = spectra(tone(69, 1.0, [1.0]))
    heard = (filters @ magnitude[0])[:, 10]
    pitch = TINY.fine_pitches()[int(heard.argmax())]
    assert pitch == pytest.approx(69, abs=0.3)
    writer = harmonic_net.partial_writer(TINY)
    cell = 2 * (60 - TINY.lowest)  # a quarter of a semitone below 60
    third = writer[:, 2, cell].numpy()  # the third partial: an octave and a fifth above
    assert TINY.fine_pitches()[third.argmax()] == pytest.approx(60 + 12 * np.log2(3), abs=0.5)
    assert (writer.sum((0, 1)) > 0).all()


def test_shapes_for_even_and_odd_numbers_of_frames() -> None:
    made = net()
    owner, instrument, order = torch.tensor([0, 0, 1]), torch.tensor([7, 2, 8]), torch.tensor([0, 0, 0])
    for frames in (1, 8, 9):
        features = torch.randn(2, 3, TINY.fine_bins, frames)
        logits, pitch = made(features, owner, instrument, order)
        assert logits.shape == (3, TINY.fine_bins, frames)
        assert pitch.shape == (3, TINY.pitches + 1, (frames + 1) // 2)
        alone = made.pitches(features, owner, instrument, order)
        torch.testing.assert_close(alone, pitch)
        assert made.to_linear(logits).shape == (3, TINY.bins, frames)


def test_masks_of_an_item_add_up_to_one() -> None:
    owner = torch.tensor([0, 1, 0, 1, 1])
    masks = slot_softmax(30 * torch.randn(5, 7, 4), owner, 2)
    total = torch.zeros(2, 7, 4).index_add(0, owner, masks)
    torch.testing.assert_close(total, torch.ones_like(total))
    made = net()
    magnitude, long = spectra(tone(60, 1.0, [1, 1, 1]))
    linear = made.to_linear(
        slot_softmax(torch.randn(3, TINY.fine_bins, 5), torch.zeros(3, dtype=torch.long), 1)
    )
    torch.testing.assert_close(linear.sum(0), torch.ones_like(linear[0]))
    assert bool((linear >= 0).all())
    assert made.features(magnitude, long).shape[1] == 3


def test_items_of_a_batch_do_not_touch_each_other() -> None:
    made = net()
    features = torch.randn(2, 3, TINY.fine_bins, 6)
    owner, instrument, order = (
        torch.tensor([0, 0, 1, 1]),
        torch.tensor([7, 2, 1, 8]),
        torch.tensor([1, 2, 0, 0]),
    )
    together, _ = made(features, owner, instrument, order)
    alone, _ = made(features[1:], torch.tensor([0, 0]), instrument[2:], order[2:])
    torch.testing.assert_close(together[2:], alone, atol=1e-4, rtol=1e-4)


def test_without_register_a_transposed_spectrum_gives_transposed_pitches() -> None:
    made = net()
    with torch.no_grad():
        made.register_table.zero_()
        made.slot_register.zero_()
        for block in made.blocks:
            # the counts of voices reach from rim to rim, and the rims do not move along
            block.count.weight.zero_()
            block.count.bias.fill_(-30.0)
            block.norm = torch.nn.Identity()
    semitones = 5
    features = torch.zeros(1, 3, TINY.fine_bins, 6)
    features[:, :, 150:190] = torch.randn(1, 3, 40, 6)
    moved = torch.roll(features, semitones * FINE, 2)
    slots = (torch.tensor([0, 0]), torch.tensor([7, 1]), torch.tensor([0, 0]))
    _, before = made(features, *slots)
    _, after = made(moved, *slots)
    inner = slice(26, TINY.pitches - 32)  # pitches whose neighbourhood lies inside the axis both times
    torch.testing.assert_close(
        after[:, inner.start + semitones : inner.stop + semitones], before[:, inner], atol=1e-4, rtol=1e-3
    )
    assert float(before[:, inner].detach().std()) > 1e-4


def test_two_parts_of_one_instrument_are_told_apart() -> None:
    made = net()
    features = torch.randn(1, 3, TINY.fine_bins, 6)
    logits, _ = made(features, torch.tensor([0, 0]), torch.tensor([7, 7]), torch.tensor([1, 2]))
    assert not torch.allclose(logits[0], logits[1])


def test_the_shipped_measures_are_small() -> None:
    config = NetConfig()
    parameters = sum(p.numel() for p in HarmonicNet(config).parameters())
    assert parameters < 1_000_000
    assert config.fine_bins == 368
    assert config.bins * config.sample_rate / config.size == pytest.approx(9100, rel=0.05)
