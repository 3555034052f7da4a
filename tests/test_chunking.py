from __future__ import annotations

import itertools

import numpy as np
import pytest
from fake_separators import card

from separation.chunking import ChunkPlan, Stitcher, excerpts, read_clean
from separation.engine import ArraySource

RATE = 8000
PLAN = ChunkPlan.of(100_000, RATE, card(chunk_seconds=2.0, context_seconds=0.5))


@pytest.mark.parametrize(
    "frames", [1, 100, 2000, 13_999, 14_000, 14_001, 16_000, 16_001, 28_000, 30_000, 99_991]
)
def test_blocks_cover_the_recording_once(frames: int) -> None:
    plan = ChunkPlan.of(frames, RATE, card(chunk_seconds=2.0))
    blocks = [plan.block(k) for k in range(plan.count)]
    assert blocks[0][0] == 0
    assert blocks[-1][1] == frames
    assert all(a[1] == b[0] for a, b in itertools.pairwise(blocks))
    assert all(0 < stop - start <= plan.chunk for start, stop in blocks)
    for start, stop in blocks:
        assert plan.block(plan.index(start)) == (start, stop)
        assert plan.block(plan.index(stop - 1)) == (start, stop)


def test_a_plan_follows_the_card() -> None:
    assert PLAN.chunk == 2 * RATE
    assert PLAN.fade == RATE // 4
    assert PLAN.context == RATE // 2
    short = ChunkPlan.of(1000, RATE, card(chunk_seconds=0.1, context_seconds=0.0))
    assert short.fade == 200  # a quarter of the chunk
    assert short.context == 400  # never none: the resampler's edges ring


def test_a_short_rest_belongs_to_the_last_block() -> None:
    plan = ChunkPlan.of(PLAN.step + PLAN.fade, RATE, card(chunk_seconds=2.0))
    assert plan.count == 1
    assert ChunkPlan.of(PLAN.step + PLAN.fade + 1, RATE, card(chunk_seconds=2.0)).count == 2


def test_chunks_that_agree_come_out_unchanged() -> None:
    audio = np.random.default_rng(1).standard_normal((2, 1, PLAN.frames + PLAN.chunk)).astype(np.float32)
    stitcher = Stitcher(PLAN)
    blocks = [
        stitcher.add(k, audio[..., k * PLAN.step : k * PLAN.step + PLAN.chunk]) for k in range(PLAN.count)
    ]
    assert np.array_equal(np.concatenate(blocks, axis=-1), audio[..., : PLAN.frames])


def test_chunks_that_disagree_glide() -> None:
    stitcher = Stitcher(PLAN)
    first = stitcher.add(0, np.zeros((1, PLAN.chunk), np.float32))
    second = stitcher.add(1, np.ones((1, PLAN.chunk), np.float32))
    joined = np.concatenate([first, second], axis=-1)[0]
    rise = joined[PLAN.step : PLAN.step + PLAN.fade]
    assert np.all(np.diff(rise) > 0)
    assert np.abs(np.diff(joined)).max() < 1.6 / PLAN.fade
    assert np.all(joined[: PLAN.step] == 0)
    assert np.all(joined[PLAN.step + PLAN.fade :] == 1)


def test_the_stitcher_leaves_its_input_alone() -> None:
    stitcher = Stitcher(PLAN)
    chunk = np.ones((1, PLAN.chunk), np.float32)
    stitcher.add(0, np.zeros_like(chunk))
    stitcher.add(1, chunk)
    assert np.all(chunk == 1)


def test_reading_past_the_ends_and_over_broken_samples() -> None:
    audio = np.arange(1, 11, dtype=np.float32)[None].repeat(2, axis=0)
    source = ArraySource(audio, RATE)
    piece, cleaned = read_clean(source, -3, 14)
    assert not cleaned.any()
    assert np.array_equal(piece[1], [0, 0, 0, *range(1, 11), 0, 0, 0, 0])
    assert not read_clean(source, 20, 25)[0].any()
    audio[0, 4] = np.nan
    audio[1, 5] = -np.inf
    piece, cleaned = read_clean(source, 3, 7)
    assert np.array_equal(cleaned, [False, True, True, False])
    assert np.array_equal(piece, [[4, 0, 6, 7], [4, 5, 0, 7]])
    assert np.isnan(audio[0, 4])  # the recording itself is left alone


def test_excerpts_are_spread_evenly() -> None:
    assert excerpts(60 * RATE, RATE) == [(0, 60 * RATE)]
    hour = excerpts(3600 * RATE, RATE)
    assert sum(stop - start for start, stop in hour) <= 60 * RATE
    assert len(hour) == 12
    assert hour[0][0] > 0
    assert hour[-1][1] < 3600 * RATE
    assert np.ptp(np.diff([start for start, _ in hour])) <= 1
    for start, stop in excerpts(60 * RATE + 1, RATE):
        assert 0 <= start < stop <= 60 * RATE + 1
