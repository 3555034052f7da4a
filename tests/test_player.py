"""The player's verbs, heard through a device that has no clock: what is pulled is what is heard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from audio_signals import RATE, SMOOTH, noise_parts, roughness, tone_parts
from fake_audio import HEADPHONES, SPEAKERS, FakeBackend

from app.audio_output import OutputDevice
from app.mixer import RAMP_SECONDS, render_offline
from app.player import IDLE_SECONDS, SYSTEM_DEFAULT, Player, PlayerError, live_mixer
from app.session import Session, Strip
from app.transport import FADE_SECONDS

FADE = round(FADE_SECONDS * RATE)
RAMP = round(RAMP_SECONDS * RATE)


class Clock:
    """The time that the player's look at its device goes by."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def player(backend: FakeBackend, clock: Clock) -> Iterator[Player]:
    player = Player(backend, clock=clock)
    yield player
    player.close()


def load(player: Player, frames: int = 60_000, *, tones: bool = False, channels: int = 2) -> tuple:
    recording, parts = tone_parts(frames, channels) if tones else noise_parts(frames, channels)
    player.load(live_mixer(recording, parts, sample_rate=RATE))
    return recording, parts


def session_of(parts: dict, **strips: Strip) -> Session:
    return Session(strips={name: strips.get(name.replace("-", "_"), Strip()) for name in parts})


