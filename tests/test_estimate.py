import gc
import math
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest

from app.errors import Cancelled, UserError
from app.hearing.amplify import KINDS
from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.estimate import KeptEstimates, estimate_quality
from app.hearing.estimate_calibration import ANY, Band, Calibration
from app.hearing.haaqi import BOTH_SILENT
from app.hearing.quality import KeptReferences, score_remix
from app.hearing.remix_window import ESTIMATED, QualityRequest
from app.session import Session
from separation.separator import Part
from tests.haaqi_cases import duet

RATE = 24000
SESSION = Session().with_stems((Part("violin"), Part("cello")), "harmonic")


def request(session=SESSION, *, leak=0.2, channels=1, seconds=0.5, left=NORMAL, right=None, **more):
    """A duet whose stems each hold a share ``leak`` of the other's sound."""
    a, b = (np.tile(line[:, None], (1, channels)) for line in duet(RATE, seconds, seed=5))
    a *= np.linspace(1, 0.6, channels)
    stems = {
        "violin": ((1 - leak) * a + leak * b).astype(np.float32),
        "cello": ((1 - leak) * b + leak * a).astype(np.float32),
    }
    recording = (a + b).astype(np.float32)
    stems["residual"] = recording - stems["violin"] - stems["cello"]
    more.setdefault("amplification", "off")
    return QualityRequest(
        session, recording, RATE, stems, left, right or left, reference=ESTIMATED, seconds=seconds, **more
    )


LOUDER = SESSION.with_gain("violin", 9)


def test_worse_separation_has_a_lower_estimate():
    means = [estimate_quality(request(LOUDER, leak=leak)).mean for leak in (0.0, 0.1, 0.35)]
    assert means[0] > means[1] + 0.02
    assert means[1] > means[2] + 0.02


@pytest.mark.parametrize("amplification", KINDS)
def test_equal_gains_are_the_recording_itself_and_exact(amplification):
    ear = PRESETS["N2"]
    flat, quieter = (
        estimate_quality(request(session, left=ear, amplification=amplification))
        for session in (SESSION, SESSION.with_master(-6))
    )
    assert flat.low == flat.mean == flat.high
    assert quieter.mean == pytest.approx(flat.mean, abs=0.01)
    assert quieter.high - quieter.low < 1e-3
    if amplification == "cad2":
        assert flat.mean > 0.95


def test_an_amplification_has_its_own_band():
    narrow, wide = Band(0.05, 0.05), Band(0.2, 0.2)
    calibration = Calibration(0.0, {ANY: wide, "off": narrow})
    off, amplified = (
        estimate_quality(request(LOUDER, amplification=kind), calibration=calibration)
        for kind in ("off", "nal-r")
    )
    assert off.high - off.low < 0.5 * (amplified.high - amplified.low)


@pytest.mark.parametrize("amplification", KINDS)
def test_the_band_holds_the_mean_of_two_different_ears(amplification):
    found = estimate_quality(
        request(LOUDER, channels=2, left=NORMAL, right=PRESETS["N4"], amplification=amplification)
    )
    assert 0 <= found.low < found.mean < found.high <= 1
    assert found.mean == (found.left + found.right) / 2
    assert found.left != found.right


def test_ears_that_get_the_same_are_estimated_once_and_a_pan_parts_them():
    same = estimate_quality(request(LOUDER))
    assert same.left == same.right
    panned = estimate_quality(request(LOUDER.with_pan("cello", 1.0)))
    assert panned.left != panned.right


@pytest.mark.parametrize(
    "session",
    [
        SESSION.with_mute("cello", True),
        SESSION.with_solo("residual", True),
        SESSION.with_gain("violin", -math.inf).with_gain("cello", -math.inf).with_mute("residual", True),
    ],
)
def test_muted_stems_and_silence_have_an_answer(session):
    for material in (request(session), request(session, leak=0.0)):
        found = estimate_quality(material)
        assert all(map(math.isfinite, (found.left, found.right, found.low, found.high)))
        assert 0 <= found.low <= found.mean <= found.high <= 1


@pytest.mark.parametrize("amplification", KINDS)
def test_a_silent_recording_has_an_answer(amplification):
    sound = request(LOUDER, amplification=amplification)
    silent = replace(
        sound,
        recording=np.zeros_like(sound.recording),
        stems={name: np.zeros_like(stem) for name, stem in sound.stems.items()},
    )
    found = estimate_quality(silent)
    assert found.low == found.mean == found.high == 1.0
    assert found.note == BOTH_SILENT
    assert score_remix(silent).note == BOTH_SILENT
    assert not estimate_quality(sound).note


def test_what_is_kept_changes_no_estimate():
    kept = KeptEstimates()
    estimate_quality(request(left=PRESETS["N3"]), kept=kept)
    material = request(LOUDER)
    estimate_quality(replace(material, session=LOUDER.with_gain("cello", -20)), kept=kept)
    assert estimate_quality(material, kept=kept) == estimate_quality(material)


def test_what_is_kept_is_made_once(monkeypatch):
    from app.hearing import estimate

    made = []
    whole = estimate.StemErrors
    monkeypatch.setattr(estimate, "StemErrors", lambda *given: made.append(1) or whole(*given))
    kept, material = KeptEstimates(), request(LOUDER)
    estimate_quality(material, kept=kept)
    estimate_quality(replace(material, session=SESSION.with_gain("cello", 3)), kept=kept)
    assert len(made) == 1
    estimate_quality(request(LOUDER), kept=kept)
    assert len(made) == 2


@pytest.mark.parametrize("amplification", KINDS)
def test_what_is_kept_holds_no_recording_open(tmp_path, amplification):
    """Memory maps must go with the recording that was closed, whatever was made ready from them."""
    sound = request(LOUDER, amplification=amplification)
    maps = []
    for number, array in enumerate((sound.recording, *sound.stems.values())):
        path = tmp_path / str(number)
        array.tofile(path)
        maps.append(np.memmap(path, np.float32, "r", shape=array.shape))
    gone = [weakref.ref(array._mmap) for array in maps]
    mapped = replace(
        sound, recording=maps[0], stems=dict(zip(sound.stems, maps[1:], strict=True)), true_stems=None
    )
    kept = KeptReferences()
    for reference in ("estimated", "original"):
        score_remix(replace(mapped, reference=reference), kept=kept)
    own = dict(zip(list(sound.stems)[:2], maps[1:3], strict=True))
    score_remix(replace(mapped, reference="true stems", true_stems=own), kept=kept)
    del mapped, maps, own, array
    gc.collect()
    assert [reference() for reference in gone] == [None] * 4


def test_a_moving_slider_gets_the_middle_of_the_window():
    quick = estimate_quality(request(LOUDER, seconds=3.2, provisional=True))
    assert quick.low < quick.mean < quick.high


def test_progress_comes_to_its_end_and_a_check_stops_the_work():
    told = []
    estimate_quality(request(LOUDER), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    calls = []

    def check():
        calls.append(threading.get_ident())
        if len(calls) > 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        estimate_quality(request(LOUDER), check=check)


def test_nothing_separated_has_a_sentence():
    with pytest.raises(UserError, match="separate the recording first"):
        estimate_quality(request(frames_done=0))
