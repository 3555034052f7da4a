from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, TINY_RECIPE, tiny_clips, tone

from separation.separator import Part
from separation.training import harmonic_recipe


def test_masks_are_learnt_in_some_steps_and_pitches_in_all(tmp_path: Path) -> None:
    net = TINY_RECIPE.net()
    batch = TINY_RECIPE.batch(np.random.default_rng(0), tiny_clips(tmp_path), torch.device("cpu"))
    told = [TINY_RECIPE.losses(net, batch, step) for step in range(4)]
    assert [set(losses) for losses in told] == [{"separation", "pitch"}, {"pitch"}, {"pitch"}] + [
        {"separation", "pitch"}
    ]
    twice = harmonic_recipe.create(measures=TINY, pitch_weight=2 * TINY_RECIPE.pitch_weight)
    louder = twice.losses(net, batch, 1)["pitch"]
    torch.testing.assert_close(louder, 2 * told[1]["pitch"])


def test_stems_without_a_residual_add_up_to_the_mixture() -> None:
    torch.manual_seed(0)
    net = TINY_RECIPE.net().eval()
    left = torch.from_numpy(tone(72, 0.5, [1, 0.5]))
    mixture = torch.stack([left, 0.5 * left])
    stems = TINY_RECIPE.separate(net, mixture, 22050, [Part("violin", 1), Part("violin", 2)])
    assert stems.shape == (2, 2, mixture.shape[1])
    assert not stems.requires_grad
    torch.testing.assert_close(stems.sum(0), mixture, atol=1e-5, rtol=0)


def test_weights_come_back(tmp_path: Path) -> None:
    net = TINY_RECIPE.net()
    digest = TINY_RECIPE.save(net, tmp_path / "weights.safetensors")
    assert len(digest) == 64
    again = TINY_RECIPE.load(tmp_path / "weights.safetensors")
    torch.testing.assert_close(again.enter.weight, net.enter.weight, atol=1e-3, rtol=1e-3)


def test_settings_find_their_place() -> None:
    made = harmonic_recipe.create(channels=8, items=3, mask_every=1, learning_rate=0.1)
    assert (made.measures.channels, made.questions.items) == (8, 3)
    assert (made.mask_every, made.learning_rate, made.name) == (1, 0.1, "harmonic")
    with pytest.raises(TypeError, match="colour"):
        harmonic_recipe.create(colour=1)
