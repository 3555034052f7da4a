"""What a save dialog's answer means: endings are appended, and nothing unasked is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget

from app.errors import UserError
from ui.chosen_file import chosen_file
from ui.fitting_view import ReportQuestions
from ui.listener_questions import ListenerQuestions


def answer(monkeypatch: pytest.MonkeyPatch, path: Path, taken: str = "") -> None:
    """The dialog's answer."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), taken))


def test_an_ending_is_appended_to_the_whole_name(tmp_path: Path) -> None:
    assert chosen_file(str(tmp_path / "visit 2.1"), ".json") == tmp_path / "visit 2.1.json"
    assert chosen_file(str(tmp_path / "report"), ".pdf") == tmp_path / "report.pdf"
    assert chosen_file(str(tmp_path / "report.PDF"), ".pdf") == tmp_path / "report.PDF"


def test_what_was_confirmed_may_be_replaced(tmp_path: Path) -> None:
    there = tmp_path / "report.pdf"
    there.write_text("old")
    assert chosen_file(str(there), ".pdf") == there


def test_a_report_is_not_put_in_the_place_of_a_file_nobody_was_asked_about(
    qapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.pdf").write_text("old")
    answer(monkeypatch, tmp_path / "report")
    with pytest.raises(UserError, match=r"“report\.pdf” is there already"):
        ReportQuestions(QWidget()).save_report(tmp_path / "x.pdf")
    answer(monkeypatch, tmp_path / "other")
    assert ReportQuestions(QWidget()).save_report(tmp_path / "x.pdf") == tmp_path / "other.pdf"


def test_an_export_is_not_put_in_the_place_of_a_file_nobody_was_asked_about(
    qapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = ListenerQuestions(QWidget())
    answer(monkeypatch, tmp_path / "visit 2.1")
    assert questions.export(str(tmp_path)) == (tmp_path / "visit 2.1.json", "ripieno")
    answer(monkeypatch, tmp_path / "visit 2.1", "Table (*.csv)")
    assert questions.export(str(tmp_path)) == (tmp_path / "visit 2.1.csv", "csv")
    answer(monkeypatch, tmp_path / "ears.CSV")
    assert questions.export(str(tmp_path)) == (tmp_path / "ears.CSV", "csv")
    (tmp_path / "visit 2.1.json").write_text("old")
    answer(monkeypatch, tmp_path / "visit 2.1")
    with pytest.raises(UserError, match="is there already"):
        questions.export(str(tmp_path))
