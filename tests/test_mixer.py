"""The one render path: exact where it promises to be, ramped where something changes."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import RATE, SMOOTH, memory_taken, noise_parts, roughness, tone_parts
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mixer import BLOCK, RAMP_SECONDS, Mixer, MixState, mix_state, recording_state, render_offline
from app.session import Session, Strip

RAMP = round(RAMP_SECONDS * RATE)


def strips() -> st.SearchStrategy[Strip]:
    return st.builds(
        Strip,
        gain_db=st.one_of(st.just(-np.inf), st.floats(-60, 12), st.just(0.0)),
        mute=st.booleans(),
        solo=st.booleans(),
        pan=st.floats(-1, 1),
    )


def session_of(names: tuple[str, ...], drawn: list[Strip], master: float = 0.0) -> Session:
    return Session(strips=dict(zip(names, drawn, strict=False)), master_db=master)


def render(mixer: Mixer, start: int, frames: int, blocks: list[int]) -> np.ndarray:
    """Render in blocks of these lengths, over and over."""
    out = np.full((frames, mixer.channels), np.nan, np.float32)
    at, turn = 0, 0
    while at < frames:
        n = min(blocks[turn % len(blocks)], frames - at)
        mixer.render(start + at, out[at : at + n])
        at += n
        turn += 1
    return out


def whole(session: Session, recording: np.ndarray, parts: dict, **how: object) -> np.ndarray:
    return np.concatenate(list(render_offline(session, recording, parts, sample_rate=RATE, **how)))


BLOCKS = st.lists(st.integers(1, 3000), min_size=1, max_size=4)
SLOW = settings(deadline=None, max_examples=40)


@SLOW
@given(
    frames=st.integers(1, 5000), channels=st.sampled_from([1, 2, 6]), stems=st.integers(0, 4), blocks=BLOCKS
)
def test_all_at_0_db_is_the_recording_bit_for_bit(
    frames: int, channels: int, stems: int, blocks: list
) -> None:
    recording, parts = noise_parts(frames, channels, stems)
    np.testing.assert_array_equal(whole(Session(), recording, parts), recording)
    mixer = Mixer(recording, parts, sample_rate=RATE)
    np.testing.assert_array_equal(render(mixer, 0, frames, blocks), recording)


@SLOW
@given(
    drawn=st.lists(strips(), min_size=4, max_size=4),
    master=st.floats(-20, 12),
    channels=st.sampled_from([1, 2, 6]),
    blocks=BLOCKS,
    start=st.integers(0, 2000),
)
def test_any_mix_is_the_sum_of_the_stems_at_their_gains(
    drawn: list[Strip], master: float, channels: int, blocks: list[int], start: int
) -> None:
    recording, parts = noise_parts(3000, channels, 3)
    session = session_of(tuple(parts), drawn, master)
    mixed = whole(session, recording, parts)
    state = mix_state(session, tuple(parts), mixed.shape[1])
    expected = (
        sum(parts[name].astype(np.float64) * state.gains[row] for row, name in enumerate(parts))
        * state.master
    )
    np.testing.assert_allclose(mixed, expected, atol=2e-6 * max(1.0, state.master * float(state.gains.max())))
    # and it does not matter how it is cut, nor where it begins: export is what the player renders
    mixer = Mixer(recording, parts, sample_rate=RATE, channels=mixed.shape[1], metering=True)
    mixer.state = state
    np.testing.assert_array_equal(render(mixer, start, 3000 - start, blocks), mixed[start:])


@SLOW
@given(master=st.floats(-60, 12), channels=st.sampled_from([1, 2]))
def test_nothing_heard_is_digital_silence(master: float, channels: int) -> None:
    recording, parts = noise_parts(3000, channels)
    muted = session_of(tuple(parts), [Strip(mute=True)] * 4, master)
    assert not whole(muted, recording, parts).any()
    one_side = whole(session_of(tuple(parts), [Strip(pan=-1.0)] * 4, master), recording, parts)
    assert one_side[:, 0].any()
    assert not one_side[:, 1].any()


@SLOW
@given(
    changes=st.lists(st.tuples(st.lists(strips(), min_size=3, max_size=3), st.integers(1, 2500)), max_size=6),
    blocks=BLOCKS,
)
def test_no_change_moves_faster_than_its_ramp(changes: list, blocks: list[int]) -> None:
    """With every stem a constant 1, the output is the sum of the gains, and shows their course."""
    frames = 16000
    parts = {name: np.ones((frames, 2), np.float32) for name in ("a", "b", "residual")}
    recording = np.full((frames, 2), 3.0, np.float32)
    mixer = Mixer(recording, parts, sample_rate=RATE)
    heard = [render(mixer, 0, 100, blocks)]
    at = 100
    for drawn, length in changes:
        mixer.state = mix_state(session_of(mixer.names, drawn), mixer.names, 2)
        heard.append(render(mixer, at, length, blocks))
        at += length
    largest = 3 * 10 ** (12 / 20)  # from silence to three stems at +12 dB
    assert np.abs(np.diff(np.concatenate(heard), axis=0)).max() <= largest / RAMP * 1.01
    mixed = render(mixer, at, RAMP + 10, blocks)
    np.testing.assert_allclose(mixed[RAMP:], mixer.state.gains.sum(axis=0)[None].repeat(10, 0), atol=1e-5)


def test_a_change_is_complete_after_25_ms_and_a_jump_would_be_rough() -> None:
    recording, parts = tone_parts(30000)
    mixer = Mixer(recording, parts, sample_rate=RATE)
    before = render(mixer, 0, 5000, [512])
    muted = session_of(mixer.names, [Strip(mute=True), Strip(pan=1.0), Strip(gain_db=6.0)])
    mixer.state = mix_state(muted, mixer.names, 2)
    after = render(mixer, 5000, 5000, [512])
    wanted = whole(muted, recording, parts)[5000:10000]
    np.testing.assert_array_equal(after[RAMP:], wanted[RAMP:])
    assert np.abs(after[: RAMP // 2] - wanted[: RAMP // 2]).max() > 0.05
    assert roughness(np.concatenate([before, after])) < SMOOTH
    assert roughness(np.concatenate([before, wanted])) > 4 * SMOOTH  # what it would be without the ramp


def test_a_new_change_on_the_way_starts_from_what_is_heard() -> None:
    recording, parts = tone_parts(30000)
    mixer = Mixer(recording, parts, sample_rate=RATE)
    heard = [render(mixer, 0, 700, [512])]
    for turn in range(40):  # a fader that is never left alone
        drawn = [
            Strip(gain_db=-3.0 * turn % 24 - 12),
            Strip(mute=turn % 2 == 0),
            Strip(pan=(turn % 5) / 2 - 1),
        ]
        mixer.state = mix_state(session_of(mixer.names, drawn), mixer.names, 2)
        heard.append(render(mixer, 700 + 500 * turn, 500, [333]))
    assert roughness(np.concatenate(heard)) < SMOOTH


@SLOW
@given(done=st.integers(0, 6000), blocks=BLOCKS)
def test_where_nothing_is_separated_yet_the_recording_is_heard(done: int, blocks: list[int]) -> None:
    recording, parts = noise_parts(6000)
    for name in parts:  # what is not written yet must not be heard, whatever it is
        parts[name][done:] = np.nan
    mixer = Mixer(recording, parts, sample_rate=RATE, frames_done=lambda: done, metering=True)
    mixer.state = mix_state(session_of(mixer.names, [Strip(mute=True)] * 4), mixer.names, 2)
    heard = render(mixer, 0, 6000, blocks)
    np.testing.assert_array_equal(heard[done:], recording[done:])
    if done < 6000:
        assert np.abs(heard[: max(0, done - RAMP)]).max(initial=0.0) < 1e-6
    else:
        assert not heard.any()
    assert np.isfinite(mixer.strip_levels).all()


def test_blocks_that_arrive_while_they_are_played_come_in_without_a_click() -> None:
    recording, parts = tone_parts(40000)
    done = [3000]
    mixer = Mixer(recording, parts, sample_rate=RATE, frames_done=lambda: done[0])
    solo = session_of(mixer.names, [Strip(solo=True), Strip(), Strip()])
    mixer.state = mix_state(solo, mixer.names, 2)
    heard = []
    for at in range(0, 40000, 500):
        if at == 5000:
            done[0] = 9000  # the play head was past the end of what was done: now it is inside
        if at == 8500:
            done[0] = 20000  # just in the fall before the end
        heard.append(render(mixer, at, 500, [500]))
    mixed = np.concatenate(heard)
    assert roughness(mixed) < SMOOTH
    np.testing.assert_array_equal(mixed[3000:5000], recording[3000:5000])
    low = whole(solo, recording, parts)
    np.testing.assert_array_equal(mixed[10000:18000], low[10000:18000])
    np.testing.assert_array_equal(mixed[20000:], recording[20000:])


def test_past_the_end_is_silence_and_ramps_go_on() -> None:
    recording, parts = noise_parts(1000)
    mixer = Mixer(recording, parts, sample_rate=RATE)
    out = render(mixer, 900, 4000, [700])
    np.testing.assert_array_equal(out[:100], recording[900:])
    assert not out[100:].any()
    mixer.state = mix_state(session_of(mixer.names, [Strip(mute=True)]), mixer.names, 2)
    render(mixer, 5000, 3000, [700])
    expected = whole(session_of(mixer.names, [Strip(mute=True)]), recording, parts)
    np.testing.assert_array_equal(render(mixer, 0, 1000, [BLOCK]), expected)


def test_a_mono_recording_in_stereo_is_the_mono_render_on_both_sides() -> None:
    recording, parts = noise_parts(4000, channels=1)
    session = session_of(tuple(parts), [Strip(gain_db=-4.5), Strip(mute=True)], -2.0)
    mixer = Mixer(recording, parts, sample_rate=RATE, channels=2)
    mixer.state = mix_state(session, mixer.names, 2)
    stereo = render(mixer, 0, 4000, [512])
    mono = whole(session, recording, parts)
    assert mono.shape == (4000, 1)
    np.testing.assert_array_equal(stereo, np.repeat(mono, 2, axis=1))


def test_meters_show_each_strip_after_its_fader() -> None:
    frames = 4000
    parts = {name: np.zeros((frames, 2), np.float32) for name in ("a", "b", "residual")}
    parts["a"][1000] = [0.5, -0.25]
    parts["b"][1500] = [-0.5, 0.25]
    parts["residual"][2000] = [np.nan, 0.1]
    recording = np.zeros((frames, 2), np.float32)
    mixer = Mixer(recording, parts, sample_rate=RATE, metering=True)
    drawn = [Strip(gain_db=-6.0), Strip(pan=1.0), Strip()]
    mixer.state = mix_state(session_of(mixer.names, drawn, -20.0), mixer.names, 2)
    render(mixer, 0, frames, [512])
    assert mixer.strip_levels == pytest.approx([0.5 * 10 ** (-26 / 20), 0.25 * 0.1, 0.0], rel=1e-5)
    mixer.lower_levels(0.5)
    assert mixer.strip_levels[0] == pytest.approx(0.25 * 10 ** (-26 / 20))


def test_a_tail_sounds_at_the_same_gains_and_moves_nothing() -> None:
    recording, parts = noise_parts(6000)
    mixer, plain = (Mixer(recording, parts, sample_rate=RATE) for _ in range(2))
    tail = np.zeros((300, 2), np.float32)
    for which in (mixer, plain):
        render(which, 0, 1000, [512])
        which.state = mix_state(session_of(which.names, [Strip(gain_db=-12.0)]), which.names, 2)
    mixer.hold()
    for at in range(0, 2100, 300):
        mixer.render_tail(1000 + at, tail)
        a, b = render(mixer, 3000 + at, 300, [300]), render(plain, 3000 + at, 300, [300])
        np.testing.assert_array_equal(a, b)
    half = whole(session_of(mixer.names, [Strip(gain_db=-12.0)]), recording, parts)
    np.testing.assert_array_equal(tail, half[2800:3100])


def test_rendering_keeps_no_memory_and_needs_next_to_none() -> None:
    recording, parts = noise_parts(200_000, stems=5)
    mixer = Mixer(recording, parts, sample_rate=RATE, frames_done=lambda: 120_000, metering=True)
    states = [
        mix_state(session_of(mixer.names, drawn), mixer.names, 2)
        for drawn in ([Strip(gain_db=-6.0)] * 6, [Strip(pan=0.3)] * 6, [Strip(mute=True)] * 6, [Strip()] * 6)
    ]
    out = np.zeros((BLOCK, 2), np.float32)
    turn = [0]

    def call() -> None:
        turn[0] += 1
        mixer.state = states[turn[0] % 7 % 4]
        mixer.render(turn[0] * BLOCK % 190_000, out)

    kept, most = memory_taken(call, 180)
    one_array = out.nbytes
    assert kept < 512
    assert most < one_array

    def wasteful() -> None:
        call()
        out[:] = out * np.float32(0.5)

    assert memory_taken(wasteful, 20)[1] >= one_array  # the measure sees a single array


def test_what_does_not_fit_is_refused() -> None:
    recording, parts = noise_parts(100)
    with pytest.raises(ValueError, match="part-1"):
        Mixer(recording, {**parts, "part-1": parts["part-1"][:50]}, sample_rate=RATE)
    with pytest.raises(ValueError, match="float32"):
        Mixer(recording.astype(np.float64), sample_rate=RATE)
    with pytest.raises(ValueError, match="cannot be mixed"):
        Mixer(recording, parts, sample_rate=RATE, channels=1)
    mixer = Mixer(recording, parts, sample_rate=RATE)
    with pytest.raises(ValueError, match="the mix is for"):
        mixer.state = recording_state(("other",), 2)
    with pytest.raises(ValueError, match="the mix is for"):
        mixer.state = recording_state(mixer.names, 1)
    assert isinstance(mixer.state, MixState)


def test_an_empty_recording_renders_silence() -> None:
    mixer = Mixer(np.zeros((0, 2), np.float32), sample_rate=RATE)
    assert not render(mixer, 0, 100, [64]).any()
    assert list(render_offline(Session(), mixer.recording, {}, sample_rate=RATE)) == []
