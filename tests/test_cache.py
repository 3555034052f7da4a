from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app import cache
from app.claims import claim
from app.paths import cache_folder


def entry(kind: str, name: str, size: int, age: float) -> Path:
    folder = cache_folder() / kind / name
    folder.mkdir(parents=True)
    (folder / "audio.f32").write_bytes(bytes(size))
    then = time.time() - age
    os.utime(folder, (then, then))
    return folder


def left() -> set[str]:
    return {folder.name for kind in cache.KINDS for folder in (cache_folder() / kind).glob("*")}


@pytest.fixture
def entries() -> None:
    entry("recordings", "oldest", 40_960, 4000)
    entry("stems", "old", 40_960, 3000)
    entry("recordings", "newer", 40_960, 2000)
    entry("stems", "newest", 40_960, 1000)


def test_an_empty_cache_has_room() -> None:
    assert cache.has_room(1000)


def test_with_room_nothing_goes(entries: None) -> None:
    assert cache.has_room(1000)
    assert left() == {"oldest", "old", "newer", "newest"}


def test_beyond_the_limit_the_oldest_go_first(entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST_BYTES", 130_000)
    assert cache.has_room(40_000)
    assert left() == {"newer", "newest"}


def test_what_is_needed_stays(entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST_BYTES", 1)
    assert cache.has_room(0, keep=("oldest", "old"))
    assert left() == {"oldest", "old"}


def test_a_full_disk_makes_room_as_far_as_it_must(entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of 200 000 bytes beside the spare ones, with the cache on it."""
    monkeypatch.setattr(
        cache, "available_bytes", lambda path: cache.SPARE_BYTES + 200_000 - 40_960 * len(left())
    )
    assert cache.has_room(100_000)
    assert left() == {"newer", "newest"}
    assert not cache.has_room(300_000)


def test_stems_that_are_being_written_stay(entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    held = claim(cache_folder() / "stems" / "old" / cache.WRITER)
    assert held is not None
    monkeypatch.setattr(cache, "LARGEST_BYTES", 1)
    cache.has_room(0)
    assert left() == {"old"}
    held.release()


def test_what_a_crash_left_half_done_goes_after_a_day() -> None:
    entry("recordings", ".new-fresh", 10, 60)
    entry("recordings", ".new-abandoned", 10, 2 * 24 * 3600)
    assert cache.has_room(0)
    assert left() == {".new-fresh"}


def test_what_was_wanted_is_no_longer_the_oldest(entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mark_wanted(cache_folder() / "recordings" / "oldest")
    monkeypatch.setattr(cache, "LARGEST_BYTES", 60_000)
    cache.has_room(0)
    assert left() == {"oldest"}
    cache.mark_wanted(cache_folder() / "recordings" / "gone")
