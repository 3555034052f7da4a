from pathlib import Path

import numpy as np
import pytest
from training_material import tone

from separation.separator import SeparatorError
from separation.training import travelling_bank
from separation.training.note_bank import SAMPLE_RATE, Note, NoteBank, write


def shelf(instrument: str, source: str, pitches: range, plain: bool = True) -> list[Note]:
    return [Note(instrument, source, float(p), plain, 0, SAMPLE_RATE) for p in pitches]


def test_any_number_of_notes_covers_the_pitches_evenly() -> None:
    notes = shelf("cello", "a", range(40, 73))
    order = travelling_bank.spread(notes)
    assert sorted(note.pitch for note in order) == [note.pitch for note in notes]
    first = sorted(note.pitch for note in order[:9])
    assert first == [40.0, 44.0, 48.0, 52.0, 56.0, 60.0, 64.0, 68.0, 72.0]


def test_unusual_techniques_come_last() -> None:
    notes = shelf("cello", "a", range(40, 50), plain=False) + shelf("cello", "a", range(44, 48))
    assert [note.plain for note in travelling_bank.spread(notes)] == [True] * 4 + [False] * 10


def test_instruments_and_timbres_share_the_room_evenly() -> None:
    notes = shelf("cello", "a", range(40, 70)) + shelf("cello", "b", range(40, 44))
    notes += shelf("flute", "a", range(60, 90))
    chosen = travelling_bank.chosen(notes, 20 * (SAMPLE_RATE + 150), SAMPLE_RATE)
    counts = [
        len([n for n in chosen if (n.instrument, n.source) == key])
        for key in (("cello", "a"), ("cello", "b"), ("flute", "a"))
    ]
    assert counts == [6, 4, 10]
    assert len(travelling_bank.chosen(notes, 20 * (SAMPLE_RATE + 150), SAMPLE_RATE // 2)) == 39


@pytest.mark.parametrize("rate", [22_050, 44_100])
def test_a_lighter_bank_has_short_notes_at_the_usual_rate(tmp_path: Path, rate: int) -> None:
    sounds = [(Note(name, "a", 60.0, True, 0, 0), tone(60, 2.0, [1, 1], rate)) for name in ("cello", "flute")]
    write(sounds, tmp_path / "bank", sample_rate=rate)
    light = list(travelling_bank.lighter(NoteBank.open(tmp_path / "bank"), 0.06))
    assert [note.instrument for note, _ in light] == ["cello", "flute"]
    for _, audio in light:
        assert len(audio) == round(1.2 * SAMPLE_RATE)
        assert np.abs(audio).max() == pytest.approx(1.0)
        assert np.abs(audio[-5:]).max() < 0.05
    with pytest.raises(SeparatorError, match=r"does not fit into 0\.01 MB"):
        list(travelling_bank.lighter(NoteBank.open(tmp_path / "bank"), 0.01))
