"""The note bank: single notes of many instruments and timbres, packed into one memory-mapped file.

Two kinds of sources: folders of recorded notes (named as in :mod:`separation.classical.templates`) and
soundfonts, rendered dry by fluidsynth. Every note is trimmed, scaled to a common peak and checked by a
pitch tracker; one whose sound contradicts its label is thrown out.

    python -m separation.training.note_bank --notes DIR --font FluidR3_GM.sf2 --font … --out bank

writes ``bank.f16`` (all samples, one after the other, float16) and ``bank.json`` (what is where).
``--most-megabytes 60`` makes a bank that can travel (:mod:`separation.training.travelling_bank`), from the
same sources or, with ``--from bank``, from a bank that is there; its samples are ``bank.u8``, one byte each.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from separation.classical.templates import measure_note, pitch_of
from separation.separator import INSTRUMENTS, SeparatorError

Samples = npt.NDArray[np.float32]

SAMPLE_RATE = 22050
"""Samples a second where nothing else is said; pitches are always measured at this rate."""

LONGEST_SECONDS = 3.5
SHORTEST_SECONDS = 0.15

PROGRAMS: dict[str, tuple[int, ...]] = {
    "bassoon": (70,),
    "cello": (42,),
    "clarinet": (71,),
    "flute": (73,),
    "oboe": (68,),
    "saxophone": (65, 66),
    "viola": (41,),
    "violin": (40,),
}
"""General MIDI programs (from 0) that soundfonts are asked for."""

COMPASS: dict[str, tuple[int, int]] = {
    "bassoon": (34, 74),
    "cello": (36, 76),
    "clarinet": (50, 91),
    "flute": (59, 96),
    "oboe": (58, 91),
    "saxophone": (44, 84),
    "viola": (48, 84),
    "violin": (55, 98),
}
"""Lowest and highest MIDI pitch each instrument plays here."""

VELOCITIES = (60, 105)

_ODD = re.compile(
    r"pizz|trem|ponticello|col-legno|gliss|harmonic|snap|trill|flutter|tasto|stacc|spicc|martele|subtone|"
    r"slap|double|triple|effect|multi|mute|sord"
)
"""Techniques that are not one sustained plain pitch: kept, flagged, used rarely."""


FORMATS: dict[str, type[np.float16] | type[np.uint8]] = {"f16": np.float16, "u8": np.uint8}
"""How a bank's samples are kept, by the file's suffix."""

_CODES = np.abs(np.arange(256) - 128) / 127.0
MU_LAW: Samples = (np.sign(np.arange(256) - 128) * (256.0**_CODES - 1) / 255).clip(-1, 1).astype(np.float32)
"""What each of the 256 codes of a byte stands for: steps that grow with the sound (mu-law, ITU-T G.711's
formula), so that noise stays about 38 dB below it. 128 is silence."""


def mu_law(audio: Samples) -> npt.NDArray[np.uint8]:
    """Codes ``(samples,)`` of audio between −1 and 1; :data:`MU_LAW` turns them back."""
    bent = np.sign(audio) * np.log1p(255.0 * np.minimum(np.abs(audio), 1.0)) / np.log(256.0)
    codes: npt.NDArray[np.uint8] = (np.rint(127.0 * bent) + 128).astype(np.uint8)
    return codes


@dataclass(frozen=True)
class Note:
    """One note of the bank: where its samples are and what they are.

    ``pitch`` is the measured MIDI pitch with its fraction; ``source`` names the collection, player or
    soundfont ("timbre"); ``plain`` is False for unusual techniques.
    """

    instrument: str
    source: str
    pitch: float
    plain: bool
    start: int
    length: int


class NoteBank:
    """A packed bank, opened for reading: :meth:`audio` gives a note's samples without loading the rest.

    ``samples`` is ``(samples,)``, float16 or uint8 (:data:`MU_LAW`), at ``sample_rate``.
    """

    def __init__(
        self,
        notes: Sequence[Note],
        samples: npt.NDArray[np.float16] | npt.NDArray[np.uint8],
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        self.notes = tuple(notes)
        self.sample_rate = sample_rate
        self.samples = samples
        self._shelves: dict[tuple[str, str], list[Note]] = {}
        for note in self.notes:
            self._shelves.setdefault((note.instrument, note.source), []).append(note)

    @classmethod
    def open(cls, path: Path) -> NoteBank:
        """The bank at ``path`` (without suffix). Raises :class:`SeparatorError` where there is none."""
        try:
            table = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            notes = [Note(**entry) for entry in table["notes"]]
            rate, suffix = int(table["sample_rate"]), table.get("samples", "f16")
            # "c": nothing is ever written, but torch wants memory that could be
            samples = np.memmap(path.with_suffix(f".{suffix}"), dtype=FORMATS[suffix], mode="c")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SeparatorError(
                f"The note bank {path} cannot be opened; make it with separation.training.note_bank."
            ) from error
        if notes and notes[-1].start + notes[-1].length > len(samples):
            raise SeparatorError(f"The note bank {path} is cut short; make it again.")
        return cls(notes, samples, rate)

    def audio(self, note: Note) -> Samples:
        """The note's samples ``(length,)`` float32 at :attr:`sample_rate`, peak 1."""
        kept = self.samples[note.start : note.start + note.length]
        return MU_LAW[kept] if kept.dtype == np.uint8 else kept.astype(np.float32)

    def sources(self, instrument: str) -> list[str]:
        """The timbres there are of an instrument, in alphabetical order."""
        return sorted(source for name, source in self._shelves if name == instrument)

    def shelf(self, instrument: str, source: str) -> list[Note]:
        """All notes of one timbre."""
        return self._shelves[instrument, source]


