import math

import pytest

from app.hearing.audiogram import NORMAL, PRESETS, Listener
from app.hearing.haaqi import HaaqiScore
from app.hearing.quality import Quality
from app.score_traps import (
    INAUDIBLE,
    NEARLY_SILENT,
    OWN_STEMS,
    OWN_STEMS_AMPLIFIED,
    QUIETER,
    UNAMPLIFIED,
    traps,
)

HEARS = Listener(NORMAL, NORMAL)
ONE_EAR = Listener(NORMAL, PRESETS["N3"])
FINE = HaaqiScore(0.7, 0.6, 0.9, (0.8, 0.5, 0.9, 0.9))


def quality(**more):
    """An ordinary score against true stems."""
    facts = {"kind": "quality", "relative_db": 0.0, "details": (FINE, FINE), **more}
    return Quality(0.7, 0.7, 0.7, "true stems", 10.0, 0.0, **facts)


def test_an_ordinary_score_is_in_none():
    assert traps(quality(), HEARS) == ()
    assert traps(quality(amplification="off"), HEARS) == ()
    assert traps(quality(amplification="nal-r"), ONE_EAR) == ()


def test_a_loss_without_amplification():
    assert traps(quality(amplification="off"), ONE_EAR) == (UNAMPLIFIED,)


def test_both_inaudible_is_said_instead():
    deaf = HaaqiScore(0.162, 0.0, 1.0, (0.0, 0.0, 1.0, 1.0))
    assert traps(quality(amplification="off", details=(FINE, deaf)), ONE_EAR) == (INAUDIBLE,)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(-2, ()), (-6, (QUIETER,)), (-60, (NEARLY_SILENT,)), (-math.inf, (NEARLY_SILENT,))],
)
def test_a_quiet_remix(level, expected):
    assert traps(quality(relative_db=level), HEARS) == expected


def test_a_matched_remix_is_not_too_quiet():
    assert traps(quality(kind="change", relative_db=-50, matching_db=50), HEARS) == ()
    assert traps(quality(kind="change", relative_db=-100), HEARS) == (NEARLY_SILENT,)


def test_true_stems_against_themselves():
    assert traps(quality(), HEARS, own_stems=True) == (OWN_STEMS,)
    assert traps(quality(amplification="cad2"), HEARS, own_stems=True) == (OWN_STEMS_AMPLIFIED,)
    assert traps(quality(kind="change"), HEARS, own_stems=True) == ()
