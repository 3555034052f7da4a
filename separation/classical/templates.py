"""Note templates: how strong the harmonics of each instrument's notes are, learnt from real single notes.

A template is the amplitude of harmonics 1…H of one note, per instrument, pitch and loudness. It is
harmonic, not a spectrum: so it can be drawn at any pitch, on any frequency axis, and be filtered to fit
a recording (the source-filter view of Durrieu et al. 2010). Learning, from a folder of note recordings:

    python -m separation.classical.templates --notes DIR --out resources/separators/nmf/templates.safetensors

``DIR/philharmonia/<instrument>/<instrument>_<pitch>_<length>_<dynamic>_<technique>.mp3`` and
``DIR/mtg_solosax/<kind>_<dynamic>_<number>.flac`` are read; a label that the sound itself contradicts
is not believed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from separation.separator import INSTRUMENTS, SeparatorError

Array = npt.NDArray[np.float64]

LOWEST, HIGHEST = 28, 103
"""The MIDI pitches that templates are kept for (both included)."""

HARMONICS = 80
LOUDNESSES = ("soft", "loud")
FLOOR_DB = -80.0
"""A harmonic weaker than this below the whole note is noise."""

_FRAME, _HOP = 8192, 2048
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_PLAIN = re.compile(r"(arco-)?(normal|legato|tenuto|nonlegato|detache|au-talon|non-vibrato|molto-vibrato)")
_SOFT = {"pianissimo", "piano", "mezzo-piano"}
_LOUD = {"forte", "fortissimo", "mezzo-forte"}


@dataclass(frozen=True)
class Templates:
    """What was learnt.

    ``amplitudes`` is ``(instruments, pitches, loudnesses, harmonics)`` float32, the squares of a note's
    harmonics adding up to one; pitch index 0 is MIDI note :data:`LOWEST`. ``ranges`` is
    ``(instruments, 2)`` float32: lowest and highest pitch that notes were found for.
    """

    instruments: tuple[str, ...]
    amplitudes: torch.Tensor
    ranges: torch.Tensor

    def of(self, instrument: str) -> torch.Tensor:
        """One instrument's templates: ``(pitches, loudnesses, harmonics)``."""
        return self.amplitudes[self.instruments.index(instrument)]

    def range_of(self, instrument: str) -> tuple[float, float]:
        """Lowest and highest MIDI pitch of an instrument."""
        low, high = self.ranges[self.instruments.index(instrument)].tolist()
        return low, high


def load(path: Path) -> Templates:
    """The templates in a file that :func:`save` wrote.

    Raises :class:`SeparatorError` naming the file when it is missing or is not one.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = tuple((file.metadata() or {}).get("instruments", "").split(","))
            amplitudes, ranges = file.get_tensor("amplitudes").float(), file.get_tensor("ranges").float()
    except (OSError, SafetensorError) as error:
        raise _unusable(path) from error
    wanted = (len(names), HIGHEST - LOWEST + 1, len(LOUDNESSES), HARMONICS)
    fits = tuple(amplitudes.shape) == wanted and tuple(ranges.shape) == (len(names), 2)
    if not fits or not amplitudes.isfinite().all() or not ranges.isfinite().all():
        raise _unusable(path)
    return Templates(names, amplitudes, ranges)


def save(templates: Templates, path: Path) -> None:
    """Write templates as safetensors (half precision: 80 dB of range is well inside it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "amplitudes": templates.amplitudes.half().contiguous(),
        "ranges": templates.ranges.contiguous(),
    }
    save_file(tensors, path, metadata={"instruments": ",".join(templates.instruments)})


def _unusable(path: Path) -> SeparatorError:
    return SeparatorError(f"The note templates {path} cannot be read. Installing Ripieno again mends it.")


def pitch_of(name: str) -> int:
    """The MIDI pitch of a name such as ``As4`` (s is sharp; A4 is 69). Raises :class:`ValueError`."""
    match = re.fullmatch(r"([A-G])(s?)(-?\d)", name)
    if match is None:
        raise ValueError(f"“{name}” is not a pitch")
    return _LETTERS[match[1]] + bool(match[2]) + 12 * (int(match[3]) + 1)


