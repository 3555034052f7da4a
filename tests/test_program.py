"""The program from end to end without a window: open, separate, mix, hear, score, save, export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from app.export import ExportRequest
from app.player import Player
from app.program import Program
from app.session import Loop
from app.settings import Settings
from separation import catalogue
from separation.separator import RESIDUAL, Part
from tests.fake_audio import FakeBackend
from tests.fake_separators import CARD, CallingSeparator, SharingSeparator

RATE = 22050
PARTS = (Part("violin"), Part("bassoon"))


def tones(seconds: float = 4.0, channels: int = 2) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    high = 0.2 * np.sin(2 * np.pi * 880 * time)
    low = 0.3 * np.sin(2 * np.pi * 131 * time)
    return np.stack([high + low * (1 + 0.2 * c) for c in range(channels)], axis=1)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "Für Zwei – Köln.wav"
    sf.write(path, tones(), RATE, subtype="PCM_24")
    return path


@pytest.fixture
def separator(monkeypatch: pytest.MonkeyPatch) -> SharingSeparator:
    fake = SharingSeparator()
    monkeypatch.setattr(catalogue, "cards", lambda folders=None: {CARD.name: CARD})
    monkeypatch.setattr(catalogue, "load", lambda name, folders=None: fake)
    monkeypatch.setattr(catalogue, "default_separator", lambda: CARD.name)
    return fake


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def program(qtbot, separator, backend: FakeBackend) -> Iterator[Program]:
    program = Program(Player(backend), Settings())
    yield program
    program.close()


def open_file(qtbot, program: Program, path: Path) -> None:
    with qtbot.waitSignal(program.recording_changed, timeout=20_000):
        program.open_path(path)


def separate(qtbot, program: Program, parts: tuple[Part, ...] = PARTS) -> None:
    with qtbot.waitSignal(
        program.separation_changed, timeout=20_000, check_params_cb=lambda status: status is None
    ):
        program.separate(parts, CARD.name, "cpu")


def test_a_recording_is_opened_and_plays_unchanged(qtbot, program, backend, recording):
    open_file(qtbot, program, recording)
    assert program.recording.title.startswith("Für Zwei")
    assert program.document.title.startswith("Für Zwei")
    assert not program.document.dirty
    assert program.settings.recent_files == (str(recording),)
    program.play_pause()
    heard = backend.pull(RATE)
    original, _ = sf.read(recording, dtype="float32")
    np.testing.assert_array_equal(heard[2000:20000], original[2000:20000])


def test_what_cannot_be_opened_leaves_what_is_open(qtbot, program, recording, tmp_path):
    open_file(qtbot, program, recording)
    bad = tmp_path / "letter.wav"
    bad.write_text("Dear Clara,")
    with qtbot.waitSignal(program.failed, timeout=20_000) as failed:
        program.open_path(bad)
    assert "letter.wav" in failed.args[1]
    assert program.recording.path == recording
    assert str(bad) not in program.settings.recent_files


def test_opening_can_be_cancelled(qtbot, program, recording):
    program.open_path(recording)
    with qtbot.waitSignal(
        program.opening_changed, timeout=20_000, check_params_cb=lambda: program.opening == ""
    ):
        program.cancel_opening()


def test_separating_gives_strips_that_add_up_to_the_recording(qtbot, program, recording):
    open_file(qtbot, program, recording)
    blocks: list[tuple[int, int]] = []
    program.block_ready.connect(lambda start, stop: blocks.append((start, stop)))
    separate(qtbot, program)
    assert program.document.session.stem_names == ("violin", "bassoon", RESIDUAL)
    assert program.stems.complete
    assert blocks[0][0] == 0
    assert blocks[-1][1] == program.recording.frames
    total = sum(np.asarray(stem) for stem in program.stems.arrays.values())
    assert np.abs(total - program.recording.audio).max() <= 1e-6
    assert not program.document.dirty


def test_separating_again_comes_from_the_cache(qtbot, program, separator, recording):
    open_file(qtbot, program, recording)
    separate(qtbot, program)
    calls = len(separator.calls)
    open_file(qtbot, program, recording)
    assert program.stems is None
    with qtbot.waitSignal(program.notice, timeout=5000):
        program.separate(PARTS, CARD.name, "cpu")
    assert program.stems.complete
    assert len(separator.calls) == calls


def test_a_cancelled_separation_keeps_its_blocks_and_goes_on_later(qtbot, program, monkeypatch, tmp_path):
    path = tmp_path / "long.wav"
    sf.write(path, tones(20.0), RATE, subtype="PCM_16")
    open_file(qtbot, program, path)

    def stop_after_the_second(mixture, call):
        if call == 2:
            program.cancel_separation()
        return 0.5 * mixture

    slow = CallingSeparator(function=stop_after_the_second)
    monkeypatch.setattr(catalogue, "load", lambda name, folders=None: slow)
    separate(qtbot, program)
    done = program.stems.frames_done
    assert 0 < done < program.recording.frames
    assert not program.stems.complete
    assert np.abs(program.stems.arrays["violin"][: done // 2]).max() > 0
    separate(qtbot, program)
    assert program.stems.complete


def test_the_mix_that_is_heard_is_the_mix_that_is_exported(qtbot, program, backend, recording, tmp_path):
    open_file(qtbot, program, recording)
    separate(qtbot, program)
    program.document.set_gain("violin", -6.0)
    program.document.set_mute(RESIDUAL, True)
    program.play_pause()
    heard = backend.pull(program.recording.frames)
    target = tmp_path / "mix.wav"
    with qtbot.waitSignal(
        program.exporting.changed, timeout=20_000, check_params_cb=lambda s: s is not None and s.done
    ):
        program.exporting.start(ExportRequest(mix=target, format="wav32f", clipping="keep"))
    written, rate = sf.read(target, dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(heard[2000:60000], written[2000:60000])


def test_undo_changes_what_is_heard(qtbot, program, backend, recording):
    open_file(qtbot, program, recording)
    separate(qtbot, program)
    program.document.set_gain("bassoon", float("-inf"))
    program.document.undo()
    program.play_pause()
    heard = backend.pull(RATE)
    np.testing.assert_array_equal(heard[2000:20000], program.recording.audio[2000:20000])


def test_a_score_follows_the_mix(qtbot, program, recording):
    open_file(qtbot, program, recording)
    with qtbot.waitSignal(
        program.scoring.changed, timeout=120_000, check_params_cb=lambda status: status.state == "scored"
    ):
        separate(qtbot, program)
    likely = program.scoring.status.quality
    assert likely.kind == "estimate"  # there are no true stems
    assert likely.low <= likely.mean <= likely.high
    with qtbot.waitSignal(
        program.scoring.changed,
        timeout=60_000,
        check_params_cb=lambda status: status.state == "scored" and status.quality.kind == "change",
    ):
        program.scoring.set_reference("original")
    first = program.scoring.status.quality
    assert first.mean == pytest.approx((first.left + first.right) / 2)
    with qtbot.waitSignal(
        program.scoring.changed,
        timeout=60_000,
        check_params_cb=lambda status: status.state == "scored" and status.quality != first,
    ):
        program.document.set_gain("violin", float("-inf"))
    assert program.scoring.status.quality.mean < first.mean


def test_a_part_is_followed_and_one_undo_takes_it_back(qtbot, program, recording):
    open_file(qtbot, program, recording)
    separate(qtbot, program)

    def measured() -> bool:
        # All of it: a window of what was separated so far is measured again.
        done = program.audibility._measured
        return done is not None and done.span[1] == program.recording.frames and not program.follow.problem

    qtbot.waitUntil(measured, timeout=60_000)
    before = program.document.session
    share = program.audibility.shares["violin"]
    program.document.begin_drag()
    program.follow.set_amount(0.2)
    program.follow.set_amount(0.6)
    with qtbot.waitSignal(program.audibility.changed, timeout=20_000):
        program.document.end_drag()
    assert program.audibility.shares["violin"] >= share
    program.document.undo()
    assert program.document.session.strips == before.strips


def test_a_session_opens_with_its_mix_and_its_stems(qtbot, program, recording, tmp_path):
    open_file(qtbot, program, recording)
    separate(qtbot, program)
    program.document.set_gain("violin", 3.0)
    program.document.set_loop(Loop(1000, 40000))
    assert program.document.dirty
    assert not program.save()
    session = tmp_path / "evening.ripieno"
    assert program.save_as(session)
    assert not program.document.dirty
    other = tmp_path / "other.wav"
    sf.write(other, tones(1.0), RATE)
    open_file(qtbot, program, other)
    open_file(qtbot, program, session)
    assert program.document.session.strips["violin"].gain_db == 3.0
    assert program.document.session.loop == Loop(1000, 40000)
    assert program.document.path == session
    assert program.stems.complete


def test_a_session_whose_stems_are_gone_is_separated_again(qtbot, program, recording, tmp_path, own_folders):
    import shutil

    open_file(qtbot, program, recording)
    separate(qtbot, program)
    program.document.set_gain("violin", 3.0)
    session = tmp_path / "evening.ripieno"
    program.save_as(session)
    other = tmp_path / "other.wav"
    sf.write(other, tones(1.0), RATE)
    open_file(qtbot, program, other)
    shutil.rmtree(own_folders / "cache" / "stems")
    with qtbot.waitSignal(
        program.separation_changed,
        timeout=20_000,
        check_params_cb=lambda s: s is None and program.stems is not None and program.stems.complete,
    ):
        program.open_path(session)
    assert program.document.session.strips["violin"].gain_db == 3.0


def test_a_session_that_cannot_be_saved_is_told(qtbot, program, recording, tmp_path):
    open_file(qtbot, program, recording)
    with qtbot.waitSignal(program.failed, timeout=5000) as failed:
        assert not program.save_as(tmp_path / "no such folder" / "x.ripieno")
    assert "x.ripieno" in failed.args[1]


def test_unsaved_work_of_a_run_that_died_is_offered_and_opened(qtbot, program, recording, tmp_path):
    open_file(qtbot, program, recording)
    separate(qtbot, program)
    program.start()
    program.document.set_gain("violin", -9.0)
    program.recovery.save_now()
    (autosave,) = (tmp_path / "ripieno-home" / "state" / "recovery").glob("*.ripieno")
    kept = autosave.read_bytes()
    program.close()
    autosave.write_bytes(kept)

    second = Program(Player(FakeBackend()), Settings())
    try:
        (leftover,) = second.recoveries()
        with qtbot.waitSignal(second.recording_changed, timeout=20_000):
            second.recover(leftover)
        assert second.document.session.strips["violin"].gain_db == -9.0
        assert second.document.dirty
        assert second.recoveries() == []
    finally:
        second.close()


def test_a_folder_of_stems_is_mixed_as_it_is(qtbot, program, tmp_path):
    folder = tmp_path / "duo"
    folder.mkdir()
    both = tones(channels=1)[:, 0]
    sf.write(folder / "violin.wav", 0.4 * both, RATE, subtype="FLOAT")
    sf.write(folder / "cello.wav", 0.6 * both, RATE, subtype="FLOAT")
    open_file(qtbot, program, folder)
    assert program.document.session.true_stems
    assert set(program.stems.names) >= {"violin", "cello"}
    with qtbot.waitSignal(
        program.scoring.changed, timeout=120_000, check_params_cb=lambda status: status.state == "scored"
    ):
        program.document.set_gain("violin", 6.0)
    assert program.scoring.status.quality.kind == "quality"


def test_the_demo_has_true_stems_to_score_against(qtbot, program):
    with qtbot.waitSignal(program.recording_changed, timeout=30_000):
        program.open_demo()
    assert program.is_demo
    assert program.stems is None
    assert {p.instrument for p in program.true_stems.parts} == {"violin", "clarinet", "viola", "bassoon"}
    assert program.settings.recent_files == ()


def test_a_fault_of_the_separator_is_a_sentence(qtbot, program, monkeypatch, recording, expected_errors):
    def broken(mixture, call):
        raise RuntimeError("shapes")

    monkeypatch.setattr(catalogue, "load", lambda name, folders=None: CallingSeparator(function=broken))
    open_file(qtbot, program, recording)
    with qtbot.waitSignal(program.failed, timeout=20_000) as failed:
        program.separate(PARTS, CARD.name, "cpu")
    assert "log" in failed.args[1]
    assert program.separation is None


def test_closing_in_the_middle_of_everything_joins_it_all(qtbot, program, recording, tmp_path):
    open_file(qtbot, program, recording)
    program.separate(PARTS, CARD.name, "cpu")
    program.play_pause()
    program.exporting.start(ExportRequest(mix=tmp_path / "mix.flac", format="flac"))
    program.scoring.request()
    program.close()
    assert program.jobs.running == ()
    assert not list(tmp_path.glob("*.part"))


def test_the_chosen_output_is_the_one_that_plays(qtbot, program, backend, recording):
    # The devices may have been found while the program was made: the signal is not waited for.
    qtbot.waitUntil(lambda: any("eadphone" in name for name in program.listening.outputs()), timeout=20_000)
    headphones = next(name for name in program.listening.outputs() if "eadphone" in name)
    program.settings.output_device = headphones
    open_file(qtbot, program, recording)
    program.play_pause()
    assert backend.stream.device.name == headphones
    program.settings.output_device = ""
    assert backend.stream.device.name != headphones


def test_without_matching_both_sides_play_as_they_are(qtbot, program, backend, recording):
    open_file(qtbot, program, recording)
    separate(qtbot, program)

    def matched() -> bool:
        matching = program.listening.matching
        return matching is not None and abs(matching.gains_db[0]) > 0.5

    with qtbot.waitSignal(program.listening.matching_changed, timeout=20_000, check_params_cb=matched):
        program.document.set_gain("violin", -20.0)
    program.settings.match_loudness = False
    assert program.listening.matching is None
    program.listening.listen_to("recording")
    program.play_pause()
    heard = backend.pull(RATE)
    np.testing.assert_array_equal(heard[4000:20000], program.recording.audio[4000:20000])
