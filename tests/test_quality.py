import threading
from dataclasses import replace

import numpy as np
import pytest

from app.errors import Cancelled, UserError
from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.haaqi import SILENT_REFERENCE, Haaqi
from app.hearing.prescription import apply_nal_r
from app.hearing.quality import NO_MATCH, KeptReferences, QualityRequest, score_remix
from app.session import Session
from separation.separator import Part
from tests.haaqi_cases import duet

RATE = 24000


def material(channels=2, seconds=1.5, leak=0.2):
    """A recording of a violin and a cello, imperfectly separated stems, and true ones, (frames, channels)."""
    a, b = (np.tile(line[:, None], (1, channels)) for line in duet(RATE, seconds, seed=5))
    a *= np.linspace(1, 0.7, channels)
    true = {"violin": a.astype(np.float32), "cello": b.astype(np.float32)}
    recording = true["violin"] + true["cello"]
    stems = {
        "violin": (true["violin"] * (1 - leak)).astype(np.float32),
        "cello": (true["cello"] + leak * true["violin"] * 0.5).astype(np.float32),
    }
    stems["residual"] = recording - stems["violin"] - stems["cello"]
    return recording, stems, true


SESSION = Session().with_stems((Part("violin"), Part("cello")), "nmf")


def request(session=SESSION, *, channels=2, true=False, seconds=1.5, ear=NORMAL, **more):
    recording, stems, truth = material(channels, seconds)
    more.setdefault("true_stems", truth if true else None)
    return QualityRequest(session, recording, RATE, stems, ear, ear, **more)


def test_an_untouched_mix_is_unchanged_and_is_never_called_quality():
    quality = score_remix(request(ear=PRESETS["N2"]))
    assert (quality.kind, quality.reference) == ("change", "original")
    assert quality.matching_db == pytest.approx(0, abs=1e-6)
    assert quality.mean > 0.9
    assert quality.mean == pytest.approx((quality.left + quality.right) / 2)
    assert (quality.window_start, quality.seconds) == (0, 1.5)
    assert quality.matching_method == "integrated loudness"
    assert not quality.note


def test_gains_change_it_and_level_alone_does_not():
    flat = score_remix(request())
    quieter = score_remix(request(SESSION.with_master(-12)))
    changed = score_remix(request(SESSION.with_gain("violin", -20)))
    assert quieter.mean == pytest.approx(flat.mean, abs=1e-3)
    assert quieter.matching_db == pytest.approx(12, abs=1e-3)
    assert changed.mean < flat.mean - 0.05


def test_against_true_stems_it_is_quality_and_follows_the_same_gains():
    session = SESSION.with_gain("violin", -12)
    quality = score_remix(request(session, true=True))
    assert (quality.kind, quality.reference, quality.matching_db) == ("quality", "true stems", 0)
    perfect = request(session, true=True)
    recording, _, truth = material()
    stems = truth | {"residual": recording - truth["violin"] - truth["cello"]}
    best = score_remix(QualityRequest(session, recording, RATE, stems, NORMAL, NORMAL, true_stems=truth))
    assert quality.mean < best.mean - 0.01
    assert perfect.true_stems is not None


def test_the_score_is_haaqi_as_cadenza_computes_it():
    ear = PRESETS["N3"]
    recording, stems, truth = material()
    session = SESSION.with_gain("cello", -6)
    quality = score_remix(request(session, true=True, ear=ear))
    gain = 10 ** (-6 / 20)
    for side, score in enumerate((quality.left, quality.right)):
        reference = truth["violin"][:, side] + gain * truth["cello"][:, side].astype(float)
        remix = recording[:, side] + (gain - 1) * stems["cello"][:, side].astype(float)
        model = Haaqi(ear, RATE, level1=65 - 20 * np.log10(np.sqrt(np.mean(reference**2))))
        model.set_reference(reference)
        assert score == pytest.approx(model.score(apply_nal_r(remix, RATE, ear)).score, abs=1e-4)


def test_without_amplification_the_remix_stays_plain():
    aided, plain = (score_remix(request(ear=PRESETS["N3"], amplification=kind)) for kind in ("nal-r", "off"))
    assert (aided.amplification, plain.amplification) == ("nal-r", "off")
    assert aided.mean > plain.mean + 0.2


def test_ears_differ_with_audiograms_and_channels():
    recording, stems, _ = material()
    quality = score_remix(
        QualityRequest(SESSION, recording, RATE, stems, NORMAL, PRESETS["N4"], amplification="off")
    )
    assert quality.left > quality.right + 0.1
    panned = score_remix(request(SESSION.with_gain("cello", -10)))
    assert panned.left != panned.right


def test_mono_is_heard_by_both_ears():
    quality = score_remix(request(channels=1))
    assert quality.left == quality.right
    assert quality.details is not None
    panned = score_remix(request(SESSION.with_pan("violin", -1), channels=1))
    assert panned.left != panned.right


def test_more_channels_are_folded_down():
    assert score_remix(request(channels=6, seconds=0.6)).mean > 0.5


def test_an_ear_without_a_reference_says_so():
    recording, stems, _ = material()
    for array in (recording, *stems.values()):
        array[:, 1] = 0
    stems["cello"][:, 1] = 0.01
    stems["residual"][:, 1] = -0.01
    quality = score_remix(
        QualityRequest(SESSION.with_gain("cello", -6), recording, RATE, stems, NORMAL, NORMAL)
    )
    assert quality.right == 0
    assert quality.note == SILENT_REFERENCE


