import json
import os
import threading

import numpy as np
import pytest

from app.errors import Cancelled
from app.hearing import haaqi as module
from app.hearing.audiogram import NORMAL, PRESETS, Audiogram
from app.hearing.haaqi import Haaqi, HaaqiScore, haaqi, warm_up
from tests import haaqi_cases
from tests.haaqi_cases import Case, cases, duet, pyclarity_score

TOLERANCE = 1e-3
SIX_HZ = (250, 500, 1000, 2000, 4000, 6000)
LIVE = os.environ.get("RIPIENO_ALL_PARITY", "") not in ("", "0")
"""With RIPIENO_ALL_PARITY=1 every case is scored by pyclarity itself (minutes), not only a dozen."""


def score(case: Case) -> HaaqiScore:
    return haaqi(
        case.reference,
        case.processed,
        case.sample_rate,
        PRESETS[case.audiogram],
        equalisation=case.equalisation,
        level1=case.level1,
    )


@pytest.fixture(scope="module")
def all_cases() -> dict[str, Case]:
    return {case.name: case for case in cases()}


def test_scores_are_pyclaritys_frozen_ones(all_cases):
    frozen = json.loads(haaqi_cases.FROZEN.read_text(encoding="utf-8"))
    assert len(frozen) >= 100
    assert set(frozen) == set(all_cases)
    far = {}
    for name, case in all_cases.items():
        difference = score(case).score - frozen[name]
        if not abs(difference) <= TOLERANCE:
            far[name] = difference
    assert not far


def test_scores_are_pyclaritys_today(all_cases):
    pytest.importorskip("clarity.evaluator.haaqi")
    chosen = list(all_cases.values())[:: 1 if LIVE else 12]
    far = {}
    with np.errstate(divide="ignore"):  # pyclarity takes the logarithm of silence
        for case in chosen:
            theirs, _, linear, raw = pyclarity_score(case)
            ours = score(case)
            if not abs(ours.score - theirs) <= TOLERANCE:
                far[case.name] = ours.score - theirs
            assert ours.linear == pytest.approx(linear, abs=1e-4)
            assert ours.raw[2:] == pytest.approx(raw[2:], abs=1e-4)
    assert not far


def test_the_scores_that_pyclaritys_own_tests_freeze():
    legacy = np.random.RandomState(0)
    x, y = legacy.uniform(-1, 1, 8000), legacy.uniform(-1, 1, 8000)
    ours = haaqi(x, y, 16000, Audiogram(SIX_HZ, (45, 45, 35, 45, 60, 65)), level1=65)
    assert ours.score == pytest.approx(0.111290948, abs=TOLERANCE)

    legacy = np.random.RandomState(42)
    y, x = legacy.uniform(-1, 1, 8000), legacy.uniform(-1, 1, 8000)
    ours = haaqi(x, y, 16000, Audiogram(SIX_HZ, (10, 20, 30, 40, 50, 60)))
    assert ours.score == pytest.approx(0.113759275, abs=TOLERANCE)


def test_nothing_can_be_prepared_without_a_reference():
    model = Haaqi(NORMAL, 24000)
    with pytest.raises(ValueError, match="no reference to prepare"):
        model.prepare()
    model.set_reference([])
    with pytest.raises(ValueError, match="no reference to prepare"):
        model.prepare()


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    a, b = duet(24000, 0.6, seed=7)
    return a + b, a + 0.3 * b


def test_a_kept_reference_scores_the_same(pair):
    x, y = pair
    kept = Haaqi(PRESETS["N2"], 24000, level1=85)
    kept.set_reference(x)
    kept.prepare()
    prepared = kept._prepared
    for processed in (y, x, 0.5 * y):
        assert kept.score(processed) == haaqi(x, processed, 24000, PRESETS["N2"], level1=85)
    assert kept._prepared is prepared


def test_a_shorter_remix_prepares_anew_and_a_longer_one_does_not(pair):
    x, y = pair
    kept = Haaqi(NORMAL, 24000, level1=85)
    kept.set_reference(x)
    kept.prepare()
    prepared = kept._prepared
    assert kept.score(np.concatenate((y, y))) == kept.score(y)
    assert kept._prepared is prepared
    assert kept.score(y[:9000]) == haaqi(x[:9000], y[:9000], 24000, NORMAL, level1=85)
    assert kept._prepared is not prepared
    assert kept.score(y) == haaqi(x, y, 24000, NORMAL, level1=85)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_signal_of_which_nothing_is_kept_scores_the_same(threads):
    a, b = duet(24000, 3.0, seed=11)
    x, y = a + b, np.concatenate((np.zeros(300), a + 0.3 * b))
    for audiogram, level in (("N2", 85.0), ("S1", 95.0)):
        short = Haaqi(PRESETS[audiogram], 24000, level1=level)
        long = Haaqi(PRESETS[audiogram], 24000, level1=level, threads=threads, longest=20000)
        for model in (short, long):
            model.set_reference(x)
        for processed in (y, 0.5 * x):
            expected, found = short.score(processed), long.score(processed)
            assert found.score == pytest.approx(expected.score, abs=1e-4)
            assert found.raw == pytest.approx(expected.raw, abs=1e-4)


