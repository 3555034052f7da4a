from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.errors import Cancelled
from app.paths import cache_folder, demo_folder
from app.recording import RecordingError, recordings_folder
from app.stem_folder import TrueStems, open_stem_folder
from separation.separator import Part

RATE = 44100
FRAMES = 200_000


def noise(seed: int, frames: int = FRAMES, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.2, 0.2, (frames, channels)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Trio"
    made.mkdir()
    return made


def save(path: Path, audio: np.ndarray, rate: int = RATE) -> None:
    soundfile.write(path, audio, rate, "FLOAT")


def assert_adds_up(audio: np.ndarray, stems: TrueStems) -> None:
    total = sum(np.asarray(a, np.float64) for a in stems.arrays.values())
    np.testing.assert_allclose(total, audio, atol=1e-6)


def test_without_a_mix_the_recording_is_the_sum(folder: Path) -> None:
    for seed, name in enumerate(("violin-1", "violin-2", "cello")):
        save(folder / f"{name}.wav", noise(seed))
    recording, stems = open_stem_folder(folder)
    assert stems.names == ("cello", "violin-1", "violin-2", "residual")
    assert stems.parts == (Part("cello"), Part("violin", 1), Part("violin", 2))
    assert stems.complete
    assert stems.frames_done == recording.frames == FRAMES
    assert recording.title == "Trio"
    assert recording.path == folder
    np.testing.assert_array_equal(stems.arrays["violin-2"], noise(1))
    np.testing.assert_allclose(recording.audio, noise(0) + noise(1) + noise(2), atol=1e-7)
    assert not stems.arrays["residual"].any()
    assert_adds_up(recording.audio, stems)


@pytest.mark.parametrize("name", ["mix", "Mixture", "MIX"])
def test_with_a_mix_the_residual_is_what_the_stems_leave(name: str, folder: Path) -> None:
    save(folder / "violin.wav", noise(0))
    save(folder / f"{name}.wav", noise(1))
    save(folder / "residual.wav", noise(2))  # a mix says it better
    recording, stems = open_stem_folder(folder)
    np.testing.assert_array_equal(recording.audio, noise(1))
    np.testing.assert_array_equal(stems.arrays["violin"], noise(0))
    np.testing.assert_allclose(stems.arrays["residual"], noise(1) - noise(0), atol=1e-7)
    assert_adds_up(recording.audio, stems)


def test_without_a_mix_a_residual_is_part_of_the_sum(folder: Path) -> None:
    save(folder / "violin.wav", noise(0))
    save(folder / "residual.wav", noise(2))
    recording, stems = open_stem_folder(folder)
    np.testing.assert_array_equal(stems.arrays["residual"], noise(2))
    assert_adds_up(recording.audio, stems)


@pytest.mark.parametrize("channels", [2, 6])
def test_mono_stems_go_into_every_channel_of_the_mix(channels: int, folder: Path) -> None:
    save(folder / "oboe.wav", noise(0, channels=1))
    save(folder / "mix.wav", noise(1, channels=channels))
    recording, stems = open_stem_folder(folder)
    assert stems.arrays["oboe"].shape == (FRAMES, channels)
    np.testing.assert_array_equal(stems.arrays["oboe"], np.repeat(noise(0, channels=1), channels, axis=1))
    assert_adds_up(recording.audio, stems)


def test_names_are_read_kindly(folder: Path) -> None:
    for seed, name in enumerate(("Violin 1", "violin_2", "CLARINET", "viola3", "piano", "French Horn")):
        save(folder / f"{name}.wav", noise(seed, 100))
    (folder / "notes.txt").write_text("no audio")
    (folder / ".hidden.wav").write_text("no audio")
    (folder / "sub.wav").mkdir()
    _, stems = open_stem_folder(folder)
    # the instruments that the program knows first
    assert stems.names == ("clarinet", "viola-3", "violin-1", "violin-2", "french-horn", "piano", "residual")


def test_the_order_that_separation_wrote(folder: Path) -> None:
    for seed, name in enumerate(("violin", "clarinet", "residual")):
        save(folder / f"{name}.wav", noise(seed, 100))
    (folder / "separation.json").write_text(json.dumps({"parts": ["violin", "clarinet"]}))
    assert open_stem_folder(folder)[1].names == ("violin", "clarinet", "residual")
    (folder / "separation.json").write_text("{broken")
    assert open_stem_folder(folder)[1].names == ("clarinet", "violin", "residual")


def test_unequal_lengths_are_filled_up_and_said(folder: Path) -> None:
    save(folder / "violin.wav", noise(0, 150_000))
    save(folder / "cello.wav", noise(1, 140_001))
    recording, stems = open_stem_folder(folder)
    assert recording.frames == 150_000
    assert not stems.arrays["cello"][140_001:].any()
    assert "not equally long" in recording.notices[0]
    save(folder / "mix.wav", noise(2, 145_000))
    recording, stems = open_stem_folder(folder)
    assert recording.frames == 145_000
    assert_adds_up(recording.audio, stems)


def test_mp3_stems(folder: Path) -> None:
    t = np.arange(RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    soundfile.write(folder / "flute.mp3", tone, RATE)
    soundfile.write(folder / "oboe.ogg", tone, RATE)
    recording, stems = open_stem_folder(folder)
    assert recording.frames == RATE
    assert_adds_up(recording.audio, stems)
    assert np.abs(stems.arrays["flute"][1000:-1000, 0] - tone[1000:-1000]).max() < 0.05


def test_nan_is_silence(folder: Path) -> None:
    for name in ("violin", "mix", "cello"):
        audio = noise(len(name), 1000)
        audio[10] = np.nan
        save(folder / f"{name}.wav", audio)
    recording, stems = open_stem_folder(folder)
    assert np.isfinite(recording.audio).all()
    assert_adds_up(recording.audio, stems)
    assert "no number" in recording.notices[0]


def test_the_second_time_it_comes_from_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder / "violin.wav", noise(0))
    first, _ = open_stem_folder(folder)
    monkeypatch.setattr("app.stem_folder._decode", lambda *args: pytest.fail("decoded again"))
    again, stems = open_stem_folder(folder)
    assert again.content_hash == first.content_hash
    np.testing.assert_array_equal(stems.arrays["violin"], noise(0))


def test_other_content_or_names_are_another_recording(folder: Path) -> None:
    save(folder / "violin.wav", noise(0, 100))
    save(folder / "cello.wav", noise(1, 100))
    hashes = {open_stem_folder(folder)[0].content_hash}
    (folder / "cello.wav").rename(folder / "viola.wav")
    hashes.add(open_stem_folder(folder)[0].content_hash)
    save(folder / "viola.wav", noise(2, 100))
    recording, stems = open_stem_folder(folder)
    hashes.add(recording.content_hash)
    np.testing.assert_array_equal(stems.arrays["viola"], noise(2, 100))
    assert len(hashes) == 3


@pytest.mark.parametrize("broken", ["recording", "stems"])
def test_a_cache_that_lost_half_is_made_again(broken: str, folder: Path) -> None:
    import shutil

    save(folder / "violin.wav", noise(0, 1000))
    recording, stems = open_stem_folder(folder)
    gone = stems.folder if broken == "stems" else recordings_folder() / recording.content_hash
    shutil.rmtree(gone)
    recording, stems = open_stem_folder(folder)
    np.testing.assert_array_equal(recording.audio, noise(0, 1000))
    np.testing.assert_array_equal(stems.arrays["violin"], noise(0, 1000))


def test_cancelling_leaves_no_stems_that_look_whole(folder: Path) -> None:
    for seed, name in enumerate(("violin", "cello")):
        save(folder / f"{name}.wav", noise(seed))
    for at in (1, 4, 6, 8):
        calls = 0

        def check(at: int = at) -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                raise Cancelled

        with pytest.raises(Cancelled):
            open_stem_folder(folder, check=check)
    assert not list(recordings_folder().glob("*"))
    recording, stems = open_stem_folder(folder)
    assert_adds_up(recording.audio, stems)


def test_progress_rises_to_one(folder: Path) -> None:
    for seed, name in enumerate(("violin", "cello", "mix")):
        save(folder / f"{name}.wav", noise(seed))
    told: list[float] = []
    open_stem_folder(folder, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def said(folder: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        open_stem_folder(folder)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_what_is_no_folder_of_stems(folder: Path, tmp_path: Path) -> None:
    assert "no stems" in said(folder)
    save(folder / "mix.wav", noise(0, 100))
    assert "no stems" in said(folder)
    assert "“gone”" in said(tmp_path / "gone")
    assert "“mix.wav”" in said(folder / "mix.wav")


def test_stems_that_do_not_go_together(folder: Path) -> None:
    save(folder / "violin.wav", noise(0, RATE))
    save(folder / "cello.wav", noise(1, RATE), 48000)
    assert "48000 Hz" in said(folder)
    save(folder / "cello.wav", noise(1, RATE, 3))
    assert "channels" in said(folder)
    save(folder / "cello.wav", noise(1, 3 * RATE))
    assert "3.0 s" in said(folder)
    (folder / "cello.wav").unlink()
    save(folder / "Violin.flac.wav", noise(1, RATE))
    save(folder / "VIOLIN.w64", noise(1, RATE))
    assert "twice" in said(folder)


def test_one_broken_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    save(folder / "violin.wav", noise(0, 100))
    (folder / "cello.wav").write_text("not audio at all")
    assert "“cello.wav”" in said(folder)
    (folder / "cello.wav").write_bytes(b"")
    assert "0 bytes" in said(folder)


def test_no_sound(folder: Path) -> None:
    save(folder / "violin.wav", noise(0, 0))
    assert "no sound" in said(folder)


def test_too_little_space(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder / "violin.wav", noise(0, 100))
    monkeypatch.setattr("app.cache.available_bytes", lambda path: 1000)
    assert "too little space" in said(folder)
    assert not list(cache_folder().rglob("*.f32"))


@pytest.mark.skipif(not (demo_folder() / "mix.flac").exists(), reason="the demo has not been rendered")
def test_the_demo() -> None:
    recording, stems = open_stem_folder(demo_folder())
    assert len(stems.parts) >= 2
    assert_adds_up(recording.audio, stems)
    residual = stems.arrays["residual"]
    assert np.abs(residual).max() < 0.01  # all of the demo is in its stems
