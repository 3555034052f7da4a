import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import TINY, TINY_RECIPE, tiny_clips

from separation.models.harmonic import load_net
from separation.separator import SeparatorError
from separation.training import curve, train
from separation.training.batches import Pool
from separation.training.ensemble_synth import write_shard
from separation.training.harmonic_recipe import HarmonicRecipe
from separation.training.train import Material, run
from separation.training.trainer import TrainConfig, Trainer
from separation.training.validation import Piece, held_pieces

CONFIG = TrainConfig(minutes=1000.0, learning_rate=1e-2, warm_up_steps=2, validate_minutes=1000.0)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    write_shard(tiny_clips(tmp_path), tmp_path / "pool" / "0.safetensors")
    return Pool(tmp_path / "pool", most=10)


def quiet(_: str) -> None:
    """A log nobody reads."""


def trained(
    pool: Pool,
    out: Path,
    steps: int = 0,
    config: TrainConfig = CONFIG,
    pieces: dict[str, list[Piece]] | None = None,
    log: train.Log = quiet,
) -> Trainer:
    trainer = Trainer(config, TINY_RECIPE)
    run(trainer, pool, pieces or {}, out, log=log, steps=steps)
    return trainer


def same(one: Trainer, other: Trainer) -> None:
    for a, b in zip(one.net.parameters(), other.net.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_a_run_that_is_gone_on_with_is_the_run_that_never_stopped(pool: Pool, tmp_path: Path) -> None:
    # the rate must not depend on how fast this machine is: hence the endless budget
    whole = trained(pool, tmp_path / "whole", 4)
    trained(pool, tmp_path / "halves", 2)
    told: list[str] = []
    halves = trained(pool, tmp_path / "halves", 4, log=told.append)
    assert "going on from step 2" in told[0]
    assert halves.step == whole.step == 4
    same(whole, halves)


def test_batches_made_ahead_are_the_same_batches(pool: Pool, tmp_path: Path) -> None:
    here = trained(pool, tmp_path / "here", 3)
    ahead = trained(pool, tmp_path / "ahead", 3, replace(CONFIG, workers=2))
    same(here, ahead)


def test_a_run_writes_its_curve_and_shippable_weights(pool: Pool, tmp_path: Path) -> None:
    pieces: dict[str, list[Piece]] = {"seen": held_pieces(tmp_path / "pool")[:1], "real": []}
    trainer = trained(pool, tmp_path / "out", 1, pieces=pieces)
    rows = curve.read_rows(tmp_path / "out" / "curve.csv")
    assert rows[-1]["step"] == 1
    assert np.isfinite([rows[-1]["seen"], rows[-1]["pitch"], rows[-1]["separation"]]).all()
    assert np.isnan(rows[-1]["real"])
    assert (tmp_path / "out" / "curve.png").stat().st_size > 1000
    shipped = load_net(tmp_path / "out" / "weights.safetensors")
    assert shipped.config == TINY
    for one, other in zip(shipped.parameters(), trainer.mean.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    note = json.loads((tmp_path / "out" / "checkpoint.json").read_text(encoding="utf-8"))
    assert (note["step"], note["recipe"]) == (1, "harmonic")


def test_without_time_the_weights_are_only_validated(tmp_path: Path, pool: Pool) -> None:
    pieces = {"seen": held_pieces(tmp_path / "pool")[:1]}
    nothing = Pool(tmp_path / "nowhere", 10)
    trainer = trained(nothing, tmp_path / "out", config=replace(CONFIG, minutes=0.0), pieces=pieces)
    assert trainer.step == 0
    (row,) = curve.read_rows(tmp_path / "out" / "curve.csv")
    assert np.isfinite(row["seen"])


def test_a_run_that_is_stopped_keeps_what_it_has(pool: Pool, tmp_path: Path) -> None:
    told: list[str] = []
    trainer = Trainer(CONFIG, TINY_RECIPE)
    run(trainer, pool, {}, tmp_path / "out", log=told.append, stop=lambda: trainer.step == 1)
    assert trainer.stopped
    assert "Stopped after step 2; the same command goes on" in told[-1]
    again = Trainer(CONFIG, TINY_RECIPE)
    assert again.resume(tmp_path / "out")
    assert again.step == 2
    same(trainer, again)


def test_ctrl_c_stops_after_the_step(pool: Pool, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    told: list[str] = []

    class Interrupted(HarmonicRecipe):
        def losses(self, net: torch.nn.Module, batch: object, step: int) -> dict[str, torch.Tensor]:
            if step == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return super().losses(net, batch, step)  # type: ignore[arg-type]

    recipe = Interrupted(TINY_RECIPE.measures, TINY_RECIPE.questions)
    done = train.train(CONFIG, recipe, Material(pool.folder), tmp_path / "out", log=told.append)
    assert done.stopped
    assert done.step == 2
    assert (tmp_path / "out" / "checkpoint.json").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_training_may_begin_with_shipped_weights(pool: Pool, tmp_path: Path) -> None:
    trained(pool, tmp_path / "first", 2)
    weights = tmp_path / "first" / "weights.safetensors"
    trainer = Trainer(CONFIG, TINY_RECIPE)
    train.begin_with(weights, trainer, tmp_path / "second")
    assert trainer.step == 0
    shipped = load_net(weights)
    torch.testing.assert_close(trainer.net.enter.weight, shipped.enter.weight)
    torch.testing.assert_close(trainer.mean.enter.weight, shipped.enter.weight)
    other = Trainer(CONFIG, HarmonicRecipe(measures=replace(TINY, channels=16)))
    with pytest.raises(SeparatorError, match="other measures"):
        train.begin_with(weights, other, tmp_path / "third")
    fresh = Trainer(CONFIG, TINY_RECIPE)
    train.begin_with(weights, fresh, tmp_path / "first")  # has a checkpoint: that counts
    assert not torch.equal(fresh.net.enter.weight, trainer.net.enter.weight)


def test_settings_are_read_from_words() -> None:
    found = train.settings_of(["items=4", "pitch_weight=0.5", "shared=true", "name=a=b"])
    assert found == {"items": 4, "pitch_weight": 0.5, "shared": True, "name": "a=b"}
    with pytest.raises(SeparatorError, match="NAME=VALUE"):
        train.settings_of(["items"])


def test_what_is_wrong_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--set", "channels=8", "--set", "blocks=1", "--minutes", "1"]
    paths = ["--pool", str(tmp_path / "pool"), "--out", str(tmp_path / "out")]
    assert train.main([*paths, *small]) == 1
    assert "no clips in it" in capsys.readouterr().err
    assert train.main([*paths, "--set", "colour=red"]) == 1
    assert "colour" in capsys.readouterr().err
    assert train.main([*paths, *small, "--device", "abacus"]) == 1
    assert "abacus" in capsys.readouterr().err


SCRIPT = """
import sys, torch
from pathlib import Path
from torch import distributed
sys.path.insert(0, sys.argv[3])
from test_train import CONFIG, TINY_RECIPE, quiet
from separation.training import train
from separation.training.batches import Pool
from separation.training.trainer import Trainer
with train.process_group("cpu"):
    done = Trainer(CONFIG, TINY_RECIPE)
    rank = distributed.get_rank()
    # the second process alone is asked to stop: both must, after the same step
    stop = lambda: rank == 1 and done.step == 2
    train.run(done, Pool(Path(sys.argv[1]), 10), {}, Path(sys.argv[2]), log=quiet, stop=stop)
    flat = torch.cat([p.detach().flatten() for p in done.net.parameters()])
    both = [torch.zeros_like(flat) for _ in range(2)]
    distributed.all_gather(both, flat)
torch.testing.assert_close(both[0], both[1])
assert done.step == 3, done.step
tasks = Path("/proc/self/task")
if tasks.exists():  # a thread that outlived its group may abort the process as Python ends
    threads = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
    assert not [name for name in threads if "gloo" in name], threads
"""


def test_two_processes_stay_in_step(pool: Pool, tmp_path: Path) -> None:
    script = tmp_path / "pair.py"
    script.write_text(SCRIPT, encoding="utf-8")
    started = [
        sys.executable,
        *("-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"),
        *("--rdzv-endpoint", "127.0.0.1:0", str(script)),
        *(str(pool.folder), str(tmp_path / "out"), str(Path(__file__).parent)),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(started, env=environment, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    note = json.loads((tmp_path / "out" / "checkpoint.json").read_text(encoding="utf-8"))
    assert note["step"] == 3
