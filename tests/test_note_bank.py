import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from training_material import tone

from separation.separator import SeparatorError
from separation.training import note_bank
from separation.training.note_bank import SAMPLE_RATE, Note, NoteBank


def test_a_packed_bank_gives_back_its_notes(tmp_path: Path) -> None:
    sounds = [tone(60, 0.5, [1, 0.5]), tone(62, 0.3, [1])]
    notes = [Note("cello", "a", 60.02, True, 0, 0), Note("cello", "b", 61.98, False, 0, 0)]
    note_bank.write(zip(notes, sounds, strict=True), tmp_path / "bank")
    bank = NoteBank.open(tmp_path / "bank")
    assert bank.sources("cello") == ["a", "b"]
    assert bank.sources("flute") == []
    for note, sound in zip(bank.notes, sounds, strict=True):
        np.testing.assert_allclose(bank.audio(note), sound, atol=1e-3)
    assert bank.shelf("cello", "b")[0].pitch == pytest.approx(61.98)


def test_a_missing_or_short_bank_says_so(tmp_path: Path) -> None:
    with pytest.raises(SeparatorError, match="cannot be opened"):
        NoteBank.open(tmp_path / "none")
    note_bank.write([(Note("cello", "a", 60.0, True, 0, 0), tone(60, 0.5, [1]))], tmp_path / "bank")
    (tmp_path / "bank.f16").write_bytes((tmp_path / "bank.f16").read_bytes()[:100])
    with pytest.raises(SeparatorError, match="cut short"):
        NoteBank.open(tmp_path / "bank")


def test_a_note_is_trimmed_measured_and_scaled() -> None:
    sound = np.concatenate([np.zeros(8000), 0.2 * tone(64.2, 1.0, [1, 0.8, 0.6, 0.4], 44100), np.zeros(9000)])
    ready = note_bank.prepare(sound.astype(np.float32), 44100, 64)
    assert ready is not None
    pitch, samples = ready
    assert pitch == pytest.approx(64.2, abs=0.1)
    assert np.abs(samples).max() == pytest.approx(1.0)
    assert len(samples) == pytest.approx(SAMPLE_RATE, rel=0.05)


@pytest.mark.parametrize("label", [60, 66])
def test_a_wrong_label_is_not_believed(label: int) -> None:
    assert note_bank.prepare(tone(64, 1.0, [1, 0.8, 0.6, 0.4]), SAMPLE_RATE, label) is None


def test_silence_noise_and_scraps_are_no_notes() -> None:
    assert note_bank.prepare(np.zeros(0, np.float32), SAMPLE_RATE, 60) is None
    assert note_bank.prepare(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE, 60) is None
    assert note_bank.prepare(np.full(SAMPLE_RATE, np.nan, np.float32), SAMPLE_RATE, 60) is None
    assert note_bank.prepare(tone(60, 0.05, [1, 1]), SAMPLE_RATE, 60) is None


def test_names_of_recorded_files_are_read(tmp_path: Path) -> None:
    good = tmp_path / "sop_f_01.flac"
    soundfile.write(good, tone(70, 0.8, [1, 0.8, 0.6], 44100) * 0.5, 44100)
    shutil.copy(good, tmp_path / "sop_b_01.flac")  # breath noise
    found = note_bank.recorded(good)
    assert found is not None
    assert (found[0].instrument, found[0].source, found[0].plain) == ("saxophone", "mtg-sop", True)
    assert found[0].pitch == pytest.approx(70, abs=0.1)
    assert note_bank.recorded(tmp_path / "sop_b_01.flac") is None
    assert note_bank.recorded(tmp_path / "readme.txt") is None


def test_the_command_line_packs_a_folder_and_names_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "notes" / "mtg_solosax"
    folder.mkdir(parents=True)
    soundfile.write(folder / "alt_p_01.flac", tone(60, 0.8, [1, 0.8, 0.6], 44100) * 0.5, 44100)
    assert (
        note_bank.main(["--notes", str(tmp_path / "notes"), "--out", str(tmp_path / "b"), "--processes", "1"])
        == 0
    )
    assert "saxophone: mtg-alt 1" in capsys.readouterr().err
    assert len(NoteBank.open(tmp_path / "b").notes) == 1
    assert note_bank.main(["--font", str(tmp_path / "no.sf2"), "--out", str(tmp_path / "c")]) == 1
    assert "is not there" in capsys.readouterr().err


def test_a_bank_may_be_at_another_rate(tmp_path: Path) -> None:
    sound = tone(64.2, 0.8, [1, 0.8, 0.6, 0.4], 44100)
    ready = note_bank.prepare(sound, 44100, 64, 44100)
    assert ready is not None
    assert ready[0] == pytest.approx(64.2, abs=0.1)
    assert len(ready[1]) == pytest.approx(0.8 * 44100, rel=0.05)
    note_bank.write([(Note("cello", "a", 64.2, True, 0, 0), ready[1])], tmp_path / "bank", sample_rate=44100)
    assert NoteBank.open(tmp_path / "bank").sample_rate == 44100


def test_a_byte_a_sample_keeps_noise_far_below_the_sound(tmp_path: Path) -> None:
    sound = tone(60, 0.5, [1, 0.5]) * np.linspace(1, 0.01, SAMPLE_RATE // 2, dtype=np.float32)
    note_bank.write([(Note("cello", "a", 60.0, True, 0, 0), sound)], tmp_path / "bank", samples="u8")
    bank = NoteBank.open(tmp_path / "bank")
    error = bank.audio(bank.notes[0]) - sound
    assert bank.audio(bank.notes[0]).dtype == np.float32
    for half in (slice(0, 5000), slice(-2500, None)):
        assert 10 * np.log10((sound[half] ** 2).mean() / (error[half] ** 2).mean()) > 30
    assert not bank.audio(bank.notes[0])[np.abs(sound) < 1e-5].any()


def test_a_bank_is_made_smaller_through_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = [
        (Note("cello", "a", float(pitch), True, 0, 0), tone(pitch, 2.0, [1, 1])) for pitch in range(50, 60)
    ]
    note_bank.write(notes, tmp_path / "bank")
    arguments = ["--from", str(tmp_path / "bank"), "--out", str(tmp_path / "small")]
    assert note_bank.main([*arguments, "--most-megabytes", "0.1"]) == 0
    assert (tmp_path / "small.u8").stat().st_size <= 100_000
    assert len(NoteBank.open(tmp_path / "small").notes) == 3
    assert note_bank.main(arguments) == 1
    assert "needs --most-megabytes" in capsys.readouterr().err
