import numpy as np
import pytest

from app.hearing.estimate_calibration import ANY, Signs, likely
from app.hearing.estimate_fit import LEAST_CASES, Case, fit, held_out


def cases(exponent, *, separator="nmf", pieces=12, each=8, noise=0.0, seed=0):
    """Remixes whose truths follow the formula with an exponent, and miss it by a piece's own noise."""
    rng = np.random.default_rng(seed)
    found = []
    for piece in range(pieces):
        shift = noise * rng.standard_normal()
        for _ in range(each):
            best = rng.uniform(0.7, 1.0)
            drawn = best * rng.uniform(0.2, 0.95)
            truth = float(likely(drawn, best, exponent)) + shift * rng.uniform(0.5, 1.5)
            signs = Signs(separator, drawn, best, 10 ** rng.uniform(-3, 0))
            found.append(Case(f"piece {piece}", signs, float(np.clip(truth, 0, 1))))
    return found


@pytest.mark.parametrize("exponent", [-0.4, 0.0, 0.75])
def test_the_exponent_behind_the_truths_is_found(exponent):
    found = fit(cases(exponent)).fits
    assert found["nmf"].exponent == pytest.approx(exponent, abs=0.01)
    assert found["nmf"].below < 1e-6
    assert found[ANY] == found["nmf"]


def test_each_separator_has_its_own_fit_unless_there_is_too_little_of_it():
    few = cases(0.5, separator="rare", pieces=2, each=2)
    assert len(few) < LEAST_CASES
    found = fit([*cases(0.5, separator="worse"), *cases(0.0, separator="as told"), *few]).fits
    assert set(found) == {ANY, "worse", "as told"}
    assert found["worse"].exponent > found["as told"].exponent


def test_bands_hold_about_nine_of_ten_truths_of_pieces_left_out():
    fitted, others = cases(0.3, pieces=40, noise=0.05), cases(0.3, pieces=40, noise=0.05, seed=9)
    others = [Case(f"other {case.piece}", case.signs, case.truth) for case in others]
    inside = [low <= case.truth <= high for case, _, low, high in held_out(fitted, others)]
    assert len(inside) == len(fitted) + len(others)
    assert 0.8 < np.mean(inside) < 0.97


def test_a_piece_left_out_has_no_say_in_its_own_estimate():
    plain = cases(0.0, pieces=6)
    changed = [Case(c.piece, c.signs, 0.0) if c.piece == "piece 3" else c for c in plain]
    first, second = (
        [found[1:] for found in held_out(some) if found[0].piece == "piece 3"] for some in (plain, changed)
    )
    assert first == second


def test_one_piece_is_not_enough():
    with pytest.raises(ValueError, match="two pieces"):
        fit(cases(0.0, pieces=1))
