from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.errors import Cancelled, UserError
from app.recording import Recording, RecordingError, open_recording, recordings_folder
from separation.engine import AudioSource

RATE = 44100


def noise(frames: int, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)


def saved(path: Path, audio: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, audio, rate, subtype)
    return path


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("frames", [1, 1000, 300_001])
def test_a_recording_is_the_file(frames: int, rate: int, channels: int, tmp_path: Path) -> None:
    audio = noise(frames, channels)
    path = saved(tmp_path / "Quartett.wav", audio, rate)
    recording = open_recording(path)
    assert (recording.sample_rate, recording.channels, recording.frames) == (rate, channels, frames)
    assert recording.title == "Quartett"
    assert recording.duration == frames / rate
    assert (recording.format, recording.subtype) == ("WAV", "FLOAT")
    assert recording.notices == ()
    np.testing.assert_array_equal(recording.audio, audio)
    assert not recording.audio.flags.writeable
    block = recording.read(frames // 3, frames)
    assert block.shape == (channels, frames - frames // 3)
    assert block.flags.c_contiguous
    np.testing.assert_array_equal(block, audio[frames // 3 :].T)


def test_it_is_what_the_separators_read(tmp_path: Path) -> None:
    source: AudioSource = open_recording(saved(tmp_path / "a.wav", noise(10)))
    assert source.read(2, 5).shape == (2, 3)


def test_the_second_time_it_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.wav", noise(1000))
    first = open_recording(path)
    folder = recordings_folder() / first.content_hash
    monkeypatch.setattr("app.recording._decode", lambda *args: pytest.fail("decoded again"))
    moved = path.rename(tmp_path / "b.wav")
    again = open_recording(moved)
    assert again.content_hash == first.content_hash
    assert again.title == "b"
    np.testing.assert_array_equal(again.audio, first.audio)
    assert folder.is_dir()


@pytest.mark.parametrize(
    "damage", ["short", "no json", "bad json", "other version", "wrong types", "no audio"]
)
def test_a_damaged_cache_is_made_again(damage: str, tmp_path: Path) -> None:
    audio = noise(1000)
    path = saved(tmp_path / "a.wav", audio)
    folder = recordings_folder() / open_recording(path).content_hash
    facts = folder / "recording.json"
    match damage:
        case "short":
            (folder / "audio.f32").write_bytes(b"1234")
        case "no json":
            facts.unlink()
        case "bad json":
            facts.write_text("{")
        case "other version":
            facts.write_text(json.dumps(json.loads(facts.read_text()) | {"version": 99}))
        case "wrong types":
            facts.write_text(json.dumps(json.loads(facts.read_text()) | {"frames": "many"}))
        case "no audio":
            (folder / "audio.f32").unlink()
    np.testing.assert_array_equal(open_recording(path).audio, audio)
    assert [p.name for p in recordings_folder().iterdir()] == [folder.name]


def test_what_is_no_number_becomes_silence_and_is_said(tmp_path: Path) -> None:
    audio = noise(1000)
    audio[10] = np.nan
    audio[20, 0] = np.inf
    path = saved(tmp_path / "a.wav", audio)
    for _ in range(2):  # from the file, then from the cache
        recording = open_recording(path)
        assert recording.notices == (
            "3 samples of “a.wav” held no number (NaN or infinity) and became silence.",
        )
        assert not recording.audio[10].any()
        np.testing.assert_array_equal(recording.audio[30:], audio[30:])


def test_silence_is_a_recording(tmp_path: Path) -> None:
    recording = open_recording(saved(tmp_path / "a.wav", np.zeros((100, 1), np.float32)))
    assert recording.peak == 0.0
    assert "silent" in recording.notices[0]


def test_far_too_loud_is_said(tmp_path: Path) -> None:
    recording = open_recording(saved(tmp_path / "a.wav", noise(100) * 20000))
    assert "louder than full scale" in recording.notices[0]


def test_a_file_that_was_cut_off_says_how_much_there_is(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.flac", noise(3 * RATE, 1), subtype="PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    recording = open_recording(path)
    assert 0 < recording.frames < 3 * RATE
    assert "cut off" in recording.notices[0]


def test_no_sound_in_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", np.zeros((0, 2), np.float32))
    with pytest.raises(RecordingError, match="no sound"):
        open_recording(path)
    assert list(recordings_folder().glob("*")) == []


@pytest.mark.parametrize("name", ["Trío “op. 11” – Sätze 1+2.wav", "四重奏.flac", "ثلاثي.wav", "a b\tc.wav"])
def test_names_of_all_kinds(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "Übung"
    folder.mkdir()
    recording = open_recording(saved(folder / name, noise(10), subtype="PCM_16"))
    assert recording.title == Path(name).stem


def test_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(8):
        folder /= "x" * 120
    folder.mkdir(parents=True)
    assert open_recording(saved(folder / "a.wav", noise(10))).frames == 10


def test_progress_rises_to_one(tmp_path: Path) -> None:
    told: list[float] = []
    open_recording(saved(tmp_path / "a.wav", noise(900_000, 2)), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 10


@pytest.mark.parametrize("at", [1, 3, 9])
def test_cancelling_leaves_nothing(at: int, tmp_path: Path) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise Cancelled

    path = saved(tmp_path / "a.wav", noise(900_000))
    with pytest.raises(Cancelled):
        open_recording(path, check=check)
    assert list(recordings_folder().glob("*")) == []
    open_recording(path)


def test_too_little_space_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.wav", noise(1000))
    monkeypatch.setattr("app.cache.available_bytes", lambda path: 1000)
    with pytest.raises(RecordingError, match=r"too little space .* “a\.wav”"):
        open_recording(path)


def test_a_disk_that_fills_up_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.wav", noise(1000))

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.recording.RecordingWriter.write", full)
    with pytest.raises(UserError, match="disk is full"):
        open_recording(path)
    assert list(recordings_folder().glob("*")) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path, own_folders: Path) -> None:
    own_folders.mkdir()
    (own_folders / "cache").write_text("in the way")
    path = saved(tmp_path / "a.wav", noise(10))
    with pytest.raises(RecordingError, match="could not be kept in the folder"):
        open_recording(path)


def test_memory_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No block that is decoded is larger than it should be, however long the file."""
    import app.recording

    sizes = []
    write = app.recording.RecordingWriter.write
    monkeypatch.setattr(
        app.recording.RecordingWriter,
        "write",
        lambda self, block: (sizes.append(block.size), write(self, block))[1],
    )
    open_recording(saved(tmp_path / "a.wav", noise(1_000_000, 3)))
    assert max(sizes) <= app.recording.BLOCK_SAMPLES
    assert len(sizes) > 10


def test_two_programs_decode_the_same_file_at_once(tmp_path: Path) -> None:
    audio = noise(2_000_000)
    path = saved(tmp_path / "a.wav", audio)
    script = f"from app.recording import open_recording; print(open_recording({str(path)!r}).content_hash)"
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=os.environ.copy())
        for _ in range(3)
    ]
    hashes = {process.communicate()[0] for process in running}
    assert len(hashes) == 1
    assert all(process.returncode == 0 for process in running)
    assert [p.name for p in recordings_folder().iterdir()] == [hashes.pop().decode().strip()]
    np.testing.assert_array_equal(open_recording(path).audio, audio)


def test_the_slower_of_two_takes_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import app.recording

    audio = noise(1000)
    path = saved(tmp_path / "a.wav", audio)
    decode = app.recording._decode
    other: list[Recording] = []

    def slow(*args: object) -> object:
        if not other:
            other.append(None)  # type: ignore[arg-type]
            other[0] = open_recording(path)  # meanwhile, another program has finished
        return decode(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(app.recording, "_decode", slow)
    recording = open_recording(path)
    assert recording.content_hash == other[0].content_hash
    assert len(list(recordings_folder().iterdir())) == 1


def test_reading_goes_on_after_closing(tmp_path: Path) -> None:
    audio = noise(100_000)
    recording = open_recording(saved(tmp_path / "a.wav", audio))
    np.testing.assert_array_equal(recording.audio, audio)
    recording.close()
    recording.close()
    np.testing.assert_array_equal(recording.audio, audio)
