from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from fake_separators import CallingSeparator, ForgetfulSeparator, SharingSeparator
from pytestqt.qtbot import QtBot

from app.errors import Cancelled
from app.jobs import Job, Jobs
from app.progress import Progress
from app.separation_job import BlockDone, separate_into_store
from app.stems import StemStore
from separation.engine import ArraySource
from separation.separator import Part, SeparatorError

RATE = 16000
SECONDS = 11.3
PARTS = (Part("violin"), Part("clarinet"))


class MemoryStore:
    """A stem store in memory: what separation needs of :class:`app.stems.StemStore`."""

    def __init__(self, frames: int, channels: int = 2) -> None:
        self.frames = frames
        self.frames_done = 0
        self.complete = False
        self.audio = np.zeros((len(PARTS) + 1, channels, frames), dtype=np.float32)

    def write_block(self, start: int, stems: np.ndarray) -> None:
        assert start == self.frames_done
        assert stems.dtype == np.float32
        self.frames_done = start + stems.shape[-1]
        self.audio[..., start : self.frames_done] = stems

    def finish(self) -> None:
        assert self.frames_done == self.frames
        self.complete = True


@pytest.fixture
def audio() -> np.ndarray:
    return (0.1 * np.random.default_rng(5).standard_normal((2, round(SECONDS * RATE)))).astype(np.float32)


@pytest.fixture
def recording(audio: np.ndarray) -> ArraySource:
    return ArraySource(audio, RATE)


def run(recording: ArraySource, store: MemoryStore, **options: Any) -> Iterator[Progress | BlockDone]:
    return separate_into_store(recording, store, SharingSeparator(), PARTS, device="cpu", **options)


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so many seconds whenever it is looked at."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += seconds
        return now

    return clock


def test_the_whole_recording_is_separated(recording: ArraySource, audio: np.ndarray) -> None:
    store = MemoryStore(recording.frames)
    said = list(run(recording, store))
    assert store.complete
    assert np.abs(store.audio.sum(axis=0) - audio).max() <= 1e-6
    blocks = [item for item in said if isinstance(item, BlockDone)]
    assert blocks[0].start == 0
    assert blocks[-1].stop == recording.frames
    assert all(one.stop == other.start for one, other in pairwise(blocks))
    assert all(block.device and block.notices == () for block in blocks)


