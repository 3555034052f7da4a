import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_material import tiny_bank, tiny_scores

from separation.separator import INSTRUMENTS, SeparatorError
from separation.training import ensemble_synth, scores
from separation.training.ensemble_plan import Planner
from separation.training.ensemble_synth import EnsembleSynth, SynthConfig
from separation.training.note_bank import COMPASS, SAMPLE_RATE

CONFIG = SynthConfig(seconds=1.5)


def test_clips_are_made_of_parts_and_their_notes(tmp_path: Path) -> None:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), CONFIG)
    for number in range(6):
        clip = synth.clip(0, number)
        assert clip.audio.shape == (len(clip.instruments), round(1.5 * SAMPLE_RATE))
        assert 2 <= len(clip.instruments) <= 3
        assert np.isfinite(clip.audio).all()
        np.testing.assert_allclose(np.sqrt((clip.audio**2).mean(1)), 0.05, rtol=0.01)
        for part, name in enumerate(clip.instruments):
            mine = clip.notes[clip.notes[:, 0] == part]
            assert len(mine)
            low, high = COMPASS[name]
            assert ((mine[:, 3] >= low) & (mine[:, 3] <= high)).all()
            assert (mine[:, 2] > mine[:, 1]).all()


def test_the_pitches_told_are_those_that_sound(tmp_path: Path) -> None:
    config = SynthConfig(seconds=2.0, harmonic_gains_db=0.0, equalisation_db=0.0, doubled=0.0)
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), config)
    clip = synth.clip(2, 1)
    part = list(clip.instruments).index("violin" if "violin" in clip.instruments else clip.instruments[0])
    note = max(clip.notes[clip.notes[:, 0] == part], key=lambda n: min(n[2], 2.0) - max(n[1], 0.0))
    begin, end = max(0.0, note[1]) + 0.08, min(2.0, note[2]) - 0.02
    heard = clip.audio[part, round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 1 << 16))
    f0 = 440 * 2 ** ((note[3] - 69) / 12)
    hertz = np.arange(len(spectrum)) * SAMPLE_RATE / (1 << 16)
    near = np.zeros(len(hertz), dtype=bool)
    for partial in range(1, 9):
        near |= np.abs(hertz - partial * f0) < 0.035 * partial * f0 + 8
    assert (spectrum[near] ** 2).sum() > 0.7 * (spectrum**2).sum()


def test_the_same_numbers_give_the_same_clip(tmp_path: Path) -> None:
    bank = tiny_bank(tmp_path)
    one = EnsembleSynth(bank, tiny_scores(), CONFIG).clip(1, 5)
    again = EnsembleSynth(bank, tiny_scores(), CONFIG).clip(1, 5)
    other = EnsembleSynth(bank, tiny_scores(), CONFIG).clip(1, 6)
    np.testing.assert_array_equal(one.audio, again.audio)
    assert one.instruments == again.instruments
    assert one.audio.shape != other.audio.shape or not np.allclose(one.audio, other.audio)


def test_instruments_may_have_two_parts(tmp_path: Path) -> None:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), SynthConfig(seconds=1.0, doubled=1.0))
    assert any(len(set(c.instruments)) < len(c.instruments) for c in (synth.clip(0, n) for n in range(12)))


def test_unseen_timbres_are_never_heard_in_training(tmp_path: Path) -> None:
    bank = tiny_bank(tmp_path)
    seen = Planner(bank, tiny_scores(), SynthConfig())
    unseen = Planner(bank, tiny_scores(), SynthConfig(only_unseen=True))
    for name in ("violin", "clarinet", "cello"):
        assert seen.timbres(name) == ["hall"]
        assert unseen.timbres(name) == ["TimGM6mb-1"]
    with pytest.raises(SeparatorError, match="fewer than two"):
        EnsembleSynth(tiny_bank(tmp_path, unseen=False), tiny_scores(), SynthConfig(only_unseen=True))


def test_shards_keep_clips(tmp_path: Path) -> None:
    synth = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), CONFIG)
    clips = [synth.clip(0, n) for n in range(3)]
    ensemble_synth.write_shard(clips, tmp_path / "pool" / "a.safetensors")
    for clip, read in zip(clips, ensemble_synth.read_shard(tmp_path / "pool" / "a.safetensors"), strict=True):
        np.testing.assert_allclose(read.audio.astype(np.float32), clip.audio, atol=1e-3)
        np.testing.assert_array_equal(read.notes, clip.notes)
        assert read.instruments == clip.instruments
        assert set(read.instruments) <= set(INSTRUMENTS)


def test_the_command_line_fills_a_pool_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_bank(tmp_path)
    scores.save(tiny_scores(), tmp_path / "scores.json")
    arguments = ["--bank", str(tmp_path / "bank"), "--scores", str(tmp_path / "scores.json")]
    arguments += ["--out", str(tmp_path / "pool"), "--clips", "3", "--shard", "2"]
    assert ensemble_synth.main(arguments) == 0
    made = sorted((tmp_path / "pool").glob("*"))
    assert [path.name for path in made] == ["0000-0000000.safetensors", "0000-0000002.safetensors"]
    before = made[0].stat().st_mtime_ns
    assert ensemble_synth.main(arguments) == 0
    assert made[0].stat().st_mtime_ns == before
    assert ensemble_synth.main([*arguments[2:], "--bank", str(tmp_path / "none")]) == 1
    assert "cannot be opened" in capsys.readouterr().err


