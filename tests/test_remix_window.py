import numpy as np
import pytest

from app.hearing.audiogram import NORMAL
from app.hearing.remix_window import (
    QualityRequest,
    loudness_matching,
    matching_true_stems,
    presentation_level,
    render_ears,
    to_ears,
    window,
)
from app.session import Session
from separation.separator import Part

RATE = 24000
SESSION = Session().with_stems((Part("violin"), Part("cello")), "nmf")


def request(frames, channels=1, **more):
    """Silence, separated."""
    recording = np.zeros((frames, channels), np.float32)
    stems = {name: recording for name in ("violin", "cello", "residual")}
    return QualityRequest(SESSION, recording, RATE, stems, NORMAL, NORMAL, **more)


@pytest.mark.parametrize(
    ("position", "done", "expected"),
    [
        (0, None, (0, 24000)),
        (36000, None, (24000, 48000)),
        (10**9, None, (48000, 72000)),
        (30000, 40000, (16000, 40000)),
        (0, 12000, (0, 12000)),
        (60000, 24000, (0, 24000)),
    ],
)
def test_the_window_lies_in_separated_material(position, done, expected):
    asked = request(72000, seconds=1.0, position=position, frames_done=done)
    assert window(asked) == expected


def named(parts, truth):
    recording = np.ones((10, 1), np.float32)
    stems = {name: np.zeros((10, 1), np.float32) for name in (*parts, "residual")}
    true = {name: np.full((10, 1), value, np.float32) for name, value in truth.items()}
    asked = QualityRequest(SESSION, recording, RATE, stems, NORMAL, NORMAL, true_stems=true)
    matched = matching_true_stems(asked, 2, 6)
    return None if matched is None else {name: float(stem[0, 0]) for name, stem in matched.items()}


def test_true_stems_are_matched_by_name():
    truth = {"violin-1": 0.25, "violin-2": 0.125, "cello": 0.5}
    assert named(["violin-1", "cello"], truth) == {"violin-1": 0.25, "cello": 0.5, "residual": 0.25}
    assert named(["violin"], truth) == {"violin": 0.375, "residual": 0.625}
    assert named(["oboe", "cello"], truth) == {"oboe": 0, "cello": 0.5, "residual": 0.5}
    assert named(["cello-1", "cello-2"], truth) is None


def test_true_stems_of_other_instruments_match_nothing():
    assert named(["oboe", "flute"], {"violin": 0.25, "cello": 0.5}) is None
    assert named(["oboe"], {}) is None


def test_presentation_level():
    assert presentation_level(np.full(10, 0.1)) == pytest.approx(85)
    assert presentation_level(np.zeros(10)) == 65


def test_ears_are_what_the_mixer_makes():
    rng = np.random.default_rng(1)
    stems = {name: rng.standard_normal((500, 2)).astype(np.float32) for name in ("violin", "cello")}
    recording = stems["violin"] + stems["cello"]
    stems["residual"] = np.zeros_like(recording)
    session = SESSION.with_gain("cello", -6).with_master(-3)
    ears = render_ears(session, recording, stems, RATE)
    expected = 10 ** (-3 / 20) * (stems["violin"] + 10 ** (-6 / 20) * stems["cello"])
    assert ears.shape == (2, 500)
    assert ears == pytest.approx(expected.T, abs=1e-5)


def test_mono_goes_to_both_ears_and_surround_to_two():
    mono = to_ears(np.ones((4, 1), np.float32))
    assert (mono == 1).all()
    assert mono.shape == (2, 4)
    assert to_ears(np.ones((4, 6), np.float32)).shape == (2, 4)


def test_loudness_is_matched_and_silence_is_not():
    noise = 0.1 * np.random.default_rng(2).standard_normal((2, RATE))
    assert loudness_matching(noise, noise / 2, RATE)[0] == pytest.approx(6.02, abs=0.01)
    assert loudness_matching(noise, np.zeros_like(noise), RATE)[0] == 0.0
