import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, tiny_bank, tiny_scores

from separation.models.harmonic import load_net
from separation.separator import SeparatorError
from separation.training import train
from separation.training.batches import BatchConfig, Pool, make_batch
from separation.training.ensemble_synth import EnsembleSynth, SynthConfig, write_shard
from separation.training.train import TrainConfig, Trainer
from separation.training.validation import held_pieces

CONFIG = TrainConfig(
    minutes=1000.0,
    learning_rate=1e-2,
    warm_up_steps=2,
    validate_minutes=1000.0,
    net=TINY,
    batch=BatchConfig(items=2, seconds=0.8),
)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), SynthConfig(seconds=1.0))
    write_shard([synth.clip(0, n) for n in range(4)], tmp_path / "pool" / "0.safetensors")
    return Pool(tmp_path / "pool", most=10)


def quiet(_: str) -> None:
    """A log nobody reads."""


def test_the_loss_falls_on_one_batch(pool: Pool) -> None:
    pool.refresh()
    trainer = Trainer(CONFIG)
    batch = make_batch(np.random.default_rng(0), pool.clips, CONFIG.batch, TINY)
    losses = [sum(trainer.learn(batch).values()) for _ in range(25)]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 1.0


def test_a_run_that_is_gone_on_with_is_the_run_that_never_stopped(pool: Pool, tmp_path: Path) -> None:
    # the rate must not depend on how fast this machine is
    whole = train.run(CONFIG, pool, {}, tmp_path / "whole", log=quiet, steps=4)
    train.run(CONFIG, pool, {}, tmp_path / "halves", log=quiet, steps=2)
    told: list[str] = []
    halves = train.run(CONFIG, pool, {}, tmp_path / "halves", log=told.append, steps=4)
    assert "going on from step 2" in told[0]
    assert halves.step == whole.step == 4
    for one, other in zip(whole.net.parameters(), halves.net.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_run_writes_its_curve_and_shippable_weights(pool: Pool, tmp_path: Path) -> None:
    pieces = {"seen": held_pieces(tmp_path / "pool")[:1], "real": []}
    trainer = train.run(CONFIG, pool, pieces, tmp_path / "out", log=quiet, steps=1)
    with (tmp_path / "out" / "curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "1"
    assert np.isfinite(float(rows[-1]["seen"]))
    assert rows[-1]["real"] == "nan"
    shipped = load_net(tmp_path / "out" / "weights.safetensors")
    assert shipped.config == TINY
    for one, other in zip(shipped.parameters(), trainer.mean.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    note = json.loads((tmp_path / "out" / "checkpoint.json").read_text(encoding="utf-8"))
    assert note["step"] == 1


def test_without_time_the_weights_are_only_validated(pool: Pool, tmp_path: Path) -> None:
    pieces = {"seen": held_pieces(tmp_path / "pool")[:1]}
    trainer = train.run(replace(CONFIG, minutes=0.0), pool, pieces, tmp_path / "out", log=quiet)
    assert trainer.step == 0
    assert "nan" in (tmp_path / "out" / "curve.csv").read_text(encoding="utf-8")


def test_training_may_begin_with_shipped_weights(pool: Pool, tmp_path: Path) -> None:
    train.run(CONFIG, pool, {}, tmp_path / "first", log=quiet, steps=2)
    train.begin_with(tmp_path / "first" / "weights.safetensors", tmp_path / "second", CONFIG)
    trainer = Trainer(CONFIG)
    assert trainer.resume(tmp_path / "second")
    assert trainer.step == 0
    shipped = load_net(tmp_path / "first" / "weights.safetensors")
    torch.testing.assert_close(trainer.net.enter.weight, shipped.enter.weight)
    with pytest.raises(SeparatorError, match="other measures"):
        train.begin_with(tmp_path / "first" / "weights.safetensors", tmp_path / "third", TrainConfig())


def test_the_rate_warms_up_and_falls() -> None:
    trainer = Trainer(TrainConfig(minutes=10, learning_rate=1.0, warm_up_steps=4, net=TINY))
    assert trainer.learning_rate() == pytest.approx(0.25)
    trainer.step = 100
    assert trainer.learning_rate() == pytest.approx(1.0)
    trainer.seconds = 0.8 * 600
    assert trainer.learning_rate() == pytest.approx(0.51)
    trainer.seconds = 600
    assert trainer.learning_rate() < 0.02


def test_an_empty_pool_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pool").mkdir()
    assert (
        train.main(["--pool", str(tmp_path / "pool"), "--out", str(tmp_path / "out"), "--minutes", "1"]) == 1
    )
    assert "no clips" in capsys.readouterr().err


SCRIPT = """
import sys, torch
from pathlib import Path
from torch import distributed
sys.path.insert(0, sys.argv[3])
from test_train import CONFIG, quiet
from separation.training import train
from separation.training.batches import Pool
distributed.init_process_group("gloo")
done = train.run(CONFIG, Pool(Path(sys.argv[1]), 10), {}, Path(sys.argv[2]), log=quiet, steps=2)
flat = torch.cat([p.detach().flatten() for p in done.net.parameters()])
both = [torch.zeros_like(flat) for _ in range(2)]
distributed.all_gather(both, flat)
torch.testing.assert_close(both[0], both[1])
distributed.destroy_process_group()
"""


def test_two_processes_stay_in_step(pool: Pool, tmp_path: Path) -> None:
    script = tmp_path / "pair.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29653", "WORLD_SIZE": "2"}
    command = [
        sys.executable,
        str(script),
        str(pool.folder),
        str(tmp_path / "out"),
        str(Path(__file__).parent),
    ]
    runs = [
        subprocess.Popen(command, env=environment | {"RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    said = [run.communicate(timeout=150)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert (tmp_path / "out" / "checkpoint.json").exists()