@pytest.mark.parametrize("name", ensemble_synth.AUGMENTATIONS)
def test_every_augmentation_can_be_left_out(tmp_path: Path, name: str) -> None:
    bank = tiny_bank(tmp_path)
    every = EnsembleSynth(bank, tiny_scores(), replace(CONFIG, compressed=1.0, unison=0.0))
    less = EnsembleSynth(bank, tiny_scores(), replace(CONFIG, compressed=1.0, unison=0.0, without=(name,)))
    differing = 0
    for number in range(4):
        a, b = every.clip(3, number), less.clip(3, number)
        assert np.isfinite(b.audio).all()
        differing += a.audio.shape != b.audio.shape or not np.allclose(a.audio, b.audio, atol=1e-4)
    assert differing


def test_an_unknown_augmentation_is_refused() -> None:
    with pytest.raises(ValueError, match="no augmentation echo; there are time-stretch"):
        SynthConfig(without=("echo",))


def test_two_instruments_may_play_one_line(tmp_path: Path) -> None:
    config = SynthConfig(seconds=3.0, unison=1.0, without=("time-stretch",))
    clip = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), config).clip(0, 0)
    one, two = (clip.notes[clip.notes[:, 0] == part] for part in (0, 1))
    assert len(one) == len(two)
    assert set((one[:, 3] - two[:, 3]) % 12) == {0.0}


def test_clips_and_shards_know_their_rate(tmp_path: Path) -> None:
    bank = tiny_bank(tmp_path)
    config = SynthConfig(seconds=1.0, sample_rate=44_100)
    clip = EnsembleSynth(bank, tiny_scores(), config).clip(0, 0)
    assert clip.sample_rate == 44_100
    assert clip.audio.shape[1] == 44_100
    ensemble_synth.write_shard([clip], tmp_path / "a.safetensors")
    assert ensemble_synth.read_shard(tmp_path / "a.safetensors")[0].sample_rate == 44_100
    usual = EnsembleSynth(bank, tiny_scores(), SynthConfig(seconds=1.0)).clip(0, 0)
    with pytest.raises(ValueError, match="one sample rate"):
        ensemble_synth.write_shard([clip, usual], tmp_path / "b.safetensors")
    with pytest.raises(SeparatorError, match="cannot make clips at 11025"):
        EnsembleSynth(bank, tiny_scores(), SynthConfig(sample_rate=11_025))


@pytest.mark.parametrize("rate", [22_050, 44_100])
def test_pitches_are_right_at_any_rate(tmp_path: Path, rate: int) -> None:
    config = SynthConfig(
        seconds=3.0, sample_rate=rate, without=ensemble_synth.AUGMENTATIONS, ensemble=("violin", "cello")
    )
    clip = EnsembleSynth(tiny_bank(tmp_path), tiny_scores(), config).clip(2, 1)
    for part in (0, 1):
        note = max(clip.notes[clip.notes[:, 0] == part], key=lambda n: min(n[2], 3.0) - max(n[1], 0.0))
        heard = clip.audio[part, round(max(0, note[1] + 0.1) * rate) : round(note[2] * rate)]
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 1 << 17))
        harmonic = spectrum.argmax() * rate / (1 << 17) / (440 * 2 ** ((note[3] - 69) / 12))
        assert harmonic / round(harmonic) == pytest.approx(1.0, abs=0.03)


def test_an_ensemble_can_be_asked_for(tmp_path: Path) -> None:
    bank = tiny_bank(tmp_path)
    wanted = ("violin", "violin", "cello")
    synth = EnsembleSynth(bank, tiny_scores(), replace(CONFIG, ensemble=wanted))
    for number in range(4):
        clip = synth.clip(0, number)
        assert clip.instruments == wanted
        middle = [clip.notes[clip.notes[:, 0] == part, 3].mean() for part in range(3)]
        assert middle[0] > middle[1] > middle[2]
    three = EnsembleSynth(bank, tiny_scores(), replace(CONFIG, parts=3, doubled=0.0))
    assert {len(set(three.clip(0, number).instruments)) for number in range(6)} == {3}
    with pytest.raises(SeparatorError, match="no flute"):
        EnsembleSynth(bank, tiny_scores(), replace(CONFIG, ensemble=("flute", "cello")))
    with pytest.raises(SeparatorError, match="no scores"):
        EnsembleSynth(bank, tiny_scores(), replace(CONFIG, parts=4))


def test_ensembles_are_read_from_the_command_line() -> None:
    assert ensemble_synth.ensemble("violin:2, viola,cello") == ("violin", "violin", "viola", "cello")
    for wrong in ("kazoo,cello", "violin:x,cello", "violin", "violin:9"):
        with pytest.raises(argparse.ArgumentTypeError):
            ensemble_synth.ensemble(wrong)
