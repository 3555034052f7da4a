"""The benchmark's results as a Markdown page and as plain data for JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from separation.separator import Part
from separation.training.benchmark import Found, Result, Summary, gain, speed, summary

MIXTURE, ORACLE = "untouched mixture", "oracle mask"

EACH_PIECE_UP_TO = 12
"""A group of more pieces than this gets no line for each of them."""

Picker = Callable[[Result], Found | None]


def markdown(results: Sequence[Result], *, title: str, notes: Sequence[str] = ()) -> str:
    """The page: a table for each group, its instruments and pieces, under ``notes`` (a paragraph each)."""
    lines = [f"# {title}", ""]
    for note in notes:
        lines += [note, ""]
    for group in groups(results):
        mine = [result for result in results if result.group == group]
        count = f"{len(mine)} piece{'s' if len(mine) > 1 else ''}"
        lines += [f"## {group}: {count}, {sum(result.seconds for result in mine):.0f} s", ""]
        lines += [*_overview(mine), ""]
        for family, some in _families(mine).items():
            lines += [f"Of these {family} ({len(some)} pieces):", "", *_overview(some), ""]
        lines += ["Improvement over the untouched mixture by instrument:", "", *_instruments(mine), ""]
        if len(mine) <= EACH_PIECE_UP_TO:
            lines += ["SI-SDR of every stem:", "", *_pieces(mine), ""]
    return "\n".join(lines).rstrip() + "\n"


def plain(results: Sequence[Result]) -> dict[str, Any]:
    """The same for JSON: ``pieces`` with all figures, ``groups`` with their means; null for no figure."""
    means = {
        group: {
            name: asdict(found) | {"speed": speed(mine, name)}
            for name, pick in _pickers(mine).items()
            if (found := summary(mine, pick)) is not None
        }
        for group in groups(results)
        if (mine := [result for result in results if result.group == group])
    }
    kept: dict[str, Any] = _finite({"pieces": [asdict(result) for result in results], "groups": means})
    return kept


def groups(results: Sequence[Result]) -> list[str]:
    """The groups that there are, in the order of their first pieces."""
    return list(dict.fromkeys(result.group for result in results))


def decibels(value: float, *, signed: bool = True) -> str:
    """A figure for people: ``+3.4``, ``−1.0``, ``−∞``, and a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{round(value, 1) + 0.0:{'+' if signed else ''}.1f}".replace("-", "−")


def _pickers(results: Sequence[Result]) -> dict[str, Picker]:
    """What every table has a row for: the mixture, the separators, the oracle."""
    names = list(dict.fromkeys(name for result in results for name in result.found))
    rows: dict[str, Picker] = {MIXTURE: lambda result: Found(result.mixture, {}, 0.0)}
    for name in names:
        rows[name] = lambda result, name=name: result.found.get(name)  # type: ignore[misc]
    return rows | {ORACLE: lambda result: Found(result.oracle, _twins(result), 0.0)}


def _twins(result: Result) -> dict[str, float]:
    """The oracle's figures of parts of instruments that come twice: it cannot mistake them."""
    return {name: value for name, value in result.oracle.items() if Part.from_name(name).number}


def _overview(results: Sequence[Result]) -> list[str]:
    head = ["", "mean SI-SDR", "improvement", "least of any part", "two of one instrument", "at best order"]
    rows = []
    for name, pick in _pickers(results).items():
        found = summary(results, pick)
        if found is None:
            continue
        fast = speed(results, name)
        rows.append([name, *_words(found, name == MIXTURE), "–" if math.isnan(fast) else f"{fast:.1f}×"])
    return _table([*head, "speed"], rows)


def _words(found: Summary, untouched: bool) -> list[str]:
    if untouched:
        return [decibels(found.mean), "", "", "", ""]
    gains = (found.improvement, found.least, found.twins, found.twins_best)
    return [decibels(found.mean), *(decibels(value) for value in gains)]


def _instruments(results: Sequence[Result]) -> list[str]:
    names = sorted({Part.from_name(name).instrument for result in results for name in result.mixture})
    rows = []
    for row, pick in _pickers(results).items():
        if row == MIXTURE:
            continue
        cells = []
        for instrument in names:
            gains = [
                gain(result, name, value)
                for result in results
                if (found := pick(result)) is not None
                for name, value in found.stems.items()
                if Part.from_name(name).instrument == instrument
            ]
            known = [value for value in gains if not math.isnan(value)]
            cells.append(decibels(sum(known) / len(known)) if known else "–")
        rows.append([row, *cells])
    return _table(["", *names], rows)


def _pieces(results: Sequence[Result]) -> list[str]:
    pickers = _pickers(results)
    rows = []
    for result in results:
        for part in result.mixture:
            picked = [pick(result) for pick in pickers.values()]
            cells = ["–" if found is None else decibels(found.stems[part]) for found in picked]
            rows.append([result.piece, part, *cells])
    return _table(["piece", "stem", *pickers], rows)


def _families(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Pieces whose names differ only in a number at the end, where they are not all there is."""
    found: dict[str, list[Result]] = {}
    for result in results:
        family, _, number = result.piece.rpartition("_")
        if family and number.isdigit():
            found.setdefault(family, []).append(result)
    return {name: some for name, some in found.items() if 1 < len(some) < len(results)}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _finite(value: Any) -> Any:
    """The same without NaN and infinities, which JSON does not have: null for NaN, text for infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
