from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import tiny_bank, tiny_scores

from separation.models.recurrent_net import RecurrentConfig
from separation.separator import Part, SeparatorError
from separation.training import experiments
from separation.training.batches import BatchConfig
from separation.training.ensemble_plan import AUGMENTATIONS, SynthConfig
from separation.training.ensemble_synth import Clip, EnsembleSynth, write_shard
from separation.training.experiment_results import COMBINED, COMBINED_ALONE, SPECIALISED, UNTOUCHED, Results
from separation.training.experiments import OFF, Budget, ExperimentConfig
from separation.training.recurrent_recipe import RecurrentRecipe
from separation.training.validation import Piece, held_pieces

CONFIG = ExperimentConfig(
    minutes=0.002,
    clips=4,
    recipe=RecurrentRecipe(
        measures=RecurrentConfig(hidden=8, layers=1), questions=BatchConfig(items=2, seconds=0.6)
    ),
    synth=SynthConfig(seconds=0.8),
)


def quiet(_: str) -> None:
    """A log nobody reads."""


@pytest.fixture
def synth(tmp_path: Path) -> EnsembleSynth:
    return EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), CONFIG.synth)


@pytest.fixture
def pieces(tmp_path: Path, synth: EnsembleSynth) -> dict[str, list[Piece]]:
    write_shard([synth.clip(5, n) for n in range(4)], tmp_path / "held" / "seen" / "0.safetensors")
    return {"seen": held_pieces(tmp_path / "held" / "seen"), "real": []}


def test_a_budget_in_steps_is_kept_to_the_step_and_gives_the_same_net(synth: EnsembleSynth) -> None:
    clips = [synth.clip(0, n) for n in range(3)]
    runs = [
        experiments.learn(CONFIG, CONFIG.recipe, clips, Budget(steps=3), seed=1, log=quiet) for _ in range(2)
    ]
    assert [run.steps for run in runs] == [3, 3]
    torch.manual_seed(1)
    fresh, one, other = (
        torch.nn.utils.parameters_to_vector(net.parameters()).detach()
        for net in (CONFIG.recipe.net(), runs[0].net, runs[1].net)
    )
    # not to the last digit: Adam makes full steps of gradients that are rounding errors
    assert float((one - other).norm()) < 0.5 * float((one - fresh).norm())
    brief = experiments.learn(CONFIG, CONFIG.recipe, clips, Budget(seconds=0.2), seed=1, log=quiet)
    assert brief.seconds >= 0.2
    assert brief.steps >= 1


def test_every_row_of_the_augmentations_switches_off_what_it_says(
    tmp_path: Path, pieces: dict[str, list[Piece]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, ...]] = []
    asked: list[BatchConfig] = []
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), CONFIG.synth)
    usual = experiments.learn

    def make(config: SynthConfig, seed: int) -> list[Clip]:
        made.append(config.without)
        return [synth.clip(seed, n) for n in range(3)]

    def learn(config: ExperimentConfig, recipe: RecurrentRecipe, *rest: object, **more: object) -> object:
        asked.append(recipe.questions)
        return usual(config, recipe, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(experiments, "learn", learn)
    results = Results(tmp_path / "out", {"minutes": 1})
    experiments.augmentation(CONFIG, pieces, results, make, rows=2, log=quiet)
    assert made == [(), AUGMENTATIONS]
    assert asked[0] == CONFIG.recipe.questions
    assert (asked[1].noisy, asked[1].equalisation_db) == (0.0, 0.0)
    again = Results(tmp_path / "out", {"minutes": 1})  # as if the program had been started anew
    experiments.augmentation(CONFIG, pieces, again, make, log=quiet)
    assert made[2:] == [(name,) for name in OFF]
    assert asked[-1] == replace(CONFIG.recipe.questions, equalisation_db=0.0)
    trained = [line for line in again.lines if line.steps]
    assert len({line.steps for line in trained}) == 1
    assert len(trained) == len(OFF) + 2
    assert np.isnan(trained[0].values["real"])
    assert np.isfinite(trained[0].values["seen"])


def test_specialists_together_cost_what_the_combined_net_does(
    tmp_path: Path, synth: EnsembleSynth, pieces: dict[str, list[Piece]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("violin", "cello")
    monkeypatch.setattr(experiments, "SPECIALISTS", names)
    monkeypatch.setattr("separation.training.experiment_results.SPECIALISTS", names)
    results = Results(tmp_path / "out", {})
    clips = [synth.clip(0, n) for n in range(6)]
    experiments.specialised(CONFIG, pieces, results, clips, log=quiet)
    rows = [(line.row, line.asked) for line in results.lines]
    expected = [(row, name) for row in (UNTOUCHED, COMBINED, COMBINED_ALONE, SPECIALISED) for name in names]
    assert rows == expected
    for line in results.lines:
        share = {COMBINED: 1.0, COMBINED_ALONE: 1.0, SPECIALISED: 0.5, UNTOUCHED: 0.0}[line.row]
        assert line.minutes >= share * CONFIG.minutes
    written = (tmp_path / "out" / "table.md").read_text(encoding="utf-8")
    assert written.count("mean of these") == 4


def test_alone_and_untouched_scores() -> None:
    time = np.arange(8000) / 22050
    low, high = (torch.from_numpy(np.sin(time * 6.28 * f)).float()[None] for f in (220, 2500))
    piece = Piece("two", torch.stack([low, 0.5 * high]), (Part("cello"), Part("violin")))
    untouched = experiments.part_scores(CONFIG.recipe, None, piece)
    assert float(untouched[0]) == pytest.approx(6.0, abs=0.1)
    assert float(untouched[1]) == pytest.approx(-6.0, abs=0.1)
    net = CONFIG.recipe.net().eval()
    one = experiments.part_scores(CONFIG.recipe, net, piece, "violin", alone=True)
    both = experiments.part_scores(CONFIG.recipe, net, piece, "violin")
    assert one.shape == both.shape == (1,)
    assert not torch.equal(one, both)
    assert experiments.part_scores(CONFIG.recipe, net, piece, "oboe", alone=True).shape == (0,)


def test_rows_made_with_other_settings_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pieces: dict[str, list[Piece]]
) -> None:
    results = Results(tmp_path / "out", {"minutes": 1})
    results.add([])
    with pytest.raises(SeparatorError, match="other settings"):
        Results(tmp_path / "out", {"minutes": 2})
    told = ["specialised", "--held", str(tmp_path / "held"), "--out", str(tmp_path / "new")]
    assert experiments.main(told) == 1
    assert "--pool" in capsys.readouterr().err
    assert experiments.main([*told, "--minutes", "0"]) == 1
    assert "--minutes" in capsys.readouterr().err
