"""A row that wraps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.flow_layout import FlowLayout

pytestmark = pytest.mark.usefixtures("qapp")


class Box(QWidget):
    """A widget of 100 × 30."""

    def __init__(self, policy: QSizePolicy.Policy = QSizePolicy.Policy.Fixed) -> None:
        super().__init__()
        self.setSizePolicy(policy, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(100, 30)


@pytest.fixture
def row() -> Iterator[QWidget]:
    made = QWidget()
    yield made
    made.close()
    made.deleteLater()


def fill(row: QWidget, *boxes: Box) -> FlowLayout:
    layout = FlowLayout(row, gap=10, line_gap=5)
    layout.setContentsMargins(0, 0, 0, 0)
    for box in boxes:
        layout.addWidget(box)
    return layout


def test_it_wraps_where_the_room_ends(row: QWidget) -> None:
    boxes = [Box(), Box(), Box()]
    layout = fill(row, *boxes)
    assert layout.heightForWidth(400) == 30
    assert layout.heightForWidth(319) == 65
    assert layout.heightForWidth(100) == 100
    row.resize(250, 200)
    row.show()
    assert [(b.x(), b.y()) for b in boxes] == [(0, 0), (110, 0), (0, 35)]
    assert layout.minimumSize().width() == 100


def test_what_expands_takes_the_rest(row: QWidget) -> None:
    fixed, wide = Box(), Box(QSizePolicy.Policy.Expanding)
    fill(row, fixed, wide)
    row.resize(400, 40)
    row.show()
    assert wide.width() == 290


def test_what_comes_after_the_break_stands_at_the_far_end(row: QWidget) -> None:
    first, last = Box(), Box()
    layout = fill(row, first, last)
    layout.set_break(first)
    row.resize(400, 40)
    row.show()
    assert last.x() == 300


def test_right_to_left_begins_at_the_right(row: QWidget) -> None:
    first, last = Box(), Box()
    fill(row, first, last)
    row.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    row.resize(400, 40)
    row.show()
    assert (first.x(), last.x()) == (300, 190)


def test_hidden_widgets_take_no_room(row: QWidget) -> None:
    boxes = [Box(), Box()]
    layout = fill(row, *boxes)
    row.show()
    boxes[0].hide()
    assert layout.sizeHint().width() == 100
    assert layout.takeAt(0) is not None
    assert layout.count() == 1
    assert layout.itemAt(5) is None
    assert layout.takeAt(5) is None
