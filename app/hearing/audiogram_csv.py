"""Audiograms as CSV: a line for each frequency, a column for each ear.

Written as ``frequency,left,right`` (and ``left bone,right bone`` where there is bone conduction), in Hz and
dB HL; an empty cell is a frequency that was not measured, and ``110 NR`` a tone of 110 dB HL that was not
heard. Read are also files with one column of levels for both ears, the ears the other way round, semicolons
or tabs, decimal commas, ears by their signs and colours (O and red for right, X and blue for left), and
tables that run across instead of down.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from app.errors import UserError
from app.hearing.audiogram import HIGHEST_HZ, LOWEST_HZ, WORST_DB_HL, Audiogram, Listener

_FREQUENCY = {"frequency", "frequencies", "freq", "f", "hz", "frequenz"}
_RIGHT = {"right", "r", "re", "rechts", "o", "red"}
_LEFT = {"left", "l", "le", "links", "x", "blue"}
_BOTH = {"level", "levels", "threshold", "thresholds", "db", "hl", "both", "ear"}
_BONE = {"bone", "bc"}
_NO_RESPONSE = re.compile(r"(.*?)\s*(?:nr|no response|↓)", re.IGNORECASE)
Column = tuple[str, bool]
"""What a column holds: ``frequency``, ``left``, ``right`` or ``both``, and whether it is bone conduction."""


def read_csv(content: str, name: str) -> Listener:
    """The listener in a CSV text; UserError with a sentence (without the file's name) for anything else."""
    dialect = ";" if content.count(";") > content.count(",") else "\t" if "\t" in content else ","
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(io.StringIO(content), delimiter=dialect)
        if any(cell.strip() for cell in row)
    ]
    if any(len(row) < 2 or len(row) != len(rows[0]) for row in rows):
        raise UserError("each line needs a frequency and a level, or a frequency and a level for each ear.")
    if _runs_across(rows):
        rows = [list(column) for column in zip(*rows, strict=True)]
    if _is_number(rows[0][0]):
        columns = _usual_columns(len(rows[0]))
    else:
        columns, rows = _columns(rows[0]), rows[1:]
    if not rows:
        raise UserError("each line needs a frequency and a level, or a frequency and a level for each ear.")
    frequencies = [_frequency(row[columns.index(("frequency", False))]) for row in rows]
    if not any(LOWEST_HZ <= f <= HIGHEST_HZ for f in frequencies) and len(frequencies) > 1:
        raise UserError(
            "its first column should hold frequencies from 125 to 8000 Hz. Are frequencies and levels "
            "swapped?"
        )
    left, right = (_ear(rows, frequencies, columns, side, name) for side in ("left", "right"))
    return Listener(left, right, name)


def csv_text(listener: Listener) -> str:
    """A listener as CSV, without their name."""
    ears = (listener.left, listener.right)
    bones = [dict(ear.bone) for ear in ears]
    frequencies = sorted({f for ear in ears for f in ear.frequencies} | {f for bone in bones for f in bone})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    with_bone = any(bones)
    writer.writerow(["frequency", "left", "right", *(["left bone", "right bone"] if with_bone else [])])
    for f in frequencies:
        cells = [_cell(ear, f) for ear in ears]
        if with_bone:
            cells += ["" if f not in bone else _figure(bone[f]) for bone in bones]
        writer.writerow([_figure(f), *cells])
    return out.getvalue()


def _cell(ear: Audiogram, frequency: float) -> str:
    if frequency not in ear.frequencies:
        return ""
    level = _figure(ear.levels[ear.frequencies.index(frequency)])
    return f"{level} NR" if frequency in ear.no_response else level


def _figure(value: float) -> str:
    return f"{value!r}".removesuffix(".0")


