from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from training_material import tiny_clips, tone

from separation.separator import Part, SeparatorError
from separation.training.ensemble_synth import write_shard
from separation.training.validation import (
    held_pieces,
    mean_si_sdr,
    parts_of,
    piece_si_sdr,
    read_stems,
    real_pieces,
)


def shared(mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]) -> torch.Tensor:
    """Stems that are the mixture."""
    return mixture.expand(len(parts), *mixture.shape)


def piece(folder: Path, *names: str, rate: int = 44100, seconds: float = 1.0) -> None:
    folder.mkdir()
    for index, name in enumerate(names):
        soundfile.write(folder / f"{name}.flac", 0.4 * tone(50 + 9 * index, seconds, [1, 0.5], rate), rate)
    soundfile.write(folder / "mix.flac", np.zeros(100), rate)


def test_real_pieces_are_read_at_the_asked_rate_and_scored(tmp_path: Path) -> None:
    piece(tmp_path / "bach10_01", "bassoon", "violin-2", "violin-1")
    (tmp_path / "empty").mkdir()
    pieces = real_pieces(tmp_path, sample_rate=16000)
    assert [each.name for each in pieces] == ["bach10_01"]
    assert pieces[0].parts == (Part("bassoon"), Part("violin", 1), Part("violin", 2))
    assert (pieces[0].audio.shape, pieces[0].sample_rate) == ((3, 1, 16000), 16000)
    scores = piece_si_sdr(shared, pieces[0])
    assert scores.shape == (3,)
    # three tones of about equal strength: the two others are twice what is wanted
    assert float(scores.mean()) == pytest.approx(-3.0, abs=0.5)
    assert mean_si_sdr(shared, pieces) == pytest.approx(float(scores.mean()), abs=1e-6)
    assert real_pieces(tmp_path, "other*") == []


def test_held_clips_are_pieces(tmp_path: Path) -> None:
    clips = tiny_clips(tmp_path)
    write_shard(clips, tmp_path / "held" / "0.safetensors")
    pieces = held_pieces(tmp_path / "held")
    assert len(pieces) == len(clips)
    assert pieces[1].name == "0-1"
    assert pieces[1].audio.shape == (len(clips[1].audio), 1, clips[1].audio.shape[1])
    assert [part.instrument for part in pieces[1].parts] == list(clips[1].instruments)


def test_two_parts_of_one_instrument_have_numbers() -> None:
    assert parts_of(["violin", "violin", "cello"]) == (Part("violin", 1), Part("violin", 2), Part("cello"))


def test_stems_that_do_not_fit_are_a_sentence(tmp_path: Path) -> None:
    piece(tmp_path / "piece", "bassoon")
    soundfile.write(tmp_path / "piece" / "violin.wav", np.zeros(100), 8000)
    with pytest.raises(SeparatorError, match="differ in sample rate"):
        read_stems(tmp_path / "piece")
    (tmp_path / "piece" / "violin.wav").write_bytes(b"no sound")
    with pytest.raises(SeparatorError, match=r"violin\.wav cannot be read"):
        read_stems(tmp_path / "piece")
    with pytest.raises(SeparatorError, match="no stems"):
        read_stems(tmp_path / "nowhere")


def test_no_pieces_have_no_mean() -> None:
    assert np.isnan(mean_si_sdr(shared, []))
