from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, TINY_RECIPE, tiny_clips

from separation.separator import SeparatorError
from separation.training.harmonic_recipe import HarmonicRecipe
from separation.training.trainer import TrainConfig, Trainer

CONFIG = TrainConfig(minutes=1000.0, learning_rate=1e-2, warm_up_steps=2)


def test_the_loss_falls_on_one_batch(tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, TINY_RECIPE)
    batch = TINY_RECIPE.batch(np.random.default_rng(0), tiny_clips(tmp_path), torch.device("cpu"))
    told = [trainer.learn(batch) for _ in range(22)]
    pitch = [losses["pitch"] for losses in told]
    apart = [losses["separation"] for losses in told if "separation" in losses]
    assert np.mean(pitch[-3:]) < np.mean(pitch[:3]) - 1.0
    assert apart[-1] < apart[0]


def test_the_rate_warms_up_and_falls() -> None:
    trainer = Trainer(TrainConfig(minutes=10, learning_rate=1.0, warm_up_steps=4), TINY_RECIPE)
    assert trainer.learning_rate() == pytest.approx(0.25)
    trainer.step = 100
    assert trainer.learning_rate() == pytest.approx(1.0)
    trainer.seconds = 0.8 * 600
    assert trainer.learning_rate() == pytest.approx(0.51)
    trainer.seconds = 600
    assert trainer.learning_rate() < 0.02


def test_without_a_rate_the_recipes_own_counts() -> None:
    trainer = Trainer(replace(CONFIG, learning_rate=None), TINY_RECIPE)
    assert trainer.full_rate == TINY_RECIPE.learning_rate


def test_half_precision_learns_too(tmp_path: Path) -> None:
    trainer = Trainer(replace(CONFIG, mixed=True), TINY_RECIPE)
    before = [p.detach().clone() for p in trainer.net.parameters()]
    batch = TINY_RECIPE.batch(np.random.default_rng(0), tiny_clips(tmp_path), torch.device("cpu"))
    told = trainer.learn(batch)
    assert np.isfinite(list(told.values())).all()
    assert any(not torch.equal(a, b) for a, b in zip(before, trainer.net.parameters(), strict=True))


def test_a_checkpoint_of_another_net_is_a_sentence(tmp_path: Path) -> None:
    Trainer(CONFIG, TINY_RECIPE).save(tmp_path / "out")
    other = HarmonicRecipe(measures=replace(TINY, channels=16))
    with pytest.raises(SeparatorError, match="another net"):
        Trainer(CONFIG, other).resume(tmp_path / "out")


def test_weights_that_are_no_numbers_are_never_taken(tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, TINY_RECIPE)
    batch = TINY_RECIPE.batch(np.random.default_rng(0), tiny_clips(tmp_path), torch.device("cpu"))
    trainer.learn(replace(batch, magnitude=torch.full_like(batch.magnitude, torch.inf)))
    assert all(bool(torch.isfinite(p).all()) for p in trainer.net.parameters())
    assert trainer.step == 1
