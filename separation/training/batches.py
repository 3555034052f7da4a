"""Batches for training: clips from a pool of shards, mixed anew each time.

The pool is a folder that another process fills while training runs; new shards are taken in as they
appear, and the oldest clips leave when memory is full. Each time a clip is drawn its levels, spectra,
place in time and the question asked of it change: an instrument may be left un-ticked (it is then the
residual), one that is not there may be ticked, noise may be added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
import torch

from separation.models.harmonic_net import CLASSES, NetConfig
from separation.separator import INSTRUMENTS
from separation.training import augmentation
from separation.training.ensemble_synth import Clip, read_shard
from separation.training.note_bank import SAMPLE_RATE
from separation.transforms import Stft

RESIDUAL_CLASS = CLASSES - 1


@dataclass(frozen=True)
class BatchConfig:
    """How clips are turned into questions."""

    items: int = 5
    seconds: float = 5.0
    level_db: float = 4.0
    equalisation_db: float = 8.0
    unticked: float = 0.15
    noisy: float = 0.1
    silent: float = 0.15
    open_residual: float = 0.4


@dataclass(frozen=True)
class Batch:
    """Spectra of a batch (below the net's highest bin unless said) and what is asked of it.

    ``mixture`` ``(items, bins, frames)`` complex, ``magnitude`` ``(items, size // 2 + 1, frames)``, ``long``
    ``(items, size + 1, frames)``, ``sources`` ``(slots, bins, frames)`` complex; ``owner``, ``instrument``,
    ``order`` ``(slots,)``; ``roll`` ``(slots, frames / 2)``, which of the net's pitches sounds, the last one
    being silence; ``taught`` ``(slots,)``.
    """

    mixture: torch.Tensor
    magnitude: torch.Tensor
    long: torch.Tensor
    sources: torch.Tensor
    owner: torch.Tensor
    instrument: torch.Tensor
    order: torch.Tensor
    roll: torch.Tensor
    taught: torch.Tensor


class Pool:
    """The clips read so far; :meth:`refresh` takes in what has appeared in the folder since."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self.clips: list[Clip] = []
        self._read: set[Path] = set()

    @property
    def sample_rate(self) -> int:
        """Of the newest clip; the bank's while there is none."""
        return self.clips[-1].sample_rate if self.clips else SAMPLE_RATE

    def refresh(self, shards: int = 2) -> None:
        """Take in at most ``shards`` new shards, the oldest first."""
        new = [path for path in sorted(self.folder.glob("*.safetensors")) if path not in self._read]
        for path in new[:shards]:
            self.clips += read_shard(path)
            self._read.add(path)
        del self.clips[: max(0, len(self.clips) - self.most)]


def orders(instruments: Sequence[str]) -> list[int]:
    """Which of its instrument's parts each is: 0 where it is alone, else 1, 2 from the first on."""
    out = []
    for index, name in enumerate(instruments):
        alone = instruments.count(name) == 1
        out.append(0 if alone else min(2, 1 + list(instruments[:index]).count(name)))
    return out


def pitch_roll(
    notes: npt.NDArray[np.float32], part: int, begin: float, frames: int, config: NetConfig
) -> npt.NDArray[np.int64]:
    """Which of the net's pitches one part sounds: ``(frames,)``, one frame for every two of the net's.

    ``config.pitches``, the row after the last pitch, is silence.
    ``notes`` as in :class:`~separation.training.ensemble_synth.Clip`; ``begin`` the crop's start in seconds.
    """
    roll = np.full(frames, config.pitches, dtype=np.int64)
    step = 2 * config.hop / config.sample_rate
    for owner, start, stop, pitch in notes:
        row = round(float(pitch)) - config.lowest
        if round(float(owner)) == part and 0 <= row < config.pitches:
            first = max(0, round(float(start - begin) / step))
            roll[first : max(first, round(float(stop - begin) / step))] = row  # the newer of two wins
    return roll


def at_rate(audio: npt.NDArray[np.float32], rate: int, wanted: int, length: int) -> npt.NDArray[np.float32]:
    """Audio ``(parts, samples)`` at another rate, in Hz: ``(parts, length)``, cut or silent at its end."""
    if rate != wanted:
        audio = np.stack([soxr.resample(part, rate, wanted, quality="MQ") for part in audio])
    audio = audio[:, :length]
    return np.pad(audio, ((0, 0), (0, length - audio.shape[1])))


def make_batch(
    rng: np.random.Generator,
    clips: Sequence[Clip],
    config: BatchConfig,
    net: NetConfig,
    device: torch.device | None = None,
) -> Batch:
    """A batch of ``config.items`` questions about clips drawn from ``clips``, on ``device``."""
    stft, long_stft = Stft(net.size, net.hop), Stft(2 * net.size, net.hop)
    length = round(config.seconds * net.sample_rate)
    slots: list[_Slot] = []
    for item in range(config.items):
        slots += _question(rng, clips[int(rng.integers(len(clips)))], item, length, config, net)
    hertz = stft.frequencies(net.sample_rate).numpy()
    curve = augmentation.spectral_gains(rng, hertz, len(slots), config.equalisation_db).to(device)
    waves = torch.from_numpy(np.stack([slot.wave for slot in slots])).to(device)
    owner = torch.tensor([slot.item for slot in slots], device=device)
    every = stft.forward(waves) * curve[:, :, None]
    mixture = every.new_zeros(config.items, *every.shape[1:]).index_add(0, owner, every)
    long = long_stft.forward(stft.inverse(mixture, length))
    return Batch(
        mixture[:, : net.bins],
        mixture.abs(),
        long.abs(),
        every[:, : net.bins],
        owner,
        torch.tensor([slot.kind for slot in slots], device=device),
        torch.tensor([slot.order for slot in slots], device=device),
        torch.from_numpy(np.stack([slot.roll for slot in slots])).to(device),
        torch.tensor([slot.taught for slot in slots], device=device),
    )


@dataclass(frozen=True)
class _Slot:
    """One thing asked for: its item of the batch, class and order, its sound ``(samples,)``, its pitches."""

    item: int
    kind: int
    order: int
    wave: npt.NDArray[np.float32]
    roll: npt.NDArray[np.int64]
    taught: bool


def _question(
    rng: np.random.Generator, clip: Clip, item: int, length: int, config: BatchConfig, net: NetConfig
) -> list[_Slot]:
    """What is asked of one clip: its ticked parts, perhaps a silent one, perhaps the residual."""
    frames = (Stft(net.size, net.hop).frames(length) + 1) // 2
    rate = clip.sample_rate
    wanted = round(config.seconds * rate)
    at = int(rng.integers(max(1, clip.audio.shape[1] - wanted)))
    crop = at_rate(clip.audio[:, at : at + wanted].astype(np.float32), rate, net.sample_rate, length)
    crop *= 10 ** (rng.normal(0, config.level_db, (len(crop), 1)).astype(np.float32) / 20)
    parts = list(range(len(crop)))
    background = np.zeros(length, dtype=np.float32)
    if len(parts) > 2 and rng.random() < config.unticked:
        hidden = int(rng.choice(parts))
        parts.remove(hidden)
        background += crop[hidden]
    if rng.random() < config.noisy:
        background += augmentation.noise(rng, length) * 10 ** (rng.uniform(-50, -28) / 20)
    slots = []
    for part, order in zip(parts, orders([clip.instruments[part] for part in parts]), strict=True):
        kind = INSTRUMENTS.index(clip.instruments[part])
        roll = pitch_roll(clip.notes, part, at / rate, frames, net)
        slots.append(_Slot(item, kind, order, crop[part], roll, True))
    empty, silence = np.full(frames, net.pitches), np.zeros(length, np.float32)
    if rng.random() < config.silent:
        absent = [i for i, name in enumerate(INSTRUMENTS) if name not in clip.instruments]
        slots.append(_Slot(item, int(rng.choice(absent)), 0, silence, empty, True))
    if background.any() or rng.random() < config.open_residual:
        slots.append(_Slot(item, RESIDUAL_CLASS, 0, background, empty, False))
    return slots
