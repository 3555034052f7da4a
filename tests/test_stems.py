from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fake_separators import card

import app.stems
from app.claims import claim
from app.errors import Cancelled, UserError
from app.stems import StemsError, StemStore, fingerprint, stem_key, stems_folder
from separation import catalogue
from separation.separator import Part

PARTS = (Part("violin", 1), Part("violin", 2), Part("clarinet"))


@dataclass
class Described:
    content_hash: str = "abc"
    sample_rate: int = 8000
    channels: int = 2
    frames: int = 1000


def store(recording: Described | None = None, **more: object) -> StemStore:
    return StemStore.open_or_create(recording or Described(), card(**more), PARTS)


def block(n: int, seed: int = 0, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((4, channels, n)).astype(np.float32)


def filled(recording: Described | None = None) -> tuple[StemStore, np.ndarray]:
    recording = recording or Described()
    stems = block(recording.frames, channels=recording.channels)
    made = store(recording)
    for start in range(0, recording.frames, 300):
        made.write_block(start, stems[:, :, start : start + 300])
    made.finish()
    return made, stems


def test_a_new_store_is_empty_and_readable() -> None:
    made = store()
    assert made.names == ("violin-1", "violin-2", "clarinet", "residual")
    assert (made.frames_done, made.done(), made.complete) == (0, 0, False)
    assert all(a.shape == (1000, 2) and a.dtype == np.float32 for a in made.arrays.values())
    assert not any(a.any() for a in made.arrays.values())
    assert not any(a.flags.writeable for a in made.arrays.values())


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_is_written_can_be_read_at_once(channels: int) -> None:
    recording = Described(channels=channels)
    stems = block(1000, channels=channels)
    made = store(recording)
    made.write_block(0, stems[:, :, :400])
    assert made.frames_done == 400
    for name, stem in zip(made.names, stems, strict=True):
        np.testing.assert_array_equal(made.arrays[name][:400], stem[:, :400].T)
        assert not made.arrays[name][400:].any()
    made.write_block(400, stems[:, :, 400:])
    made.finish()
    assert made.complete
    for name, stem in zip(made.names, stems, strict=True):
        np.testing.assert_array_equal(made.arrays[name], stem.T)


def test_finished_stems_are_found_again() -> None:
    made, stems = filled()
    again = store()
    assert again.complete
    assert again.folder == made.folder
    assert again.parts == PARTS
    np.testing.assert_array_equal(again.arrays["clarinet"], stems[2].T)


def test_a_cancelled_separation_goes_on_where_it_was() -> None:
    made = store()
    made.write_block(0, block(300, 1))
    made.close()
    again = store()
    assert (again.frames_done, again.complete) == (300, False)
    again.write_block(300, block(700, 2))
    again.finish()
    np.testing.assert_array_equal(again.arrays["violin-1"][:300], block(300, 1)[0].T)
    # the first object's arrays are the same file: they show it too
    np.testing.assert_array_equal(made.arrays["violin-1"][300:], block(700, 2)[0].T)


def test_find_looks_and_makes_nothing() -> None:
    real = catalogue.cards()["nmf"]
    parts = (Part("violin"),)
    assert StemStore.find(Described(), "nmf", parts) is None
    assert not stems_folder().exists()
    StemStore.open_or_create(Described(), real, parts, 3)
    assert StemStore.find(Described(), "nmf", parts) is None  # another seed
    found = StemStore.find(Described(), "nmf", parts, 3)
    assert found is not None
    assert found.seed == 3
    assert StemStore.find(Described(), "no such separator", parts) is None


def test_everything_that_changes_the_sound_changes_the_key() -> None:
    base = ("hash", "nmf", "v1", (Part("violin"), Part("cello")), 0)
    keys = {stem_key(*base)}
    for index, other in enumerate(("other", "x", "v2", (Part("cello"), Part("violin")), 1)):
        changed = list(base)
        changed[index] = other  # type: ignore[call-overload]
        keys.add(stem_key(*changed))  # type: ignore[arg-type]
    keys.add(stem_key("hash", "nmf", "v1", (Part("violin", 1), Part("cello")), 0))
    assert len(keys) == 7


def test_the_fingerprint_sees_card_weights_and_code(tmp_path: Path) -> None:
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "card.toml").write_text("name = 'fake'")
    mine = card(folder=folder)
    seen = [fingerprint(mine)]
    (folder / "weights.bin").write_bytes(b"1")
    seen.append(fingerprint(mine))
    (folder / "weights.bin").write_bytes(b"22")
    seen.append(fingerprint(mine))
    seen.append(fingerprint(replace(mine, factory="separation.wiener:whatever")))
    assert len(set(seen)) == 4
    assert fingerprint(mine) == seen[2]


