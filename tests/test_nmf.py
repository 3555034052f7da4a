"""The note dictionary on sounds whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from separation import catalogue
from separation.engine import ArraySource, Cancelled, separate
from separation.metrics import si_sdr
from separation.separator import Part, SeparatorError

RATE = 44100
VIOLIN = (76, 79, 77, 76)
CLARINET = (64, 62, 60, 62)
BASSOON = (45, 48, 43, 45)
# Strength of the harmonics, as a stopped pipe, a bowed string and a double reed have them, roughly.
TIMBRES = {
    "violin": [1 / k for k in range(1, 13)],
    "clarinet": [1.0, 0.03, 0.7, 0.05, 0.4, 0.06, 0.25, 0.05, 0.15],
    "bassoon": [0.4, 0.9, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.1, 0.05],
}


def melody(instrument: str, pitches: tuple[int, ...], seconds: float = 0.6) -> np.ndarray:
    """Notes one after another, each with its instrument's harmonics, a soft start and end."""
    time = np.arange(int(seconds * RATE)) / RATE
    envelope = np.minimum(1, np.minimum(time / 0.03, (seconds - time) / 0.05))
    notes = []
    for pitch in pitches:
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        strengths = enumerate(TIMBRES[instrument], 1)
        notes.append(envelope * sum(a * np.sin(2 * np.pi * k * frequency * time + k) for k, a in strengths))
    sound = np.concatenate(notes)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


@pytest.fixture(scope="module")
def nmf():
    return catalogue.load("nmf")


def stems_of(nmf, mixture: np.ndarray, *parts: Part, check=None) -> np.ndarray:
    """Stems ``(parts + 1, channels, samples)`` through the engine, the residual last."""
    source = ArraySource(np.atleast_2d(mixture), RATE)
    blocks = list(separate(source, nmf, parts, device="cpu", check=check))
    return np.concatenate([block.stems for block in blocks], axis=-1)


def decibels(reference: np.ndarray, estimate: np.ndarray) -> float:
    return float(si_sdr(torch.from_numpy(reference), torch.from_numpy(np.ascontiguousarray(estimate))))


def test_a_trio_comes_apart(nmf):
    trio = {
        "violin": melody("violin", VIOLIN),
        "clarinet": melody("clarinet", CLARINET),
        "bassoon": melody("bassoon", BASSOON),
    }
    mixture = sum(trio.values())
    stems = stems_of(nmf, mixture, *map(Part, trio))
    for stem, (name, true) in zip(stems, trio.items(), strict=False):
        gained = decibels(true, stem[0]) - decibels(true, mixture)
        assert gained > 8, f"{name} gained only {gained:.1f} dB"


def test_two_parts_of_one_instrument_are_the_upper_and_the_lower(nmf):
    upper, lower = melody("violin", VIOLIN), melody("violin", CLARINET)
    stems = stems_of(nmf, upper + lower, Part("violin", 1), Part("violin", 2))
    assert decibels(upper, stems[0, 0]) > 5
    assert decibels(lower, stems[1, 0]) > 5


def test_silence_gives_silence(nmf):
    quiet = np.zeros((2, RATE), np.float32)
    state = nmf.prepare(torch.from_numpy(quiet), [Part("violin"), Part("cello")])
    stems = nmf.separate_block(torch.from_numpy(quiet), [Part("violin"), Part("cello")], state=state)
    assert stems.shape == (2, 2, RATE)
    assert not stems.any()


def test_the_same_sound_gives_the_same_stems(nmf):
    mixture = melody("violin", VIOLIN[:2]) + melody("bassoon", BASSOON[:2])
    first = stems_of(nmf, mixture, Part("violin"), Part("bassoon"))
    np.testing.assert_array_equal(first, stems_of(nmf, mixture, Part("violin"), Part("bassoon")))


def test_channels_keep_their_places(nmf):
    violin, bassoon = melody("violin", VIOLIN[:2]), melody("bassoon", BASSOON[:2])
    stems = stems_of(nmf, np.stack([violin, bassoon]), Part("violin"), Part("bassoon"))
    assert np.abs(stems[0, 1]).mean() < 0.5 * np.abs(stems[0, 0]).mean()
    assert np.abs(stems[1, 0]).mean() < 0.5 * np.abs(stems[1, 1]).mean()


def test_it_can_be_cancelled_in_the_middle_of_a_block(nmf):
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise Cancelled

    mixture = melody("violin", VIOLIN) + melody("bassoon", BASSOON)
    with pytest.raises(Cancelled):
        stems_of(nmf, mixture, Part("violin"), Part("bassoon"), check=check)


def test_an_instrument_that_it_does_not_know_is_a_sentence(nmf):
    with pytest.raises(SeparatorError, match="tuba"):
        stems_of(nmf, melody("violin", VIOLIN[:1]), Part("tuba"))


def test_the_templates_are_small_enough_to_ship(nmf):
    assert (nmf.card.folder / "templates.safetensors").stat().st_size <= 6_000_000