def test_only_the_window_is_scored():
    whole = request(seconds=3.0, position=48000)
    object.__setattr__(whole, "seconds", 1.0)
    quality = score_remix(whole)
    assert (quality.window_start, quality.seconds) == (1.5, 1.0)
    cut = QualityRequest(
        SESSION, whole.recording[36000:60000], RATE, {n: s[36000:60000] for n, s in whole.stems.items()},
        NORMAL, NORMAL,
    )  # fmt: skip
    assert score_remix(cut).mean == quality.mean


def test_nothing_separated_is_a_sentence():
    for asked in (request(frames_done=0), request(frames_done=100)):
        with pytest.raises(UserError, match="separate the recording"):
            score_remix(asked)
    recording, _, _ = material()
    with pytest.raises(UserError, match="separate the recording"):
        score_remix(QualityRequest(Session(), recording, RATE, {}, NORMAL, NORMAL))


@pytest.mark.parametrize("amplification", ["nal-r", "cad2"])
@pytest.mark.parametrize(
    ("parts", "true"),
    [
        ((Part("violin", 1), Part("violin", 2)), "violin"),  # which of the two is unclear
        ((Part("violin"), Part("cello")), "flute"),  # other instruments: silence is no reference
    ],
)
def test_true_stems_that_do_not_match_leave_an_estimate_that_says_so(parts, true, amplification):
    recording, stems, _ = material(seconds=0.8)
    session = Session().with_stems(parts, "nmf")
    names = (*(part.name for part in parts), "residual")
    stems = dict(zip(names, stems.values(), strict=True))
    asked = QualityRequest(
        session.with_gain(names[0], -9), recording, RATE, stems, NORMAL, NORMAL,
        true_stems={true: stems[names[0]]}, amplification=amplification,
    )  # fmt: skip
    quality = score_remix(asked)
    assert (quality.kind, quality.reference, quality.note) == ("estimate", "estimated", NO_MATCH)
    assert quality.low < quality.mean < quality.high
    estimate = score_remix(replace(asked, reference="estimated", true_stems=None))
    assert replace(quality, note="") == estimate


def test_kept_references_change_nothing_but_the_time():
    kept = KeptReferences()
    for gain in (0, -6, -12):
        for listener in (NORMAL, PRESETS["S1"]):
            asked = request(SESSION.with_gain("violin", gain), ear=listener)
            assert score_remix(asked, kept=kept) == score_remix(asked)


def test_progress_rises_to_one_and_check_stops():
    fractions = []
    score_remix(request(), progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0

    calls = []

    def check():
        calls.append(threading.current_thread())
        if len(calls) > 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        score_remix(request(), check)


def test_without_true_stems_it_is_likely_quality_with_a_band():
    quality = score_remix(request(SESSION.with_gain("violin", -12), reference="estimated"))
    assert (quality.kind, quality.reference) == ("estimate", "estimated")
    assert quality.low is not None
    assert quality.high is not None
    assert 0 <= quality.low <= quality.mean <= quality.high <= 1
    assert score_remix(request(SESSION, true=True, reference="original")).kind == "change"


def test_a_provisional_score_is_of_the_windows_middle():
    whole = request(SESSION.with_gain("violin", -6), seconds=5.0, reference="original")
    quality = score_remix(whole)
    object.__setattr__(whole, "provisional", True)
    provisional = score_remix(whole)
    assert provisional.provisional
    assert (provisional.window_start, provisional.seconds) == (1.0, 3.0)
    assert provisional.mean == pytest.approx(quality.mean, abs=0.1)


def test_the_compressor_is_on_both_sides():
    ear = PRESETS["N3"]
    quality = score_remix(request(true=True, ear=ear, amplification="cad2"))
    assert quality.amplification == "cad2"
    assert quality.kind == "quality"
    # A signal against itself loses nothing where its reference is amplified too.
    recording, _, truth = material()
    stems = truth | {"residual": recording - truth["violin"] - truth["cello"]}
    same = QualityRequest(SESSION, recording, RATE, stems, ear, ear, true_stems=truth, amplification="cad2")
    assert score_remix(same).mean > 0.98
    quieter = score_remix(request(SESSION.with_master(-30), ear=ear, amplification="cad2"))
    assert quieter.kind == "change"
    assert quieter.relative_db == pytest.approx(-30, abs=0.1)


@pytest.mark.parametrize("reference", ["estimated", "original"])
def test_what_is_kept_of_one_ear_is_not_taken_for_another(reference):
    """Ears with the same levels differ where a tone was not answered, or with a compressor of their own."""
    plain = PRESETS["N4"]
    silent = replace(plain, no_response=(2000.0, 4000.0))
    fitted = replace(plain, compressor=((2.0,) * 6, (0.0, 5.0, 10.0, 15.0, 20.0, 20.0)))
    kept = KeptReferences()
    asked = request(SESSION.with_gain("violin", -9), channels=1)
    for ear in (plain, silent, fitted):
        mine = replace(asked, left=ear, right=ear, reference=reference, amplification="cad2")
        assert score_remix(mine, kept=kept) == score_remix(mine)
    assert len({ear.facts for ear in (plain, silent, fitted)}) == 3
