from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.session import MINUS_INFINITY, Loop, Session, Source, Strip, clamp_gain, db_to_linear
from separation.separator import Part

SOURCE = Source("/music/trio.wav", "ab" * 32, 48000, 2, 480000)
DUO = Session(source=SOURCE).with_stems((Part("violin", 1), Part("clarinet")), "nmf")


def test_stems_are_the_parts_and_the_residual_last() -> None:
    assert DUO.stem_names == ("violin-1", "clarinet", "residual")
    assert all(strip == Strip() for strip in DUO.strips.values())


def test_strips_that_keep_their_name_keep_their_settings() -> None:
    mixed = DUO.with_gain("clarinet", -6).with_mute("residual", True).with_gain("violin-1", 3)
    other = mixed.with_stems((Part("clarinet"), Part("cello")), "other", seed=7)
    assert other.strips == {
        "clarinet": Strip(gain_db=-6.0),
        "cello": Strip(),
        "residual": Strip(mute=True),
    }
    assert (other.separator, other.seed) == ("other", 7)
    assert other.with_stems(other.parts, "other").seed == 7


def test_an_edit_leaves_the_old_session_as_it_was() -> None:
    before = DUO.strips.copy()
    DUO.with_gain("clarinet", 3).with_solo("clarinet", True).with_pan("clarinet", 1)
    assert DUO.strips == before


def test_an_unknown_strip_is_refused() -> None:
    with pytest.raises(KeyError):
        DUO.with_gain("tuba", 1.0)


def test_gains_and_pans_are_cut_to_their_range() -> None:
    assert clamp_gain(40) == 12.0
    assert clamp_gain(-60) == -60.0
    assert clamp_gain(-60.1) == MINUS_INFINITY
    assert DUO.with_pan("clarinet", -3).strips["clarinet"].pan == -1.0
    assert DUO.with_master(99).master_db == 12.0
    with pytest.raises(ValueError, match="decibels"):
        clamp_gain(math.nan)
    with pytest.raises(ValueError, match="pan"):
        DUO.with_pan("clarinet", math.nan)


def test_zero_decibels_are_exactly_one_and_silence_exactly_zero() -> None:
    assert db_to_linear(0.0) == 1.0
    assert db_to_linear(MINUS_INFINITY) == 0.0


def test_mute_beats_solo_and_solo_silences_the_others() -> None:
    soloed = DUO.with_solo("clarinet", True)
    assert [soloed.audible_gain(n) for n in soloed.stem_names] == [0.0, 1.0, 0.0]
    assert soloed.with_mute("clarinet", True).audible_gain("clarinet") == 0.0


def test_an_exclusive_solo_takes_the_others_off() -> None:
    both = DUO.with_solo("clarinet", True).with_solo("violin-1", True)
    assert both.strips["clarinet"].solo
    assert both.strips["violin-1"].solo
    alone = both.with_solo("residual", True, exclusive=True)
    assert [name for name, strip in alone.strips.items() if strip.solo] == ["residual"]


def test_a_flat_mix_keeps_the_stems() -> None:
    mixed = DUO.with_gain("clarinet", -6).with_master(-3).with_pan("violin-1", 0.5)
    assert mixed.with_flat_mix() == DUO


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.booleans())
def test_a_loop_is_cut_to_the_recording(start: int, stop: int, on: bool) -> None:
    loop = DUO.with_loop(Loop(start, stop, on)).loop
    if loop is not None:
        assert 0 <= loop.start < loop.stop <= SOURCE.frames
        assert loop.on == on


def test_loops_given_backwards_or_empty() -> None:
    assert DUO.with_loop(Loop(200, 100)).loop == Loop(100, 200)
    assert DUO.with_loop(Loop(5, 5)).loop is None
    assert DUO.with_loop(Loop(10**9, 2 * 10**9)).loop is None
    assert DUO.with_loop(Loop(1, 2)).with_loop(None).loop is None


def test_the_play_head_is_cut_to_the_recording() -> None:
    assert DUO.with_position(-5).position == 0
    assert DUO.with_position(10**9).position == SOURCE.frames
    assert Session().with_position(7).position == 7
