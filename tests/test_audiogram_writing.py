"""Audiograms written to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import UserError
from app.hearing.audiogram import PRESETS, Audiogram, Listener
from app.hearing.audiogram_file import doubts, names_in, read_listener
from app.hearing.audiogram_writing import KINDS, write_listener
from tests.listener_ears import LEFT, RIGHT

LISTENER = Listener(LEFT, RIGHT, "Anna Beispiel", "0123456789abcdef")


@pytest.mark.parametrize("kind", ["ripieno", "csv"])
def test_both_ears_come_back_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"ears{KINDS[kind][1]}"
    assert write_listener(LISTENER, path, kind) == ()
    back = read_listener(path)
    for ear in ("left", "right"):
        was, now = getattr(LISTENER, ear), getattr(back, ear)
        assert (now.frequencies, now.levels, now.bone, now.no_response) == (
            was.frequencies, was.levels, was.bone, was.no_response,
        )  # fmt: skip


def test_a_cadenza_file_says_what_it_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "listeners.json"
    told = write_listener(LISTENER, path, "cadenza")
    assert len(told) == 3
    back = read_listener(path)
    assert back.name == "Anna Beispiel"
    assert back.left.levels == (20, 25, 35, 50, 70, 100)  # 95 was not heard
    assert back.right.levels == (10, 15, 25, 40, 55, 55)
    plain = Listener(PRESETS["N2"], PRESETS["N3"], "N")
    assert write_listener(plain, path, "cadenza") == ()
    assert read_listener(path).right.levels == PRESETS["N3"].levels


@pytest.mark.parametrize("kind", list(KINDS))
def test_without_the_name_nothing_tells_who_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"ears{KINDS[kind][1]}"
    write_listener(LISTENER, path, kind, with_name=False)
    text = path.read_text()
    assert "Anna" not in text
    assert LISTENER.id not in text


def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_listener(LISTENER, tmp_path / "nowhere" / "a.json")


def test_the_names_in_a_file_of_several(tmp_path: Path) -> None:
    path = tmp_path / "listeners.json"
    path.write_text('{"L1": {"audiogram_cfs": [500]}, "L2": {"audiogram_cfs": [500]}}')
    assert names_in(path) == ["L1", "L2"]
    path.write_text("500,1\n")
    assert names_in(path) == []
    assert names_in(tmp_path / "nothing") == []


def test_doubts_name_missing_frequencies_and_swapped_ears() -> None:
    assert doubts(Listener(PRESETS["N3"], PRESETS["N3"])) == ()
    few = Audiogram((500, 4000), (10, 40))
    assert any(
        "right ear was not measured at 250, 1000, 2000 Hz" in text for text in doubts(Listener(few, few))
    )
    good = Audiogram((500, 2000), (10, 10), bone=((500, 55), (2000, 60)))
    poor = Audiogram((500, 2000), (60, 65), bone=((500, 5), (2000, 10)))
    assert any("swapped" in text for text in doubts(Listener(good, poor)))
    right_way = Audiogram((500, 2000), (10, 10), bone=((500, 5), (2000, 10)))
    assert not any("swapped" in text for text in doubts(Listener(right_way, poor)))
