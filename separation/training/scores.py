"""Scores for made-up ensembles: the parts of MIDI files as lists of notes, and which scores to leave out.

    python -m separation.training.scores --scores DIR --out scores.json

reads ``DIR/*/*.mid``. The Bach10 recordings (Duan & Pardo 2011) are the test of every separator here, so
the ten chorales they play, and other settings of the same tunes, are never trained on.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from separation.separator import SeparatorError

BACH10_CHORALES: tuple[int, ...] = (
    255, 256, 274, 275, 296, 297, 326, 327, 328, 358, 359, 360, 361, 365, 385,
)  # fmt: skip
"""BWV numbers of the chorales that Bach10 plays, by their titles.

Ach Gott und Herr 255; Ach lieben Christen 256; Christe, der du bist Tag und Licht 274; Christe, du
Beistand 275; Die Nacht ist kommen 296; Die Sonn hat sich 297; Herr Gott, dich loben 326, 328; Für deinen
Thron 327; Nun bitten wir 385. The ninth is called only "Jesus": so all that begin with Jesu or Jesus and
"meine" or "meines" are left out: 358, 359, 360, 361, 365.
"""

OTHER_SETTINGS: tuple[str, ...] = (
    "48_3", "64_8", "81_7", "87_7", "114_7", "130_6", "145-a", "145_5", "169_7", "178_7", "197_5", "227_7",
    "227_11",
)  # fmt: skip
"""Cantata movements on the same tunes that differ too much at their beginning to be found by melody."""

TUNE_NOTES = 10
"""How many notes of a tune's beginning are compared."""


@dataclass(frozen=True)
class ScoreNote:
    """One written note: start and length in quarter notes, MIDI pitch."""

    start: float
    length: float
    pitch: int


PartNotes = tuple[ScoreNote, ...]


@dataclass(frozen=True)
class Score:
    """One piece: its name and its parts, highest first as they are written."""

    name: str
    parts: tuple[PartNotes, ...]


def read_score(path: Path) -> Score:
    """The parts of a MIDI file, one a track with more than five notes.

    Raises :class:`SeparatorError` naming the file when it is no MIDI file.
    """
    import mido

    try:
        file = mido.MidiFile(path, clip=True)
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise SeparatorError(f"The score {path} cannot be read as MIDI.") from error
    parts = []
    for track in file.tracks:
        now, sounding, notes = 0, dict[int, int](), []
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity > 0:
                sounding.setdefault(message.note, now)
            elif message.type in ("note_off", "note_on") and message.note in sounding:
                began = sounding.pop(message.note)
                if now > began:
                    beat = file.ticks_per_beat
                    notes.append(ScoreNote(began / beat, (now - began) / beat, message.note))
        if len(notes) > 5:
            parts.append(tuple(sorted(notes, key=lambda note: (note.start, note.pitch))))
    return Score(path.stem, tuple(parts))


def tune(score: Score) -> tuple[int, ...]:
    """The steps between the first notes of the highest part, in semitones, repeated notes left out.

    Repeats are left out because settings of one tune differ in them. Grace-like short notes stay.
    """
    if not score.parts:
        return ()
    pitches = [note.pitch for note in score.parts[0]]
    steps = [after - before for before, after in pairwise(pitches)]
    return tuple(step for step in steps if step)[:TUNE_NOTES]


def is_bach10(name: str) -> bool:
    """Whether a file name (``bach_chorale_bwv255_mxl``) carries one of the BWV numbers above."""
    match = re.search(r"bwv(\d+)((?:_\d+|-a)?)", name)
    if match is None:
        return False
    return match[1] + match[2] in OTHER_SETTINGS or (not match[2] and int(match[1]) in BACH10_CHORALES)


def left_out(scores: Sequence[Score]) -> set[str]:
    """Names of the scores that are no training material: Bach10's chorales and settings of their tunes."""
    named = {score.name for score in scores if is_bach10(score.name)}
    tunes = {tune(score) for score in scores if score.name in named and len(tune(score)) == TUNE_NOTES}
    return named | {score.name for score in scores if any(_alike(tune(score), other) for other in tunes)}


def _alike(tune_a: tuple[int, ...], tune_b: tuple[int, ...]) -> bool:
    """Whether two tunes begin with the same steps but for one note (a changed note alters two steps)."""
    if len(tune_a) < TUNE_NOTES:
        return False
    differing = sum(a != b for a, b in zip(tune_a, tune_b, strict=True))
    return differing <= 2


def read_all(folder: Path, *, leave_out: Iterable[str] = ()) -> list[Score]:
    """Every usable score (two parts or more) in the sub-folders of ``folder``, without the Bach10 chorales.

    ``leave_out`` names further scores, by file name without suffix. Raises :class:`SeparatorError` when
    there is none, or naming a file that is no MIDI file.
    """
    scores = [read_score(path) for path in sorted(folder.glob("*/*.mid"))]
    unwanted = left_out(scores) | set(leave_out)
    kept = [score for score in scores if len(score.parts) >= 2 and score.name not in unwanted]
    if not kept:
        raise SeparatorError(f"The folder {folder} has no scores in it.")
    return kept


def save(scores: Iterable[Score], path: Path) -> None:
    """Keep scores as JSON: reading them again takes a second instead of minutes."""
    table = {
        score.name: [[[n.start, n.length, n.pitch] for n in part] for part in score.parts] for score in scores
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table), encoding="utf-8")


def load(path: Path) -> list[Score]:
    """Scores that :func:`save` kept. Raises :class:`SeparatorError` naming the file."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return [
            Score(name, tuple(tuple(ScoreNote(*note) for note in part) for part in parts))
            for name, parts in table.items()
        ]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SeparatorError(f"The scores {path} cannot be read; make them again.") from error


def main(arguments: list[str] | None = None) -> int:
    """The command line of the module's head; returns its exit code."""
    parser = argparse.ArgumentParser(description="Read scores for training, without the Bach10 chorales.")
    parser.add_argument("--scores", type=Path, required=True, help="folder of folders of MIDI files")
    parser.add_argument("--leave-out", action="append", default=[], help="a score's name; may be repeated")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        kept = read_all(options.scores, leave_out=options.leave_out)
    except SeparatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    save(kept, options.out)
    sys.stderr.write(f"{len(kept)} scores kept\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
