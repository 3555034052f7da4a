"""Levels at the eardrum of what plays: calibration, prescription and field are in them once each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.fitting_curves import FittingCurves, LevelRequest, eardrum_levels
from app.hearing.audiogram import NORMAL, PRESETS, Listener
from app.hearing.eardrum import BANDS_HZ, field_to_eardrum, threshold_at_eardrum
from app.loudness import Matching
from app.session import Session
from separation.separator import RESIDUAL, Part
from tests.shell_program import ShellProgram
from tests.shell_window import forget

RATE = 44_100
AT_1K = BANDS_HZ.index(1000.0)
TONE = np.repeat((0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))[:, None], 2, axis=1).astype(
    np.float32
)
SESSION = Session().with_stems((Part("violin"),), "fake")
REQUEST = LevelRequest(
    SESSION, TONE, {"violin": TONE, RESIDUAL: 0 * TONE}, RATE, Listener(NORMAL, PRESETS["N3"]), "off",
    "headphones", 0.0, 0.0, 100.0,
)  # fmt: skip


def test_a_sine_has_the_level_that_the_meter_showed() -> None:
    """A sine at 0 dBFS is 100 dB SPL, so one at −20 dBFS is 80."""
    found = eardrum_levels(REQUEST)
    assert found.levels[0][AT_1K] == pytest.approx(80, abs=0.2)
    assert found.levels[1][AT_1K] == pytest.approx(80, abs=0.2)


def test_the_mix_is_in_it() -> None:
    found = eardrum_levels(replace(REQUEST, session=SESSION.with_gain("violin", -6.0)))
    assert found.levels[0][AT_1K] == pytest.approx(74, abs=0.2)


def test_what_makes_both_sides_equally_loud_is_in_it() -> None:
    found = eardrum_levels(replace(REQUEST, match_db=-5.0))
    assert found.levels[0][AT_1K] == pytest.approx(75, abs=0.2)


@pytest.mark.parametrize(("side", "gain_db"), [("recording", 0.0), ("remix", -4.0)])
def test_the_gain_of_the_side_that_is_heard_is_asked_for(qtbot, side: str, gain_db: float) -> None:
    program = ShellProgram()
    program.open_separated("violin", seconds=1.0)
    curves = FittingCurves(
        program.document,
        program.listening,  # type: ignore[arg-type]
        program.amplification,
        program.listeners,
        program.jobs,
    )
    assert request_of(curves).match_db == 0.0  # not matched
    program.listening.matching = Matching(-24.0, -20.0, "integrated loudness")
    program.listening.side = side
    assert request_of(curves).match_db == pytest.approx(gain_db)
    curves.close()
    program.fitting.close()
    program.jobs.cancel_all()
    forget(program)


def request_of(curves: FittingCurves) -> LevelRequest:
    request = curves._level_request(100.0)
    assert request is not None
    return request


def test_loudspeakers_get_the_way_to_the_eardrum() -> None:
    found = eardrum_levels(replace(REQUEST, way="loudspeakers"))
    assert found.levels[0][AT_1K] == pytest.approx(80 + field_to_eardrum([1000.0])[0], abs=0.2)


def test_the_prescription_is_in_it_for_its_own_ear() -> None:
    found = eardrum_levels(replace(REQUEST, kind="nal-r", before_db=-10.0, after_db=4.0))
    assert found.levels[0][AT_1K] == pytest.approx(74, abs=0.3)
    assert found.levels[1][AT_1K] == pytest.approx(74 + 19.1, abs=0.3)


def test_thresholds_are_each_ears_own() -> None:
    found = eardrum_levels(REQUEST)
    assert found.thresholds[0] == pytest.approx(threshold_at_eardrum(NORMAL))
    assert found.thresholds[1] == pytest.approx(threshold_at_eardrum(PRESETS["N3"]))
