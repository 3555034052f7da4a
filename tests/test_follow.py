"""One slider brings a part forward: audibility rises all the way, the loudness stays, undo takes it back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from app.audibility_job import ear_gains
from app.document import Document
from app.follow import Follow, bring_forward
from app.hearing.audibility import audible_shares, stem_bands
from app.hearing.audiogram import PRESETS, Listener
from app.loudness import measure
from app.mix_loudness import MixLoudness
from app.mixer import render_offline
from app.session import Session
from separation.separator import Part

RATE = 22050
NAMES = ("clarinet", "violin", "cello", "residual")
PARTS = (Part("clarinet"), Part("violin"), Part("cello"))
BASE = Session().with_stems(PARTS, "nmf").with_gain("violin", -2.5).with_pan("cello", 0.3)


def material(level: float = 0.1):  # type: ignore[no-untyped-def]
    """Three lines of notes that overlap, and a little noise."""
    rng = np.random.default_rng(4)
    time = np.arange(3 * RATE)[:, None] / RATE
    stems = {}
    for name, hz in zip(NAMES, (420.0, 660.0, 220.0), strict=False):
        line = sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 9))
        stems[name] = (level * line * (0.6 + 0.4 * np.sin(2 * np.pi * hz / 200 * time))).repeat(2, 1)
    stems["residual"] = 0.05 * level * rng.standard_normal((len(time), 2))
    stems = {name: stem.astype(np.float32) for name, stem in stems.items()}
    return np.sum(list(stems.values()), axis=0, dtype=np.float32), stems


@pytest.fixture(scope="module")
def measured():  # type: ignore[no-untyped-def]
    recording, stems = material()
    return recording, stems, MixLoudness(recording, stems, RATE)


def test_audibility_rises_all_the_way_and_the_loudness_stays(measured) -> None:  # type: ignore[no-untyped-def]
    recording, stems, model = measured
    listener = Listener(PRESETS["N2"], PRESETS["N3"])
    bands = stem_bands(recording, stems, RATE, listener, "nal-r")
    shares, levels = [], []
    for amount in np.linspace(0, 1, 9):
        session = bring_forward(BASE, "clarinet", float(amount), model).session
        shares.append(audible_shares(bands, ear_gains(session, NAMES, 2))["clarinet"])
        mix = np.concatenate(list(render_offline(session, recording, stems, sample_rate=RATE)))
        levels.append(measure(mix, RATE).value_db)
    assert all(b > a for a, b in itertools.pairwise(shares))
    assert shares[-1] > shares[0] + 0.2
    assert max(levels) - min(levels) < 0.5


def test_every_gain_moves_and_stays_in_its_range(measured) -> None:  # type: ignore[no-untyped-def]
    model = measured[2]
    end = bring_forward(BASE, "clarinet", 1.0, model).session
    gains = {name: strip.gain_db for name, strip in end.strips.items()}
    assert 0 < gains["clarinet"] <= 12
    assert gains["clarinet"] - gains["violin"] == pytest.approx(2.5 + 24, abs=0.02)
    loud = BASE.with_gain("clarinet", 11)
    end = bring_forward(loud, "clarinet", 1.0, model).session
    assert end.strips["clarinet"].gain_db <= 12
    quiet = BASE.with_gain("violin", -50)
    assert bring_forward(quiet, "clarinet", 1.0, model).session.strips["violin"].gain_db >= -60


def test_what_is_not_heard_stays_as_it_is(measured) -> None:  # type: ignore[no-untyped-def]
    base = BASE.with_mute("cello", True).with_gain("residual", -100)
    end = bring_forward(base, "clarinet", 0.5, measured[2]).session
    assert end.strips["cello"] == base.strips["cello"]
    assert end.strips["residual"] == base.strips["residual"]
    assert bring_forward(base, "clarinet", 0.0, measured[2]).session is base


def test_it_becomes_quieter_rather_than_clip() -> None:
    recording, stems = material()
    spikes = stems["clarinet"]
    spikes[:] *= 0.05
    spikes[::2000] = 0.8  # a part with peaks far above its loudness
    recording = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    model = MixLoudness(recording, stems, RATE)
    followed = bring_forward(BASE, "clarinet", 1.0, model)
    assert followed.lowered
    assert model.peak(followed.session) <= max(1.0, model.peak(BASE)) + 1e-6


class Audibility(QObject):
    changed = Signal()
    loudness = None
    problem = ""


@pytest.fixture
def made(qapp, measured):  # type: ignore[no-untyped-def]
    document = Document()
    document.replace(BASE)
    audibility = Audibility()
    audibility.loudness = measured[2]
    return Follow(document, audibility), document, audibility  # type: ignore[arg-type]


def test_a_drag_is_one_step_and_undo_restores_exactly(made) -> None:  # type: ignore[no-untyped-def]
    follow, document, _ = made
    before = document.session
    document.begin_drag()
    for amount in (0.1, 0.4, 0.7):
        follow.set_amount(amount)
    document.end_drag()
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Follow Clarinet 70 %"
    moved = document.session
    document.undo()
    assert document.session == before
    assert follow.amount == 0
    document.redo()
    assert document.session == moved
    assert follow.amount == 0.7
    follow.set_amount(0.0)
    assert document.session == before


def test_undo_of_one_step_of_many_goes_back_to_the_step_before(qapp, measured) -> None:  # type: ignore[no-untyped-def]
    now = [0.0]
    document = Document(clock=lambda: now[0])
    document.replace(BASE)
    audibility = Audibility()
    audibility.loudness = measured[2]
    follow = Follow(document, audibility)  # type: ignore[arg-type]
    before, mixes = document.session, []
    for amount in (0.2, 0.4, 0.6):
        follow.set_amount(amount)
        now[0] += 10  # slow steps with the keys: each is one of undo
        mixes.append(document.session)
    assert document.undo_stack.count() == 3
    for amount, mix in ((0.4, mixes[1]), (0.2, mixes[0])):
        document.undo()
        assert (follow.amount, document.session) == (amount, mix)
    document.redo()
    assert follow.amount == 0.4
    document.undo()
    follow.set_amount(0.0)
    assert document.session == before
    document.undo()
    assert follow.amount == 0.2


def test_another_edit_is_a_new_beginning(made) -> None:  # type: ignore[no-untyped-def]
    follow, document, _ = made
    follow.set_amount(0.5)
    document.set_gain("violin", 3)
    assert follow.amount == 0
    here = document.session
    follow.set_amount(0.3)
    follow.set_amount(0.0)
    assert document.session.strips == here.strips


def test_another_part_is_followed_from_the_mix_as_it_is(made) -> None:  # type: ignore[no-untyped-def]
    follow, document, _ = made
    assert follow.parts == ("clarinet", "violin", "cello")
    follow.set_amount(0.5)
    here = document.session
    follow.set_part("cello")
    assert (follow.part, follow.amount) == ("cello", 0)
    assert document.session is here


def test_problems_are_sentences(made) -> None:  # type: ignore[no-untyped-def]
    follow, document, audibility = made
    document.set_mute("clarinet", True)
    assert "unmute" in follow.problem
    follow.set_amount(0.5)
    assert follow.amount == 0
    document.undo()
    audibility.loudness = None
    assert "being measured" in follow.problem
    audibility.problem = "There is no memory left."
    assert follow.problem == "The parts could not be measured. There is no memory left."
    document.replace(Session())
    assert "Separate" in follow.problem
    assert follow.part == ""
