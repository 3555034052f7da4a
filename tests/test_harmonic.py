from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, tone

from separation import engine
from separation.classical import templates
from separation.classical.nmf import STFT
from separation.classical.templates import HARMONICS, HIGHEST, LOUDNESSES, LOWEST, Templates
from separation.metrics import si_sdr
from separation.models import harmonic
from separation.models.harmonic import HarmonicSeparator
from separation.models.harmonic_net import HarmonicNet
from separation.models.partial_net import PartialConfig, PartialNet
from separation.models.weights import save_weights
from separation.separator import INSTRUMENTS, Cancelled, Part, Separator, SeparatorCard, SeparatorError

PARTS = (Part("violin", 1), Part("violin", 2), Part("bassoon"))


@pytest.fixture
def card(tmp_path: Path) -> SeparatorCard:
    torch.manual_seed(3)
    digest = harmonic.save_net(HarmonicNet(TINY), tmp_path / "weights.safetensors")
    small = PartialConfig(harmonics=8, channels=8, blocks=1, messages=1)
    partials = save_weights(PartialNet(small), small, tmp_path / "partials.safetensors")
    tones = torch.zeros(len(INSTRUMENTS), HIGHEST - LOWEST + 1, len(LOUDNESSES), HARMONICS)
    tones[..., :3] = torch.tensor([0.9, 0.4, 0.2])
    ranges = torch.tensor([[40.0, 90.0]] * len(INSTRUMENTS))
    templates.save(Templates(INSTRUMENTS, tones, ranges), tmp_path / "templates.safetensors")
    digests = {"sha256": digest, "partials_sha256": partials}
    return SeparatorCard(
        "harmonic", "Harmonic", "", "", "", "", "", INSTRUMENTS, 2, 44100, 2.0, 0.5,
        "separation.models.harmonic:HarmonicSeparator", options=digests, folder=tmp_path,
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
    left = mixture - stems.sum(0)
    assert float(left.square().sum()) < 0.2 * float(mixture.square().sum())


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
    separator = HarmonicSeparator(card)
    heard = separator.hear(duet(), PARTS)
    assert heard.shape == (3, TINY.pitches + 1, STFT.frames(44100))
    torch.testing.assert_close(heard.sum(1), torch.ones_like(heard[:, 0]))
    assert separator.lowest == TINY.lowest


def test_silence_around_changes_nothing(card: SeparatorCard) -> None:
    """The engine pads a short recording with silence; what is heard must not depend on it."""
    separator = HarmonicSeparator(card)
    padded = torch.nn.functional.pad(duet(), (4 * STFT.hop, 44100))
    heard, alone = separator.hear(padded, PARTS), separator.hear(duet(), PARTS)
    torch.testing.assert_close(heard[..., 4 : 4 + alone.shape[-1]], alone)
    assert bool((heard[:, -1, :4] == 1.0).all())
    stems, short = separator.separate_block(padded, PARTS), separator.separate_block(duet(), PARTS)
    error = stems[..., 4 * STFT.hop : 4 * STFT.hop + short.shape[-1]] - short
    assert float(error.square().sum()) < 0.01 * float(short.square().sum())


def test_what_is_heard_decides_who_plays_what(card: SeparatorCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two instruments of one register and one timbre: only the listener can say which note is whose."""
    separator = HarmonicSeparator(card)
    mixture, high, low = (
        duet(2.0, 1),
        tone(76, 2.0, [1, 0.5, 0.3], 44100),
        tone(52, 2.0, [1, 0.5, 0.3], 44100),
    )
    parts = (Part("clarinet"), Part("saxophone"))
    for pitches, wanted in (((76, 52), (high, low)), ((52, 76), (low, high))):

        def heard(
            audio: torch.Tensor, _: object, pitches: tuple[int, ...] = pitches, check: object = None
        ) -> torch.Tensor:
            odds = torch.full((2, TINY.pitches + 1, STFT.frames(audio.shape[1])), 1e-4)
            for voice, pitch in enumerate(pitches):
                odds[voice, pitch - TINY.lowest] = 0.99
            return odds

        monkeypatch.setattr(separator, "hear", heard)
        stems = separator.separate_block(mixture, parts)[:, 0]
        for stem, sound in zip(stems, wanted, strict=True):
            assert float(si_sdr(torch.from_numpy(sound)[None], stem[None])) > 10.0


def test_weights_that_are_not_the_cards_are_refused(card: SeparatorCard, tmp_path: Path) -> None:
    with pytest.raises(SeparatorError, match="not those that the card"):
        HarmonicSeparator(replace(card, options={"sha256": "0" * 64}))
    (tmp_path / "weights.safetensors").write_bytes(b"noise")
    with pytest.raises(SeparatorError, match="cannot be read"):
        HarmonicSeparator(replace(card, options={}))
    with pytest.raises(SeparatorError, match="cannot be read"):
        HarmonicSeparator(replace(card, options={"weights": "none.safetensors"}))
    with pytest.raises(SeparatorError, match="not those that the card"):
        HarmonicSeparator(replace(card, options=card.options | {"partials_sha256": "0" * 64}))


def test_a_card_that_asks_the_impossible_is_refused(card: SeparatorCard) -> None:
    with pytest.raises(SeparatorError, match="no multiple"):
        HarmonicSeparator(replace(card, sample_rate=48000))
    with pytest.raises(SeparatorError, match="harp"):
        HarmonicSeparator(replace(card, instruments=("harp",)))
