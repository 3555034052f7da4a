"""A-weighting by the table of the standard, the dose by the example given, and a ledger of one's own."""

from __future__ import annotations

import datetime
import math
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from app.hearing.dose import (
    WEEK_PA2H,
    DoseLedger,
    ExposureMeter,
    a_weighting,
    dose_pa2h,
    level_dba,
)

TODAY = datetime.date(2026, 3, 9)
# IEC 61672-1:2013, table 3: frequency (Hz), A-weighting (dB), tolerance of class 1 (dB, up and down)
TABLE = [
    (20, -50.5, 2.0, 2.0),
    (63, -26.2, 1.0, 1.0),
    (125, -16.1, 1.0, 1.0),
    (500, -3.2, 1.0, 1.0),
    (1000, 0.0, 0.7, 0.7),
    (2000, 1.2, 1.0, 1.0),
    (4000, 1.0, 1.0, 1.0),
    (8000, -1.1, 1.5, 2.5),
    (12500, -4.3, 2.0, 5.0),
    (16000, -6.6, 2.5, 16.0),
]


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_weighting_is_within_class_1(rate: int) -> None:
    sections = a_weighting(rate)
    for hz, weight, up, down in TABLE:
        _, response = scipy.signal.sosfreqz(sections, [2 * np.pi * hz / rate])
        error = 20 * math.log10(abs(response[0])) - weight
        assert -down <= error <= up, hz


def test_80_dba_for_40_hours_is_the_whole_dose_and_3_db_more_halve_the_time() -> None:
    assert dose_pa2h(80.0, 40 * 3600) == pytest.approx(WEEK_PA2H)
    assert dose_pa2h(83.0103, 20 * 3600) == pytest.approx(WEEK_PA2H, rel=1e-4)


def test_the_meter_reads_a_tone_at_its_level() -> None:
    rate = 44100
    meter = ExposureMeter(rate, 2)
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(2 * rate) / rate)
    block = np.stack([tone, 0.5 * tone], axis=1).astype(np.float32)
    meter.process(block[:240])
    assert meter.frames == 0  # it is off
    meter.on = True
    for at in range(0, len(block), 240):
        meter.process(block[at : at + 240])
    assert meter.frames == len(block)
    levels = [level_dba(energy / meter.frames, 100.0) for energy in meter.energy]
    assert levels == pytest.approx([80.0, 80.0 - 6.02], abs=0.05)
    assert level_dba(0.0, 100.0) == -math.inf
    ExposureMeter.warm_up()
    assert ExposureMeter(rate, 6).energy.size == 2


def test_the_ledger_keeps_seven_days_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "dose.json"
    ledger = DoseLedger(path)
    assert ledger.share(TODAY) == 0.0
    for back in range(10):
        ledger.add(0.16, TODAY - datetime.timedelta(days=back))
    assert ledger.share(TODAY) == pytest.approx(0.7)
    ledger.add(float("nan"), TODAY)
    ledger.add(-1.0, TODAY)
    assert ledger.save(TODAY)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = DoseLedger(path)
    assert again.share(TODAY) == pytest.approx(0.7)
    assert again.share(TODAY + datetime.timedelta(days=6)) == pytest.approx(0.1)
    assert "2026-02-28" not in path.read_text()  # what no longer counts is gone


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1}', '{"2026-03-09": -1}', '{"2026-03-09": "a"}'])
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "dose.json"
    path.write_text(content)
    assert DoseLedger(path).share(TODAY) == 0.0


def test_a_folder_that_cannot_be_written_is_no_disaster(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = DoseLedger(tmp_path / "file" / "dose.json")
    ledger.add(0.1, TODAY)
    assert not ledger.save(TODAY)
    assert ledger.share(TODAY) > 0
