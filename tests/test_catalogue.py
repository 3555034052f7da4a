from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from fake_separators import FakeSeparator

from separation import catalogue
from separation.separator import Figure, SeparatorError

CARD = """
name = "NAME"
title = "A separator"
kind = "test"
sentence = "It separates."
paper = "None (2026)"
licence = "MIT"
training_data = "none"
instruments = ["violin", "bass-drum"]
max_parts = 2
sample_rate = 22050
chunk_seconds = 4
context_seconds = 0.5
factory = "separation.made_for_a_test:make"
known_failures = ["It knows no tuba."]

[options]
iterations = 20

[[figures]]
what = "speed"
value = "10 times real time"
command = "make bench"
"""


def write(folder: Path, name: str, /, **changes: str) -> Path:
    """A card in ``folder``; ``changes`` are whole lines by the key they begin with ("" leaves it out)."""
    lines = []
    for line in CARD.replace("NAME", name).splitlines():
        key = line.split(" =")[0]
        lines.append(changes.pop(key, line))
    (folder / name).mkdir(parents=True)
    path = folder / name / "card.toml"
    path.write_text("\n".join([*changes.values(), *lines]), encoding="utf-8")
    return path


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("separation.made_for_a_test")
    made.make = lambda card: FakeSeparator(card=card)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def test_a_card_is_read_with_all_it_says(tmp_path: Path) -> None:
    write(tmp_path, "zither")
    write(tmp_path, "alpha")
    found = catalogue.cards([tmp_path])
    assert list(found) == ["alpha", "zither"]
    card = found["alpha"]
    assert card.folder == tmp_path / "alpha"
    assert card.instruments == ("violin", "bass-drum")
    assert card.chunk_seconds == 4.0
    assert isinstance(card.chunk_seconds, float)
    assert card.options == {"iterations": 20}
    assert card.figures == (Figure("speed", "10 times real time", "make bench"),)
    assert card.known_failures == ("It knows no tuba.",)


def test_a_later_folder_wins(tmp_path: Path) -> None:
    write(tmp_path / "one", "same")
    write(tmp_path / "two", "same", title='title = "The later one"')
    assert catalogue.cards([tmp_path / "one", tmp_path / "two"])["same"].title == "The later one"


def test_a_folder_without_a_card_is_no_separator(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert catalogue.cards([tmp_path, tmp_path / "not there"]) == {}


def test_a_separator_is_loaded(tmp_path: Path, module: ModuleType) -> None:
    write(tmp_path, "good")
    assert catalogue.load("good", [tmp_path]).card.name == "good"


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, "one")
    write(tmp_path, "two")
    with pytest.raises(SeparatorError, match="no separator called “three”; there is: one, two"):
        catalogue.load("three", [tmp_path])
    with pytest.raises(SeparatorError, match="none is installed"):
        catalogue.load("three", [])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"title": ""}, "“title” is missing"),
        ({"title": "title = 3"}, "“title” has the wrong kind"),
        ({"max_parts": "max_parts = true"}, "“max_parts” has the wrong kind"),
        ({"max_parts": "max_parts = 0"}, "“max_parts” must lie"),
        ({"sample_rate": "sample_rate = 22050.0"}, "“sample_rate” has the wrong kind"),
        ({"sample_rate": "sample_rate = 1"}, "“sample_rate” must lie"),
        ({"chunk_seconds": "chunk_seconds = 0"}, "“chunk_seconds” must lie"),
        ({"chunk_seconds": "chunk_seconds = nan"}, "“chunk_seconds” must lie"),
        ({"instruments": "instruments = []"}, "at least one instrument"),
        ({"instruments": 'instruments = ["violin", "violin"]'}, "each once"),
        ({"instruments": 'instruments = ["violin", 2]'}, "“instruments” has the wrong kind"),
        ({"instruments": 'instruments = ["residual"]'}, "“residual” cannot be the name"),
        ({"instruments": 'instruments = ["violin-1"]'}, "“violin-1” cannot be the name"),
        ({"instruments": 'instruments = ["../violin"]'}, "cannot be the name"),
        ({"factory": 'factory = "os:getcwd"'}, "“factory” must be"),
        ({"factory": 'factory = "separation.engine"'}, "“factory” must be"),
        ({"name": 'name = "other"'}, "“other” is not that of its folder"),
        ({"colour": 'colour = "red"'}, "“colour” is not a field"),
        ({"what": "what = 1"}, "each of “figures” needs"),
        ({"value": ""}, "each of “figures” needs"),
        ({"title": "title = "}, "cannot be read"),
    ],
)
def test_a_broken_card_is_named(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    path = write(tmp_path, "broken", **changes)
    with pytest.raises(SeparatorError, match=says) as caught:
        catalogue.cards([tmp_path])
    assert str(path) in str(caught.value)


def test_a_card_that_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, "broken")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SeparatorError, match="cannot be read"):
        catalogue.cards([tmp_path])


def test_a_factory_that_is_not_there(tmp_path: Path, module: ModuleType) -> None:
    write(tmp_path, "lost", factory='factory = "separation.not_there:make"')
    with pytest.raises(SeparatorError, match="there is no module “separation\\.not_there”"):
        catalogue.load("lost", [tmp_path])
    write(tmp_path, "empty", factory='factory = "separation.made_for_a_test:nothing"')
    with pytest.raises(SeparatorError, match="has no “nothing”"):
        catalogue.load("empty", [tmp_path])
    module.make = lambda card: object()  # type: ignore[attr-defined]
    write(tmp_path, "wrong")
    with pytest.raises(SeparatorError, match="does not make a separator"):
        catalogue.load("wrong", [tmp_path])


def test_what_is_missing_inside_a_separator_is_another_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "card")

    def fail(name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'triton'", name="triton")

    monkeypatch.setattr(catalogue.importlib, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match="triton"):
        catalogue.load("card", [tmp_path])


def test_the_cards_that_ship_can_be_read_and_loaded() -> None:
    for name, card in catalogue.cards().items():
        assert catalogue.load(name).card == card
