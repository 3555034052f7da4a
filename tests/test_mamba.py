"""The separator of the card mamba: any recording in, stems out, always the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import tone

from separation import engine
from separation.models.mamba import MambaSeparator, window
from separation.models.mamba_net import MambaConfig, MambaNet
from separation.models.weights import save_weights
from separation.separator import INSTRUMENTS, Cancelled, Part, Separator, SeparatorCard, SeparatorError

PARTS = (Part("violin", 1), Part("violin", 2), Part("bassoon"))
TINY = MambaConfig(size=1024, hop=512, channels=8, layers=1, refine_channels=8, state=4)


@pytest.fixture
def card(tmp_path: Path) -> SeparatorCard:
    torch.manual_seed(3)
    net = MambaNet(TINY)
    for parameter in net.refine_merge.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    digest = save_weights(net, TINY, tmp_path / "weights.safetensors")
    return SeparatorCard(
        "mamba", "Mamba", "", "", "", "", "", INSTRUMENTS, 2, 44100, 2.0, 0.5,
        "separation.models.mamba:MambaSeparator", options={"sha256": digest}, folder=tmp_path,
    )  # fmt: skip


def duet(seconds: float = 0.7, channels: int = 2) -> torch.Tensor:
    sounds = [tone(p, seconds, [1, 0.5, 0.3], 44100) for p in (76, 52)]
    left = 0.1 * sounds[0] + 0.2 * sounds[1]
    right = 0.2 * sounds[0] + 0.1 * sounds[1]
    return torch.from_numpy(np.stack([left, right] * 3)[:channels])


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_without_a_residual_stems_add_up_for_any_number_of_channels(
    card: SeparatorCard, channels: int
) -> None:
    separator = MambaSeparator(replace(card, options=card.options | {"residual": False}))
    assert isinstance(separator, Separator)
    mixture = duet(channels=channels)
    stems = separator.separate_block(mixture, PARTS)
    assert stems.shape == (3, channels, mixture.shape[1])
    torch.testing.assert_close(stems.sum(0), mixture, atol=1e-4, rtol=1e-3)


def test_with_a_residual_something_may_be_left(card: SeparatorCard) -> None:
    mixture = duet()
    left = mixture - MambaSeparator(card).separate_block(mixture, PARTS).sum(0)
    assert float(left.abs().max()) > 1e-4
    assert float(left.square().sum()) < float(mixture.square().sum())


def test_stage_two_is_a_switch(card: SeparatorCard) -> None:
    stems = [
        MambaSeparator(replace(card, options=card.options | {"refine": refine})).separate_block(duet(), PARTS)
        for refine in (False, True)
    ]
    assert float((stems[0] - stems[1]).abs().max()) > 1e-4


def test_silence_stays_silent_and_scraps_are_handled(card: SeparatorCard) -> None:
    separator = MambaSeparator(card)
    assert not bool(separator.separate_block(torch.zeros(2, 5000), PARTS).any())
    assert separator.separate_block(torch.zeros(1, 0), PARTS).shape == (3, 1, 0)
    assert bool(separator.separate_block(duet()[:, 3000:3001], PARTS).isfinite().all())
    broken = duet()
    broken[0, 100] = torch.nan
    assert bool(separator.separate_block(broken, PARTS).isfinite().all())


def test_the_same_input_gives_the_same_stems(card: SeparatorCard) -> None:
    separator = MambaSeparator(card)
    once, again = (separator.separate_block(duet(), PARTS, seed=s) for s in (0, 1))
    assert torch.equal(once, again)
    assert torch.equal(separator.to(torch.device("cpu")).separate_block(duet(), PARTS), once)


def test_a_cancel_is_heard_at_every_call(card: SeparatorCard) -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    MambaSeparator(card).separate_block(duet(), PARTS, check=count)
    assert calls >= 8
    for last in (0, 2, 5):
        left = last

        def stop() -> None:
            nonlocal left
            if not left:
                raise Cancelled
            left -= 1

        with pytest.raises(Cancelled):
            MambaSeparator(card).separate_block(duet(), PARTS, check=stop)


def test_bins_are_the_same_at_twice_the_rate() -> None:
    low, high = window(TINY, 22050), window(TINY, 44100)
    assert torch.equal(low.frequencies(22050), high.frequencies(44100)[: TINY.bins])
    with pytest.raises(ValueError, match="48000 Hz is no multiple"):
        window(TINY, 48000)


def test_the_engine_runs_it_over_a_recording_at_another_rate(card: SeparatorCard) -> None:
    audio = np.concatenate([duet().numpy()] * 5, axis=1)
    source = engine.ArraySource(audio, 48000)
    blocks = list(engine.separate(source, MambaSeparator(card), PARTS, device="cpu"))
    stems = np.concatenate([block.stems for block in blocks], axis=-1)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-6)
    assert not any(block.notices for block in blocks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruments": ("kazoo",)}, "never taught kazoo"),
        ({"sample_rate": 48000}, "no multiple"),
        ({"options": {"sha256": "0"}}, "not those that the card"),
        ({"options": {"weights": "none.safetensors"}}, "cannot be read"),
    ],
)
def test_a_broken_card_is_named(card: SeparatorCard, change: dict[str, object], message: str) -> None:
    with pytest.raises(SeparatorError, match=message):
        MambaSeparator(replace(card, **change))  # type: ignore[arg-type]
