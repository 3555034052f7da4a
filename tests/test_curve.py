import builtins
from pathlib import Path

import numpy as np
import pytest

from separation.training import curve


def test_rows_come_back_also_when_a_column_came_later(tmp_path: Path) -> None:
    path = tmp_path / "out" / "curve.csv"
    curve.add_row(path, {"step": 0, "minutes": 0.0, "seen": -4.5})
    rows = curve.add_row(path, {"step": 7, "minutes": 1.5, "seen": 1.25, "pitch": 3.0})
    assert np.isnan(rows[0]["pitch"])
    assert rows[1] == {"step": 7, "minutes": 1.5, "seen": 1.25, "pitch": 3.0}
    again = curve.read_rows(path)
    assert again[1] == rows[1]
    assert path.read_text(encoding="utf-8").splitlines()[1] == "0,0.0,-4.5,nan"


def test_the_curve_is_drawn(tmp_path: Path) -> None:
    rows = [{"step": n, "minutes": n, "pitch": 9.0 - n, "seen": n, "real": float("nan")} for n in range(3)]
    assert curve.draw(rows, tmp_path / "curve.png", "harmonic")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert curve.draw([], tmp_path / "empty.png")


def test_without_matplotlib_there_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return usual(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    assert not curve.draw([], tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()