def measure_note(audio: Array, sample_rate: int, pitch: int | None) -> tuple[float, Array] | None:
    """True pitch (MIDI, with a fraction) and harmonic amplitudes ``(harmonics,)`` of one note.

    ``audio`` is ``(samples,)``; ``pitch`` is what its label says, or None to find it. The squares of the
    amplitudes add up to one. None when the sound is too short, silent, has no clear pitch, or one more
    than 70 cents from its label.
    """
    if len(audio) < _FRAME // 2 or not np.abs(audio).max() > 1e-4:
        return None
    padded = np.pad(audio, (0, max(0, _FRAME - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(_FRAME), axis=1))  # (frames, bins)
    energy = (spectra**2).sum(1)
    spectra = spectra[energy > energy.max() * 10**-1.5]
    average = np.sqrt((spectra**2).mean(0))
    width = sample_rate / _FRAME
    if pitch is None:
        found = _best_pitch(average, width, np.arange(LOWEST + 4, HIGHEST - 8, 0.1))
        if found is None:
            return None
        grid = np.arange(found - 0.3, found + 0.3, 0.05)
    else:
        grid = np.arange(pitch - 0.8, pitch + 0.81, 0.05)
    found = _best_pitch(average, width, grid)
    if found is None or (pitch is not None and abs(found - pitch) > 0.7):
        return None
    f0 = 440.0 * 2 ** ((found - 69) / 12)
    power = np.zeros(HARMONICS)
    for h in range(1, HARMONICS + 1):
        # vibrato moves a harmonic by up to about half a semitone
        reach = max(1.5 * width, min(0.03 * h * f0, 0.4 * f0))
        low, high = int((h * f0 - reach) / width), int(np.ceil((h * f0 + reach) / width)) + 1
        if high >= spectra.shape[1]:
            break
        power[h - 1] = (spectra[:, low:high].max(1) ** 2).mean()
    total = power.sum()
    if total <= 0:
        return None
    return found, np.sqrt(power / total)


def _best_pitch(spectrum: Array, width: float, grid: Array) -> float | None:
    """The pitch of ``grid`` whose comb fits the spectrum ``(bins,)`` best, None at the grid's very edge.

    The score is the sum over ten harmonics of the compressed spectrum at them, less that half-way
    between them (so that an octave below does not win).
    """
    compressed = spectrum**0.5
    bins = np.arange(len(compressed))
    f0 = 440.0 * 2 ** ((grid[:, None] - 69) / 12) / width
    number = np.arange(1, 11)[None, :]
    weight = number**-0.5
    at = np.interp(f0 * number, bins, compressed)
    between = np.interp(f0 * (number - 0.5), bins, compressed)
    score = ((at - between) * weight).sum(1)
    best = int(score.argmax())
    return None if best in (0, len(grid) - 1) or score[best] <= 0 else float(grid[best])


def _labelled(notes: Path) -> Iterator[tuple[Path, str, int | None, int]]:
    """Every usable note file: path, instrument, pitch on its label or None, loudness (0 soft, 1 loud)."""
    for instrument in INSTRUMENTS:
        for path in sorted((notes / "philharmonia" / instrument).glob("*.mp3")):
            fields = path.stem.split("_", 4)
            if len(fields) < 5 or fields[2] in ("025", "phrase") or not _PLAIN.fullmatch(fields[4]):
                continue
            if fields[3] in _SOFT | _LOUD:
                yield path, instrument, pitch_of(fields[1]), int(fields[3] in _LOUD)
    for path in sorted((notes / "mtg_solosax").glob("*.flac")):
        kind = path.stem.split("_")[1]
        if kind in ("p", "m", "f"):  # the others are breath and keys
            yield path, "saxophone", None, int(kind != "p")


def learn(notes: Path) -> Templates:
    """Templates from a folder of notes (see the module's head). :class:`SeparatorError` where it has none."""
    measured: dict[str, list[tuple[float, int, Array]]] = {name: [] for name in INSTRUMENTS}
    refused = 0
    for path, instrument, label, loudness in _labelled(notes):
        audio, rate = soundfile.read(path, dtype="float64", always_2d=True)
        note = measure_note(audio.mean(1), rate, label)
        if note is None:
            refused += 1
        else:
            measured[instrument].append((note[0], loudness, note[1]))
    if not all(measured.values()):
        lacking = ", ".join(name for name, found in measured.items() if not found)
        raise SeparatorError(f"The folder {notes} has no usable notes of {lacking}.")
    amplitudes = torch.stack([torch.from_numpy(summarise(measured[name])) for name in INSTRUMENTS])
    # single stray labels do not widen a range
    ranges = [np.quantile([pitch for pitch, _, _ in measured[name]], (0.003, 0.997)) for name in INSTRUMENTS]
    counts = ", ".join(f"{name} {len(found)}" for name, found in measured.items())
    sys.stderr.write(f"notes used: {counts}; refused: {refused}\n")
    return Templates(INSTRUMENTS, amplitudes.float(), torch.tensor(np.array(ranges)).float())


def summarise(measured: list[tuple[float, int, Array]]) -> Array:
    """Templates ``(pitches, loudnesses, harmonics)`` from ``(pitch, loudness, amplitudes)`` of many notes.

    Each is the mean, in dB, of the notes of that loudness near its pitch (within a semitone or two;
    where there are none, the nearest ones).
    """
    pitches = np.array([pitch for pitch, _, _ in measured])
    loudness = np.array([loud for _, loud, _ in measured])
    levels = np.maximum(20 * np.log10(np.maximum([a for _, _, a in measured], 1e-9)), FLOOR_DB)
    out = np.zeros((HIGHEST - LOWEST + 1, len(LOUDNESSES), HARMONICS))
    for row, pitch in enumerate(range(LOWEST, HIGHEST + 1)):
        for loud in range(len(LOUDNESSES)):
            use = loudness == loud if (loudness == loud).any() else loudness >= 0
            distance = np.abs(pitches[use] - pitch)
            weight = np.exp(-0.5 * ((distance - distance.min()) / 1.2) ** 2)
            level = weight @ levels[use] / weight.sum()
            amplitude = np.where(level > FLOOR_DB + 1, 10 ** (level / 20), 0.0)
            out[row, loud] = amplitude / np.sqrt((amplitude**2).sum())
    return out


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    parser = argparse.ArgumentParser(description="Learn note templates from single notes.")
    parser.add_argument(
        "--notes", type=Path, required=True, help="folder with philharmonia/ and mtg_solosax/"
    )
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    options = parser.parse_args(arguments)
    try:
        save(learn(options.notes), options.out)
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
