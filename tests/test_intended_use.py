"""The statement of intended use stands in one place and is shown wherever it has to be."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from app.intended_use import INTENDED_USE, SCORE_CAVEAT
from tests.shell_window import dress, forget
from ui.about_dialog import AboutDialog

DOCS = Path(__file__).parents[1] / "docs"


def test_it_says_what_it_is_for_and_what_not() -> None:
    for words in ("listening, teaching and research", "not for diagnosis", "not for fitting a device"):
        assert words in INTENDED_USE


@pytest.mark.usefixtures("qapp")
def test_the_about_window_says_it() -> None:
    dress()
    dialog = AboutDialog()
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert INTENDED_USE in texts
    assert SCORE_CAVEAT in texts
    forget(dialog)


def test_the_page_on_hearing_says_it_and_what_is_left_out() -> None:
    page = (DOCS / "hearing.md").read_text(encoding="utf-8")
    assert INTENDED_USE in page
    assert "NAL-NL2 is proprietary" in page
    assert "CAMFIT" in page
