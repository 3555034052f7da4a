"""The learning curve of a run: curve.csv, a row each time the net was validated, and curve.png."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

LINES: dict[str, str] = {"seen": "seen timbre", "unseen": "unseen timbre", "real": "real recordings"}
"""The columns that are mean SI-SDR in dB, and what they are called in the picture."""

_COLOURS = {"seen": "#0072B2", "unseen": "#E69F00", "real": "#000000"}  # Okabe–Ito: told apart by all eyes
_MARKS = {"seen": "o", "unseen": "s", "real": "^"}
_TIMES = ("step", "minutes")


def add_row(path: Path, row: Mapping[str, float]) -> list[dict[str, float]]:
    """Add a row to the curve at ``path`` and return all rows; the file appears whole or not at all.

    A column that a row lacks is NaN: a run may get new columns when it is gone on with.
    """
    rows = [*read_rows(path), dict(row)]
    columns = list(dict.fromkeys(name for each in rows for name in each))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="nan")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)
    return [{name: each.get(name, float("nan")) for name in columns} for each in rows]


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows of a curve; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: int(text) if name == "step" else float(text) for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def draw(rows: list[dict[str, float]], path: Path, title: str = "") -> bool:
    """Draw a curve: SI-SDR above, losses below, over minutes. False where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    minutes = [row["minutes"] for row in rows]
    columns = list(rows[0]) if rows else []
    for name, label in LINES.items():
        if name in columns:
            above.plot(
                minutes, [row[name] for row in rows], marker=_MARKS[name], color=_COLOURS[name], label=label
            )
    above.set_ylabel("mean SI-SDR (dB)")
    above.set_title(title)
    for name in columns:
        if name not in LINES and name not in _TIMES:
            below.plot(minutes, [row[name] for row in rows], marker=".", label=name)
    below.set_xlabel("minutes of training")
    below.set_ylabel("loss")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    FigureCanvasAgg(figure)
    partial = path.with_suffix(".part")
    figure.savefig(partial, format="png", dpi=110)
    partial.replace(path)
    return True
