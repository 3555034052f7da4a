"""A listener's two audiograms as JSON objects: the program's own form, in files and in profiles.

``{"format": "ripieno-audiogram", "version": 1, "name": …, "left": {…}, "right": {…}}``, each ear with
``frequencies`` (Hz), ``levels`` (dB HL) and, where there are any, ``extrapolated`` and ``no_response``
(lists of frequencies), ``bone`` (pairs of frequency and level) and ``compressor`` (``ratios`` and ``gains``
of the six bands of CAD2). The name is optional.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.hearing.audiogram import Audiogram, Listener

FORMAT = "ripieno-audiogram"
VERSION = 1


def ear_to_data(ear: Audiogram) -> dict[str, Any]:
    """One ear as JSON objects; what it has not is left out."""
    data: dict[str, Any] = {"frequencies": _plain(ear.frequencies), "levels": _plain(ear.levels)}
    if ear.extrapolated:
        data["extrapolated"] = _plain(ear.extrapolated)
    if ear.bone:
        data["bone"] = [_plain(point) for point in ear.bone]
    if ear.no_response:
        data["no_response"] = _plain(ear.no_response)
    if ear.compressor is not None:
        ratios, gains = ear.compressor
        data["compressor"] = {"ratios": _plain(ratios), "gains": _plain(gains)}
    return data


def ear_from_data(data: object, name: str = "") -> Audiogram:
    """The ear that :func:`ear_to_data` made; ValueError with a sentence for anything else."""
    if not isinstance(data, dict):
        raise ValueError("An ear should be a group with frequencies and levels.")
    bone = data.get("bone", [])
    if not isinstance(bone, list) or not all(isinstance(p, list) and len(p) == 2 for p in bone):
        raise ValueError("Bone conduction should be a list of pairs, a frequency and a level.")
    return Audiogram(
        _numbers(data, "frequencies"),
        _numbers(data, "levels"),
        name,
        _numbers(data, "extrapolated", optional=True),
        bone=tuple((_number(f), _number(v)) for f, v in bone),
        no_response=_numbers(data, "no_response", optional=True),
        compressor=_compressor(data.get("compressor")),
    )


def listener_to_data(listener: Listener, *, with_name: bool = True) -> dict[str, Any]:
    """Both ears in the program's own form, with the name only if it is wanted and there is one."""
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    if with_name and listener.name:
        data["name"] = listener.name
    return data | {"left": ear_to_data(listener.left), "right": ear_to_data(listener.right)}


def listener_from_data(data: object, name: str = "") -> Listener:
    """The listener that :func:`listener_to_data` made; ``name`` where it has none. ValueError otherwise."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("This is not an audiogram of Ripieno.")
    version = data.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ValueError("It was saved by a newer version of Ripieno. Install the newest version to read it.")
    told = data.get("name")
    name = told if isinstance(told, str) and told else name
    return Listener(_side(data, "left", name), _side(data, "right", name), name)


def _compressor(data: object) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise ValueError("A compressor should be a group with ratios and gains.")
    return _numbers(data, "ratios"), _numbers(data, "gains")


def _side(data: dict[str, Any], side: str, name: str) -> Audiogram:
    try:
        return ear_from_data(data.get(side), name)
    except ValueError as exc:
        raise ValueError(f"In the {side} ear: {exc}") from exc


def _numbers(data: dict[str, Any], field: str, *, optional: bool = False) -> tuple[float, ...]:
    values = data.get(field, [] if optional else None)
    if not isinstance(values, list):
        raise ValueError(f"“{field}” should be a list of numbers.")
    return tuple(_number(v) for v in values)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("A frequency or a level is not a number.")
    try:
        return float(value)
    except OverflowError as exc:  # a whole number of hundreds of digits
        raise ValueError("A frequency or a level is not a number.") from exc


def _plain(values: tuple[float, ...], to: Callable[[float], float] = float) -> list[float]:
    """Numbers as people write them: 40 and not 40.0."""
    return [int(v) if to(v).is_integer() else v for v in values]
