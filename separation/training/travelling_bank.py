"""A note bank small enough to be taken to another machine: fewer and shorter notes, one byte a sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from separation.separator import SeparatorError
from separation.training.note_bank import SAMPLE_RATE, Note, NoteBank, resampled

Samples = npt.NDArray[np.float32]

SECONDS = 1.2
"""The longest note: an attack and a sustained middle that can be played to and fro."""

ENTRY = 150
"""What a note's entry in the table takes, in bytes."""


def spread(notes: Sequence[Note]) -> list[Note]:
    """One shelf's notes, the most needed first: any number from the front covers the pitches evenly.

    Each next note is the one farthest in pitch from those before it. Where pitches are alike, a plain and
    longer one comes first; unusual techniques come last.
    """
    left = sorted(notes, key=lambda note: (-note.length, note.start))
    pitch = np.array([note.pitch for note in left])
    plain = np.array([note.plain for note in left])
    order: list[Note] = []
    gap = np.full(len(left), np.inf)  # to the nearest note taken
    for _ in left:
        score = np.where(plain, gap, gap / 8 - 1e3)
        score[[g < 0 for g in gap]] = -np.inf
        if not order:
            score = -np.abs(pitch - np.median(pitch)) - np.where(plain, 0.0, 1e3)
        best = int(score.argmax())
        order.append(left[best])
        gap = np.where(gap < 0, gap, np.minimum(gap, np.abs(pitch - pitch[best])))
        gap[best] = -1.0
    return order


def chosen(notes: Sequence[Note], most: int, longest: int) -> list[Note]:
    """Notes that together take at most ``most`` samples when none is longer than ``longest``.

    Each takes :data:`ENTRY` more than its sound.
    Instruments take turns, within an instrument its timbres, within a timbre :func:`spread`. In the order
    of their places in the bank.
    """
    shelves: dict[str, dict[str, list[Note]]] = {}
    for note in notes:
        shelves.setdefault(note.instrument, {}).setdefault(note.source, []).append(note)
    queues = []
    for sources in shelves.values():
        rows = [spread(shelf) for _, shelf in sorted(sources.items())]
        turns = range(max(len(row) for row in rows))
        queues.append([row[turn] for turn in turns for row in rows if turn < len(row)])
    taken, room = [], most
    for turn in range(max((len(queue) for queue in queues), default=0)):
        for queue in queues:
            if turn < len(queue) and min(queue[turn].length, longest) + ENTRY <= room:
                taken.append(queue[turn])
                room -= min(queue[turn].length, longest) + ENTRY
    return sorted(taken, key=lambda note: note.start)


def lighter(bank: NoteBank, most_megabytes: float) -> Iterator[tuple[Note, Samples]]:
    """Notes of a bank at 22,050 Hz that fit into so many million bytes at one byte a sample.

    Raises :class:`SeparatorError` when not even one note of every instrument fits.
    """
    longest = round(SECONDS * bank.sample_rate)
    most = int(most_megabytes * 1e6 * bank.sample_rate / SAMPLE_RATE)
    notes = chosen(bank.notes, most, longest)
    if {note.instrument for note in notes} != {note.instrument for note in bank.notes}:
        raise SeparatorError(f"A note bank does not fit into {most_megabytes:g} MB.")
    fade = np.linspace(1, 0, SAMPLE_RATE // 100, dtype=np.float32)
    for note in notes:
        audio = resampled(bank.audio(note)[:longest], bank.sample_rate, SAMPLE_RATE)
        audio = audio[: round(SECONDS * SAMPLE_RATE)].copy()
        if note.length > longest:
            audio[-len(fade) :] *= fade
        yield note, audio / np.abs(audio).max()
