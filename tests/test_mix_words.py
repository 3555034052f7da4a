"""A mix in words: what was changed, and nothing else."""

from __future__ import annotations

import math

from app.mix_words import mix_words
from app.session import Session
from separation.separator import Part

PLAIN = Session().with_stems((Part("violin"), Part("cello")), "fake")


def test_what_was_not_changed_is_not_named() -> None:
    assert mix_words(PLAIN) == "As recorded"
    assert mix_words(PLAIN.with_gain("violin", 3.0)) == "Violin +3.0 dB"


def test_every_change_is_named() -> None:
    mix = PLAIN.with_gain("violin", -math.inf).with_mute("cello", True).with_pan("residual", -0.5)
    assert mix_words(mix.with_master(-1.5)) == (
        "Violin −∞ dB, Cello muted, Everything else 50 % left, Master −1.5 dB"
    )
    assert mix_words(PLAIN.with_solo("cello", True)) == "Cello alone"


def test_it_can_be_translated() -> None:
    assert (
        mix_words(PLAIN, lambda text: {"As recorded": "Wie aufgenommen"}.get(text, text)) == "Wie aufgenommen"
    )
