from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, tiny_bank, tiny_scores

from separation.models.harmonic import save_net
from separation.models.harmonic_net import HarmonicNet
from separation.separator import Part
from separation.training import recipes
from separation.training.ensemble_synth import Clip, EnsembleSynth, SynthConfig
from separation.training.partial_recipe import PartialRecipe, QuestionConfig, note_path

PLAIN = QuestionConfig(items=2, seconds=2.0, mistaken=0.0, late=0.0)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), SynthConfig(seconds=2.5))
    return [synth.clip(1, number) for number in range(3)]


def small(**settings: object) -> PartialRecipe:
    made = recipes.recipe(
        "partials", harmonics=8, channels=8, blocks=1, messages=1, items=2, seconds=2.0, **settings
    )
    assert isinstance(made, PartialRecipe)
    return made


def test_a_path_follows_the_notes_of_its_part() -> None:
    notes = np.array([[0, 0.0, 1.0, 60], [1, 0.0, 2.0, 40], [0, 1.0, 1.5, 64]], dtype=np.float32)
    clip = Clip(np.zeros((2, 100), np.float32), ("violin", "cello"), notes)
    rng = np.random.default_rng(1)
    path = note_path(rng, clip, 0, 0.5, 20, 0.1, PLAIN)
    assert (path[:5] == 60).all()
    assert (path[5:10] == 64).all()
    assert not path[10:].any()
    mistaken = QuestionConfig(mistaken=1.0, late=0.0)
    told = {float(note_path(rng, clip, 1, 0.0, 20, 0.1, mistaken)[0]) for _ in range(60)}
    # an octave above, another part's note, a neighbour's, silence
    assert {52.0, 0.0} < told
    assert told & {60.0, 64.0}
    assert told & {37.0, 38.0, 39.0, 41.0, 42.0}


def test_questions_add_up(clips: list[Clip]) -> None:
    recipe = small()
    for one in recipe.batch(np.random.default_rng(2), clips, torch.device("cpu")):
        torch.testing.assert_close(one.sources.sum(0), one.mixture, atol=1e-3, rtol=1e-3)
        assert len(one.sources) == len(one.fit.amplitudes) + 1


def test_the_same_chance_asks_the_same(clips: list[Clip]) -> None:
    recipe = small()
    first, second = (recipe.batch(np.random.default_rng(5), clips, torch.device("cpu")) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.mixture, other.mixture)
        assert torch.equal(one.fit.amplitudes, other.fit.amplitudes)


def test_the_loss_falls(clips: list[Clip]) -> None:
    recipe = small()
    torch.manual_seed(1)
    net = recipe.net()
    batch = recipe.batch(np.random.default_rng(3), clips, torch.device("cpu"))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for step in range(8):
        loss = recipe.losses(net, batch, step)["separation"]
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.1


def test_weights_come_back_and_separate(tmp_path: Path, clips: list[Clip]) -> None:
    torch.manual_seed(4)
    save_net(HarmonicNet(TINY), tmp_path / "listener.safetensors")
    recipe = small(listener=tmp_path / "listener.safetensors")
    recipe.save(recipe.net(), tmp_path / "partials.safetensors")
    net = recipe.load(tmp_path / "partials.safetensors")
    mixture = torch.from_numpy(clips[0].audio.sum(0, keepdims=True).astype(np.float32))
    parts = (Part("violin"), Part("cello"))
    with torch.no_grad():
        stems = recipe.separate(net, mixture, 22050, parts)
    assert stems.shape == (2, *mixture.shape)
    assert bool(stems.isfinite().all())
