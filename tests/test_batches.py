from pathlib import Path

import numpy as np
import torch
from training_material import TINY, tiny_bank, tiny_scores, tone

from separation.training import batches
from separation.training.batches import RESIDUAL_CLASS, BatchConfig, Pool, make_batch
from separation.training.ensemble_synth import EnsembleSynth, SynthConfig, write_shard

CONFIG = BatchConfig(items=3, seconds=1.0, noisy=0.5, silent=0.5, unticked=0.5)


def pool(tmp_path: Path) -> Pool:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), SynthConfig(seconds=1.4))
    for shard in range(3):
        write_shard([synth.clip(shard, n) for n in range(2)], tmp_path / "pool" / f"{shard}.safetensors")
    return Pool(tmp_path / "pool", most=4)


def test_the_pool_grows_as_shards_appear_and_forgets_the_oldest(tmp_path: Path) -> None:
    made = pool(tmp_path)
    made.refresh(shards=1)
    assert len(made.clips) == 2
    made.refresh()
    assert len(made.clips) == 4
    made.refresh()
    assert len(made.clips) == 4


def test_a_batch_is_consistent(tmp_path: Path) -> None:
    made = pool(tmp_path)
    made.refresh(5)
    seen = set()
    for seed in range(6):
        batch = make_batch(np.random.default_rng(seed), made.clips, CONFIG, TINY)
        slots, frames = len(batch.owner), batch.mixture.shape[-1]
        assert batch.mixture.shape == (3, TINY.bins, frames)
        assert batch.magnitude.shape == (3, TINY.size // 2 + 1, frames)
        assert batch.long.shape == (3, TINY.size + 1, frames)
        assert batch.roll.shape == (slots, (frames + 1) // 2)
        total = torch.zeros_like(batch.mixture).index_add(0, batch.owner, batch.sources)
        torch.testing.assert_close(total, batch.mixture)
        assert int(batch.owner.max()) == 2
        silent = batch.sources.abs().amax((1, 2)) == 0
        assert bool((batch.roll[silent] == TINY.pitches).all())
        assert not bool(batch.taught[batch.instrument == RESIDUAL_CLASS].any())
        assert bool((batch.roll[~silent] < TINY.pitches).any())
        seen |= set(batch.instrument.tolist())
    assert RESIDUAL_CLASS in seen


def test_clips_of_another_rate_are_asked_about_at_the_nets() -> None:
    wave = np.stack([tone(69, 2.0, [1.0], 44100), tone(50, 2.0, [1.0], 44100)])
    low = batches.at_rate(wave, 44100, 22050, 22050)
    assert low.shape == (2, 22050)
    np.testing.assert_allclose(low[0, 2000:20000], tone(69, 2.0, [1.0])[2000:20000], atol=2e-2)
    assert batches.at_rate(wave, 44100, 44100, 90000)[:, 88200:].max() == 0


def test_orders_and_rolls() -> None:
    assert batches.orders(["violin", "violin", "cello"]) == [1, 2, 0]
    notes = np.array([[0, 0.5, 1.0, 60], [1, 0.0, 2.0, 61], [0, 0.0, 2.0, 5]], dtype=np.float32)
    roll = batches.pitch_roll(notes, 0, 0.25, 20, TINY)
    assert set(roll) == {60 - TINY.lowest, TINY.pitches}
    (columns,) = np.nonzero(roll == 60 - TINY.lowest)
    step = 2 * TINY.hop / TINY.sample_rate
    assert columns.min() == round(0.25 / step)
    assert columns.max() == round(0.75 / step) - 1


def test_of_two_notes_at_once_the_newer_is_told() -> None:
    notes = np.array([[0, 0.0, 1.2, 60], [0, 1.0, 2.0, 64]], dtype=np.float32)
    roll = batches.pitch_roll(notes, 0, 0.0, 60, TINY)
    second = round(1.0 / (2 * TINY.hop / TINY.sample_rate))
    assert (roll[:second] == 60 - TINY.lowest).all()
    assert roll[second] == 64 - TINY.lowest
