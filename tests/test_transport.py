"""What the audio thread runs: no step where anything changes, right samples everywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import RATE, SMOOTH, memory_taken, noise_parts, roughness, tone_parts
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mix_state import mix_state, recording_state
from app.mixer import Mixer
from app.session import Session, Strip
from app.transport import FADE_SECONDS, METER_FALL_DB_PER_SECOND, Transport

FADE = round(FADE_SECONDS * RATE)


def transport_of(recording: np.ndarray, parts: dict, position: int = 0) -> Transport:
    channels = max(2, recording.shape[1])
    return Transport(Mixer(recording, parts, sample_rate=RATE, channels=channels, metering=True), position)


def run(transport: Transport, frames: int, block: int = 512, channels: int = 2) -> np.ndarray:
    out = np.full((frames, channels), np.nan, np.float32)
    for at in range(0, frames, block):
        transport.process(out[at : at + block])
    return out


def seek(transport: Transport, frame: int) -> None:
    transport.jump = (transport.jump[0] + 1, frame)


def test_it_is_silent_until_it_plays_and_fades_in() -> None:
    recording, parts = noise_parts(20_000)
    transport = transport_of(recording, parts)
    assert not run(transport, 1000).any()
    transport.play = 1
    heard = run(transport, 5000)
    np.testing.assert_array_equal(heard[FADE:], recording[FADE:5000])
    ratio = heard[:FADE] / np.where(recording[:FADE] == 0, 1, recording[:FADE])
    assert np.all(np.diff(ratio[:, 0]) > -1e-3)
    assert ratio[0, 0] < 1e-3


def test_pause_fades_out_and_play_goes_on_from_there() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    transport.play = 1
    heard = [run(transport, 5000)]
    transport.play = 0
    heard.append(run(transport, 2000))
    assert not heard[-1][FADE:].any()
    assert transport.position == 5000 + FADE
    assert transport.silent
    transport.play = 2
    heard.append(run(transport, 5000))
    np.testing.assert_array_equal(heard[-1][FADE:], recording[5000 + 2 * FADE : 10_000 + FADE])
    assert roughness(np.concatenate(heard)) < SMOOTH


def test_pause_and_play_within_the_fade_does_not_click() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    heard = []
    for turn in range(30):
        transport.play = 0 if turn % 2 else turn + 1
        heard.append(run(transport, 173, 64))
    assert roughness(np.concatenate(heard)) < SMOOTH
    assert np.abs(np.concatenate(heard)).max() > 0.01


def test_a_seek_while_playing_cross_fades_and_arrives() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    transport.play = 1
    heard = [run(transport, 5000)]
    for place in (30_123, 7, 59_000 - 5000, 12_345):
        seek(transport, place)
        heard.append(run(transport, 3000))
        np.testing.assert_array_equal(heard[-1][FADE:], recording[place + FADE : place + 3000])
    mixed = np.concatenate(heard)
    assert roughness(mixed) < SMOOTH
    hard = np.concatenate([recording[0:5000], recording[30_123:33_000]])
    assert roughness(hard) > 4 * SMOOTH


def test_seeks_faster_than_the_cross_fade_wait_for_it() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    transport.play = 1
    heard = [run(transport, 1000)]
    for turn in range(100):
        seek(transport, (turn * 7919) % 50_000)
        heard.append(run(transport, 64, 64))
    assert roughness(np.concatenate(heard)) < SMOOTH
    run(transport, 1000)
    assert transport.taken == transport.jump[0]


def test_a_seek_in_a_pause_makes_no_sound() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    seek(transport, 20_000)
    assert not run(transport, 1000).any()
    assert transport.position == 20_000


def test_the_loop_repeats_with_its_period_and_without_a_click() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    transport.loop = (10_000, 16_000)
    transport.play = 1
    heard = run(transport, 60_000, 500)
    assert roughness(heard) < SMOOTH
    for lap in range(1, 7):
        at = 16_000 + 6000 * (lap - 1)
        np.testing.assert_array_equal(heard[at + FADE : at + 6000], recording[10_000 + FADE : 16_000])
    assert 10_000 <= transport.position < 16_000 + FADE


def test_a_loop_to_the_very_end_has_audio_to_fade_from() -> None:
    recording, parts = tone_parts(20_000)
    transport = transport_of(recording, parts)
    transport.loop = (0, 20_000)
    transport.play = 1
    heard = run(transport, 100_000, 700)
    assert roughness(heard) < SMOOTH
    assert transport.ended == 0
    assert np.abs(heard[-30_000:]).max() > 0.3


def test_a_loop_too_short_to_repeat_is_played_through() -> None:
    recording, parts = tone_parts(20_000)
    transport = transport_of(recording, parts)
    transport.loop = (5000, 5100)
    assert not transport.can_loop(transport.loop)
    transport.play = 1
    np.testing.assert_array_equal(run(transport, 10_000)[FADE:], recording[FADE:10_000])


def test_moving_the_loop_and_seeking_beyond_it() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, parts)
    transport.loop = (10_000, 16_000)
    transport.play = 1
    run(transport, 12_000)
    seek(transport, 30_000)  # beyond: plays on from there
    heard = run(transport, 10_000)
    np.testing.assert_array_equal(heard[FADE:], recording[30_000 + FADE : 40_000])
    transport.loop = (41_000, 47_000)
    run(transport, 10_000)
    assert 41_000 <= transport.position <= 47_000
    transport.loop = None
    run(transport, 8000)
    assert transport.position > 47_000


def test_at_the_end_it_fades_stops_and_stays() -> None:
    recording, parts = tone_parts(20_000)
    transport = transport_of(recording, parts)
    transport.play = 5
    heard = run(transport, 30_000)
    np.testing.assert_array_equal(heard[FADE : 20_000 - FADE], recording[FADE : 20_000 - FADE])
    assert not heard[20_000:].any()
    assert roughness(heard) < SMOOTH
    assert (transport.ended, transport.position, transport.silent) == (5, 20_000, True)


@pytest.mark.parametrize("frames", [0, 1, 2, 100, FADE, FADE + 1, 2 * FADE, 3 * FADE])
def test_recordings_of_any_length_come_to_their_end(frames: int) -> None:
    recording, parts = tone_parts(frames)
    transport = transport_of(recording, parts)
    transport.loop = (0, frames)
    transport.play = 1
    heard = run(transport, 5000, 100)
    assert np.isfinite(heard).all()
    assert roughness(heard) < SMOOTH
    assert (transport.ended, transport.position) == (1, frames)


def test_another_mixer_comes_in_with_a_cross_fade() -> None:
    recording, parts = tone_parts(60_000)
    transport = transport_of(recording, {})
    transport.play = 1
    heard = [run(transport, 5000)]
    old = transport.mixer
    fresh = Mixer(recording, parts, sample_rate=RATE, metering=True)
    fresh.state = mix_state(Session(strips={"low": Strip(mute=True)}), fresh.names, 2)
    transport.mixer = fresh
    assert transport.uses(old)
    heard.append(run(transport, 5000))
    assert not transport.uses(old)
    wanted = recording - parts["low"]
    np.testing.assert_allclose(heard[-1][FADE:], wanted[5000 + FADE : 10_000], atol=1e-6)
    assert roughness(np.concatenate(heard)) < SMOOTH
    assert transport.position == 10_000


def test_what_is_no_number_never_reaches_the_device() -> None:
    recording, _ = noise_parts(10_000, stems=0)
    recording[3000:3005, 0] = np.nan
    recording[4000, 1] = np.inf
    recording[5000, 1] = -np.inf
    transport = transport_of(recording, {})
    transport.play = 1
    heard = run(transport, 10_000)
    assert np.isfinite(heard).all()
    assert not heard[3000:3005, 0].any()
    assert (heard[4000, 1], heard[5000, 1]) == (0.0, 0.0)
    kept = np.isfinite(recording)
    np.testing.assert_array_equal(
        heard[FADE:-FADE][kept[FADE:-FADE]], recording[FADE:-FADE][kept[FADE:-FADE]]
    )
    assert transport.clip_peak == 0.0
    assert np.isfinite(transport.master_levels).all()


def test_too_loud_is_limited_and_remembered_at_its_true_peak() -> None:
    recording, _ = noise_parts(10_000)
    recording[4000] = [1.0, -1.0]  # full scale itself is not too loud
    transport = transport_of(recording, {})
    transport.play = 1
    run(transport, 6000)
    assert transport.clip_peak == 0.0
    recording[7000] = [0.1, -1.75]
    heard = run(transport, 3000)
    assert transport.clip_peak == pytest.approx(1.75)
    np.testing.assert_allclose(heard[1000], [0.1, -1.0])
    run(transport, 500)
    assert transport.clip_peak == pytest.approx(1.75)  # until somebody has seen it


def test_levels_rise_at_once_and_fall_slowly() -> None:
    recording = np.zeros((200_000, 2), np.float32)
    recording[5000] = [0.8, -0.4]
    transport = transport_of(recording, {"residual": recording.copy()})
    transport.play = 1
    run(transport, 5500, 500)
    assert transport.master_levels == pytest.approx([0.8, 0.4])
    assert transport.mixer.strip_levels == pytest.approx([0.8])
    run(transport, RATE, 441)
    fallen = 0.8 * 10 ** (-METER_FALL_DB_PER_SECOND / 20)
    assert transport.master_levels[0] == pytest.approx(fallen, rel=0.02)
    assert transport.mixer.strip_levels[0] == pytest.approx(fallen, rel=0.02)


def test_levels_show_what_is_heard_of_recording_and_remix() -> None:
    recording, parts = noise_parts(20_000)
    transport = transport_of(recording, parts)
    mixer = transport.mixer
    mixer.state = mix_state(Session(strips={"part-1": Strip(mute=True)}), mixer.names, 2)
    transport.play = 1
    run(transport, 3000)
    assert mixer.strip_levels[0] == 0.0
    mixer.state = recording_state(mixer.names, 2)
    run(transport, 3000)
    assert mixer.strip_levels[0] > 0.1


def test_5_1_on_a_stereo_device_is_folded_and_limited() -> None:
    recording = np.zeros((10_000, 6), np.float32)
    recording[:, 0], recording[:, 2], recording[:, 3], recording[:, 5] = 0.2, 0.4, 0.7, 0.1
    transport = transport_of(recording, {})
    transport.set_output(2)
    transport.play = 1
    heard = run(transport, 5000)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(heard[FADE:, 0], 0.2 + 0.4 * half, rtol=1e-6)
    np.testing.assert_allclose(heard[FADE:, 1], (0.4 + 0.1) * half, rtol=1e-6)
    assert transport.master_levels == pytest.approx([0.2, 0, 0.4, 0.7, 0, 0.1], abs=1e-6)
    recording[:] = 0.9
    folded = run(transport, 1000)
    assert folded.max() == 1.0
    assert transport.clip_peak == pytest.approx(0.9 * (1 + 2 * half))


OPS = st.one_of(
    st.tuples(st.just("seek"), st.integers(0, 40_000)),
    st.tuples(st.just("play"), st.just(0)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("loop"), st.integers(0, 30_000)),
    st.tuples(st.just("no loop"), st.just(0)),
    st.tuples(st.just("mute"), st.integers(0, 2)),
    st.tuples(st.just("recording"), st.just(0)),
    st.tuples(st.just("mixer"), st.just(0)),
)


@settings(deadline=None, max_examples=60)
@given(
    ops=st.lists(st.tuples(OPS, st.integers(1, 3000)), min_size=1, max_size=15),
    block=st.sampled_from([37, 256, 512, 1500]),
)
def test_whatever_is_done_in_whatever_order_never_clicks(ops: list, block: int) -> None:
    recording, parts = tone_parts(40_000)
    transport = transport_of(recording, parts)
    transport.play = 1
    heard = [run(transport, 1000, block)]
    for turn, ((what, value), frames) in enumerate(ops):
        mixer = transport.mixer
        if what == "seek":
            seek(transport, value)
        elif what == "play":
            transport.play = turn + 2
        elif what == "pause":
            transport.play = 0
        elif what == "loop":
            transport.loop = (value, value + 5000)
        elif what == "no loop":
            transport.loop = None
        elif what == "mute":
            session = Session(strips={mixer.names[value]: Strip(mute=True, pan=0.5)})
            mixer.state = mix_state(session, mixer.names, 2)
        elif what == "recording":
            mixer.state = recording_state(mixer.names, 2, 0.7)
        else:
            transport.mixer = Mixer(recording, parts, sample_rate=RATE, metering=True)
        heard.append(run(transport, frames, block))
        assert 0 <= transport.position <= 40_000 + 2 * FADE
    assert roughness(np.concatenate(heard)) < SMOOTH


def test_a_callback_keeps_no_memory_and_needs_next_to_none() -> None:
    recording, parts = noise_parts(300_000, stems=5)
    transport = transport_of(recording, parts)
    states = [
        mix_state(Session(strips={"part-1": strip}), transport.mixer.names, 2)
        for strip in (Strip(gain_db=-6.0), Strip(pan=0.3), Strip(mute=True), Strip())
    ]
    out = np.zeros((512, 2), np.float32)
    turn = [0]

    def call() -> None:
        turn[0] += 1
        if turn[0] % 5 == 0:
            transport.mixer.state = states[turn[0] // 5 % 4]
        if turn[0] % 13 == 0:
            seek(transport, turn[0] * 1000 % 200_000)
        transport.play = 1 if turn[0] % 40 < 30 else 0
        transport.loop = (1000, 9000) if turn[0] % 60 < 20 else None
        transport.process(out)

    kept, most = memory_taken(call, 300)
    assert kept < 512
    assert most < out.nbytes  # less than one block


def test_folding_down_keeps_no_memory_either() -> None:
    recording = np.full((300_000, 6), 0.5, np.float32)
    recording[::1000] = np.nan
    transport = transport_of(recording, {})
    transport.set_output(2)
    transport.play = 1
    out = np.zeros((512, 2), np.float32)
    kept, most = memory_taken(lambda: transport.process(out), 200)
    assert kept < 512
    assert most < out.nbytes  # less than one block
