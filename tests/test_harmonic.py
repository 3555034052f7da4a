from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, tone

from separation import engine
from separation.models import harmonic
from separation.models.harmonic import HarmonicSeparator
from separation.models.harmonic_net import HarmonicNet
from separation.separator import INSTRUMENTS, Cancelled, Part, Separator, SeparatorCard, SeparatorError

PARTS = (Part("violin", 1), Part("violin", 2), Part("bassoon"))


@pytest.fixture
def card(tmp_path: Path) -> SeparatorCard:
    torch.manual_seed(3)
    digest = harmonic.save_net(HarmonicNet(TINY), tmp_path / "weights.safetensors")
    return SeparatorCard(
        "harmonic", "Harmonic", "", "", "", "", "", INSTRUMENTS, 2, 44100, 2.0, 0.5,
        "separation.models.harmonic:HarmonicSeparator", options={"sha256": digest}, folder=tmp_path,
    )  # fmt: skip


def duet(seconds: float = 1.0, channels: int = 2) -> torch.Tensor:
    sounds = [tone(p, seconds, [1, 0.5, 0.3], 44100) for p in (76, 52)]
    left = 0.1 * sounds[0] + 0.2 * sounds[1]
    right = 0.2 * sounds[0] + 0.1 * sounds[1]
    return torch.from_numpy(np.stack([left, right] * 3)[:channels])


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_stems_add_up_to_the_mixture_for_any_number_of_channels(card: SeparatorCard, channels: int) -> None:
    separator = HarmonicSeparator(card)
    assert isinstance(separator, Separator)
    mixture = duet(channels=channels)
    stems = separator.separate_block(mixture, PARTS)
    assert stems.shape == (3, channels, mixture.shape[1])
    # no residual slot: the masks of the parts are all there is
    torch.testing.assert_close(stems.sum(0), mixture, atol=1e-5, rtol=1e-4)


def test_with_a_residual_something_may_be_left(card: SeparatorCard) -> None:
    separator = HarmonicSeparator(replace(card, options=card.options | {"residual": True}))
    mixture = duet()
    left = mixture - separator.separate_block(mixture, PARTS).sum(0)
    assert float(left.abs().max()) > 1e-4
    assert float(left.square().sum()) < float(mixture.square().sum())


def test_silence_stays_silent_and_scraps_are_handled(card: SeparatorCard) -> None:
    separator = HarmonicSeparator(card)
    assert not bool(separator.separate_block(torch.zeros(2, 5000), PARTS).any())
    assert separator.separate_block(torch.zeros(1, 0), PARTS).shape == (3, 1, 0)
    assert bool(separator.separate_block(duet()[:, 3000:3001], PARTS).isfinite().all())
    broken = duet()
    broken[0, 100] = torch.nan
    assert bool(separator.separate_block(broken, PARTS).isfinite().all())


def test_the_same_input_gives_the_same_stems(card: SeparatorCard) -> None:
    separator = HarmonicSeparator(card)
    once, again = (separator.separate_block(duet(), PARTS, seed=s) for s in (0, 1))
    assert torch.equal(once, again)
    assert torch.equal(separator.to(torch.device("cpu")).separate_block(duet(), PARTS), once)


def test_a_cancel_is_heard(card: SeparatorCard) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        HarmonicSeparator(card).separate_block(duet(), PARTS, check=stop)


def test_the_engine_runs_it_over_a_recording_at_another_rate(card: SeparatorCard) -> None:
    audio = np.concatenate([duet(1.5).numpy()] * 2, axis=1)
    source = engine.ArraySource(audio, 48000)
    blocks = list(engine.separate(source, HarmonicSeparator(card), PARTS, device="cpu"))
    stems = np.concatenate([block.stems for block in blocks], axis=-1)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-6)
    assert not any(block.notices for block in blocks)


def test_pitches_are_told(card: SeparatorCard) -> None:
    found = HarmonicSeparator(card).estimate(duet(), PARTS)
    assert found.pitches.shape == (3, TINY.pitches, found.masks.shape[-1])
    assert bool(((found.pitches >= 0) & (found.pitches <= 1)).all())


def test_weights_that_are_not_the_cards_are_refused(card: SeparatorCard, tmp_path: Path) -> None:
    with pytest.raises(SeparatorError, match="not those that the card"):
        HarmonicSeparator(replace(card, options={"sha256": "0" * 64}))
    (tmp_path / "weights.safetensors").write_bytes(b"noise")
    with pytest.raises(SeparatorError, match="cannot be read"):
        HarmonicSeparator(replace(card, options={}))
    with pytest.raises(SeparatorError, match="cannot be read"):
        HarmonicSeparator(replace(card, options={"weights": "none.safetensors"}))


def test_a_card_that_asks_the_impossible_is_refused(card: SeparatorCard) -> None:
    with pytest.raises(SeparatorError, match="no multiple"):
        HarmonicSeparator(replace(card, sample_rate=48000))
    with pytest.raises(SeparatorError, match="never taught harp"):
        HarmonicSeparator(replace(card, instruments=("harp",)))