def test_every_block_is_followed_by_its_progress(recording: ArraySource) -> None:
    said = list(run(recording, MemoryStore(recording.frames)))
    assert isinstance(said[0], Progress)
    assert (said[0].fraction, said[0].speed, said[0].seconds_left) == (0.0, None, None)
    assert [type(item) for item in said[1:]] == [BlockDone, Progress] * (len(said) // 2)
    for block, progress in zip(said[1::2], said[2::2], strict=True):
        assert isinstance(block, BlockDone)
        assert isinstance(progress, Progress)
        assert progress.seconds_done == pytest.approx(block.stop / RATE)
        assert progress.fraction == pytest.approx(block.stop / recording.frames)
    assert isinstance(said[-1], Progress)
    assert (said[-1].fraction, said[-1].seconds_left) == (1.0, 0.0)


def test_a_block_is_told_when_it_is_in_the_store(recording: ArraySource) -> None:
    store = MemoryStore(recording.frames)
    for item in run(recording, store):
        if isinstance(item, BlockDone):
            assert store.frames_done == item.stop


def test_speed_and_time_left_by_a_clock(recording: ArraySource) -> None:
    said = list(run(recording, MemoryStore(recording.frames), clock=ticking(0.5)))
    block, progress = said[1], said[2]
    assert isinstance(block, BlockDone)
    assert isinstance(progress, Progress)
    seconds = (block.stop - block.start) / RATE
    assert progress.speed == pytest.approx(seconds / 0.5)
    assert progress.seconds_left == pytest.approx((SECONDS - block.stop / RATE) / (seconds / 0.5))


def test_a_slow_receiver_does_not_count(recording: ArraySource) -> None:
    now = [0.0]
    speeds = []
    for item in run(recording, MemoryStore(recording.frames), clock=lambda: now[0]):
        now[0] += 100.0  # the receiver's time; the separation itself takes none by this clock
        if isinstance(item, Progress):
            speeds.append(item.speed)
    assert speeds == [None] * len(speeds)


def test_closing_keeps_the_blocks_and_a_second_run_gives_the_same_samples(recording: ArraySource) -> None:
    whole, parted = MemoryStore(recording.frames), MemoryStore(recording.frames)
    list(run(recording, whole))

    first = run(recording, parted)
    blocks = 0
    for item in first:
        blocks += isinstance(item, BlockDone)
        if blocks == 2:
            break
    first.close()  # type: ignore[attr-defined]
    done = parted.frames_done
    assert 0 < done < recording.frames
    assert not parted.complete

    said = list(run(recording, parted))
    assert isinstance(said[0], Progress)
    assert said[0].fraction == pytest.approx(done / recording.frames)
    assert isinstance(said[1], BlockDone)
    assert said[1].start == done
    assert parted.complete
    np.testing.assert_array_equal(parted.audio, whole.audio)


def test_a_check_that_raises_keeps_the_blocks(recording: ArraySource) -> None:
    store = MemoryStore(recording.frames)

    def check() -> None:
        if store.frames_done:
            raise Cancelled

    with pytest.raises(Cancelled):
        list(run(recording, store, check=check))
    assert 0 < store.frames_done < recording.frames
    assert not store.complete


def test_a_complete_store_is_left_alone(recording: ArraySource) -> None:
    store = MemoryStore(recording.frames)
    list(run(recording, store))
    separator = SharingSeparator()
    said = list(separate_into_store(recording, store, separator, PARTS, device="cpu"))
    assert said == [Progress(1.0, recording.frames / RATE, None, 0.0, "")]
    assert separator.calls == []


def test_a_store_that_was_only_not_finished_is_finished(recording: ArraySource) -> None:
    store = MemoryStore(recording.frames)
    list(run(recording, store))
    store.complete = False
    assert [item.fraction for item in run(recording, store) if isinstance(item, Progress)] == [1.0]
    assert store.complete


def test_notices_travel_with_their_block(recording: ArraySource) -> None:
    def broken(mixture: torch.Tensor, call: int) -> torch.Tensor:
        return mixture * math.nan if call == 1 else mixture / 4

    said = separate_into_store(
        recording, MemoryStore(recording.frames), CallingSeparator(function=broken), PARTS, device="cpu"
    )
    notices = [item.notices for item in said if isinstance(item, BlockDone)]
    assert any("share the sound equally" in notice for notice in sum(notices, ()))


def test_a_separator_out_of_memory_is_a_sentence_and_the_blocks_stay(recording: ArraySource) -> None:
    store = MemoryStore(recording.frames)
    separator = ForgetfulSeparator(fails_from=2, fails_on=lambda device: True)
    with pytest.raises(SeparatorError, match="memory"):
        list(separate_into_store(recording, store, separator, PARTS, device="cpu"))
    assert store.frames_done > 0
    assert not store.complete


def test_an_empty_recording_is_refused() -> None:
    empty = ArraySource(np.zeros((1, 0), dtype=np.float32), RATE)
    with pytest.raises(SeparatorError, match="empty"):
        list(run(empty, MemoryStore(0, 1)))


@dataclass
class Described:
    """What a stem store wants to know of a recording."""

    content_hash: str
    sample_rate: int
    channels: int
    frames: int


def test_a_cancelled_job_leaves_playable_blocks_on_the_disk_and_goes_on(
    qtbot: QtBot, recording: ArraySource, audio: np.ndarray
) -> None:
    """The real store, engine, job and thread together."""
    described = Described("ab" * 32, RATE, 2, recording.frames)
    jobs = Jobs()

    def separate(store: StemStore) -> Job:
        return jobs.start(
            "separation",
            lambda control: separate_into_store(
                recording, store, SharingSeparator(), PARTS, device="cpu", check=control.check
            ),
        )

    store = StemStore.create("key", described, "sharing", PARTS)
    first = separate(store)
    with qtbot.waitSignal(first.produced, timeout=30_000):
        pass
    first.cancel()
    assert first.wait(30)
    done = store.frames_done
    store.close()
    assert done > 0
    heard = sum(store.arrays[name][:done] for name in store.names)
    assert np.abs(heard - audio[:, :done].T).max() <= 1e-6

    again = StemStore.create("key", described, "sharing", PARTS)
    assert again.frames_done == done
    second = separate(again)
    with qtbot.waitSignal(second.ended, timeout=30_000):
        pass
    assert again.complete
    assert np.abs(sum(again.arrays.values()) - audio.T).max() <= 1e-6
    again.close()
    assert jobs.cancel_all()