def test_one_thread_or_two_and_twice_the_same(pair):
    x, y = pair
    scores = set()
    for threads in (1, 2, None):
        model = Haaqi(PRESETS["N3"], 24000, level1=85, threads=threads)
        model.set_reference(x)
        scores |= {model.score(y), model.score(y)}
    assert len(scores) == 1


def test_the_seed_changes_little_and_is_repeatable(pair):
    x, y = pair
    scores = [haaqi(x, y, 24000, PRESETS["N3"], level1=85, seed=seed).score for seed in (0, 1, 2, 1)]
    assert scores[1] == scores[3]
    assert len(set(scores)) == 3
    assert max(scores) - min(scores) < TOLERANCE
    assert haaqi(x, y, 24000, PRESETS["N3"], level1=85).score == scores[0]


def test_level_and_level1_mean_the_same(pair):
    x, y = pair
    quiet = haaqi(x, y, 24000, NORMAL, level1=80)
    assert haaqi(10 * x, 10 * y, 24000, NORMAL, level1=60).score == pytest.approx(quiet.score, abs=1e-5)


def test_integer_and_single_precision_arrays_score_alike(pair):
    x, y = pair
    double = haaqi(x, y, 24000, NORMAL, level1=85).score
    single = haaqi(x.astype(np.float32), y.astype(np.float32), 24000, NORMAL, level1=85).score
    assert single == pytest.approx(double, abs=1e-5)
    whole = haaqi(np.round(x * 32767).astype(np.int16), np.round(y * 32767).astype(np.int16), 24000, NORMAL,
                  level1=85 - 20 * np.log10(32767)).score  # fmt: skip
    assert whole == pytest.approx(double, abs=2e-3)


@pytest.mark.parametrize("rate", [8000, 11025, 24000, 44100, 96000, 192000])
def test_any_sample_rate(rate):
    a, b = duet(rate, 0.4, seed=3)
    ours = haaqi(a + b, a + b, rate, NORMAL, level1=85)
    assert 0.5 < ours.score < 1.0
    assert all(0 <= value <= 1 for value in ours.raw)


def test_silence_has_a_defined_answer_and_a_sentence(pair):
    x, _ = pair
    silence = np.zeros(x.size)
    for rate in (24000, 44100):
        alone = haaqi(silence, x, rate, NORMAL)
        assert (alone.score, alone.note) == (0.0, module.SILENT_REFERENCE)
        both = haaqi(silence, silence, rate, NORMAL)
        assert (both.score, both.note) == (1.0, module.BOTH_SILENT)
        remix = haaqi(x, silence, rate, NORMAL, level1=85)
        assert 0.0 <= remix.score < 0.1
        assert not remix.note
    assert haaqi([], [], 24000, NORMAL).score == 1.0
    assert haaqi(x, [], 24000, NORMAL).score == 1.0


def test_too_short_has_a_defined_answer(pair):
    x, _ = pair
    click = np.zeros(4800)
    click[2000:2100] = 0.5
    for reference in (x[5000:5500], click, np.ones(1)):
        ours = haaqi(reference, reference, 24000, NORMAL)
        assert (ours.score, ours.note) == (0.0, module.TOO_SHORT)


def test_what_cannot_be_scored_is_refused(pair):
    x, _ = pair
    with pytest.raises(ValueError, match="1-D"):
        haaqi(np.stack((x, x)), x, 24000, NORMAL)
    with pytest.raises(ValueError, match="not numbers"):
        haaqi(x, np.where(np.arange(x.size) == 5, np.nan, x), 24000, NORMAL)
    with pytest.raises(ValueError, match="equalisation"):
        haaqi(x, x, 24000, NORMAL, equalisation=0)
    with pytest.raises(ValueError, match="level1"):
        haaqi(x, x, 24000, NORMAL, level1=float("inf"))
    for rate in (0, 100, float("nan")):
        with pytest.raises(ValueError, match="sample rate"):
            haaqi(x, x, rate, NORMAL)


def test_inputs_are_left_alone(pair):
    x, y = (signal.copy() for signal in pair)
    haaqi(x, y, 44100, PRESETS["N2"])
    assert np.array_equal(x, pair[0])
    assert np.array_equal(y, pair[1])


def test_a_check_stops_a_score(pair):
    x, y = pair
    model = Haaqi(NORMAL, 24000, level1=85)
    model.set_reference(x)

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        model.score(y, stop)
    assert model.score(y) == haaqi(x, y, 24000, NORMAL, level1=85)


def test_several_threads_score_at_once(pair):
    x, y = pair
    expected = haaqi(x, y, 24000, NORMAL, level1=85)
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(haaqi(x, y, 24000, NORMAL, level1=85))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 3


def test_warm_up_needs_nothing_and_can_be_stopped():
    warm_up()

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        warm_up(stop)