@pytest.mark.parametrize(
    "damage",
    ["short", "gone", "no header", "bad header", "version", "frames", "done", "complete", "parts", "list"],
)
def test_a_damaged_store_counts_as_none(damage: str) -> None:
    made, _ = filled()
    header = made.folder / "stems.json"
    changes: dict[str, dict[str, object]] = {
        "version": {"version": 99},
        "frames": {"frames": 999},
        "done": {"frames_done": 2000},
        "complete": {"frames_done": 10},
        "parts": {"parts": []},
    }
    match damage:
        case "short":
            (made.folder / "clarinet.f32").write_bytes(b"1234")
        case "gone":
            (made.folder / "residual.f32").unlink()
        case "no header":
            header.unlink()
        case "bad header":
            header.write_bytes(b"\xff{")
        case "list":
            header.write_text("[1, 2]")
        case _:
            header.write_text(json.dumps(json.loads(header.read_text()) | changes[damage]))
    assert StemStore.open(made.folder) is None
    again = store()
    assert (again.frames_done, again.complete) == (0, False)
    assert not again.arrays["clarinet"].any()


def test_stems_of_another_recording_are_never_taken() -> None:
    made, _ = filled()
    found = StemStore.create(made.folder.name, Described(content_hash="other"), "fake", PARTS)
    assert found.frames_done == 0


@pytest.mark.parametrize(
    ("start", "shape"), [(1, (4, 2, 10)), (0, (3, 2, 10)), (0, (4, 1, 10)), (-1, (4, 2, 10))]
)
def test_blocks_that_do_not_fit(start: int, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not continue"):
        store().write_block(start, np.zeros(shape, np.float32))


def test_blocks_that_go_too_far_and_finishing_too_early() -> None:
    made = store()
    with pytest.raises(ValueError, match="behind the last"):
        made.write_block(0, block(1001))
    with pytest.raises(ValueError, match="only 0 of 1000"):
        made.finish()


def test_a_closed_store_takes_no_more() -> None:
    made = store()
    made.write_block(0, block(100))
    made.close()
    made.close()
    with pytest.raises(Cancelled):
        made.write_block(100, block(100))


def test_two_writers_do_not_mix_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.stems, "CLAIM_SECONDS", 0.0)
    with store() as first, store() as second:
        first.write_block(0, block(100))
        with pytest.raises(StemsError, match="Another Ripieno window"):
            second.write_block(0, block(100))
        first.close()
        second.write_block(0, block(100, 5))


def test_a_writer_waits_for_one_that_was_just_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    made = store()
    held = claim(made.folder / "writer.lock")
    assert held is not None
    monkeypatch.setattr("app.stems.time.sleep", lambda seconds: held.release())
    made.write_block(0, block(100))
    made.close()


def test_a_killed_program_leaves_its_finished_blocks() -> None:
    script = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_stems import *
made = store()
made.write_block(0, block(300, 1))
made.write_block(300, block(100, 2))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    again = store()
    assert again.frames_done == 400
    np.testing.assert_array_equal(again.arrays["clarinet"][300:400], block(100, 2)[2].T)
    again.write_block(400, block(600))  # and what the killed one had claimed is free
    again.finish()


def test_too_little_space_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cache.available_bytes", lambda path: 1000)
    with pytest.raises(UserError, match="too little space"):
        store()
    assert not stems_folder().exists()


def test_a_disk_that_fills_up_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    made = store()
    made.write_block(0, block(100))

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.stems._write_at", full)
    with pytest.raises(StemsError, match="disk is full"):
        made.write_block(100, block(100))
    assert made.frames_done == 100
    made.close()


def test_a_cache_that_cannot_be_written(own_folders: Path) -> None:
    own_folders.mkdir()
    (own_folders / "cache").write_text("in the way")
    with pytest.raises(StemsError, match="could not be kept in the folder"):
        store()
