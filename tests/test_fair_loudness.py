"""Settings are made equally loud before they are compared, and never louder than they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.errors import Cancelled
from app.fair_loudness import ALIKE, BY_EAR, NOT_BY_EAR, SILENT, Candidate, FairRequest, FairTap, make_fair
from app.hearing.audiogram import NORMAL, PRESETS, Listener
from app.hearing.listener_chain import RMS_ONE_DB_SPL, ChainRequest
from app.hearing.remix_window import render_ears
from app.loudness import measure
from app.session import Session
from separation.separator import RESIDUAL, Part
from tests.fake_program import notes

RATE = 44_100
FRAMES = 2 * RATE
STEMS = {"violin": notes(659.3, FRAMES, 2), "cello": notes(110.0, FRAMES, 2)}
MUSIC = np.sum(list(STEMS.values()), axis=0, dtype=np.float32)
STEMS[RESIDUAL] = np.zeros_like(MUSIC)
FLAT = Session().with_stems((Part("violin"), Part("cello")), "fake")
N3 = Listener(PRESETS["N3"], PRESETS["N3"], "N3")


def request(*candidates: Candidate, way: str = "") -> FairRequest:
    return FairRequest(candidates, MUSIC, STEMS, RATE, 0, FRAMES, N3, way, candidates[0])


def with_violin(gain_db: float, kind: str = "off", listener: Listener = N3) -> Candidate:
    return Candidate(FLAT.with_gain("violin", gain_db), kind, listener)


def test_mixes_are_equally_loud_afterwards() -> None:
    candidates = (with_violin(0), with_violin(12), with_violin(-12))
    fair = make_fair(request(*candidates))
    levels = [
        measure(render_ears(one.session, MUSIC, STEMS, RATE).T, RATE).value_db + gain
        for one, gain in zip(candidates, fair.gains_db, strict=True)
    ]
    assert max(levels) - min(levels) < 0.01
    assert max(fair.gains_db) == 0  # the softest stays, none is turned up
    assert fair.sentence == ALIKE
    assert fair.taps == ()


def test_a_silent_mix_matches_nothing() -> None:
    silent = Candidate(FLAT.with_master(-np.inf), "off", N3)
    fair = make_fair(request(with_violin(0), silent))
    assert fair.gains_db == (0.0, 0.0)
    assert fair.sentence == SILENT


def test_the_ear_model_is_told_the_level_of_rms_one(monkeypatch) -> None:
    levels: set[float] = set()

    def spy(ears, rate, listener, level, check) -> float:
        levels.add(level)
        return float(np.abs(ears).mean())

    monkeypatch.setattr("app.fair_loudness.listener_loudness", spy)
    make_fair(request(with_violin(0), with_violin(0, "nal-r"), way="headphones"))
    assert levels == {RMS_ONE_DB_SPL}


def test_other_amplification_that_is_not_heard_changes_nothing() -> None:
    fair = make_fair(request(with_violin(0), with_violin(3, "nal-r")))
    assert fair.sentence == ALIKE
    assert fair.taps == ()


def test_amplification_that_is_heard_is_matched_by_ear() -> None:
    fair = make_fair(request(with_violin(0), with_violin(0, "nal-r"), way="headphones"))
    assert fair.sentence == BY_EAR
    assert fair.gains_db[0] == 0
    assert fair.gains_db[1] < -3
    plain, amplified = (tap.make() for tap in fair.taps)
    assert (plain.kind, amplified.kind) == ("off", "nal-r")
    assert plain.trim_db == amplified.trim_db
    assert plain.presentation_db == amplified.presentation_db
    assert plain.ceiling_db == amplified.ceiling_db == -12.0
    # each comes up alike, whatever was heard before, so that nothing tells which it is
    assert plain.may_be_louder(amplified)
    assert amplified.may_be_louder(plain)
    assert fair.taps[1].make().stages[0][0] is not amplified.stages[0][0]


def test_what_nobody_hears_cannot_be_matched_by_ear() -> None:
    deaf = Listener(PRESETS["N7"], PRESETS["N7"])
    asked = request(with_violin(0), with_violin(0, "nal-r"), way="headphones")
    fair = make_fair(replace(asked, listener=deaf))
    assert fair.sentence == NOT_BY_EAR
    assert fair.gains_db == (0.0, 0.0)


def test_alike_but_not_as_now_gets_taps_without_the_ear() -> None:
    asked = replace(
        request(with_violin(0, "nal-r"), with_violin(6, "nal-r"), way="headphones"), now=with_violin(0)
    )
    fair = make_fair(asked)
    assert fair.sentence == ALIKE
    assert [tap.request.kind for tap in fair.taps] == ["nal-r", "nal-r"]


def test_who_is_amplified_alike() -> None:
    normal = Listener(NORMAL, NORMAL)
    assert with_violin(0, "off").amplified_like(with_violin(0, "off", normal))
    assert not with_violin(0, "nal-r").amplified_like(with_violin(0, "nal-r", normal))
    assert not with_violin(0, "nal-r").amplified_like(with_violin(0, "cad2"))
    assert with_violin(0, "nal-r").amplified_like(
        with_violin(5, "nal-r", Listener(*[PRESETS["N3"]] * 2, "other"))
    )


def test_it_can_be_stopped() -> None:
    def check() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        make_fair(request(with_violin(0), with_violin(1)), check)


def test_a_compared_tap_keeps_the_safe_ceiling() -> None:
    loud = ChainRequest("nal-r", "headphones", N3, RATE, 2, -20.0, -3.0, full_scale_db_spl=125.0)
    assert FairTap(loud, -20.0, 0.0).make().ceiling_db == -8.0
    assert FairTap(replace(loud, kind="off"), -20.0, 0.0).make().ceiling_db == -8.0
