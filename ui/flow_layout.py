"""A row that goes on in a second line where the window is narrow or the text is large."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QWidget


class FlowLayout(QLayout):
    """Lays widgets out from left to right (right to left where the language runs so) and wraps.

    Space that is left over in a line goes to the widgets whose horizontal policy expands; where none
    does, the widgets after the one given to :meth:`set_break` stand at the line's far end.
    """

    def __init__(self, parent: QWidget | None = None, *, gap: int = 8, line_gap: int = 6) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self._line_gap = line_gap
        self._break: QWidget | None = None

    def set_break(self, last: QWidget) -> None:
        """The widgets after ``last`` go to the far end of their line."""
        self._break = last

    def addItem(self, item: QLayoutItem) -> None:
        """Take an item in at the end (Qt calls this)."""
        self._items.append(item)

    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        """The item at an index, or None past the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        """Remove and return the item at an index, or None past the end."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Grows in no direction of its own accord."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """The height depends on how many lines the width leaves."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height (px) that the lines need at that width."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Put the items into the rectangle."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """One line, if there is room for it."""
        hints = [i.sizeHint() for i in self._shown()]
        margins = self.contentsMargins()
        width = sum(h.width() for h in hints) + self._gap * max(0, len(hints) - 1)
        height = max((h.height() for h in hints), default=0)
        return QSize(width + margins.left() + margins.right(), height + margins.top() + margins.bottom())

    def minimumSize(self) -> QSize:
        """The widest item, and one line of height."""
        sizes = [i.minimumSize() for i in self._shown()]
        margins = self.contentsMargins()
        width = max((s.width() for s in sizes), default=0)
        height = max((s.height() for s in sizes), default=0)
        return QSize(width + margins.left() + margins.right(), height + margins.top() + margins.bottom())

    def _shown(self) -> list[QLayoutItem]:
        return [i for i in self._items if not i.isEmpty()]

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        used = 0
        for item in self._shown():
            need = item.sizeHint().width()
            if lines and used + self._gap + need <= width:
                lines[-1].append(item)
                used += self._gap + need
            else:
                lines.append([item])
                used = need
        return lines

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        inner = rect.marginsRemoved(self.contentsMargins())
        y = inner.top()
        lines = self._lines(max(1, inner.width()))
        for number, line in enumerate(lines):
            height = max(i.sizeHint().height() for i in line)
            if move:
                self._place(line, QRect(inner.left(), y, inner.width(), height))
            y += height + (self._line_gap if number + 1 < len(lines) else 0)
        return y - rect.top() + self.contentsMargins().bottom()

    def _place(self, line: list[QLayoutItem], rect: QRect) -> None:
        widths = [min(i.sizeHint().width(), rect.width()) for i in line]
        spare = max(0, rect.width() - sum(widths) - self._gap * (len(line) - 1))
        greedy = [n for n, i in enumerate(line) if i.widget() is not None and _expands(i.widget())]
        for n in greedy:
            widths[n] += spare // len(greedy)
        push = 0 if greedy else spare
        parent = self.parentWidget()
        direction = parent.layoutDirection() if parent is not None else Qt.LayoutDirection.LeftToRight
        x = rect.left()
        for item, width in zip(line, widths, strict=True):
            size = QSize(width, min(rect.height(), item.sizeHint().height()))
            if item.widget() is not None and _grows_down(item.widget()):
                size.setHeight(rect.height())
            top = rect.top() + (rect.height() - size.height()) // 2
            cell = QRect(QPoint(x, top), size)
            if direction == Qt.LayoutDirection.RightToLeft:
                cell.moveLeft(rect.left() + rect.right() - cell.right())
            item.setGeometry(cell)
            x += width + self._gap
            if self._break is not None and item.widget() is self._break:
                x += push
                push = 0


def _expands(widget: QWidget) -> bool:
    policy = QSizePolicy.Policy
    return widget.sizePolicy().horizontalPolicy() in (policy.Expanding, policy.MinimumExpanding)


def _grows_down(widget: QWidget) -> bool:
    return widget.sizePolicy().verticalPolicy() == QSizePolicy.Policy.Expanding
