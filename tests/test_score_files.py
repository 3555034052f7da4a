from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from app.errors import Cancelled, UserError
from app.hearing.audiogram import Audiogram, Listener, preset
from app.score_files import score_files

RATE = 24000


def listener(name: str = "normal") -> Listener:
    return Listener(preset(name), preset(name), name)


def music(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """Noise that pulses: the model's own threshold noise would blur anything with gaps in its spectrum."""
    noise = np.random.default_rng(7).standard_normal(round(seconds * RATE))
    noise *= 0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(len(noise)) / RATE)
    audio = 0.1 * soxr.resample(noise, RATE, rate)
    return np.repeat(audio[:, None], channels, axis=1).astype(np.float32)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    clean, noisy = tmp_path / "clean.wav", tmp_path / "noisy.wav"
    audio = music(1.0)
    noise = 0.05 * np.random.default_rng(1).standard_normal(audio.shape)
    soundfile.write(clean, audio, RATE, "FLOAT")
    soundfile.write(noisy, (audio + noise).astype(np.float32), RATE, "FLOAT")
    return clean, noisy


def test_the_same_file_scores_near_one_and_noise_lower(files: tuple[Path, Path]) -> None:
    clean, noisy = files
    same = score_files(clean, clean, listener())
    worse = score_files(clean, noisy, listener())
    assert same.mean > 0.85
    assert worse.mean < same.mean - 0.1
    assert worse.left == worse.right == worse.mean
    assert (worse.reference, worse.processed, worse.listener) == ("clean.wav", "noisy.wav", "normal")
    assert worse.seconds == pytest.approx(1.0)
    assert worse.notes == ()


def test_ears_with_different_hearing(files: tuple[Path, Path]) -> None:
    two = Listener(preset("normal"), preset("N4"), "two")
    score = score_files(*files, two)
    assert score.left != score.right
    assert score.mean == pytest.approx((score.left + score.right) / 2)


def test_amplification_can_be_left_out(files: tuple[Path, Path]) -> None:
    with_it = score_files(files[0], files[0], listener("N4"))
    without = score_files(files[0], files[0], listener("N4"), amplify=False)
    assert with_it.amplified
    assert not without.amplified
    assert with_it.mean > without.mean


def test_another_sample_rate_and_more_channels(files: tuple[Path, Path], tmp_path: Path) -> None:
    soundfile.write(tmp_path / "b.wav", music(1.0, 44100, 2), 44100, "FLOAT")
    assert score_files(files[0], tmp_path / "b.wav", listener()).mean > 0.85


def test_unequal_lengths_and_a_stretch(files: tuple[Path, Path], tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", music(1.5), RATE, "FLOAT")
    score = score_files(files[0], tmp_path / "long.wav", listener())
    assert score.seconds == pytest.approx(1.0)
    assert "not equally long" in score.notes[0]
    score = score_files(*files, listener(), start=0.25, seconds=0.5)
    assert (score.start, score.seconds) == (0.25, 0.5)
    with pytest.raises(UserError, match=r"only 1\.0 seconds"):
        score_files(*files, listener(), start=1.0)


def test_an_amplified_reference_is_taken_as_it_is(files: tuple[Path, Path]) -> None:
    own = score_files(files[0], files[0], listener("N3"), equalisation=2)
    plain = score_files(files[0], files[0], listener("N3"), amplify=False)
    assert (own.amplified, own.equalisation) == (False, 2)
    assert own.mean > 0.95 > plain.mean


def test_the_level_at_which_the_reference_plays(files: tuple[Path, Path]) -> None:
    soft, usual = (score_files(*files, listener("N3"), level=level) for level in (30.0, 65.0))
    assert (soft.level, usual.level) == (30.0, 65.0)
    assert soft.mean < usual.mean
    assert usual.mean == score_files(*files, listener("N3")).mean


def test_silence(files: tuple[Path, Path], tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros((RATE, 1)), RATE)
    score = score_files(tmp_path / "silent.wav", files[0], listener())
    assert score.mean == 0.0
    assert any("silent" in note for note in score.notes)


def test_cancelling_and_progress(files: tuple[Path, Path]) -> None:
    told: list[float] = []
    score_files(*files, listener(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0

    def check() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        score_files(*files, listener(), check=check)


def test_audiograms_are_compared_by_their_figures(files: tuple[Path, Path]) -> None:
    left = Audiogram((250, 1000, 4000), (20, 30, 40), "a")
    right = Audiogram((250, 1000, 4000), (20, 30, 40), "b")
    score = score_files(*files, Listener(left, right, "x"))
    assert score.left == score.right