def _runs_across(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the frequencies stand in the first line and not in the first column."""
    figures = [cell for cell in rows[0][1:] if _is_number(cell)]
    return (
        len(figures) > 1
        and len(figures) == len(rows[0]) - 1
        and all(_frequency(f) >= LOWEST_HZ for f in figures)
        and not _is_number(rows[0][0])
    )


def _usual_columns(count: int) -> list[Column]:
    if count > 3:
        raise UserError("its columns need names in the first line: frequency, left, right.")
    ears = ("both",) if count == 2 else ("left", "right")
    return [("frequency", False), *((ear, False) for ear in ears)]


def _columns(header: Sequence[str]) -> list[Column]:
    """What the first line says of each column; UserError for a name that means nothing, or two things."""
    columns = [_column(cell) for cell in header]
    if ("frequency", False) not in columns:
        columns[0] = ("frequency", False)
    if len(set(columns)) < len(columns):
        raise UserError(
            "two of its columns have the same meaning. Name them frequency, left and right in the first line."
        )
    if not {("left", False), ("right", False), ("both", False)} & set(columns):
        raise UserError("none of its columns is a left or a right ear. Name them in the first line.")
    if ("both", False) in columns and {("left", False), ("right", False)} & set(columns):
        raise UserError("one of its columns does not say which ear it is. Name them left and right.")
    return columns


def _column(cell: str) -> Column:
    words = set(re.findall(r"[^\W\d_]+", cell.lower()))
    left, right = bool(words & _LEFT), bool(words & _RIGHT)
    if left and right:
        raise UserError(f"its column “{cell}” names both ears: left is blue X, right is red O.")
    if left or right:
        return ("left" if left else "right", bool(words & _BONE))
    if words & _FREQUENCY:
        return ("frequency", False)
    if words & _BOTH:
        return ("both", False)
    raise UserError(
        f"its column “{cell[:40]}” is neither the frequency nor an ear. Name the columns frequency, "
        "left, right."
    )


def _ear(
    rows: Sequence[Sequence[str]],
    frequencies: Sequence[float],
    columns: Sequence[Column],
    side: str,
    name: str,
) -> Audiogram:
    air = (side, False) if (side, False) in columns else ("both", False)
    if air not in columns:
        raise UserError(
            f"it has no levels for the {side} ear. Add a column {side}, or one without an ear for both."
        )
    points, silent = [], []
    for row, f in zip(rows, frequencies, strict=True):
        if (cell := row[columns.index(air)]) and LOWEST_HZ <= f <= HIGHEST_HZ:
            level, heard = level_in(cell)
            points.append((f, level))
            if not heard:
                silent.append(f)
    bone = []
    if (side, True) in columns:
        at = columns.index((side, True))
        bone = sorted((f, level_in(row[at])[0]) for row, f in zip(rows, frequencies, strict=True) if row[at])
    points.sort()
    try:
        return Audiogram(
            tuple(f for f, _ in points), tuple(v for _, v in points), name,
            bone=tuple(bone), no_response=tuple(silent),
        )  # fmt: skip
    except ValueError as exc:
        raise UserError(str(exc) if air[0] == "both" else f"in the {side} ear: {exc}") from exc


def _frequency(cell: str) -> float:
    """A frequency in Hz; “1 kHz” and “1k” are 1000."""
    word = cell.lower().replace(" ", "").removesuffix("hz")
    factor = 1000 if word.endswith("k") else 1
    return _number(word.removesuffix("k")) * factor


def level_in(cell: str) -> tuple[float, bool]:
    """A level in dB HL and whether it was heard; NR without a level is the loudest there is."""
    silent = _NO_RESPONSE.fullmatch(cell)
    if silent is None:
        return _number(cell), True
    return (_number(silent[1]) if silent[1] else WORST_DB_HL), False


def _number(cell: str) -> float:
    try:
        return float(cell.replace(",", ".").replace("−", "-"))
    except ValueError as exc:
        raise UserError("a frequency or a level is not a number.") from exc


def _is_number(cell: str) -> bool:
    try:
        _frequency(cell)
    except UserError:
        return False
    return True
