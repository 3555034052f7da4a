from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import tiny_bank, tiny_scores

from separation.models.recurrent_net import RecurrentConfig
from separation.separator import INSTRUMENTS, Part, SeparatorError
from separation.training.batches import RESIDUAL_CLASS, BatchConfig
from separation.training.ensemble_plan import SynthConfig
from separation.training.ensemble_synth import Clip, EnsembleSynth
from separation.training.recipes import recipe as by_name
from separation.training.recurrent_recipe import RecurrentRecipe

SMALL = RecurrentConfig(hidden=24, layers=1)
QUESTIONS = BatchConfig(items=3, seconds=0.8, noisy=0.5, silent=0.3, unticked=0.3)
CPU = torch.device("cpu")


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), SynthConfig(seconds=1.0))
    return [synth.clip(0, n) for n in range(6)]


def recipe(specialist: str = "", alone: float = 0.5) -> RecurrentRecipe:
    return RecurrentRecipe(measures=SMALL, questions=QUESTIONS, specialist=specialist, alone=alone)


def test_all_that_is_asked_adds_up_to_the_mixture(clips: list[Clip]) -> None:
    counts = set()
    for seed in range(5):
        batch = recipe().batch(np.random.default_rng(seed), clips, CPU)
        total = torch.zeros_like(batch.mixture).index_add(0, batch.owner, batch.sources)
        torch.testing.assert_close(total, batch.mixture, atol=1e-4, rtol=1e-4)
        residuals = batch.owner[batch.instrument == RESIDUAL_CLASS]
        assert residuals.tolist() == [0, 1, 2]
        counts |= {int((batch.owner == item).sum()) for item in range(3)}
    assert len(counts) > 1  # questions of both kinds: all parts, and one alone


def test_a_specialist_is_only_ever_asked_for_its_instrument(clips: list[Clip]) -> None:
    for seed in range(4):
        batch = recipe("violin").batch(np.random.default_rng(seed), clips, CPU)
        asked = set(batch.instrument.tolist())
        assert asked <= {INSTRUMENTS.index("violin"), RESIDUAL_CLASS}
    with pytest.raises(ValueError, match="no clip has oboe"):
        recipe("oboe").batch(np.random.default_rng(0), clips, CPU)


def test_the_loss_falls_on_one_batch(clips: list[Clip]) -> None:
    torch.manual_seed(0)
    made = recipe()
    net = made.net()
    batch = made.batch(np.random.default_rng(1), clips, CPU)
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    told = []
    for step in range(25):
        loss = sum(made.losses(net, batch, step).values(), torch.zeros(()))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        told.append(loss.item())
    assert np.mean(told[-3:]) < told[0] - 1.0


def test_stems_and_what_is_left_are_the_mixture_at_both_rates() -> None:
    torch.manual_seed(0)
    made = recipe()
    net = made.net().eval()
    mixture = torch.randn(2, 9000) * 0.1
    parts = [Part("violin", 1), Part("violin", 2), Part("cello")]
    for rate in (22050, 44100):
        stems = made.separate(net, mixture, rate, parts)
        assert stems.shape == (3, 2, 9000)
        left = mixture - stems.sum(0)
        assert float(left.square().mean()) < float(mixture.square().mean())
        assert not torch.equal(stems[0], stems[1])
    with pytest.raises(ValueError, match="no multiple"):
        made.separate(net, mixture, 48000, parts)


def test_weights_come_back(tmp_path: Path) -> None:
    made = recipe()
    net = made.net()
    assert len(made.save(net, tmp_path / "w.safetensors")) == 64
    again = made.load(tmp_path / "w.safetensors")
    for one, other in zip(net.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    with pytest.raises(SeparatorError):
        made.load(tmp_path / "none.safetensors")


def test_settings_reach_the_recipe_by_name() -> None:
    made = by_name("recurrent", hidden=8, items=2, specialist="oboe")
    assert isinstance(made, RecurrentRecipe)
    assert (made.measures.hidden, made.questions.items, made.specialist) == (8, 2, "oboe")
    assert made.questions.seconds == 4.0
    with pytest.raises(SeparatorError, match="does not take"):
        by_name("recurrent", violins=3)
