"""The table of an experiment: its lines, what is on disk of them, and how they look in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from separation.separator import SeparatorError

SPECIALISTS = ("clarinet", "violin", "bassoon")
COLUMNS = ("seen", "unseen", "real")

UNTOUCHED = "untouched mixture"
COMBINED = "combined, asked for all parts"
COMBINED_ALONE = "combined, asked for one part"
SPECIALISED = "specialised"


@dataclass(frozen=True)
class Line:
    """One line of a table: what was trained and asked, at which cost, and mean SI-SDR in dB by column."""

    row: str
    asked: str
    seed: int
    steps: int
    minutes: float
    values: dict[str, float]


class Results:
    """The lines done so far, in a folder's results.json; adding one writes the table anew.

    Raises :class:`SeparatorError` where the folder's lines were made with other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.lines: list[Line] = []
        path = folder / "results.json"
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["settings"] != self.settings:
                raise SeparatorError(
                    f"The rows in {path} were made with other settings; choose another --out."
                )
            self.lines = [Line(**line) for line in kept["lines"]]

    def done(self, row: str, seed: int, asked: str = "") -> bool:
        """Whether that row is there, or its line about ``asked``."""
        return any((line.row, line.seed) == (row, seed) and asked in ("", line.asked) for line in self.lines)

    def add(self, lines: Sequence[Line]) -> None:
        """Keep a row's lines, on disk too, whole or not at all."""
        self.lines += lines
        kept = {"settings": self.settings, "lines": [asdict(line) for line in self.lines]}
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("results.json", json.dumps(kept, indent=1)), ("table.md", table(self.lines))):
            partial = self.folder / f"{name}.part"
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.folder / name)


def table(lines: Sequence[Line]) -> str:
    """A Markdown table; runs of one row with different seeds are joined: their mean (lowest … highest)."""
    head = ["row", "asked for", "runs", "steps", "processor minutes", *(f"{c}, dB" for c in COLUMNS)]
    rows = [head, ["---"] * len(head)]
    every = [*lines, *_means(lines)]
    for row, asked in dict.fromkeys((line.row, line.asked) for line in every):
        runs = [line for line in every if (line.row, line.asked) == (row, asked)]
        steps, minutes = np.mean([run.steps for run in runs]), np.mean([run.minutes for run in runs])
        cells = [row, asked, str(len(runs)), f"{steps:.0f}", f"{minutes:.1f}"]
        for column in COLUMNS:
            values = [run.values.get(column, float("nan")) for run in runs]
            spread = f" ({_figure(min(values))} … {_figure(max(values))})" if len(runs) > 1 else ""
            cells.append(_figure(float(np.mean(values))) + spread)
        rows.append(cells)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _figure(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _means(lines: Sequence[Line]) -> list[Line]:
    """For each row and seed that has a line for every specialist's instrument: the mean of these."""
    means = []
    for row, seed in dict.fromkeys((line.row, line.seed) for line in lines):
        mine = [line for line in lines if (line.row, line.seed) == (row, seed) and line.asked in SPECIALISTS]
        if len(mine) < len(SPECIALISTS):
            continue
        nets = mine if row == SPECIALISED else mine[:1]  # the combined net is one net, with one cost
        values = {c: float(np.mean([line.values.get(c, np.nan) for line in mine])) for c in COLUMNS}
        steps, minutes = sum(net.steps for net in nets), sum(net.minutes for net in nets)
        means.append(Line(row, "mean of these", seed, steps, minutes, values))
    return means