def softly(heard: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether this is how something begins at another output: 20 dB down, and rising slowly."""
    sounding = np.abs(wanted) > 0.05
    gains = heard[sounding] / wanted[sounding]
    return bool(0.099 < gains.min() <= gains.max() < 0.12)


# -- the mix that is heard ---------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("block", [64, 512, 4096])
def test_what_is_played_is_what_is_exported(
    player: Player, backend: FakeBackend, channels: int, block: int
) -> None:
    recording, parts = load(player, channels=channels)
    drawn = session_of(
        parts, part_1=Strip(gain_db=4.5), part_2=Strip(mute=True), residual=Strip(gain_db=-7.0)
    )
    session = drawn.with_master(-3.0)
    player.set_session(session)
    player.play()
    heard = backend.pull(40_000, block)
    exported = np.concatenate(list(render_offline(session, recording, parts, sample_rate=RATE)))
    settled = slice(max(FADE, RAMP), 40_000)
    np.testing.assert_array_equal(heard[settled], np.broadcast_to(exported[settled], (40_000 - RAMP, 2)))


def test_a_gain_is_heard_within_50_ms_of_being_set(player: Player, backend: FakeBackend) -> None:
    recording, parts = load(player)
    player.play()
    backend.pull(10_240)
    session = session_of(parts, part_1=Strip(mute=True))
    player.set_session(session)
    heard = backend.pull(5000)
    wanted = np.concatenate(list(render_offline(session, recording, parts, sample_rate=RATE)))
    in_effect = round(0.050 * RATE)
    np.testing.assert_array_equal(heard[in_effect:], wanted[10_240 + in_effect : 15_240])


def test_no_change_of_the_mix_clicks_and_an_unramped_one_would(player: Player, backend: FakeBackend) -> None:
    recording, parts = load(player, 400_000, tones=True)
    player.play()
    heard = [backend.pull(3000)]
    session = session_of(parts)
    changes = [
        session.with_gain("low", -60.0),
        session.with_mute("low", True),
        session.with_solo("middle", True),
        session.with_pan("residual", -1.0),
        session.with_master(-20.0),
        session,
    ]
    for change in changes:
        player.set_session(change)
        heard.append(backend.pull(3001))
    for what in ("recording", "remix", "recording"):
        player.listen_to(what)
        heard.append(backend.pull(700))
        player.set_match_gains(-6.0, -1.0 if what == "remix" else 0.0)
        heard.append(backend.pull(2900))
    player.pause()
    heard.append(backend.pull(2000))
    player.seek(50_000)
    player.play()
    heard.append(backend.pull(2000))
    player.seek(90_010)
    heard.append(backend.pull(2000))
    player.set_loop(88_000, 93_000)
    heard.append(backend.pull(30_000))
    player.swap(live_mixer(recording, parts, sample_rate=RATE))
    heard.append(backend.pull(5000))
    player.stop()
    heard.append(backend.pull(2000))
    assert roughness(np.concatenate(heard)) < SMOOTH
    muted = np.concatenate(
        list(render_offline(session.with_mute("low", True), recording, parts, sample_rate=RATE))
    )
    assert roughness(np.concatenate([recording[:3000], muted[3000:6000]])) > 4 * SMOOTH


def test_a_b_hears_the_recording_and_the_remix_equally_loud(player: Player, backend: FakeBackend) -> None:
    recording, parts = load(player)
    session = session_of(parts, part_1=Strip(gain_db=6.0))
    player.set_session(session)
    player.set_match_gains(0.0, -4.0)
    player.play()
    remix = np.concatenate(list(render_offline(session, recording, parts, sample_rate=RATE)))
    heard = backend.pull(10_000)
    np.testing.assert_allclose(heard[RAMP:], remix[RAMP:10_000] * 10 ** (-4 / 20), atol=1e-6)
    player.listen_to("recording")
    assert player.listening_to == "recording"
    heard = backend.pull(10_000)
    np.testing.assert_array_equal(heard[512 + RAMP :], recording[10_512 + RAMP : 20_000])
    player.set_session(session.with_mute("part-2", True))  # edits go on meanwhile
    heard = backend.pull(5000)
    np.testing.assert_array_equal(heard, recording[20_000:25_000])
    player.listen_to("remix")
    player.set_match_gains(0.0, 0.0)
    muted = np.concatenate(
        list(render_offline(session.with_mute("part-2", True), recording, parts, sample_rate=RATE))
    )
    np.testing.assert_array_equal(backend.pull(5000)[512 + RAMP :], muted[25_512 + RAMP : 30_000])
    with pytest.raises(ValueError, match="listen to"):
        player.listen_to("both")  # type: ignore[arg-type]


# -- the transport -----------------------------------------------------------------------------------


def test_play_pause_seek_stop(player: Player, backend: FakeBackend) -> None:
    load(player)
    assert not player.playing
    player.play()
    assert player.playing
    backend.pull(10_000)
    assert player.position == 10_000
    player.toggle()
    assert not player.playing
    backend.pull(1000)
    assert player.position == 10_000 + FADE
    player.seek(30_000)
    assert player.position == 30_000
    backend.pull(100)
    assert player.position == 30_000
    player.toggle()
    backend.pull(500)
    assert player.position == 30_500
    player.stop()
    assert (player.playing, player.position) == (False, 0)
    heard = backend.pull(5000)
    assert not heard[FADE:].any()
    assert player.position == 0


def test_seeks_are_kept_inside_the_recording(player: Player, backend: FakeBackend) -> None:
    load(player, 10_000)
    player.seek(-5)
    assert player.position == 0
    player.seek(10**9)
    assert player.position == 10_000
    player.seek(1234)
    player.play()  # the last one counts, though nothing was playing
    backend.pull(100)
    assert player.position == 1334


def test_the_end_stops_playback_there_and_the_next_play_begins_again(
    player: Player, backend: FakeBackend
) -> None:
    recording, _ = load(player, 10_000)
    player.play()
    backend.pull(9000)
    assert player.playing
    backend.pull(2000)
    assert (player.playing, player.position) == (False, 10_000)
    player.play()
    heard = backend.pull(2000)
    np.testing.assert_array_equal(heard[FADE:], recording[FADE:2000])
    player.set_loop(4000, 8000)
    player.seek(10_000)
    backend.pull(600)
    assert not player.playing
    player.play()
    backend.pull(100)
    assert player.position == 4100


def test_the_position_is_what_is_heard_not_what_was_rendered(player: Player, backend: FakeBackend) -> None:
    backend.latency = 0.1
    load(player)
    late = round(0.1 * RATE)
    player.play()
    backend.pull(2048)
    assert player.position == 0
    backend.pull(10_240)
    assert player.position == pytest.approx(12_288 - late, abs=1)
    player.set_loop(10_000, 14_000)
    backend.pull(2048)  # the seam is rendered, not heard
    assert player.position == pytest.approx(14_336 - late, abs=1)
    player.seek(40_000)
    shown = [player.position]
    for _ in range(12):
        backend.pull(512)
        shown.append(player.position)
    assert shown[:9] == [40_000] * 9  # never back to where it came from
    waited = 14_000 + FADE - 14_336  # for the seam's cross-fade
    assert shown[-1] == pytest.approx(40_000 + 12 * 512 - waited - late, abs=1)
    player.pause()
    backend.pull(4096)
    backend.pull(8192)
    assert player.position == 40_000 + 12 * 512 - waited + FADE


def test_a_stream_that_was_just_opened_starts_with_silence(player: Player, backend: FakeBackend) -> None:
    backend.warm_up = 0.050
    recording, _ = load(player)
    player.play()
    heard = backend.pull(10_000, 500)
    assert not heard[:2500].any()  # 50 ms, in whole blocks
    np.testing.assert_array_equal(heard[2500 + FADE :], recording[FADE:7500])
    assert player.position == 7500
    player.pause()
    backend.pull(1000)
    player.play()  # the stream still runs: at once
    assert backend.pull(500).any()
    player.set_device(HEADPHONES.name)
    place = player.position
    assert not backend.pull(2000, 500).any()
    assert player.position == place


def test_the_position_follows_the_loop(player: Player, backend: FakeBackend) -> None:
    load(player)
    player.set_loop(5000, 9000)
    player.play()
    backend.pull(9001)
    assert player.position == 5001
    backend.pull(4999)
    assert player.position == 6000
    assert player.loop == (5000, 9000)
    player.clear_loop()
    backend.pull(5000)
    assert player.position == 11_000
    player.set_loop(2000, 8000)  # the play head is beyond it: go where it is
    backend.pull(100)
    assert player.position == 2100


def test_nothing_loaded_is_a_sentence_on_play_and_quiet_otherwise(
    player: Player, backend: FakeBackend
) -> None:
    player.pause()
    player.stop()
    player.seek(5)
    player.set_loop(1, 2)
    player.clear_loop()
    player.set_session(Session())
    player.listen_to("recording")
    player.set_match_gains(-1.0, 0.0)
    player.poll_devices()
    assert (player.position, player.playing, player.loop, player.take_clip()) == (0, False, None, 0.0)
    assert player.levels().strips.size == 0
    with pytest.raises(PlayerError, match="open a recording"):
        player.play()
    assert backend.streams == []


def test_another_recording_takes_the_place_of_the_one_that_plays(
    player: Player, backend: FakeBackend
) -> None:
    load(player, tones=True)
    player.play()
    before = backend.pull(5000)
    first = backend.stream
    load(player, 8000)
    assert first.closed
    assert roughness(np.concatenate([before, first.faded])) < SMOOTH  # it faded out first
    assert not first.faded[-1].any()
    assert (player.playing, player.position, player.loop) == (False, 0, None)
    player.play()
    backend.pull(100)
    assert player.position == 100


def test_stems_that_come_while_it_plays(player: Player, backend: FakeBackend) -> None:
    recording, parts = noise_parts(60_000)
    player.load(live_mixer(recording, sample_rate=RATE))
    player.play()
    backend.pull(5000)
    done = [0]
    player.swap(live_mixer(recording, parts, sample_rate=RATE, frames_done=lambda: done[0]))
    player.set_session(session_of(parts, part_1=Strip(mute=True)))
    np.testing.assert_allclose(backend.pull(5000), recording[5000:10_000], atol=1e-6)
    done[0] = 60_000
    heard = backend.pull(5000)
    np.testing.assert_allclose(
        heard[RAMP + 1 :], (recording - parts["part-1"])[10_000 + RAMP + 1 : 15_000], atol=1e-6
    )
    player.poll_devices()
    with pytest.raises(ValueError, match="same rate"):
        player.swap(live_mixer(recording[:100], sample_rate=RATE))


# -- what is shown -----------------------------------------------------------------------------------


def test_levels_clip_and_underruns(player: Player, backend: FakeBackend) -> None:
    _, parts = load(player)
    player.play()
    backend.pull(5000)
    levels = player.levels()
    assert levels.strips.shape == (len(parts),)
    assert (levels.strips > 0.1).all()
    assert (levels.master > 0.3).all()
    assert player.take_clip() == 0.0
    player.set_session(session_of(parts).with_master(12.0))
    heard = backend.pull(20_000)
    assert np.abs(heard).max() == 1.0
    assert player.take_clip() > 1.5
    player.set_session(session_of(parts))
    backend.pull(3000)
    player.take_clip()
    backend.pull(3000)
    assert player.take_clip() == 0.0
    assert player.underruns == 0
    backend.stream.pull(1024, 512, underrun=True)
    assert player.underruns == 2
    player.unload()
    assert player.underruns == 2
    assert not player.levels().master.any()


def test_an_output_that_keeps_running_dry_gets_more_buffering(player: Player, backend: FakeBackend) -> None:
    recording, _ = load(player)
    player.play()
    for asked in (0.04, 0.08, 0.16, 0.16):
        assert backend.latencies[-1] == pytest.approx(asked)
        place = player.position
        heard = backend.pull(3000)
        np.testing.assert_array_equal(heard[FADE:], recording[place + FADE : place + 3000])
        backend.stream.pull(1536, 512, underrun=True)
        player.poll_devices()
        assert player.playing
    assert len(backend.latencies) == 3
    assert player.underruns == 12


# -- outputs -----------------------------------------------------------------------------------------


def poll(player: Player) -> bool:
    """Two polls with the search between them at its end."""
    return player.poll_devices() | player._devices.settle() | player.poll_devices()


def test_outputs_are_listed_by_name_with_the_systems_choice_first(player: Player) -> None:
    assert player.devices() == (SYSTEM_DEFAULT,)  # nobody has looked yet
    assert poll(player)
    assert player.devices() == (SYSTEM_DEFAULT, SPEAKERS.name, HEADPHONES.name)
    assert player.device == SYSTEM_DEFAULT
    assert not poll(player)


def test_new_headphones_are_seen_while_nothing_plays(
    player: Player, backend: FakeBackend, clock: Clock
) -> None:
    load(player)
    poll(player)
    player.play()
    backend.pull(100)
    backend.plug(OutputDevice("Earbuds, Fake", 2, 48000, 2))
    assert not poll(player)
    player.pause()
    backend.pull(1000)
    assert not poll(player)  # the device is kept for a moment, for a quick start
    clock.now += IDLE_SECONDS + 1
    assert poll(player)
    assert "Earbuds, Fake" in player.devices()
    assert all(stream.closed for stream in backend.streams)


def test_the_chosen_output_changes_while_it_plays(player: Player, backend: FakeBackend) -> None:
    recording, _ = load(player)
    player.play()
    backend.pull(10_000)
    first = backend.stream
    player.set_device(HEADPHONES.name)
    assert first.closed
    assert player.playing
    assert backend.stream.device == HEADPHONES
    assert player.device == HEADPHONES.name
    heard = backend.pull(5000)
    assert softly(heard[FADE:], recording[10_000 + FADE : 15_000])
    player.set_device(SYSTEM_DEFAULT)
    assert backend.stream.device == SPEAKERS
    player.pause()
    player.set_device(HEADPHONES.name)
    assert not player.playing


def test_the_systems_choice_is_followed_when_playback_next_starts(
    player: Player, backend: FakeBackend, clock: Clock
) -> None:
    load(player)
    player.play()
    player.pause()
    backend.pull(1000)
    backend.chosen = HEADPHONES.name
    player.poll_devices()
    clock.now += IDLE_SECONDS + 1
    poll(player)
    player.play()
    assert backend.stream.device == HEADPHONES


def test_an_output_that_is_unplugged_stops_playback_with_a_sentence(
    player: Player, backend: FakeBackend
) -> None:
    recording, _ = load(player)
    player.set_device(HEADPHONES.name)
    player.play()
    backend.pull(10_000)
    backend.unplug(HEADPHONES.name)
    assert not player.playing
    player.poll_devices()
    assert "Headphones, Fake” is gone" in str(player.problem)
    assert player.position == 10_000
    assert poll(player)
    assert HEADPHONES.name not in player.devices()
    player.play()  # with the system's choice, and it says so
    assert backend.stream.device == SPEAKERS
    assert "not there now" in str(player.problem)
    assert softly(backend.pull(3000)[FADE:], recording[10_000 + FADE : 13_000])
    assert player.device == HEADPHONES.name  # still the user's choice


def test_unplugged_while_paused_is_no_problem(player: Player, backend: FakeBackend) -> None:
    load(player)
    player.play()
    backend.pull(1000)
    player.pause()
    backend.pull(1000)
    backend.unplug(SPEAKERS.name)
    player.poll_devices()
    assert player.problem is None
    player.play()
    assert backend.stream.device == HEADPHONES


def test_an_output_that_asks_for_nothing_any_more_is_gone(
    player: Player, backend: FakeBackend, clock: Clock
) -> None:
    load(player)
    player.play()
    backend.pull(1000)
    for _ in range(3):
        clock.now += 1.0
        player.poll_devices()
    backend.pull(100)
    player.poll_devices()
    clock.now += 60.0  # the computer slept
    player.poll_devices()
    assert player.playing
    for _ in range(3):
        clock.now += 1.0
        player.poll_devices()
    assert not player.playing
    assert "is gone" in str(player.problem)


def test_no_output_at_all_is_a_sentence(backend: FakeBackend, player: Player) -> None:
    backend.plugged, backend.chosen = (), None
    load(player)
    with pytest.raises(PlayerError, match="No sound output was found"):
        player.play()
    assert "No sound output" in str(player.problem)
    assert not player.playing
    player.seek(500)
    assert player.position == 500
    backend.plug(SPEAKERS, choose=True)
    player.play()
    assert player.problem is None
    backend.pull(100)
    assert player.position == 600


def test_a_missing_library_is_a_sentence(backend: FakeBackend, player: Player) -> None:
    backend.missing = True
    load(player)
    poll(player)
    assert player.devices() == (SYSTEM_DEFAULT,)
    with pytest.raises(PlayerError, match="PortAudio"):
        player.play()


def test_an_output_that_another_program_holds_is_a_sentence(backend: FakeBackend, player: Player) -> None:
    backend.locked = (SPEAKERS.name,)
    load(player)
    with pytest.raises(PlayerError, match="could not be opened"):
        player.play()
    player.set_device(HEADPHONES.name)
    player.play()
    backend.pull(500)
    player.set_device(SYSTEM_DEFAULT)  # cannot be opened: stops, says so, raises nothing
    assert not player.playing
    assert "could not be opened" in str(player.problem)
    assert player.position == 500


def test_a_fault_in_the_callback_stops_playback_and_is_logged(
    backend: FakeBackend, player: Player, expected_errors: list
) -> None:
    load(player)
    player.play()
    backend.stream.fault = ZeroDivisionError("a test's")
    backend.stream.gone = True
    player.poll_devices()
    assert "fault inside Ripieno" in str(player.problem)
    assert "audio callback" in expected_errors[0].getMessage()


def test_a_device_with_another_rate_gets_it_resampled(backend: FakeBackend, player: Player) -> None:
    backend.rates = (48000,)
    recording, _ = load(player, 100_000, tones=True)
    player.play()
    heard = backend.pull(48_000)
    assert backend.stream.sample_rate == 48000
    assert player.position == pytest.approx(RATE, abs=1)
    times = np.arange(48_000) / 48_000 * RATE
    wanted = np.interp(times, np.arange(len(recording)), recording[:, 0])
    np.testing.assert_allclose(heard[2000:, 0], wanted[2000:], atol=2e-3)
    player.seek(70_000)
    backend.pull(4800)
    assert player.position == pytest.approx(70_000 + 4410, abs=120)  # less the frames that the filter holds


def test_the_position_is_right_after_an_output_with_another_rate_was_opened_anew(
    backend: FakeBackend, player: Player
) -> None:
    backend.rates = (48000,)
    backend.plug(OutputDevice("Earbuds, Fake", 2, 48000, 2))
    load(player, 100_000)
    player.play()
    backend.pull(24_000)
    player.set_device("Earbuds, Fake")
    assert player.position == pytest.approx(22_050, abs=2)
    backend.pull(24_000)
    assert player.position == pytest.approx(44_100, abs=2 * FADE)


def test_surround_goes_to_a_surround_device_and_is_folded_for_others(
    backend: FakeBackend, player: Player
) -> None:
    recording = np.zeros((20_000, 6), np.float32)
    recording[:, 2] = 0.5
    player.load(live_mixer(recording, sample_rate=RATE))
    player.play()
    heard = backend.pull(2000)
    np.testing.assert_allclose(heard[FADE:], 0.5 * np.sqrt(0.5), rtol=1e-6)
    backend.plug(OutputDevice("Theatre, Fake", 8, 48000, 7))
    backend._listed = None
    player.close()
    poll(player)
    player.set_device("Theatre, Fake")
    player.load(live_mixer(recording, sample_rate=RATE))
    player.play()
    heard = backend.pull(2000)
    assert heard.shape == (2000, 6)
    assert softly(heard[FADE:, 2], recording[FADE:2000, 2])
    assert not heard[:, [0, 1, 3, 4, 5]].any()


def test_closing_ends_everything(backend: FakeBackend, player: Player) -> None:
    load(player)
    player.play()
    player.poll_devices()
    player.close()
    player.close()
    assert all(stream.closed for stream in backend.streams)
    assert not player.loaded
