"""How the net of shared partials is taught: made-up ensembles whose notes are known, fitted, and compared.

The pitches come from the score, with mistakes put in such as a tracker makes, so that the net learns
to doubt them; the fit that it corrects is made anew for each question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from separation import catalogue
from separation.classical import harmonic_fit, templates
from separation.classical.harmonic_fit import FitSettings, HarmonicFit
from separation.models.harmonic import load_net
from separation.models.mask_inference import pitch_odds, voice_path
from separation.models.partial_net import PartialConfig, PartialNet
from separation.models.weights import read_weights, save_weights
from separation.separator import INSTRUMENTS, Part
from separation.training import augmentation
from separation.training.ensemble_synth import Clip
from separation.training.losses import separation_loss
from separation.transforms import Stft


@dataclass(frozen=True)
class QuestionConfig:
    """How clips are turned into questions; ``mistaken`` is the share of notes whose pitch is told wrong,
    ``late`` the most seconds by which a note's start is told wrong.
    """

    items: int = 4
    seconds: float = 4.0
    level_db: float = 4.0
    equalisation_db: float = 8.0
    unticked: float = 0.2
    noisy: float = 0.2
    mistaken: float = 0.06
    late: float = 0.05
    foreign: float = 0.2


@dataclass(frozen=True)
class Question:
    """One mixture: its ``fit``, its spectrum ``(bins, frames)`` complex and the true parts' ``(slots, bins,
    frames)``, the last of them what was not asked for.
    """

    fit: HarmonicFit
    mixture: torch.Tensor
    sources: torch.Tensor


def question(
    rng: np.random.Generator,
    clip: Clip,
    tones: templates.Templates,
    config: QuestionConfig,
    device: torch.device | None = None,
) -> Question:
    """A question about one clip, fitted on ``device``."""
    rate = clip.sample_rate
    stft = window(rate)
    length = round(config.seconds * rate)
    at = int(rng.integers(max(1, clip.audio.shape[1] - length)))
    crop = clip.audio[:, at : at + length].astype(np.float32)
    crop *= 10 ** (rng.normal(0, config.level_db, (len(crop), 1)).astype(np.float32) / 20)
    asked = list(range(len(crop)))
    rest = np.zeros((1, crop.shape[1]), dtype=np.float32)
    if len(asked) > 2 and rng.random() < config.unticked:
        hidden = asked.pop(int(rng.integers(len(asked))))
        rest = rest + crop[hidden]
    if rng.random() < config.noisy:
        noise = augmentation.noise(rng, crop.shape[1]) * 10 ** (rng.uniform(-50, -28) / 20)
        rest = rest + noise.astype(np.float32)
    waves = torch.from_numpy(np.concatenate([crop[asked], rest])).to(device)
    hertz = stft.frequencies(rate).numpy()
    curves = augmentation.spectral_gains(rng, hertz, len(waves), config.equalisation_db).to(device)
    sources = stft.forward(waves) * curves[:, :, None]
    mixture = sources.sum(0)
    path = np.stack(
        [note_path(rng, clip, part, at / rate, sources.shape[-1], stft.hop / rate, config) for part in asked]
    )
    magnitude = mixture.abs()
    width = rate / stft.size
    pitches = harmonic_fit.refine(magnitude, torch.from_numpy(path).to(device), width)
    names = [clip.instruments[part] for part in asked]
    if rng.random() < config.foreign:  # the template of another instrument: timbre is not to be relied on
        names[int(rng.integers(len(names)))] = str(rng.choice(tones.instruments))
    notes = torch.stack([tones.of(name).mean(1) for name in names]).to(device)
    fit = harmonic_fit.fit(magnitude, pitches, notes, width, FitSettings("kl"))
    return Question(fit, mixture, sources)


def window(rate: int) -> Stft:
    """The transform at ``rate`` whose frames last as long as the separator's."""
    return Stft(8192 * rate // 44100, 2048 * rate // 44100)


def note_path(
    rng: np.random.Generator,
    clip: Clip,
    part: int,
    begin: float,
    frames: int,
    step: float,
    config: QuestionConfig,
) -> npt.NDArray[np.float32]:
    """A part's pitch ``(frames,)`` every ``step`` seconds from ``begin``: MIDI, 0 for silence, errors."""
    path = np.zeros(frames, dtype=np.float32)
    for owner, start, stop, pitch in clip.notes:
        if round(float(owner)) != part:
            continue
        told = float(pitch)
        if rng.random() < config.mistaken:
            others = clip.notes[(clip.notes[:, 1] < stop) & (clip.notes[:, 2] > start), 3]
            wrong = [told + 12, told - 12, told + float(rng.integers(-3, 4)), float(rng.choice(others)), 0.0]
            told = float(np.clip(rng.choice(wrong), 0, 100))
        late = rng.uniform(-config.late, config.late)
        first = max(0, round((float(start) + late - begin) / step))
        path[first : max(first, round((float(stop) - begin) / step))] = told if told >= 30 else 0.0
    return path


@dataclass(frozen=True)
class PartialRecipe:
    """The recipe of :class:`~separation.models.partial_net.PartialNet`.

    ``measures`` are the net's, ``questions`` how clips become batches; ``listener`` are the weights of the
    harmonic net whose pitches validation goes by (those that ship, where it is None).
    """

    measures: PartialConfig = field(default_factory=PartialConfig)
    questions: QuestionConfig = field(default_factory=QuestionConfig)
    learning_rate: float = 2e-3
    listener: Path | None = None
    name: str = "partials"

    def net(self) -> PartialNet:
        """A fresh net."""
        return PartialNet(self.measures)

    @cached_property
    def _tones(self) -> templates.Templates:
        return templates.load(catalogue.RESOURCES / "separators" / "nmf" / "templates.safetensors")

    @cached_property
    def _listener(self) -> nn.Module:
        usual = catalogue.RESOURCES / "separators" / "harmonic" / "weights.safetensors"
        return load_net(self.listener or usual)

    def batch(self, rng: np.random.Generator, clips: Sequence[Clip], device: torch.device) -> list[Question]:
        """As many questions as asked for; each has its own number of voices."""
        drawn = rng.integers(len(clips), size=self.questions.items)
        return [question(rng, clips[int(at)], self._tones, self.questions, device) for at in drawn]

    def losses(self, net: nn.Module, batch: Sequence[Question], step: int) -> dict[str, torch.Tensor]:
        """``separation``: the mean error of the parts in dB relative to themselves."""
        made = cast(PartialNet, net)
        losses = []
        for one in batch:
            masks = made.masks(one.fit)
            owner = torch.zeros(len(one.sources), dtype=torch.long, device=masks.device)
            losses.append(separation_loss(masks, one.mixture[None], one.sources, owner))
        return {"separation": torch.stack(losses).mean()}

    def separate(
        self, net: nn.Module, mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]
    ) -> torch.Tensor:
        """The stems at the pitches that the harmonic net hears: ``(parts, channels, samples)``."""
        made, listener = cast(PartialNet, net), cast(Any, self._listener)
        slots = [(INSTRUMENTS.index(part.instrument), min(part.number, 2)) for part in parts]
        # the listener stays on the CPU, wherever the net is
        odds = pitch_odds(listener, mixture.cpu(), slots, sample_rate)[:, :-1]
        path = voice_path(odds, listener.config.lowest).to(mixture.device)
        stft = window(sample_rate)
        spectrum = stft.forward(mixture)
        magnitude = spectrum.abs().square().mean(0).sqrt()
        width = sample_rate / stft.size
        notes = torch.stack([self._tones.of(part.instrument).mean(1) for part in parts]).to(mixture.device)
        path = harmonic_fit.refine(magnitude, path, width)
        fit = harmonic_fit.fit(magnitude, path, notes, width, FitSettings("kl"))
        masks = made.masks(fit)[: len(parts)]
        return stft.inverse(masks[:, None] * spectrum, mixture.shape[-1])

    def save(self, net: nn.Module, path: Path) -> str:
        """Write the weights; returns the file's SHA-256."""
        return save_weights(net, cast(PartialNet, net).config, path)

    def load(self, path: Path) -> PartialNet:
        """The net in a weights file. Raises :class:`SeparatorError`."""
        return read_weights(path, PartialConfig, PartialNet)


def create(**settings: Any) -> PartialRecipe:
    """The recipe; settings are its own fields, those of ``measures`` or those of ``questions``.

    Raises :class:`TypeError` for one that none of them has.
    """
    recipe = PartialRecipe()
    for name, value in settings.items():
        for inner in ("measures", "questions"):
            if name in {each.name for each in fields(getattr(recipe, inner))}:
                changed = replace(getattr(recipe, inner), **{name: value})
                recipe = replace(recipe, **{inner: changed})
                break
        else:
            recipe = replace(recipe, **{name: value})
    return recipe