def trim(audio: Samples, sample_rate: int) -> Samples:
    """The audio ``(samples,)`` without the near-silence (−40 dB) before and after it."""
    width = max(1, sample_rate // 50)
    power = np.convolve(audio * audio, np.full(width, 1 / width, dtype=np.float32), "same")
    loud = np.flatnonzero(power > power.max() * 1e-4) if len(audio) else np.empty(0, dtype=np.int64)
    if not len(loud):
        return audio[:0]
    return audio[max(0, int(loud[0]) - sample_rate // 200) : int(loud[-1]) + 1]


def resampled(audio: Samples, sample_rate: int, wanted: int) -> Samples:
    """Audio ``(samples,)`` float32 at another rate."""
    moved = audio if sample_rate == wanted else soxr.resample(audio, sample_rate, wanted)
    return np.asarray(moved, dtype=np.float32)


def prepare(
    audio: Samples, sample_rate: int, label: int | None, wanted: int = SAMPLE_RATE
) -> tuple[float, Samples] | None:
    """True pitch and ready samples at ``wanted`` Hz of one recorded note, or None where it is no usable note.

    ``audio`` is ``(samples,)`` at ``sample_rate``; ``label`` the MIDI pitch its name claims, None where
    it claims none.
    """
    if not len(audio) or not np.isfinite(audio).all() or np.abs(audio).max() < 1e-4:
        return None
    cut = trim(resampled(audio, sample_rate, wanted), wanted)[: int(LONGEST_SECONDS * wanted)]
    if len(cut) < SHORTEST_SECONDS * wanted:
        return None
    measured = resampled(cut[: 2 * wanted], wanted, SAMPLE_RATE)
    found = measure_note(measured.astype(np.float64), SAMPLE_RATE, label)
    if found is None:
        return None
    return found[0], cut / np.abs(cut).max()


def recorded(path: Path, sample_rate: int = SAMPLE_RATE) -> tuple[Note, Samples] | None:
    """The note in one file of a folder of recordings (see the module's head), or None."""
    fields = path.stem.split("_")
    if path.suffix == ".mp3" and len(fields) >= 5 and fields[0] in INSTRUMENTS:
        if fields[2] in ("025", "phrase"):
            return None
        instrument, source, technique = fields[0], "philharmonia", "_".join(fields[4:])
        label: int | None = pitch_of(fields[1])
    elif path.suffix == ".flac" and len(fields) == 3 and fields[1] in ("p", "m", "f"):
        # the other marks are breath and key noise
        instrument, source, technique, label = "saxophone", f"mtg-{fields[0]}", "normal", None
    else:
        return None
    plain = not _ODD.search(technique)
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    ready = prepare(audio.mean(1), rate, label, sample_rate)
    return None if ready is None else (Note(instrument, source, ready[0], plain, 0, len(ready[1])), ready[1])


def rendered(job: tuple[Path, str, int, int], sample_rate: int = SAMPLE_RATE) -> list[tuple[Note, Samples]]:
    """All notes of one program of a soundfont at one velocity, rendered dry.

    ``job`` is (soundfont, instrument, program, velocity).
    """
    import mido

    font, instrument, program, velocity = job
    low, high = COMPASS[instrument]
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    track.append(mido.Message("program_change", program=program))
    wait = 0
    for pitch in range(low, high + 1):  # three seconds of sound and one of silence each
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=wait))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=3 * 960))
        wait = 960
    track.append(mido.MetaMessage("end_of_track", time=960))
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
        file.save(score)
        command = ["fluidsynth", "-ni", str(font), str(score), "-F", str(sound)]
        command += ["-r", str(sample_rate), "-R", "0", "-C", "0", "-g", "0.5"]
        subprocess.run(command, check=True, capture_output=True)
        audio = soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(1)
    notes = []
    for index, pitch in enumerate(range(low, high + 1)):
        piece = audio[index * 4 * sample_rate : (index * 4 + 3) * sample_rate]
        ready = prepare(piece, sample_rate, pitch, sample_rate)
        if ready is not None:
            source = f"{font.stem}-{program}"
            notes.append((Note(instrument, source, ready[0], True, 0, len(ready[1])), ready[1]))
    return notes


