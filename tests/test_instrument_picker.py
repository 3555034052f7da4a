"""Ticking instruments: presets, two parts, what the card allows, and what is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app.status import SeparationStatus
from separation.separator import Part
from tests.shell_program import ShellProgram, card
from ui.ensembles import ENSEMBLES, counts_of, in_score_order, parts_of
from ui.instrument_picker import InstrumentPicker

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def program() -> Iterator[ShellProgram]:
    made = ShellProgram()
    made.open_made_up()
    yield made
    made.deleteLater()


@pytest.fixture
def picker(program: ShellProgram) -> Iterator[InstrumentPicker]:
    made = InstrumentPicker(program)
    made.resize(900, 600)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def preset(picker: InstrumentPicker, name: str) -> None:
    next(b for b in picker.presets if b.text() == name).click()


def test_the_boxes_come_from_the_card(picker: InstrumentPicker, program: ShellProgram) -> None:
    assert set(picker.choices) == set(program.cards["nmf"].instruments)
    assert picker.parts == ()


def test_it_says_why_separating_cannot_start(picker: InstrumentPicker, program: ShellProgram) -> None:
    assert not picker.separate.isEnabled()
    assert picker.reason.whole == "Tick at least one instrument."
    picker.choices["flute"].box.setChecked(True)
    assert picker.separate.isEnabled()
    assert picker.reason.isHidden()
    program.progress(SeparationStatus(True))
    picker.refresh()
    assert "running" in picker.reason.whole
    program.progress(None)


def test_a_string_quartet_has_two_violins(picker: InstrumentPicker) -> None:
    preset(picker, "String quartet")
    assert [p.name for p in picker.parts] == ["violin-1", "violin-2", "viola", "cello"]


def test_the_quartet_of_bach10(picker: InstrumentPicker) -> None:
    preset(picker, "Clarinet–saxophone quartet")
    assert [p.name for p in picker.parts] == ["clarinet", "saxophone", "bassoon", "violin"]


def test_two_parts_only_where_the_separator_can(picker: InstrumentPicker) -> None:
    preset(picker, "String quartet")
    assert picker.choices["violin"].two.isVisible()
    picker.separator.setCurrentIndex(picker.separator.findData("solo"))
    assert not picker.choices["violin"].two.isVisible()
    assert [p.name for p in picker.parts] == ["violin", "viola", "cello"]


def test_unticking_takes_the_second_part_too(picker: InstrumentPicker) -> None:
    violin = picker.choices["violin"]
    violin.box.setChecked(True)
    violin.two.setChecked(True)
    assert violin.count == 2
    violin.box.setChecked(False)
    assert violin.count == 0
    violin.box.setChecked(True)
    assert violin.count == 1


def test_a_card_with_other_instruments_offers_only_what_it_knows() -> None:
    cards = {"duo": card("duo", instruments=("guitar", "violin"))}
    program = ShellProgram(cards=cards)
    program.open_made_up()
    picker = InstrumentPicker(program)
    assert set(picker.choices) == {"guitar", "violin"}
    assert all(button.isHidden() for button in picker.presets)
    picker.deleteLater()
    program.deleteLater()


def test_no_separator_is_a_reason() -> None:
    program = ShellProgram(cards={})
    program.open_made_up()
    picker = InstrumentPicker(program)
    assert "No separator" in picker.reason_not()
    assert not picker.separate.isEnabled()
    picker.deleteLater()
    program.deleteLater()


def test_the_choice_is_sent_and_remembered(picker: InstrumentPicker, program: ShellProgram) -> None:
    sent: list[tuple] = []
    picker.separate_clicked.connect(lambda *what: sent.append(what))
    preset(picker, "Violin and cello")
    picker.device.setCurrentIndex(1)
    picker.separate.click()
    assert sent == [((Part("violin"), Part("cello")), "nmf", "cpu")]
    assert program.settings.last_instruments == ("violin", "cello")
    again = InstrumentPicker(program)
    assert [p.name for p in again.parts] == ["violin", "cello"]
    again.deleteLater()


def test_devices_are_shown_by_their_real_name(picker: InstrumentPicker, program: ShellProgram) -> None:
    assert picker.device.itemText(0) == "Automatic: Intel Xeon"
    picker.device.activated.emit(1)
    picker.device.setCurrentIndex(1)
    picker.device.activated.emit(1)
    assert program.settings.device == "cpu"


def test_the_card_is_told_in_words(picker: InstrumentPicker) -> None:
    words = picker.about.text()
    assert "single notes" in words
    assert "Quality: " in words
    assert "Speed: " in words


def test_true_stems_are_ticked_and_offered(picker: InstrumentPicker, program: ShellProgram) -> None:
    asked: list[bool] = []
    picker.true_stems_clicked.connect(lambda: asked.append(True))
    assert picker.own_stems.isHidden()
    program.true_stems = SimpleNamespace(parts=(Part("oboe"), Part("viola")))
    picker.offer()
    assert [p.name for p in picker.parts] == ["oboe", "viola"]
    picker.own_stems.click()
    assert asked == [True]


def test_a_narrow_window_has_fewer_columns(picker: InstrumentPicker) -> None:
    wide = {picker._grid.getItemPosition(i)[1] for i in range(picker._grid.count())}
    picker.resize(300, 600)
    narrow = {picker._grid.getItemPosition(i)[1] for i in range(picker._grid.count())}
    assert len(narrow) < len(wide)


def test_ensembles_are_made_of_known_instruments_and_survive_the_round_trip() -> None:
    for ensemble in ENSEMBLES:
        parts = parts_of(ensemble.parts)
        assert counts_of(parts) == ensemble.parts
        assert len(parts) == sum(ensemble.parts.values())
    assert in_score_order(["cello", "guitar", "flute"]) == ["flute", "cello", "guitar"]
