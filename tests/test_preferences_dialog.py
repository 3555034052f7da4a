"""Preferences take effect as they are chosen, and follow what is changed elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QComboBox

from tests.shell_program import ShellProgram
from ui.preferences_dialog import PreferencesDialog

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def dialog() -> Iterator[PreferencesDialog]:
    program = ShellProgram()
    made = PreferencesDialog(program)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    program.deleteLater()


def choose(combo: QComboBox, data: object) -> None:
    index = combo.findData(data)
    assert index >= 0
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_each_choice_is_stored_at_once(dialog: PreferencesDialog) -> None:
    settings = dialog.program.settings
    choose(dialog.output, "Headphones")
    choose(dialog.device, "cpu")
    choose(dialog.theme, "high contrast")
    choose(dialog.text_size, 1.5)
    choose(dialog.language, "en")
    dialog.match.setChecked(False)
    assert settings.output_device == "Headphones"
    assert settings.device == "cpu"
    assert settings.theme == "high contrast"
    assert settings.text_scale == 1.5
    assert settings.language == "en"
    assert not settings.match_loudness


def test_it_follows_changes_from_elsewhere(dialog: PreferencesDialog) -> None:
    dialog.program.settings.theme = "dark"
    dialog.program.settings.text_scale = 1.75
    assert dialog.theme.currentData() == "dark"
    assert dialog.text_size.currentText() == "175 %"


def test_new_headphones_are_listed(dialog: PreferencesDialog) -> None:
    dialog.program.listening.names.append("New headphones")  # type: ignore[attr-defined]
    dialog.program.listening.devices_changed.emit()
    assert dialog.output.findData("New headphones") > 0


def test_every_row_has_a_name(dialog: PreferencesDialog) -> None:
    names = [c.accessibleName() for c in dialog.findChildren(QComboBox)]
    assert names == ["Sound output", "Separation computes on", "Colours", "Text size", "Language"]
