from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_material import tiny_bank, tiny_scores

from separation.training.ensemble_plan import AUGMENTATIONS, COLUMNS, Planner, SynthConfig

CONFIG = SynthConfig(seconds=3.0, compressed=1.0)


def test_leaving_one_augmentation_out_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    bank = tiny_bank(tmp_path)
    every = [Planner(bank, tiny_scores(), CONFIG).plan(0, number) for number in range(8)]
    for name in AUGMENTATIONS:
        planner = Planner(bank, tiny_scores(), replace(CONFIG, without=(name,)))
        for number, full in enumerate(every):
            less = planner.plan(0, number)
            if name == "time-stretch":
                continue
            assert [p.instrument for p in less.parts] == [p.instrument for p in full.parts]
            for one, other in zip(less.parts, full.parts, strict=True):
                np.testing.assert_array_equal(one.written[:, :2], other.written[:, :2])
                same = "first" if name != "pitch-shift" else "level_db"
                np.testing.assert_array_equal(one.notes[same], other.notes[same])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_what_is_left_out_is_not_there(tmp_path: Path, name: str) -> None:
    planner = Planner(tiny_bank(tmp_path), tiny_scores(), replace(CONFIG, without=(name,)))
    plans = [planner.plan(0, number) for number in range(8)]
    parts = [part for plan in plans for part in plan.parts]
    noises = any((part.notes["breath_db"] > -100).any() for part in parts)
    assert noises == (name != "noise")
    assert any(plan.decay for plan in plans) == (name != "reverberation")
    assert any(plan.coder for plan in plans) == (name != "compression")
    envelopes = any(p.harmonics_db.any() or p.envelope_db.any() for p in parts)
    assert (envelopes or any(plan.microphone_db.any() for plan in plans)) == (name != "envelopes")
    if name == "time-stretch":
        gaps = np.concatenate([np.diff(part.written[:, 0]) for part in parts])
        assert np.abs(gaps - 0.75).max() < 0.1  # 80 quarter notes a minute, a little humanised
    if name == "pitch-shift":
        written = {note.pitch % 12 for score in tiny_scores() for part in score.parts for note in part}
        assert {float(pitch) % 12 for part in parts for pitch in part.written[:, 2]} <= written


def test_notes_are_made_of_near_ones(tmp_path: Path) -> None:
    config = replace(CONFIG, without=("pitch-shift",))
    plan = Planner(tiny_bank(tmp_path), tiny_scores(), config).plan(1, 0)
    for part in plan.parts:
        assert set(part.notes) == set(COLUMNS)
        assert (np.abs(12 * np.log2(part.notes["step"])) < 5).all()
        expected = 440 * 2 ** ((part.written[:, 2] - 69) / 12)
        np.testing.assert_allclose(part.notes["hertz"], expected, rtol=0.03)


def test_odd_techniques_are_rare(tmp_path: Path) -> None:
    from separation.training.ensemble_plan import _Shelf
    from separation.training.note_bank import Note, NoteBank

    notes = [Note("cello", "a", float(p), p % 2 == 0, p, 100) for p in range(40, 60)]
    shelf = _Shelf(NoteBank(notes, np.zeros(200, np.float16)), "cello", "a")
    rng = np.random.default_rng(0)
    chosen = shelf.choose(rng, rng.uniform(45, 55, 3000), np.full(3000, 50.0))
    assert 0.003 < shelf.odd[chosen].mean() < 0.04
