"""How well a net does on pieces whose parts are known: made-up ones held back, and real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch

from separation.metrics import si_sdr
from separation.separator import INSTRUMENTS, Part, SeparatorError
from separation.training.batches import orders
from separation.training.ensemble_synth import Clip, read_shard
from separation.training.note_bank import SAMPLE_RATE

Separate = Callable[[torch.Tensor, int, Sequence[Part]], torch.Tensor]
"""From a mixture ``(channels, samples)``, its rate and its parts to stems ``(parts, channels, samples)``."""

LONGEST_SECONDS = 60.0
"""Of a real piece: validation is for watching, and must not eat the time to train."""

_AUDIO = (".flac", ".wav")


@dataclass(frozen=True)
class Piece:
    """A piece in parts: ``audio`` ``(parts, channels, samples)`` at ``sample_rate``, and who plays it."""

    name: str
    audio: torch.Tensor
    parts: tuple[Part, ...]
    sample_rate: int = SAMPLE_RATE


def parts_of(instruments: Sequence[str]) -> tuple[Part, ...]:
    """The parts of a clip: an instrument that comes twice is told apart by number, from the first on."""
    return tuple(Part(*both) for both in zip(instruments, orders(instruments), strict=True))


def clip_piece(name: str, clip: Clip) -> Piece:
    """A made-up clip as a piece of one channel, its parts at equal levels."""
    audio = torch.from_numpy(np.asarray(clip.audio, dtype=np.float32))[:, None]
    return Piece(name, audio, parts_of(clip.instruments), clip.sample_rate)


def held_pieces(folder: Path) -> list[Piece]:
    """The clips of a folder of shards."""
    return [
        clip_piece(f"{path.stem}-{index}", clip)
        for path in sorted(folder.glob("*.safetensors"))
        for index, clip in enumerate(read_shard(path))
    ]


def stem_files(folder: Path) -> dict[Part, Path]:
    """The stems in a folder by part: ``violin.flac``, ``violin-1.wav``, …; other files are no stems."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _AUDIO) if folder.is_dir() else []
    named = {Part.from_name(path.stem): path for path in files}
    return {part: named[part] for part in sorted(named) if part.instrument in INSTRUMENTS}


def read_stems(folder: Path) -> Piece:
    """The piece whose stems lie in a folder, at their own rate, as long as the shortest.

    Raises :class:`SeparatorError` when there are none or they do not fit together.
    """
    files = stem_files(folder)
    if not files:
        raise SeparatorError(f"The folder {folder} has no stems such as violin.flac in it.")
    read: list[npt.NDArray[np.float32]] = []
    rates = set()
    for path in files.values():
        try:
            audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise SeparatorError(f"The stem {path} cannot be read.") from error
        read.append(audio.T)
        rates.add(int(rate))
    if len(rates) != 1 or len({len(audio) for audio in read}) != 1:
        raise SeparatorError(f"The stems in {folder} differ in sample rate or in channels.")
    length = min(audio.shape[1] for audio in read)
    stacked = np.stack([audio[:, :length] for audio in read])
    return Piece(folder.name, torch.from_numpy(stacked), tuple(files), rates.pop())


def real_pieces(folder: Path, pattern: str = "*", sample_rate: int = SAMPLE_RATE) -> list[Piece]:
    """The pieces in folders of stems inside ``folder``, mono at ``sample_rate``, a minute at most of each."""
    pieces = []
    for place in sorted(folder.glob(pattern)):
        if not stem_files(place):
            continue
        piece = read_stems(place)
        mono = piece.audio[..., : round(LONGEST_SECONDS * piece.sample_rate)].mean(1).numpy()
        parts = np.stack([soxr.resample(part, piece.sample_rate, sample_rate) for part in mono])
        audio = torch.from_numpy(parts).float()[:, None]
        pieces.append(Piece(piece.name, audio, piece.parts, sample_rate))
    return pieces


def piece_si_sdr(separate: Separate, piece: Piece) -> torch.Tensor:
    """SI-SDR in dB of each part, over all channels as one signal: ``(parts,)`` float64."""
    with torch.no_grad():
        stems = separate(piece.audio.sum(0), piece.sample_rate, piece.parts).cpu()
    return si_sdr(piece.audio.flatten(1), stems.flatten(1))


def mean_si_sdr(separate: Separate, pieces: Sequence[Piece]) -> float:
    """The mean over all parts of all pieces in dB, NaN without pieces; silent parts do not count."""
    if not pieces:
        return float("nan")
    values = torch.cat([piece_si_sdr(separate, piece) for piece in pieces])
    return float(values.clamp(-40, 40).nanmean())
