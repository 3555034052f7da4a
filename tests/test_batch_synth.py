from pathlib import Path

import numpy as np
import pytest
import torch
from training_material import tiny_bank, tiny_scores, tone

from separation.training.augmentation import KNOTS
from separation.training.batch_synth import Renderer
from separation.training.ensemble_plan import (
    HARMONICS,
    SILENT_DB,
    ClipPlan,
    PartPlan,
    Planner,
    SynthConfig,
)
from separation.training.note_bank import SAMPLE_RATE, Note, NoteBank, write

CPU = torch.device("cpu")
PLAIN = {
    "first": 0, "length": 0, "at": 0, "samples": SAMPLE_RATE, "release": 1000, "step": 1, "depth": 0,
    "rate": 5, "phase": 0, "drift": 0, "hertz": 440, "attack": 100, "swell_db": 0, "level_db": 0,
    "breath_db": 2 * SILENT_DB, "breath": 0,
}  # fmt: skip


def rendered(folder: Path, sound: np.ndarray, *, kept: str = "f16", **changed: float) -> np.ndarray:
    """One second of one part that plays one note, made of ``sound``."""
    note = Note("violin", "hall", 69.0, True, 0, 0)
    write([(note, sound), (note, np.ones(SAMPLE_RATE, np.float32))], folder / "bank", samples=kept)
    bank = NoteBank.open(folder / "bank")
    columns = {
        key: np.array([float(value)]) for key, value in {**PLAIN, "length": len(sound), **changed}.items()
    }
    written = np.array([[0.0, 1.0, 69.0]], np.float32)
    part = PartPlan("violin", written, columns, np.zeros(HARMONICS), np.zeros(KNOTS), 0.0, 0, 0.0)
    plan = ClipPlan((part,), 0.0, np.zeros(KNOTS), None)
    sounding: np.ndarray = Renderer(bank, SAMPLE_RATE, SAMPLE_RATE, CPU).render([plan])[0][0]
    return sounding


def strongest(sound: np.ndarray) -> float:
    """The frequency of the strongest partial in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 17))
    return float(spectrum.argmax()) * SAMPLE_RATE / (1 << 17)


@pytest.mark.parametrize("samples", ["f16", "u8"])
@pytest.mark.parametrize("semitones", [-3.0, 0.0, 4.0])
def test_a_note_moves_in_pitch_and_lasts_as_asked(tmp_path: Path, semitones: float, samples: str) -> None:
    out = rendered(tmp_path, tone(69, 0.7, [1.0]), kept=samples, step=2 ** (semitones / 12))
    assert strongest(out[2000:20000]) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    levels = [np.sqrt((out[at : at + 1000] ** 2).mean()) for at in range(2000, 20000, 1000)]
    assert max(levels) < 1.5 * min(levels)
    assert np.abs(np.diff(out)).max() < 0.15 * np.abs(out).max() * 2 ** (semitones / 12) + 0.01


def test_a_note_begins_and_ends_where_it_should(tmp_path: Path) -> None:
    out = rendered(tmp_path, tone(69, 0.7, [1.0]), at=5000, samples=6000)
    assert not out[:5000].any()
    assert not out[11_000:].any()
    assert np.abs(out[5500:9500]).max() > 0.05
    early = rendered(tmp_path, tone(69, 0.7, [1.0]), at=-3000)
    assert np.abs(early[:200]).max() > 0.03


def test_a_note_too_short_to_go_on_ends(tmp_path: Path) -> None:
    out = rendered(tmp_path, tone(69, 0.2, [1.0]))
    assert np.abs(out[1000:3000]).max() > 0.05
    assert not out[round(0.21 * SAMPLE_RATE) :].any()


def test_vibrato_and_breath_are_heard(tmp_path: Path) -> None:
    plain = rendered(tmp_path, tone(69, 0.9, [1.0]), samples=16000)
    wide = rendered(tmp_path, tone(69, 0.9, [1.0]), samples=16000, depth=0.3)
    noisy = rendered(tmp_path, tone(69, 0.9, [1.0]), samples=16000, breath_db=-18.0)

    def beside(sound: np.ndarray, reach: float) -> float:
        power = np.abs(np.fft.rfft(sound[4000:14000] * np.hanning(10_000))) ** 2
        hertz = np.arange(len(power)) * SAMPLE_RATE / 10_000
        return float(power[np.abs(hertz - 440) > reach].sum() / power.sum())

    assert beside(wide, 5.0) > 2 * beside(plain, 5.0)
    assert beside(noisy, 100.0) > 10 * beside(plain, 100.0)


def test_clips_made_together_are_those_made_alone(tmp_path: Path) -> None:
    bank, config = tiny_bank(tmp_path), SynthConfig(seconds=1.2, compressed=0.5)
    planner = Planner(bank, tiny_scores(), config)
    plans = [planner.plan(5, number) for number in range(5)]
    renderer = Renderer(bank, SAMPLE_RATE, config.samples, CPU)
    alone = renderer.render(plans)
    together = renderer._clips(plans)
    for one, other in zip(alone, together, strict=True):
        assert one.shape == other.shape
        error = one - other
        assert 10 * np.log10((error**2).sum() / (one**2).sum()) < -35  # rooms are noise of another length


def test_a_bank_of_bytes_sounds_like_the_other(tmp_path: Path) -> None:
    bank, config = (
        tiny_bank(tmp_path),
        SynthConfig(seconds=1.0, without=("envelopes", "noise", "compression")),
    )
    write([(n, bank.audio(n)) for n in bank.notes], tmp_path / "light", samples="u8")
    light = NoteBank.open(tmp_path / "light")
    plan = Planner(bank, tiny_scores(), config).plan(0, 0)
    usual = Renderer(bank, SAMPLE_RATE, config.samples, CPU).render([plan])[0]
    other = Renderer(light, SAMPLE_RATE, config.samples, CPU).render([plan])[0]
    assert 10 * np.log10(((usual - other) ** 2).mean() / (usual**2).mean()) < -30


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card here")
def test_a_card_makes_the_same_clips(tmp_path: Path) -> None:
    bank, config = tiny_bank(tmp_path), SynthConfig(seconds=1.2, compressed=0.5)
    plans = [Planner(bank, tiny_scores(), config).plan(5, number) for number in range(5)]
    here = Renderer(bank, SAMPLE_RATE, config.samples, CPU).render(plans)
    there = Renderer(bank, SAMPLE_RATE, config.samples, torch.device("cuda")).render(plans)
    for one, other in zip(here, there, strict=True):
        assert 10 * np.log10(((one - other) ** 2).sum() / (one**2).sum()) < -35
