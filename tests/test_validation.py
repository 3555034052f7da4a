from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from training_material import TINY, tone

from separation.models.harmonic_net import HarmonicNet
from separation.training.validation import mean_si_sdr, piece_si_sdr, real_pieces


def test_real_pieces_are_read_at_the_banks_rate_and_scored(tmp_path: Path) -> None:
    folder = tmp_path / "bach10_01"
    folder.mkdir()
    for name, pitch in (("violin", 76), ("bassoon", 50)):
        soundfile.write(folder / f"{name}.flac", 0.4 * tone(pitch, 1.0, [1, 0.5], 44100), 44100)
    soundfile.write(folder / "mix.flac", np.zeros(100), 44100)
    pieces = real_pieces(tmp_path)
    assert [piece.name for piece in pieces] == ["bach10_01"]
    assert pieces[0].instruments == ("bassoon", "violin")
    assert pieces[0].audio.shape == (2, 22050)
    net = HarmonicNet(TINY)
    scores = piece_si_sdr(net, pieces[0])
    assert scores.shape == (2,)
    assert bool(torch.isfinite(scores).all())
    assert mean_si_sdr(net, pieces) == pytest.approx(float(scores.clamp(-40, 40).mean()), abs=1e-3)
    assert net.training


def test_no_pieces_have_no_mean() -> None:
    assert np.isnan(mean_si_sdr(HarmonicNet(TINY), []))
