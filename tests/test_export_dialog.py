"""Exporting: the request is what was chosen, limits are said before, and so is the peak."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from app.export import PeakReport
from separation.separator import RESIDUAL
from tests.shell_program import ShellProgram
from ui.export_dialog import ExportDialog

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[ShellProgram]:
    made = ShellProgram()
    made.open_separated("violin", "clarinet")
    made.settings.last_folder = str(tmp_path)
    yield made
    made.deleteLater()


@pytest.fixture
def dialog(program: ShellProgram) -> Iterator[ExportDialog]:
    made = ExportDialog(program)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def choose_format(dialog: ExportDialog, key: str) -> None:
    dialog.format_box.setCurrentIndex(dialog.format_box.findData(key))


def limits(dialog: ExportDialog) -> list[str]:
    QApplication.processEvents()
    return [label.text() for label in dialog._limit_box.findChildren(QLabel) if label.isVisible()]


def test_the_mix_in_the_recordings_own_rate_and_depth_is_proposed(
    dialog: ExportDialog, tmp_path: Path
) -> None:
    request = dialog.request()
    assert request.mix == tmp_path / "Trio in a minor (Ripieno remix).flac"
    assert request.format == "flac"
    assert request.sample_rate is None
    assert request.channels is None
    assert request.stems == ()
    assert request.clipping == "lower"
    assert dialog.export_button.isEnabled()
    assert dialog.rate.currentText() == "As the recording: 44.1 kHz"


def test_the_name_keeps_up_with_the_format(dialog: ExportDialog, tmp_path: Path) -> None:
    choose_format(dialog, "wav24")
    assert dialog.request().mix == tmp_path / "Trio in a minor (Ripieno remix).wav"
    dialog.mix_path.setText(str(tmp_path / "Op. 12 no.3"))
    choose_format(dialog, "ogg")
    assert dialog.request().mix == tmp_path / "Op. 12 no.3"


def test_what_the_format_cannot_hold_is_said_and_mended(dialog: ExportDialog) -> None:
    dialog.rate.setCurrentIndex(dialog.rate.findData(96000))
    choose_format(dialog, "mp3")
    assert not dialog.export_button.isEnabled()
    (sentence,) = limits(dialog)
    assert sentence.startswith("MP3 cannot hold 96 kHz")
    (button,) = [b for b in dialog._limit_box.findChildren(QPushButton) if b.isVisible()]
    button.click()
    assert dialog.request().sample_rate == 48000
    assert dialog.export_button.isEnabled()


def test_nothing_chosen_is_a_limit(dialog: ExportDialog) -> None:
    dialog.mix.setChecked(False)
    assert not dialog.export_button.isEnabled()
    assert "Nothing was chosen" in limits(dialog)[0]
    assert not dialog.mix_path.isEnabled()


def test_single_instruments_go_into_a_folder(dialog: ExportDialog, tmp_path: Path) -> None:
    assert not dialog.folder.isEnabled()
    dialog.stem_boxes["clarinet"].setChecked(True)
    dialog.stem_boxes[RESIDUAL].setChecked(True)
    dialog.as_mixed.setChecked(True)
    request = dialog.request()
    assert request.stems == ("clarinet", RESIDUAL)
    assert request.stem_folder == tmp_path / "Trio in a minor (instruments)"
    assert request.stems_as_mixed
    dialog.folder.setText("")
    assert not dialog.export_button.isEnabled()


def test_a_file_that_is_there_is_said_to_be_replaced(dialog: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "old.flac").write_bytes(b"")
    dialog.mix_path.setText(str(tmp_path / "old.flac"))
    assert limits(dialog) == ["“old.flac” is there already and will be replaced."]
    assert dialog.export_button.isEnabled()


def test_the_peak_is_measured_for_what_is_chosen(dialog: ExportDialog, program: ShellProgram) -> None:
    dialog.measure()
    assert program.exporting.measured == [dialog.request()]
    assert dialog.peak.text() == "Measuring the peak …"
    program.exporting.peak_measured.emit(PeakReport(-3.0, False, 0.0, "The peak is −3.0 dBFS."))
    assert dialog.peak.text() == "The peak is −3.0 dBFS."
    dialog.mix_path.setText(dialog.mix_path.text() + "x")
    dialog.measure()
    assert len(program.exporting.measured) == 1  # another name has the same peak
    program.document.set_gain("violin", 6.0)
    dialog.measure()
    assert len(program.exporting.measured) == 2


def test_nothing_is_measured_for_what_cannot_be_exported(dialog: ExportDialog, program: ShellProgram) -> None:
    dialog.mix.setChecked(False)
    dialog.measure()
    assert program.exporting.measured == []


def test_accepting_starts_the_export(dialog: ExportDialog, program: ShellProgram, tmp_path: Path) -> None:
    wanted = dialog.request()
    dialog.export_button.click()
    assert program.exporting.started == [wanted]
    assert not dialog.isVisible()
    assert program.settings.last_folder == str(tmp_path)


def test_another_recording_closes_it(dialog: ExportDialog, program: ShellProgram) -> None:
    program.open_made_up()
    assert not dialog.isVisible()
    assert not dialog._settle.isActive()


def test_the_demo_is_not_exported_into_the_program(program: ShellProgram) -> None:
    program.settings.last_folder = ""
    program.is_demo = True
    dialog = ExportDialog(program)
    assert dialog.request().mix is not None
    assert dialog.request().mix.parent == Path.home()  # type: ignore[union-attr]
    dialog.done(0)
    dialog.deleteLater()
