import numpy as np
import pytest

from app.loudness import measure
from app.mix_loudness import MixLoudness
from app.mixer import render_offline
from app.session import Session
from separation.separator import Part

RATE = 22050
SESSION = Session().with_stems((Part("violin"), Part("cello")), "nmf")


def material(channels, seconds=2.0):
    rng = np.random.default_rng(channels)
    frames = round(seconds * RATE)
    time = np.arange(frames)[:, None] / RATE
    violin = 0.3 * np.sin(2 * np.pi * 880 * time) * (time % 1 < 0.5) * np.linspace(1, 0.5, channels)
    cello = 0.1 * rng.standard_normal((frames, channels))
    stems = {"violin": violin.astype(np.float32), "cello": cello.astype(np.float32)}
    recording = stems["violin"] + stems["cello"]
    return recording, stems | {"residual": np.zeros_like(recording)}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("pan", [0.0, -0.6])
def test_it_is_what_the_rendered_mix_measures(channels, pan):
    recording, stems = material(channels)
    session = SESSION.with_gain("violin", -7).with_gain("cello", 4).with_pan("cello", pan).with_master(-2)
    mix = np.concatenate(list(render_offline(session, recording, stems, sample_rate=RATE)))
    model = MixLoudness(recording, stems, RATE)
    assert model.loudness(session) == pytest.approx(measure(mix, RATE).value_db, abs=0.02)
    assert model.peak(session) == pytest.approx(np.abs(mix).max(), rel=1e-4)


def test_short_and_silent_windows_have_a_defined_loudness():
    recording, stems = material(2, 0.2)
    model = MixLoudness(recording, stems, RATE)
    down = model.loudness(SESSION.with_master(-6)) - model.loudness(SESSION)
    assert down == pytest.approx(-6, abs=1e-3)
    silent = SESSION
    for name in SESSION.stem_names:
        silent = silent.with_mute(name, True)
    assert model.loudness(silent) == -np.inf
    assert model.peak(silent) == 0
