"""Reading ahead of the play head, from the files behind memory-mapped arrays."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from app.mixer import Mixer
from app.prefetch import AHEAD_SECONDS, Prefetcher
from app.transport import Transport

RATE = 8000
ROW = 8  # bytes a stereo frame


def mapped(path: Path, frames: int, offset: int = 0) -> np.ndarray:
    path.write_bytes(b"\0" * (offset + frames * ROW))
    return np.memmap(path, np.float32, "r", offset, (frames, 2))


@pytest.fixture
def transport(tmp_path: Path) -> Transport:
    frames = 20 * RATE
    stems = {"violin": mapped(tmp_path / "violin.f32", frames), "residual": np.zeros((frames, 2), np.float32)}
    return Transport(Mixer(mapped(tmp_path / "audio.f32", frames, 4096), stems, sample_rate=RATE))


def prefetcher_of(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> Prefetcher:
    """One whose thread does not run, so that the test says when it reads."""
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)
    monkeypatch.setattr(threading.Thread, "join", lambda thread, timeout=None: None)
    return Prefetcher(transport, (transport.mixer.recording, *transport.mixer.stems))


def test_it_reads_what_comes_next_and_nothing_twice(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = prefetcher_of(transport, monkeypatch)
    window = round(AHEAD_SECONDS * RATE) * ROW
    ahead.read_ahead()
    assert ahead.bytes_read == 2 * window  # two arrays are files, the third is in memory
    ahead.read_ahead()
    assert ahead.bytes_read == 2 * window
    transport.position = RATE
    ahead.read_ahead()
    assert ahead.bytes_read == 2 * (window + RATE * ROW)
    ahead.close()


def test_it_reads_where_a_seek_leads_and_no_further_than_the_end(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = prefetcher_of(transport, monkeypatch)
    transport.jump = (1, 19 * RATE)
    ahead.read_ahead()
    assert 0 < ahead.bytes_read - 2 * RATE * ROW < 2 * 4096  # the last second, from a page's start
    ahead.close()


def test_the_loops_start_is_kept_ready(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = prefetcher_of(transport, monkeypatch)
    ahead.read_ahead()
    before = ahead.bytes_read
    transport.loop = (10 * RATE, 11 * RATE)
    ahead.read_ahead()
    assert abs(ahead.bytes_read - before - 2 * RATE * ROW) < 2 * 4096
    ahead.close()


def test_the_thread_reads_and_ends(transport: Transport) -> None:
    ahead = Prefetcher(transport, (transport.mixer.recording, *transport.mixer.stems))
    names = [thread.name for thread in threading.enumerate()]
    assert "ripieno-prefetch" in names
    ahead.wake()
    ahead.close()
    assert "ripieno-prefetch" not in [thread.name for thread in threading.enumerate()]


def test_nothing_runs_for_arrays_in_memory_or_files_that_are_gone(tmp_path: Path) -> None:
    gone = mapped(tmp_path / "gone.f32", 100)
    (tmp_path / "gone.f32").unlink()
    transport = Transport(Mixer(np.zeros((100, 2), np.float32), sample_rate=RATE))
    ahead = Prefetcher(transport, (gone, transport.mixer.recording))
    assert "ripieno-prefetch" not in [thread.name for thread in threading.enumerate()]
    ahead.close()


def test_a_view_reads_its_own_part_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mapped(tmp_path / "audio.f32", 50_000)
    view = np.asarray(whole)[10_000:20_000]
    transport = Transport(Mixer(view, sample_rate=RATE))
    ahead = prefetcher_of(transport, monkeypatch)
    ahead.read_ahead()
    assert ahead.bytes_read == 10_000 * ROW
    assert ahead._files[0]._offset == 10_000 * ROW
    ahead.close()


def test_a_file_cut_short_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = mapped(tmp_path / "audio.f32", 20_000)
    transport = Transport(Mixer(audio, sample_rate=RATE))
    ahead = prefetcher_of(transport, monkeypatch)
    with (tmp_path / "audio.f32").open("r+b") as file:
        file.truncate(1000)
    ahead.read_ahead()
    assert ahead.bytes_read == 1000
    ahead.close()
