"""Typical audiograms by age and sex."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.hearing.typical import OLDEST, SEXES, YOUNGEST, median_thresholds, typical


def test_the_young_hear_normally_and_hearing_only_gets_worse() -> None:
    for sex in SEXES:
        assert set(typical(YOUNGEST, sex).levels) == {0}
        ages = [median_thresholds(age, sex) for age in range(YOUNGEST, OLDEST + 1)]
        for younger, older in pairwise(ages):
            assert all(b > a for a, b in zip(younger, older, strict=True))


def test_figures_of_the_standard() -> None:
    # ISO 7029:2017 by its formula: men of 60 at 4 kHz, 0.0034 · 42^2.325 dB.
    assert median_thresholds(60, "male")[8] == pytest.approx(20.2085, abs=1e-3)
    assert typical(70, "male").level_at(4000) == 33
    assert typical(70, "female").level_at(4000) == 27
    assert typical(70, "female").level_at(8000) > typical(70, "female").level_at(1000)


def test_what_the_standard_gives_for_information_is_marked() -> None:
    assert typical(70, "male").extrapolated == ()
    assert typical(71, "male").extrapolated == (3000, 4000, 6000, 8000)
    assert typical(80, "female").name == "typical woman of 80"


@pytest.mark.parametrize(("age", "sex"), [(17, "male"), (81, "female"), (50, "other")])
def test_beyond_its_range_there_is_a_sentence(age: int, sex: str) -> None:
    with pytest.raises(ValueError, match="typical audiograms"):
        typical(age, sex)