def write(
    found: Iterable[tuple[Note, Samples]],
    path: Path,
    *,
    sample_rate: int = SAMPLE_RATE,
    samples: str = "f16",
) -> list[Note]:
    """Pack notes at ``sample_rate`` into a bank at ``path``; returns them with their places.

    ``samples`` is one of :data:`FORMATS`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    placed: list[Note] = []
    start = 0
    with path.with_suffix(f".{samples}").open("wb") as file:
        for note, sound in found:
            file.write(mu_law(sound).tobytes() if samples == "u8" else sound.astype(np.float16).tobytes())
            entry = Note(note.instrument, note.source, round(note.pitch, 3), note.plain, start, len(sound))
            placed.append(entry)
            start += len(sound)
    table = {"sample_rate": sample_rate, "samples": samples, "notes": [asdict(note) for note in placed]}
    path.with_suffix(".json").write_text(json.dumps(table), encoding="utf-8")
    return placed


def build(
    notes: Path | None, fonts: Sequence[Path], *, processes: int = 2, sample_rate: int = SAMPLE_RATE
) -> Iterator[tuple[Note, Samples]]:
    """Every usable note of a folder of recordings and of soundfonts, computed by several processes.

    Raises :class:`SeparatorError` when a font or fluidsynth is missing.
    """
    for font in fonts:
        if not font.is_file():
            raise SeparatorError(f"The soundfont {font} is not there.")
    if fonts and shutil.which("fluidsynth") is None:
        raise SeparatorError("Rendering soundfonts needs the program fluidsynth; install it and try again.")
    files = sorted(notes.glob("*/*/*.mp3")) + sorted(notes.glob("*/*.flac")) if notes else []
    jobs = [
        (font, instrument, program, velocity)
        for font in fonts
        for instrument, programs in PROGRAMS.items()
        for program in programs
        for velocity in VELOCITIES
    ]
    with get_context("spawn").Pool(processes) as pool:
        for found in pool.imap(partial(recorded, sample_rate=sample_rate), files, 16):
            if found is not None:
                yield found
        for rendering in pool.imap(partial(rendered, sample_rate=sample_rate), jobs):
            yield from rendering


def summary(notes: Iterable[Note]) -> str:
    """One line an instrument: how many notes of each timbre."""
    counts: dict[str, dict[str, int]] = {}
    for note in notes:
        shelf = counts.setdefault(note.instrument, {})
        shelf[note.source] = shelf.get(note.source, 0) + 1
    lines = (
        f"{name}: " + ", ".join(f"{source} {n}" for source, n in sorted(shelf.items()))
        for name, shelf in sorted(counts.items())
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    from separation.training.travelling_bank import lighter

    parser = argparse.ArgumentParser(description="Pack single notes into a bank for training.")
    parser.add_argument("--notes", type=Path, help="folder with philharmonia/ and mtg_solosax/")
    parser.add_argument("--font", type=Path, action="append", default=[], help="a soundfont; may be repeated")
    parser.add_argument("--from", dest="bank", type=Path, help="a bank to make one that can travel from")
    parser.add_argument("--out", type=Path, required=True, help="the bank to write, without suffix")
    parser.add_argument("--most-megabytes", type=float, help="choose and shorten notes to fit")
    parser.add_argument("--sample-rate", type=int, choices=(22050, 44100), default=SAMPLE_RATE)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    rate = SAMPLE_RATE if options.most_megabytes else options.sample_rate
    try:
        if options.bank and (options.notes or options.font or not options.most_megabytes):
            raise SeparatorError("--from takes the place of --notes and --font, and needs --most-megabytes.")
        with tempfile.TemporaryDirectory(
            dir=options.out.parent if options.out.parent.is_dir() else None
        ) as at:
            whole = options.bank or (Path(at) / "bank" if options.most_megabytes else options.out)
            if not options.bank:
                found = build(options.notes, options.font, processes=options.processes, sample_rate=rate)
                placed = write(found, whole, sample_rate=rate)
            if options.most_megabytes:
                chosen = lighter(NoteBank.open(whole), options.most_megabytes)
                placed = write(chosen, options.out, samples="u8")
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(summary(placed) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
