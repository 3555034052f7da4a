from __future__ import annotations

import pytest
from fake_separators import CARD, FakeSeparator, card

from separation import engine, separator
from separation.separator import Part, Separator, SeparatorError, parse_parts


def test_names_of_parts_go_there_and_back() -> None:
    for part in (
        Part("violin"),
        Part("violin", 1),
        Part("violin", 2),
        Part("bass-drum"),
        Part("bass-drum", 2),
    ):
        assert Part.from_name(part.name) == part
    assert Part("violin").name == "violin"
    assert Part("violin", 2).name == "violin-2"


def test_a_list_of_instruments_becomes_parts_in_its_order() -> None:
    assert parse_parts(" Violin:2, clarinet ,", CARD) == (
        Part("violin", 1),
        Part("violin", 2),
        Part("clarinet"),
    )
    assert parse_parts("oboe:1", CARD) == (Part("oboe"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No instruments were named"),
        (" , ", "No instruments were named"),
        ("kazoo", "“kazoo” is not an instrument that Quick sharing knows"),
        ("violin,violin", "“violin” is named twice; for two parts write violin:2"),
        ("violin:3", "up to 2 parts of one instrument, not 3 of violin"),
        ("violin:0", "not 0 of violin"),
        ("violin:x", "is not an instrument"),
        (":2", "is not an instrument"),
    ],
)
def test_a_list_that_makes_no_sense_gets_a_sentence(text: str, says: str) -> None:
    with pytest.raises(SeparatorError, match=says):
        parse_parts(text, CARD)


def test_one_part_each() -> None:
    with pytest.raises(SeparatorError, match="can do one part of one instrument"):
        parse_parts("violin:2", card(max_parts=1))


def test_what_a_separator_needs() -> None:
    assert isinstance(FakeSeparator(), Separator)
    assert not isinstance(object(), Separator)
    assert engine.Cancelled is separator.Cancelled
