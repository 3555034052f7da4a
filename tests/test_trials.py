"""Blind comparison: nothing is told early, the counts are right, and the intervals are the exact ones."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest
from scipy.stats import binomtest

from app.hearing.trials import (
    BlindComparison,
    NotRevealedError,
    Trial,
    TrialResult,
    TrialSetting,
    interval,
    results,
    votes_needed,
)

A, B, C = (
    TrialSetting("A", "flat"),
    TrialSetting("B", "clarinet +6.0 dB", "nal-r", score=(0.5, 0.6), reference="original"),
    TrialSetting("C", "other"),
)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def comparison(*settings: TrialSetting) -> BlindComparison:
    numbers = itertools.count()
    return BlindComparison(settings or (A, B), "Trio", "equal LUFS", seed=lambda: next(numbers))


def listen(test: BlindComparison) -> list[str]:
    return [test.play(number) for number in test.numbers]


def result_of(a: int, b: int, none: int = 0, settings: tuple[TrialSetting, ...] = (A, B)) -> TrialResult:
    order = tuple(s.label for s in settings)
    votes = ["A"] * a + ["B"] * b + [""] * none
    return TrialResult(settings, tuple(Trial(order, vote) for vote in votes))


def prefer(test: BlindComparison, label: str) -> None:
    test.vote(listen(test).index(label) + 1)


def test_votes_are_counted_for_the_setting_that_stood_there() -> None:
    test = comparison()
    for _ in range(8):
        prefer(test, "B")
    listen(test)
    test.vote(None)
    found = test.reveal("clearer", now=NOW)
    assert [(s.label, s.votes, s.of) for s in found.shares()] == [("A", 0, 8), ("B", 8, 8)]
    assert found.no_difference == 1
    assert (found.comment, found.date) == ("clearer", "2026-03-01T12:00:00+00:00")
    assert {trial.order for trial in found.trials} == {("A", "B"), ("B", "A")}


def test_three_settings_come_in_every_order() -> None:
    test = comparison(A, B, C)
    seen = set()
    for _ in range(60):
        seen.add(tuple(listen(test)))
        test.vote(None)
    assert seen == set(itertools.permutations("ABC"))


def test_without_a_seed_of_its_own_the_order_is_not_known_beforehand() -> None:
    orders = set()
    for _ in range(40):
        orders.add(tuple(listen(BlindComparison((A, B, C)))))
    assert len(orders) > 1


def test_nothing_is_told_before_it_is_revealed() -> None:
    test = comparison()
    prefer(test, "A")
    with pytest.raises(NotRevealedError):
        _ = test.result
    assert not test.revealed
    assert "order" not in repr(test)
    assert "vote" not in repr(test)
    assert test.votes == 1


def test_after_it_is_revealed_no_vote_counts() -> None:
    test = comparison()
    prefer(test, "A")
    first = test.reveal("once", now=NOW)
    assert test.reveal("twice") is first
    assert test.result is first
    with pytest.raises(ValueError, match="not be blind"):
        test.vote(None)


def test_all_have_to_be_heard_before_a_vote() -> None:
    test = comparison(A, B, C)
    test.play(1)
    test.play(3)
    assert test.unheard == (2,)
    with pytest.raises(ValueError, match="Listen to each"):
        test.vote(1)
    test.play(2)
    test.vote(1)
    assert test.unheard == (1, 2, 3)


def test_what_is_not_there_is_refused() -> None:
    test = comparison()
    with pytest.raises(ValueError, match="no setting 3"):
        test.play(3)
    listen(test)
    with pytest.raises(ValueError, match="no setting 0"):
        test.vote(0)
    with pytest.raises(ValueError, match="no vote yet"):
        test.reveal()
    with pytest.raises(ValueError, match="two or three"):
        BlindComparison((A,))
    with pytest.raises(ValueError, match="two or three"):
        BlindComparison((B, A))


@pytest.mark.parametrize(("votes", "of"), [(0, 5), (5, 5), (3, 10), (7, 10), (55, 100)])
def test_the_interval_is_the_exact_one(votes: int, of: int) -> None:
    known = binomtest(votes, of).proportion_ci(method="exact")
    assert interval(votes, of) == pytest.approx((known.low, known.high), abs=1e-9)


def test_without_votes_nothing_is_known() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError):
        interval(2, 1)


def test_how_many_votes_it_takes() -> None:
    assert votes_needed(2, 1.0) == 6  # 2·0.5⁶ = 0.031 < 0.05 < 2·0.5⁵
    assert votes_needed(3, 1.0) == 5
    assert votes_needed(2, 0.5) is None
    needed = votes_needed(2, 0.7)
    assert needed is not None
    assert interval(int(0.7 * needed), needed)[0] > 0.5


def test_the_verdict_says_what_is_proved() -> None:
    assert "One vote proves nothing" in result_of(1, 0).verdict()
    assert "takes 6 of them" in result_of(1, 0).verdict()
    assert "may be chance" in result_of(5, 0).verdict()
    assert "more than chance" in result_of(6, 0).verdict()
    assert "54 to 100 %" in result_of(6, 0).verdict()
    assert "no preference" in result_of(4, 4).verdict()
    assert "No vote preferred" in result_of(0, 0, 3).verdict()
    assert "about 30 votes" in result_of(7, 3).verdict()


def test_three_intervals_hold_together() -> None:
    two, three = result_of(8, 2).shares()[0], result_of(8, 2, settings=(A, B, C)).shares()[0]
    assert three.low < two.low < two.value < two.high < three.high


def test_a_result_survives_the_profile() -> None:
    test = comparison(A, B, C)
    for label in "ABBC":
        prefer(test, label)
    found = test.reveal("a “comment”", now=NOW)
    plain = json.loads(json.dumps(found.to_plain()))
    assert TrialResult.from_plain(plain) == found


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"kind": "something else"},
        {"settings": []},
        {"settings": [{"label": "A"}]},
        {"settings": None},
        {"trials": [{"order": ["A", "D"], "vote": "A"}]},
        {"trials": [{"order": ["A", "B"], "vote": "C"}]},
        {"trials": 3},
    ],
)
def test_what_cannot_be_read_gets_a_sentence(change: dict[str, object]) -> None:
    plain = result_of(2, 1).to_plain() | change
    with pytest.raises(ValueError, match="cannot be read"):
        TrialResult.from_plain(plain)
    assert results([plain, result_of(2, 1).to_plain()]) == [result_of(2, 1)]


@pytest.mark.parametrize(
    "change", [{"gain_db": float("nan")}, {"score": [float("inf"), 0.5]}, {"score": [1]}]
)
def test_figures_that_are_no_numbers_are_refused(change: dict[str, object]) -> None:
    plain = result_of(1, 1).to_plain()
    plain["settings"] = [s | change for s in map(dict, plain["settings"])]
    with pytest.raises(ValueError, match="cannot be read"):
        TrialResult.from_plain(plain)


def test_no_name_is_in_what_a_log_would_show() -> None:
    named = TrialSetting("A", "flat", listener="Erika Mustermann")
    assert "Erika" not in repr(named)
    result = TrialResult((named, B), (), comment="Erika found it harsh")
    assert "Erika" not in repr(result)
