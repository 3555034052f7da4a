"""Note templates are learnt from notes whose harmonics are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from separation.classical.templates import LOWEST, learn, load, main, measure_note, pitch_of
from separation.separator import INSTRUMENTS, SeparatorError

RATE = 44100
STRENGTHS = np.array([1.0, 0.5, 0.25, 0.125])


def note(pitch: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    return 0.2 * sum(a * np.sin(2 * np.pi * k * frequency * time) for k, a in enumerate(STRENGTHS, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A note or two of every instrument, soft and loud."""
    for instrument in INSTRUMENTS:
        place = tmp_path / "philharmonia" / instrument
        place.mkdir(parents=True)
        for name in ("A4", "D5"):
            for dynamic in ("piano", "forte"):
                file = place / f"{instrument}_{name}_1_{dynamic}_normal.mp3"
                sf.write(file, note(pitch_of(name)), RATE, format="MP3")
    return tmp_path


@pytest.mark.parametrize(("name", "pitch"), [("A4", 69), ("C4", 60), ("As3", 58), ("C-1", 0)])
def test_names_of_pitches(name, pitch):
    assert pitch_of(name) == pitch


@pytest.mark.parametrize("name", ["H4", "A", "a4", "Ab4", ""])
def test_what_is_no_pitch_is_refused(name):
    with pytest.raises(ValueError, match="not a pitch"):
        pitch_of(name)


@pytest.mark.parametrize("label", [57, None])
def test_a_note_is_measured(label):
    pitch, amplitudes = measure_note(note(57.2), RATE, label)
    assert pitch == pytest.approx(57.2, abs=0.15)
    np.testing.assert_allclose(amplitudes[:4] / amplitudes[0], STRENGTHS, atol=0.05)
    assert (amplitudes**2).sum() == pytest.approx(1.0, abs=1e-3)


def test_a_label_that_the_sound_contradicts_is_not_believed():
    assert measure_note(note(60), RATE, 63) is None


def test_silence_is_no_note():
    assert measure_note(np.zeros(RATE), RATE, 60) is None


def test_what_is_learnt_is_what_was_played(folder: Path):
    learnt = learn(folder)
    assert learnt.instruments == INSTRUMENTS
    violin = learnt.of("violin")[69 - LOWEST].mean(0).numpy()
    np.testing.assert_allclose(violin[:4] / violin[0], STRENGTHS, atol=0.06)
    assert learnt.range_of("violin") == pytest.approx((69, 74), abs=0.3)


def test_templates_survive_the_file(folder: Path, tmp_path: Path):
    out = tmp_path / "kept" / "templates.safetensors"
    assert main(["--notes", str(folder), "--out", str(out)]) == 0
    kept, learnt = load(out), learn(folder)
    assert kept.instruments == learnt.instruments
    np.testing.assert_allclose(kept.amplitudes, learnt.amplitudes, atol=1e-3)


def test_a_folder_without_notes_is_a_sentence(tmp_path: Path, capsys):
    assert main(["--notes", str(tmp_path), "--out", str(tmp_path / "x.safetensors")]) == 1
    assert "no usable notes of bassoon" in capsys.readouterr().err


def test_a_file_that_is_no_template_is_a_sentence(tmp_path: Path):
    file = tmp_path / "templates.safetensors"
    file.write_bytes(b"nonsense")
    with pytest.raises(SeparatorError, match="cannot be read"):
        load(file)
