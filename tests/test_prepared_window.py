import numpy as np
import pytest

from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.haaqi import Haaqi
from app.hearing.prepared_window import ear_coefficients, ear_rows
from app.hearing.prescription import apply_nal_r
from app.hearing.quality import QualityRequest, score_remix
from app.hearing.remix_window import presentation_level, render_ears
from app.hearing.resampling import to_model_rate
from app.session import Session
from separation.separator import Part
from tests.haaqi_cases import duet

RATE = 44100
SESSION = Session().with_stems((Part("violin"), Part("cello")), "nmf")
NAMES = ("violin", "cello", "residual")


def nothing():
    """No check."""


def material(channels=2, seconds=0.6):
    """A recording and separated stems, (frames, channels) float32."""
    a, b = (np.tile(line[:, None], (1, channels)) for line in duet(RATE, seconds, seed=7))
    a = a * np.linspace(1, 0.6, channels)
    stems = {"violin": 0.9 * a, "cello": b + 0.1 * a, "residual": 0.0 * a}
    return (a + b).astype(np.float32), {name: stem.astype(np.float32) for name, stem in stems.items()}


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_sum_of_rows_is_the_mixers_mix_at_the_models_rate(channels):
    recording, stems = material(channels)
    session = SESSION.with_gain("violin", -9).with_master(-3)
    if channels <= 2:
        session = session.with_pan("cello", -0.5)
    rows = ear_rows(recording, stems, RATE, None, nothing)
    ears = render_ears(session, recording, stems, RATE)
    for side, row, weights in zip(ears, rows, ear_coefficients(session, NAMES, channels), strict=True):
        expected = to_model_rate(side, RATE)
        error = row.mix(weights) - expected
        assert np.sqrt(np.mean(error**2)) < 2e-3 * np.sqrt(np.mean(expected**2))
        assert row.rms(weights) == pytest.approx(np.sqrt(np.mean(side**2)), rel=1e-5)
        assert row.level1(weights) == pytest.approx(presentation_level(side), abs=1e-3)


def test_what_nobody_hears_is_silence_without_a_rest():
    recording, stems = material()
    session = SESSION
    for name in NAMES:
        session = session.with_mute(name, True)
    rows = ear_rows(recording, stems, RATE, None, nothing)
    left, _ = ear_coefficients(session, NAMES, 2)
    assert not rows[0].mix(left).any()
    assert rows[0].level1(left) == 65.0


def test_equal_ears_are_made_once():
    recording, stems = material(1)
    first, second = ear_rows(recording, stems, RATE, (NORMAL, NORMAL), nothing)
    assert first is second
    first, second = ear_rows(recording, stems, RATE, (NORMAL, PRESETS["N3"]), nothing)
    assert first is not second


@pytest.mark.parametrize(("ear", "amplification"), [("N3", "nal-r"), ("N1", "off")])
def test_scores_are_those_of_signals_at_the_recordings_own_rate(ear, amplification):
    recording, stems = material()
    session = SESSION.with_gain("cello", -10)
    audiogram = PRESETS[ear]
    asked = QualityRequest(
        session, recording, RATE, stems, audiogram, audiogram, amplification=amplification, true_stems=None
    )
    quality = score_remix(asked)
    remix = render_ears(session, recording, stems, RATE) * 10 ** (quality.matching_db / 20)
    for side, score in enumerate((quality.left, quality.right)):
        reference = recording[:, side].astype(float)
        model = Haaqi(audiogram, RATE, level1=presentation_level(reference))
        model.set_reference(reference)
        heard = apply_nal_r(remix[side], RATE, audiogram) if amplification == "nal-r" else remix[side]
        assert score == pytest.approx(model.score(heard).score, abs=1e-3)
