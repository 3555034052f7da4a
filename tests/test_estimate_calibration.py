import json
import math

import pytest

from app.hearing.amplify import KINDS
from app.hearing.estimate_calibration import (
    ANY,
    SHIPPED,
    Band,
    Calibration,
    Signs,
    likely,
    read,
    shipped,
    unit,
    write,
)


def test_the_shipped_calibration_knows_every_amplification_of_the_program():
    calibration = shipped()
    assert set(calibration.bands) == {ANY, *KINDS}
    assert calibration == read(SHIPPED)


@pytest.mark.parametrize("amplification", [*KINDS, "", "somebody's own"])
def test_the_shipped_estimate_rises_with_the_drawn_score_and_its_band_holds_it(amplification):
    calibration = shipped()
    before = -1.0
    for drawn in (0.0, 0.05, 0.2, 0.5, 0.8, 0.9):
        value, low, high = calibration.estimate(Signs(amplification, drawn, 0.9, 0.05))
        assert 0 <= low <= value <= high <= 1
        assert value > before
        before = value


def test_without_an_expected_error_the_estimate_is_exact():
    for best in (0.06, 0.56, 0.999, 1.0):
        assert shipped().estimate(Signs("nal-r", best, best, 0.0)) == (best, best, best)


def test_the_band_widens_with_the_expected_error():
    widths = []
    for level in (0.0, 1e-4, 1e-2, 1.0):
        _, low, high = shipped().estimate(Signs("nal-r", 0.6, 0.95, level))
        widths.append(high - low)
    assert widths == sorted(widths)
    assert widths[0] == 0


def test_the_exponent_says_whether_separators_are_worse_than_their_stems_tell():
    assert likely(0.5, 1.0, 0.0) == 0.5
    assert likely(0.5, 1.0, 1.0) == 0.25
    assert likely(0.5, 1.0, -0.5) == pytest.approx(math.sqrt(0.5))
    # a remix may suit an ear better than the recording does: then nothing is added
    assert likely(0.9, 0.8, 1.0) == 0.9
    assert likely(0.0, 0.0, 1.0) == 0.0


def test_each_amplification_has_its_own_band_and_an_unknown_one_that_of_all():
    calibration = Calibration(0.0, {ANY: Band(0.1, 0.2), "cad2": Band(0.3, 0.4)})
    step = float(unit(0.5, 1.0))
    for kind, below, above in (("cad2", 0.3, 0.4), ("theirs", 0.1, 0.2)):
        band = (0.5, 0.5 - below * step, 0.5 + above * step)
        assert calibration.estimate(Signs(kind, 0.5, 1.0, 1.0)) == pytest.approx(band)


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    calibration = Calibration(-0.25, {ANY: Band(0.1, 0.2), "cad2": Band(0.0, 0.3)})
    write(calibration, tmp_path / "new" / "calibration.json")
    assert read(tmp_path / "new" / "calibration.json") == calibration


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        json.dumps({"exponent": 0}),
        json.dumps({"exponent": 0, "bands": []}),
        json.dumps({"exponent": 0, "bands": {"cad2": {"below": 0, "above": 0}}}),
        json.dumps({"exponent": -1, "bands": {"": {"below": 0, "above": 0}}}),
        json.dumps({"exponent": "0", "bands": {"": {"below": 0, "above": 0}}}),
        json.dumps({"exponent": 0, "bands": {"": {"below": -0.1, "above": 0}}}),
        '{"exponent": 0, "bands": {"": {"below": NaN, "above": 0}}}',
        '{"exponent": Infinity, "bands": {"": {"below": 0, "above": 0}}}',
        json.dumps({"exponent": 0, "bands": {"": {"below": 0}}}),
        json.dumps({"": {"exponent": 0, "below": 0, "above": 0}}),
    ],
)
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "fits.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"fits\.json"):
        read(path)
