"""What a session's strips come to: gains, pan, mute, solo, and the number of output channels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mix_state import MixState, mix_state, output_channels, pan_gains, recording_state
from app.session import Session, Strip

NAMES = ("violin", "cello", "residual")


def session(**strips: Strip) -> Session:
    return Session(strips={name: strips.get(name, Strip()) for name in NAMES})


@given(st.floats(-1, 1))
def test_pan_is_a_balance(pan: float) -> None:
    left, right = pan_gains(pan, 2)
    assert max(left, right) == 1.0
    assert min(left, right) == pytest.approx(1.0 - abs(pan))
    assert left >= right if pan <= 0 else left <= right


def test_pan_is_exactly_unity_in_the_centre_and_means_nothing_beyond_stereo() -> None:
    assert pan_gains(0.0, 2) == (1.0, 1.0)
    assert pan_gains(-1.0, 2) == (1.0, 0.0)
    assert pan_gains(0.7, 1) == (1.0,)
    assert pan_gains(-0.7, 6) == (1.0,) * 6


def test_a_mono_recording_becomes_stereo_only_for_pan() -> None:
    assert output_channels(session(), 1) == 1
    assert output_channels(session(cello=Strip(pan=0.1)), 1) == 2
    assert output_channels(session(cello=Strip(pan=0.1)), 2) == 2
    assert output_channels(session(cello=Strip(pan=0.1)), 6) == 6


def test_mute_and_solo_silence_and_minus_infinity_is_nothing() -> None:
    state = mix_state(
        session(violin=Strip(gain_db=-6.0, solo=True), cello=Strip(solo=True, mute=True)), NAMES, 2
    )
    assert state.gains[0] == pytest.approx([10 ** (-6 / 20)] * 2)
    assert not state.gains[1:].any()
    assert not mix_state(session(violin=Strip(gain_db=-math.inf)), NAMES, 2).gains[0].any()


def test_flat_is_flat_whatever_the_stems_and_a_stem_without_a_strip_is_heard_as_it_is() -> None:
    assert mix_state(Session(), NAMES, 2).flat
    assert mix_state(session(), NAMES, 2).flat
    assert recording_state((), 2).flat
    assert not recording_state((), 2, 0.5).flat
    assert not mix_state(session().with_gain("cello", 0.5), NAMES, 2).flat


def test_silence_is_known_for_each_channel() -> None:
    left_only = {name: Strip(pan=-1.0) for name in NAMES}
    assert mix_state(session(**left_only), NAMES, 2).silent == (False, True)
    assert mix_state(session(**{n: Strip(mute=True) for n in NAMES}), NAMES, 1).silent == (True,)
    assert recording_state((), 2).silent == (False, False)


def test_a_state_cannot_be_changed_and_must_fit_its_stems() -> None:
    state = mix_state(session(), NAMES, 2)
    for array in (state.gains, state.table, state.meter):
        with pytest.raises(ValueError):
            array[0, 0] = 2.0
    with pytest.raises(ValueError, match="3 stems"):
        MixState(NAMES, np.ones((2, 2), np.float32))


def test_scaling_is_a_change_of_master() -> None:
    state = mix_state(session(violin=Strip(gain_db=-3.0)).with_master(-6.0), NAMES, 2)
    half = state.scaled(0.5)
    assert half.master == pytest.approx(state.master / 2)
    np.testing.assert_allclose(half.table, state.table / 2, rtol=1e-6)
    np.testing.assert_array_equal(half.gains, state.gains)
    assert state.scaled(1.0) is state
