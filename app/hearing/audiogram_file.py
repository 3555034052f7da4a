"""Reading a listener's audiograms from a JSON or CSV file, with a sentence for everything that can be wrong.

JSON may be this program's own form (:mod:`app.hearing.listener_data`), the short form
``{"frequencies": […], "levels": […]}`` (or ``"left"`` and ``"right"`` in place of ``"levels"``), one
Clarity/Cadenza listener, or a Clarity/Cadenza ``listeners.json`` of several, of which one is chosen as
``listeners.json#L5040``. CSV is told in :mod:`app.hearing.audiogram_csv`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.errors import UserError
from app.hearing.audiogram import HIGHEST_HZ, LOWEST_HZ, PRESETS, Audiogram, Listener, preset
from app.hearing.audiogram_csv import read_csv
from app.hearing.averages import BSA_HZ
from app.hearing.listener_data import FORMAT, listener_from_data

_LARGEST_BYTES = 10_000_000


def read_listener(name_or_path: str | Path) -> Listener:
    """Both ears' audiograms of a preset's name (both the same) or of a file; UserError otherwise."""
    text = str(name_or_path)
    if not Path(text).exists() and text.strip().lower() in {n.lower() for n in PRESETS}:
        audiogram = preset(text)
        return Listener(audiogram, audiogram, audiogram.name)
    path, _, wanted = text, "", ""
    if not Path(text).exists() and "#" in text:
        path, _, wanted = text.rpartition("#")
    content = _read(Path(path), text)
    try:
        if content.lstrip().startswith(("{", "[")):
            return _from_json(json.loads(content), Path(path).stem, wanted)
        return read_csv(content, Path(path).stem)
    except UserError as exc:
        raise UserError(f"The audiogram “{path}” cannot be used: {exc}") from exc
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        reason = str(exc) if isinstance(exc, ValueError) and not isinstance(exc, json.JSONDecodeError) else ""
        reason = reason or "it is neither a JSON nor a CSV audiogram."
        raise UserError(f"The audiogram “{path}” cannot be used: {reason}") from exc


def _read(path: Path, asked: str) -> str:
    names = ", ".join(PRESETS)
    try:
        if path.is_dir():
            raise UserError(f"“{path}” is a folder. Give an audiogram file, or one of {names}.")
        if path.stat().st_size > _LARGEST_BYTES:
            raise UserError(f"“{path}” is too large to be an audiogram. Give a JSON or CSV file.")
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as exc:
        raise UserError(
            f"“{asked}” is neither a standard audiogram nor a file. The standard ones are {names}."
        ) from exc
    except UnicodeDecodeError as exc:
        raise UserError(f"“{path}” is not a text file. Give a JSON or CSV audiogram.") from exc
    except OSError as exc:
        raise UserError(
            f"“{path}” cannot be read ({exc.strerror}). Check the file and its permissions."
        ) from exc
    if not content.strip():
        raise UserError(f"“{path}” is empty. Give a JSON or CSV audiogram.")
    return content


def _from_json(data: Any, name: str, wanted: str) -> Listener:
    if not isinstance(data, dict):
        raise UserError("the JSON file should hold an object with frequencies and levels.")
    if data.get("format") == FORMAT:
        return listener_from_data(data, name)
    if wanted:
        if wanted not in data:
            raise UserError(f"it holds no listener “{wanted}”.")
        data, name = data[wanted], wanted
    elif not {"frequencies", "audiogram_cfs"} & set(data):
        several = [k for k, v in data.items() if isinstance(v, dict) and "audiogram_cfs" in v]
        if len(several) > 1:
            first = ", ".join(several[:3])
            raise UserError(f"it holds {len(several)} listeners ({first} …); add # and one of the names.")
        if several:
            data, name = data[several[0]], several[0]
    if not isinstance(data, dict):
        raise UserError(f"the entry “{name}” is not a listener.")
    if "audiogram_cfs" in data:
        frequencies = data["audiogram_cfs"]
        ears = data.get("audiogram_levels_l"), data.get("audiogram_levels_r")
        name = str(data.get("name", name))
    else:
        frequencies = data.get("frequencies")
        levels = data.get("levels")
        ears = data.get("left", levels), data.get("right", levels)
        name = str(data.get("name", name))
    if not isinstance(frequencies, list) or not all(isinstance(e, list) for e in ears):
        raise UserError("it needs a list of frequencies and a list of levels for the ear or for both ears.")
    left = _ear(frequencies, ears[0] or [], name, "left")
    return Listener(left, _ear(frequencies, ears[1] or [], name, "right"), name)


def _ear(frequencies: Sequence[Any], levels: Sequence[Any], name: str, side: str) -> Audiogram:
    """One ear from a file's lists; frequencies beyond 125…8000 Hz, which some files carry, are left out."""
    if len(frequencies) != len(levels):
        raise UserError(f"it has {len(frequencies)} frequencies but {len(levels)} levels for the {side} ear.")
    try:
        pairs = sorted((float(f), float(v)) for f, v in zip(frequencies, levels, strict=True))
    except (TypeError, ValueError) as exc:
        raise UserError("a frequency or a level is not a number.") from exc
    kept = [(f, v) for f, v in pairs if LOWEST_HZ <= f <= HIGHEST_HZ]
    try:
        return Audiogram(tuple(f for f, _ in kept), tuple(v for _, v in kept), name)
    except ValueError as exc:
        raise UserError(f"in the {side} ear: {exc}") from exc


def names_in(path: str | Path) -> list[str]:
    """The names of the listeners in a Clarity/Cadenza file of several; empty for any other file."""
    try:
        data = json.loads(_read(Path(path), str(path)))
    except (UserError, ValueError, RecursionError):
        return []
    if not isinstance(data, dict) or "audiogram_cfs" in data:
        return []
    return [name for name, entry in data.items() if isinstance(entry, dict) and "audiogram_cfs" in entry]


def doubts(listener: Listener) -> tuple[str, ...]:
    """What a look at a listener's audiograms should ask: sentences, empty where nothing is odd.

    Frequencies that the averages need and an ear lacks, and ears that look swapped: bone conduction cannot be
    much worse than air conduction, so where it is in one ear and fits the other one, left and right were
    mixed up somewhere.
    """
    found = []
    for side, ear in (("right", listener.right), ("left", listener.left)):
        lacking = [f"{f:g}" for f in BSA_HZ if f not in ear.frequencies]
        if lacking:
            found.append(
                f"The {side} ear was not measured at {', '.join(lacking)} Hz; this is interpolated from the "
                "frequencies beside it."
            )
    own = _impossible(listener.left, listener.left) + _impossible(listener.right, listener.right)
    crossed = _impossible(listener.left, listener.right) + _impossible(listener.right, listener.left)
    if own > crossed:
        found.append(
            "Bone conduction is worse than air conduction, and would not be if the ears were exchanged. "
            "Are left and right swapped?"
        )
    return tuple(found)


_MEASURING_ERROR_DB = 10.0


def _impossible(bone_of: Audiogram, air_of: Audiogram) -> int:
    """At how many frequencies bone conduction is worse than air conduction by more than measuring allows."""
    return sum(v > air_of.level_at(f) + _MEASURING_ERROR_DB for f, v in bone_of.bone)
