"""The CAD2 compressor: pyclarity's numbers, in blocks as in one piece, and sentences for bad parameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.errors import UserError
from app.hearing.amplify import amplify, presentation_gain_db
from app.hearing.audiogram import Listener, preset
from app.hearing.compressor import (
    ATTACK_MS,
    CROSSOVERS_HZ,
    RELEASE_MS,
    CompressorFit,
    CompressorStage,
    compress,
    fig6,
    prescribed,
    read_parameters,
)
from app.loudness import measure

RATE = 44100
CAD2 = {
    "L0001": {
        "cr_l": [2.1, 1.5, 1.3, 1.5, 2.4, 3.7],
        "gain_l": [9.6, 11.9, 12.9, 16.4, 19.0, 28.0],
        "cr_r": [1.0, 1.0, 1.2, 1.4, 2.0, 6.0],
        "gain_r": [0.0, 0.0, 3.5, 7.25, 12.0, 20.0],
    }
}


def swelling(rate: int, seconds: float = 0.6, seed: int = 3) -> np.ndarray:
    """Reddish noise that swells over the threshold and falls under it, about −30 dB."""
    rng = np.random.default_rng(seed)
    frames = round(rate * seconds)
    red = np.cumsum(rng.standard_normal(frames))
    red -= np.convolve(red, np.ones(200) / 200, "same")
    noise = red / red.std() + 0.3 * rng.standard_normal(frames)
    return noise * 10 ** (-30 / 20) * (0.1 + 2 * np.abs(np.sin(7 * np.arange(frames) / rate)))


def parameters(path: Path) -> tuple[CompressorFit, CompressorFit]:
    path.write_text(json.dumps(CAD2))
    return read_parameters(path)["L0001"]


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("ear", [0, 1])
def test_parity_with_pyclarity(tmp_path: Path, rate: int, ear: int) -> None:
    clarity = pytest.importorskip("clarity.enhancer.multiband_compressor")
    fit = parameters(tmp_path / "params.json")[ear]
    signal = swelling(rate)
    theirs = clarity.MultibandCompressor(
        list(CROSSOVERS_HZ),
        rate,
        {
            "attack": list(ATTACK_MS),
            "release": list(RELEASE_MS),
            "threshold": -30.0,
            "ratio": list(fit.ratios),
            "makeup_gain": list(fit.gains_db),
        },
    )(signal.copy())[0]
    ours = compress(signal, rate, fit)
    assert np.abs(theirs).max() > 0.2
    assert np.abs(ours - theirs).max() < 1e-5


def test_frozen_values(tmp_path: Path) -> None:
    fit = parameters(tmp_path / "params.json")[0]
    out = compress(swelling(RATE), RATE, fit)
    frozen = [0.0183218, -0.7707211, -1.1896831, -0.7260608, -0.0569155, -0.5636769]  # pyclarity 0.9.0's
    assert out[[1000, 5000, 10000, 15000, 20000, 25000]] == pytest.approx(frozen, abs=1e-5)


def test_blocks_of_any_size_give_the_whole(tmp_path: Path) -> None:
    fit = parameters(tmp_path / "params.json")[0]
    signal = swelling(RATE).astype(np.float32)
    whole = compress(signal, RATE, fit)
    stage = CompressorStage(RATE, fit)
    rng = np.random.default_rng(1)
    pieces = signal.copy()
    at = 0
    while at < len(pieces):
        n = int(rng.integers(1, 241))
        stage.process(pieces[at : at + n])
        at += n
    assert np.array_equal(pieces, whole.astype(np.float32))
    stage.reset()
    again = signal[:240].copy()
    stage.process(again)
    assert np.array_equal(again, whole[:240].astype(np.float32))


def test_what_is_under_the_threshold_is_amplified_in_proportion() -> None:
    fit = CompressorFit((3.0,) * 6, (20.0,) * 6)
    quiet = 1e-3 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    assert np.abs(compress(quiet, RATE, fit)[RATE // 2 :]).max() == pytest.approx(1e-2, rel=0.05)
    loud = compress(300 * quiet, RATE, fit)[RATE // 2 :]
    assert 20 * np.log10(np.abs(loud).max() / 0.3) < 20.0 - 5.0


def test_noise_that_is_no_number_does_not_stay(tmp_path: Path) -> None:
    stage = CompressorStage(RATE, parameters(tmp_path / "params.json")[0])
    bad = np.array([np.nan, np.inf, -np.inf, 3e38] * 10, np.float32)
    stage.process(bad)
    assert np.isfinite(bad).all()
    sound = swelling(RATE).astype(np.float32)
    for at in range(0, len(sound), 240):
        stage.process(sound[at : at + 240])
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0.1


def test_a_low_sample_rate_leaves_out_the_upper_bands() -> None:
    assert np.isfinite(compress(swelling(8000), 8000, prescribed(preset("N3")))).all()


def test_the_rule_for_listeners_without_parameters() -> None:
    assert fig6(0) == (0.0, 0.0, 0.0)
    assert fig6(50) == pytest.approx((30.0, 18.0, 0.1 * 10**1.4))
    assert fig6(80) == pytest.approx((50.0, 41.0, 0.1 * 40**1.4))
    normal = prescribed(preset("normal"))
    assert normal == CompressorFit((1.0,) * 6, (0.0,) * 6)
    for name in ("N1", "N3", "N5", "N7", "S1", "S3"):
        fit = prescribed(preset(name))
        assert all(1.0 <= ratio <= 6.0 for ratio in fit.ratios)
        assert fit.gains_db[5] >= fit.gains_db[0]
    assert prescribed(preset("N4")).gains_db == pytest.approx((21.0, 21.0, 21.0, 29.0, 37.0, 41.0))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not JSON", "cannot be read"),
        ("{}", "no listener"),
        (json.dumps({"L1": {**CAD2["L0001"], "cr_l": [2.0]}}), "6 ratios"),
        (json.dumps({"L1": {**CAD2["L0001"], "cr_r": [0.5] * 6}}), "1 or more"),
        (json.dumps({"L1": {**CAD2["L0001"], "gain_r": [500] * 6}}), "90 dB"),
        (json.dumps({"L1": {"cr_l": [1] * 6}}), "lacks"),
        (json.dumps({"L1": {**CAD2["L0001"], "frequencies": [1, 2]}}), "bands"),
        (json.dumps({"L1": 3}), "L1"),
    ],
)
def test_bad_parameters_get_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "params.json"
    file.write_text(content)
    with pytest.raises(UserError, match=said):
        read_parameters(file)


def test_a_loud_recording_is_brought_to_the_level_that_the_compressor_expects() -> None:
    ears = np.stack([swelling(RATE), swelling(RATE, seed=4)])
    listener = Listener(preset("N3"), preset("N4"))
    quiet = amplify(ears, RATE, listener, "cad2")
    loud = amplify(8 * ears, RATE, listener, "cad2")
    assert np.abs(loud - 8 * quiet).max() < 1e-4 * np.abs(loud).max()
    gain = 10 ** (presentation_gain_db(measure(ears.T, RATE).value_db) / 20)
    directly = compress(gain * ears[1], RATE, prescribed(preset("N4"))) / gain
    assert np.abs(quiet[1] - directly).max() < 1e-6
    assert presentation_gain_db(-np.inf) == 0.0


def test_amplify_takes_both_ears_and_a_known_kind() -> None:
    listener = Listener(preset("N3"), preset("N3"))
    ears = np.zeros((2, 100))
    assert np.array_equal(amplify(ears, RATE, listener, "off"), ears)
    with pytest.raises(ValueError, match="cad2"):
        amplify(ears, RATE, listener, "nal-nl2")
    with pytest.raises(ValueError, match="both ears"):
        amplify(ears[0], RATE, listener, "off")
    assert not amplify(ears, RATE, listener, "cad2").any()


def test_a_persons_figures_are_in_no_words() -> None:
    words = repr(CompressorFit((1.37,) * 6, (33.7,) * 6))
    assert "1.37" not in words
    assert "33.7" not in words
