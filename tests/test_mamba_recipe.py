"""The recipe mamba: questions of every bin, two losses, weights that come back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_material import tiny_clips

from separation.models.mamba_net import MambaConfig
from separation.separator import Part, SeparatorError
from separation.training.ensemble_synth import Clip
from separation.training.mamba_recipe import MambaRecipe, create
from separation.training.recipes import recipe

TINY: dict[str, Any] = {
    "channels": 8,
    "layers": 1,
    "refine_channels": 8,
    "state": 4,
    "items": 2,
    "seconds": 0.8,
}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    return tiny_clips(tmp_path_factory.mktemp("bank"), 2)


def test_it_is_found_by_name_and_takes_settings_of_all_its_parts() -> None:
    made = recipe("mamba", channels=8, items=3, refine_every=5, learning_rate=0.1)
    assert isinstance(made, MambaRecipe)
    assert (made.name, made.refine_every, made.learning_rate) == ("mamba", 5, 0.1)
    assert (made.measures.channels, made.questions.items) == (8, 3)
    assert create(items=3).questions.seconds == create().questions.seconds
    with pytest.raises(SeparatorError, match="colour"):
        recipe("mamba", colour="red")


def test_a_batch_is_the_same_for_the_same_chance_and_adds_up(clips: list[Clip]) -> None:
    made = create(**TINY)
    batch, again = (made.batch(np.random.default_rng(3), clips, CPU) for _ in range(2))
    assert torch.equal(batch.mixture, again.mixture)
    assert batch.mixture.shape == (2, 1, 19, MambaConfig().bins)
    whole = torch.zeros_like(batch.mixture[:, 0]).index_add(0, batch.owner, batch.sources)
    torch.testing.assert_close(whole, batch.mixture[:, 0])


def test_stage_two_is_taught_now_and_then_and_the_loss_falls(clips: list[Clip]) -> None:
    made = create(**TINY, refine_every=2)
    torch.manual_seed(0)
    net = made.net()
    batch = made.batch(np.random.default_rng(3), clips, CPU)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    told = []
    for step in range(8):
        losses = made.losses(net, batch, step)
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        optimiser.step()
        told.append({name: value.item() for name, value in losses.items()})
    assert [set(each) for each in told[:2]] == [{"separation"}, {"separation", "refined"}]
    assert told[-1]["separation"] < told[0]["separation"] - 0.3
    assert told[-1]["refined"] < told[1]["refined"] - 0.3


def test_weights_come_back_and_separate_as_before(clips: list[Clip], tmp_path: Path) -> None:
    made = create(**TINY)
    torch.manual_seed(1)
    net = made.net().eval()
    digest = made.save(net, tmp_path / "weights.safetensors")
    again = made.load(tmp_path / "weights.safetensors")
    assert again.config == net.config
    assert len(digest) == 64
    mixture = torch.from_numpy(clips[0].audio.astype(np.float32).sum(0, keepdims=True))
    parts = (Part("violin"), Part("cello"))
    stems, others = (made.separate(each, mixture, 22050, parts) for each in (net, again))
    assert stems.shape == (2, *mixture.shape)
    assert float((stems - others).norm() / stems.norm()) < 0.02
