"""The program's own form of an audiogram."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from app.hearing.audiogram import PRESETS, Listener
from app.hearing.listener_data import listener_from_data, listener_to_data
from tests.listener_ears import LEFT, RIGHT, listeners


@settings(max_examples=50, deadline=None)
@given(listeners)
def test_it_comes_back_as_it_went(listener: Listener) -> None:
    assert listener_from_data(json.loads(json.dumps(listener_to_data(listener)))) == listener


def test_the_name_is_optional_and_goes_only_where_it_is_wanted() -> None:
    listener = Listener(LEFT, RIGHT, "Anna Beispiel", "0123456789abcdef")
    assert listener_from_data(listener_to_data(listener)).name == "Anna Beispiel"
    plain = json.dumps(listener_to_data(listener, with_name=False))
    assert "Anna" not in plain
    assert "0123456789abcdef" not in plain
    assert listener_from_data(json.loads(plain), "file").name == "file"


def test_what_was_extrapolated_stays_marked() -> None:
    listener = Listener(PRESETS["N3"], PRESETS["S1"])
    assert listener_from_data(listener_to_data(listener)).left.extrapolated == (8000,)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"format": "other"}, "not an audiogram"),
        ({"version": 2}, "newer version"),
        ({"left": 5}, "left ear: An ear should be a group"),
        ({"right": {"frequencies": [500], "levels": ["a"]}}, "right ear: .*not a number"),
        ({"right": {"frequencies": 500, "levels": []}}, "list of numbers"),
        ({"right": {"frequencies": [500], "levels": [130]}}, "130 dB HL"),
        ({"right": {"frequencies": [500], "levels": [10], "bone": [5]}}, "list of pairs"),
        ({"right": {"frequencies": [500], "levels": [10**400]}}, "not a number"),
        ({"right": {"frequencies": [500], "levels": [10], "no_response": [1000]}}, "level that was tried"),
    ],
)
def test_anything_else_gets_a_sentence(change: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        listener_from_data(listener_to_data(Listener(LEFT, RIGHT)) | change)
