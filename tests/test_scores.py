from pathlib import Path

import pytest

from separation.separator import SeparatorError
from separation.training import scores
from separation.training.scores import Score, ScoreNote

mido = pytest.importorskip("mido", reason="reading MIDI needs mido (the extra “data”)")


def line(pitches: list[int]) -> tuple[ScoreNote, ...]:
    return tuple(ScoreNote(float(i), 1.0, p) for i, p in enumerate(pitches))


TUNE = [60, 62, 64, 65, 67, 65, 64, 62, 60, 67, 69, 71, 72]


def write_midi(path: Path, parts: list[list[int]]) -> None:
    file = mido.MidiFile(ticks_per_beat=240)
    for pitches in parts:
        track = mido.MidiTrack()
        file.tracks.append(track)
        for pitch in pitches:
            track.append(mido.Message("note_on", note=pitch, velocity=64, time=0))
            track.append(mido.Message("note_on", note=pitch, velocity=0, time=240))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


def test_midi_tracks_become_parts(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", [TUNE, [48] * 8, [50, 51]])
    score = scores.read_score(tmp_path / "a.mid")
    assert score.name == "a"
    assert score.parts == (line(TUNE), line([48] * 8))  # two notes are no part


def test_a_file_that_is_no_midi_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mid").write_text("hello")
    with pytest.raises(SeparatorError, match=r"x\.mid"):
        scores.read_score(tmp_path / "x.mid")


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("bach_chorale_bwv255_mxl", True),
        ("bach_chorale_bwv385_mxl", True),
        ("bach_chorale_bwv169_7", True),
        ("bach_chorale_bwv145-a_mxl", True),
        ("bach_chorale_bwv255_9", False),
        ("bach_chorale_bwv25_6", False),
        ("haydn_opus1no1_movement1", False),
    ],
)
def test_bach10_chorales_are_known_by_number(name: str, out: bool) -> None:
    assert scores.is_bach10(name) is out


def test_other_settings_of_a_tune_are_left_out_in_any_key() -> None:
    original = Score("bach_chorale_bwv255_mxl", (line(TUNE), line([40] * 9)))
    higher = Score("same_tune", (line([p + 5 for p in TUNE]),))
    altered = Score("one_note_changed", (line([*TUNE[:4], 68, *TUNE[5:]]),))
    other = Score("other", (line([60, 59, 57, 55, 57, 59, 60, 62, 64, 60, 55, 60]),))
    assert scores.left_out([original, higher, altered, other]) == {
        "bach_chorale_bwv255_mxl",
        "same_tune",
        "one_note_changed",
    }


def test_a_folder_is_read_without_what_is_left_out(tmp_path: Path) -> None:
    write_midi(tmp_path / "chorales" / "bach_chorale_bwv255_mxl.mid", [TUNE, [48] * 8])
    write_midi(tmp_path / "chorales" / "demo.mid", [[60] * 9, [48] * 8])
    write_midi(tmp_path / "quartets" / "kept.mid", [[60, 64] * 9, [48] * 8])
    kept = scores.read_all(tmp_path, leave_out=["demo"])
    assert [score.name for score in kept] == ["kept"]
    scores.save(kept, tmp_path / "kept.json")
    assert scores.load(tmp_path / "kept.json") == kept
    with pytest.raises(SeparatorError, match="no scores"):
        scores.read_all(tmp_path / "nowhere")
    with pytest.raises(SeparatorError, match="cannot be read"):
        scores.load(tmp_path / "none.json")


def test_the_command_line_keeps_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_midi(tmp_path / "quartets" / "kept.mid", [[60, 64] * 9, [48] * 8])
    out = tmp_path / "scores.json"
    assert scores.main(["--scores", str(tmp_path), "--out", str(out)]) == 0
    assert "1 scores kept" in capsys.readouterr().err
    assert scores.load(out)[0].name == "kept"
    assert scores.main(["--scores", str(tmp_path / "no"), "--out", str(out)]) == 1
