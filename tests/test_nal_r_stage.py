"""NAL-R as a stream is NAL-R of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from app.hearing.audiogram import preset
from app.hearing.nal_r_stage import NalRStage
from app.hearing.prescription import apply_nal_r


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("name", ["normal", "N4", "S3"])
def test_the_stream_is_the_whole(rate: int, name: str) -> None:
    signal = 0.2 * np.random.default_rng(0).standard_normal(4000)
    stage = NalRStage(rate, preset(name))
    out = signal.astype(np.float32)
    rng = np.random.default_rng(1)
    at = 0
    while at < len(out):
        n = int(rng.integers(1, 241))
        stage.process(out[at : at + n])
        at += n
    whole = apply_nal_r(signal, rate, preset(name))
    stop = len(out) - stage.delay
    assert np.abs(out[stage.delay :] - whole[:stop]).max() < 1e-4 * max(1.0, np.abs(whole).max())
    assert stage.delay / rate < 0.003
    stage.reset()
    silence = np.zeros(240, np.float32)
    stage.process(silence)
    assert not silence.any()


def test_no_number_counts_as_silence() -> None:
    stage = NalRStage(44100, preset("N4"))
    bad = np.array([np.nan, np.inf, -np.inf, 3e38] * 30, np.float32)
    stage.process(bad)
    assert not bad.any()
