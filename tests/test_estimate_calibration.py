import json
import math

import pytest

from app.hearing.estimate_calibration import (
    ANY,
    SHIPPED,
    Calibration,
    Fit,
    Signs,
    likely,
    read,
    shipped,
    unit,
    write,
)
from separation import catalogue


def test_the_shipped_calibration_knows_every_separator_of_the_program():
    calibration = shipped()
    assert set(calibration.fits) == {ANY, *catalogue.cards()}
    assert calibration == read(SHIPPED)


@pytest.mark.parametrize("separator", ["harmonic", "nmf", "mamba", "", "somebody's own"])
def test_the_shipped_estimate_rises_with_the_drawn_score_and_its_band_holds_it(separator):
    calibration = shipped()
    before = -1.0
    for drawn in (0.0, 0.05, 0.2, 0.5, 0.8, 0.9):
        value, low, high = calibration.estimate(Signs(separator, drawn, 0.9, 0.05))
        assert 0 <= low <= value <= high <= 1
        assert value > before
        before = value


def test_without_an_expected_error_the_estimate_is_exact():
    for best in (0.06, 0.56, 0.999, 1.0):
        assert shipped().estimate(Signs("harmonic", best, best, 0.0)) == (best, best, best)


def test_the_band_widens_with_the_expected_error():
    widths = []
    for level in (0.0, 1e-4, 1e-2, 1.0):
        _, low, high = shipped().estimate(Signs("harmonic", 0.6, 0.95, level))
        widths.append(high - low)
    assert widths == sorted(widths)
    assert widths[0] == 0


def test_the_exponent_says_whether_a_separator_is_worse_than_its_stems_tell():
    assert likely(0.5, 1.0, 0.0) == 0.5
    assert likely(0.5, 1.0, 1.0) == 0.25
    assert likely(0.5, 1.0, -0.5) == pytest.approx(math.sqrt(0.5))
    # a remix may suit an ear better than the recording does: then nothing is added
    assert likely(0.9, 0.8, 1.0) == 0.9
    assert likely(0.0, 0.0, 1.0) == 0.0


def test_an_unknown_separator_gets_what_fits_all():
    calibration = Calibration({ANY: Fit(0.0, 0.1, 0.2), "nmf": Fit(1.0, 0.3, 0.3)})
    signs = Signs("theirs", 0.5, 1.0, 1.0)
    step = float(unit(0.5, 1.0))
    assert calibration.estimate(signs) == pytest.approx((0.5, 0.5 - 0.1 * step, 0.5 + 0.2 * step))


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    calibration = Calibration({ANY: Fit(0.25, 0.1, 0.2), "nmf": Fit(-0.5, 0.0, 0.3)})
    write(calibration, tmp_path / "new" / "fits.json")
    assert read(tmp_path / "new" / "fits.json") == calibration


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        json.dumps({"nmf": {"exponent": 0, "below": 0, "above": 0}}),
        json.dumps({"": {"exponent": -1, "below": 0, "above": 0}}),
        json.dumps({"": {"exponent": 0, "below": -0.1, "above": 0}}),
        '{"": {"exponent": 0, "below": NaN, "above": 0}}',
        json.dumps({"": {"exponent": 0}}),
    ],
)
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "fits.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"fits\.json"):
        read(path)
