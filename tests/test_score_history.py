"""What the last change did to the score, in words: gains, pans, mutes, solos, the master, the passage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.session import Session
from app.status import ScoredMix
from separation.separator import Part
from tests.shell_program import quality
from ui.score_history import ScoreHistory

BEFORE = Session().with_stems((Part("violin"), Part("cello"), Part("flute")), "nmf")


def entry(session: Session, score: float = 0.6, start: float = 4.0) -> ScoredMix:
    return ScoredMix(replace(quality(score, score), window_start=start), session.strips, session.master_db)


def said(history: ScoreHistory, before: Session, after: Session, *, start: float = 4.0) -> str:
    history.show_scores((entry(before), entry(after, 0.7, start)))
    return history.words.text().removesuffix(": from 0.60 to 0.70.")


@pytest.fixture
def history(qtbot) -> ScoreHistory:
    made = ScoreHistory()
    qtbot.addWidget(made)
    return made


def test_every_change_of_a_strip_is_named(history: ScoreHistory) -> None:
    louder = BEFORE.with_gain("violin", 3)
    assert said(history, BEFORE, louder) == "Violin +3.0 dB"
    assert said(history, louder, louder.with_pan("violin", -0.3)) == "Violin 30 % left"
    assert said(history, BEFORE, BEFORE.with_solo("violin", True)) == "Violin alone"
    assert said(history, BEFORE.with_solo("violin", True), BEFORE) == "Violin not alone any more"
    assert said(history, louder, louder.with_mute("violin", True)) == "Violin muted"
    assert said(history, louder.with_mute("violin", True), louder) == "Violin not muted"
    assert said(history, BEFORE, louder.with_pan("violin", 1)) == "Violin +3.0 dB, 100 % right"


def test_several_changes_are_named_or_counted(history: ScoreHistory) -> None:
    two = BEFORE.with_gain("violin", 3).with_mute("cello", True)
    assert said(history, BEFORE, two) == "Violin +3.0 dB; Cello muted"
    three = two.with_pan("flute", 1).with_master(-2)
    assert said(history, BEFORE, three) == f"3 strips changed; Master {chr(0x2212)}2.0 dB"


def test_another_passage_is_said_only_where_it_is_another(history: ScoreHistory) -> None:
    assert said(history, BEFORE, BEFORE, start=8.0) == "Another passage"
    assert said(history, BEFORE, BEFORE.with_gain("cello", 1), start=8.0) == "Cello +1.0 dB; another passage"
    assert said(history, BEFORE, BEFORE) == "Scored again"
