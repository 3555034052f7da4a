"""Writing a listener's audiograms: the program's own JSON, CSV, and Clarity/Cadenza ``listeners.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from app.atomic_file import write_atomically
from app.errors import UserError
from app.hearing.audiogram import Audiogram, Listener
from app.hearing.audiogram_csv import csv_text
from app.hearing.listener_data import listener_to_data

Kind = Literal["ripieno", "csv", "cadenza"]
KINDS: Mapping[Kind, tuple[str, str]] = {
    "ripieno": ("Ripieno audiogram", ".json"),
    "csv": ("Table", ".csv"),
    "cadenza": ("Cadenza listeners", ".json"),
}
"""The forms there are: an English title and the ending of a file."""
UNNAMED = "listener"


def write_listener(
    listener: Listener, path: Path, kind: Kind = "ripieno", *, with_name: bool = True
) -> tuple[str, ...]:
    """Write one listener's ears; sentences say what the form could not hold (nothing for the own one).

    The name goes along only where ``with_name`` asks for it; the profile's id never does. Raises UserError
    where the file cannot be written; nothing is changed then.
    """
    if kind == "csv":
        text = csv_text(listener)
    elif kind == "cadenza":
        text = json.dumps(_cadenza(listener, with_name=with_name), indent=4) + "\n"
    else:
        text = (
            json.dumps(listener_to_data(listener, with_name=with_name), indent=2, ensure_ascii=False) + "\n"
        )
    try:
        write_atomically(path, text.encode())
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise UserError(f"“{path.name}” cannot be written ({reason}). Choose another place.") from exc
    return _left_out(listener, kind)


def _cadenza(listener: Listener, *, with_name: bool) -> dict[str, Any]:
    name = (listener.name if with_name else "") or UNNAMED
    frequencies = sorted({*listener.left.frequencies, *listener.right.frequencies})
    return {
        name: {
            "name": name,
            "audiogram_cfs": [_plain(f) for f in frequencies],
            "audiogram_levels_l": [_plain(_written(listener.left, f)) for f in frequencies],
            "audiogram_levels_r": [_plain(_written(listener.right, f)) for f in frequencies],
        }
    }


def _written(ear: Audiogram, frequency: float) -> float:
    """The level at a frequency: the one that was measured, else the one that formulas take."""
    if frequency in ear.frequencies and frequency not in ear.no_response:
        return ear.levels[ear.frequencies.index(frequency)]
    return ear.level_at(frequency)


def _left_out(listener: Listener, kind: Kind) -> tuple[str, ...]:
    if kind != "cadenza":
        return ()
    ears = (listener.left, listener.right)
    told = []
    if any(ear.bone for ear in ears):
        told.append("Bone conduction was left out: this form of file has no place for it.")
    if any(ear.no_response for ear in ears):
        told.append(
            "Tones without a response stand as 5 dB more than was tried: this form knows no other way."
        )
    if listener.left.frequencies != listener.right.frequencies:
        told.append("Frequencies that one ear lacks were interpolated: this form has one list for both ears.")
    return tuple(told)


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value
