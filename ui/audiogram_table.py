"""The audiogram that is edited, as a table: type a figure, Enter goes on; Tab runs down a column."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QBrush, QColor, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QHeaderView, QTableView, QWidget

from app.audiogram_document import EARS, AudiogramDocument, Ear, spoken_point
from app.errors import UserError
from app.names import MINUS
from ui.audiogram_picture import LEFT, RIGHT
from ui.spoken import describe
from ui.theme import Theme, tabular, target_size, theme_of

AnyIndex = QModelIndex | QPersistentModelIndex


class AudiogramTableModel(QAbstractTableModel):
    """Rows are frequencies, columns the right and the left ear. ``refused`` carries a sentence."""

    refused = Signal(str)

    def __init__(self, document: AudiogramDocument, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self._rows = document.draft.frequencies
        document.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """The ears' colours follow the theme."""
        self._theme = theme
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(EARS) - 1)

    def place(self, index: AnyIndex) -> tuple[Ear, float]:
        """The ear and the frequency (Hz) of a cell."""
        return EARS[index.column()], self._rows[index.row()]

    def cell(self, ear: Ear, frequency: float) -> QModelIndex:
        """The cell of an ear and a frequency (Hz)."""
        row = min(range(len(self._rows)), key=lambda i: abs(self._rows[i] - frequency))
        return self.index(row, EARS.index(ear))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """A row for each frequency."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Right, left."""
        return 0 if parent.isValid() else len(EARS)

    def flags(self, _index: AnyIndex) -> Qt.ItemFlag:
        """Every cell can be typed into."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The level, as it is shown, typed and spoken."""
        ear, frequency = self.place(index)
        draft = self._document.draft.ear(ear)
        level = draft.levels.get(frequency)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            if level is None:
                return "" if role == Qt.ItemDataRole.EditRole else "–"
            text = f"{MINUS if level < 0 else ''}{abs(level):g}"
            text += " NR" if frequency in draft.no_response else ""
            extrapolated = frequency in draft.extrapolated and role == Qt.ItemDataRole.DisplayRole
            return f"({text})" if extrapolated else text
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignCenter)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return spoken_point(self._document.draft, ear, frequency)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The ears with their signs and colours; the frequencies."""
        across = orientation == Qt.Orientation.Horizontal
        if role == Qt.ItemDataRole.DisplayRole:
            if across:
                return (self.tr("Right  O"), self.tr("Left  X"))[section]
            return f"{self._rows[section]:g} Hz"
        if role == Qt.ItemDataRole.ForegroundRole and across:
            return QBrush(QColor((RIGHT if EARS[section] == "right" else LEFT)[self._theme.name]))
        if role == Qt.ItemDataRole.AccessibleTextRole and across:
            return (self.tr("Right ear"), self.tr("Left ear"))[section]
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take what was typed, or refuse it with a sentence."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        ear, frequency = self.place(index)
        if value == self.data(index, Qt.ItemDataRole.EditRole):
            return True
        try:
            self._document.type_level(ear, frequency, str(value))
        except UserError as exc:
            self.refused.emit(str(exc))
            return False
        self.refused.emit("")
        return True

    @Slot()
    def _on_changed(self) -> None:
        rows = self._document.draft.frequencies
        if rows != self._rows:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        else:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(EARS) - 1))


class AudiogramTable(QTableView):
    """The table; ``selection_changed`` carries the ear and the frequency in Hz of the cell with the focus."""

    selection_changed = Signal(str, float)

    def __init__(self, document: AudiogramDocument, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Thresholds"))
        self.thresholds = AudiogramTableModel(document, theme_of(self.palette()), self)
        self.setModel(self.thresholds)
        self.setFont(tabular(self.font()))
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.AnyKeyPressed
            | QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setCornerButtonEnabled(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionsClickable(False)
        self.verticalHeader().setSectionsClickable(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(target_size(self.font()))
        self.thresholds.modelReset.connect(self._after_reset)
        self.thresholds.dataChanged.connect(self._tell)
        self._place: tuple[Ear, float] = self.thresholds.place(self.thresholds.index(0, 0))
        self.setCurrentIndex(self.thresholds.index(0, 0))

    def select(self, ear: Ear, frequency: float) -> None:
        """Put the cell of this point in focus, without telling."""
        index = self.thresholds.cell(ear, frequency)
        if index != self.currentIndex():
            self.blockSignals(True)
            self.setCurrentIndex(index)
            self.blockSignals(False)
            self._tell()

    def sizeHint(self) -> QSize:
        """All rows and both columns."""
        rows = self.thresholds.rowCount() * self.verticalHeader().defaultSectionSize()
        high = rows + self.horizontalHeader().sizeHint().height() + 4
        column = self.fontMetrics().horizontalAdvance("(−10 NR)  ") + 24
        return QSize(self.verticalHeader().sizeHint().width() + 2 * column + 4, high)

    def minimumSizeHint(self) -> QSize:
        """It does not scroll: the page does."""
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        """The headings' colours and the rows' height follow the theme and the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.thresholds.set_theme(theme_of(self.palette()))
        elif event.type() == QEvent.Type.FontChange:
            self.verticalHeader().setDefaultSectionSize(target_size(self.font()))

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Tell which point the keys are on."""
        super().currentChanged(current, previous)
        self._tell()
        if current.isValid():
            self._place = self.thresholds.place(current)
            self.selection_changed.emit(*self._place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on, Delete empties the cell; anything else types or moves."""
        if self.state() == QAbstractItemView.State.EditingState:
            event.accept()  # it comes from the cell's own line, which has used it
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.go(1)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.thresholds.setData(self.currentIndex(), "")
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab runs down the right ear, then down the left, then out of the table; Shift+Tab back."""
        return self.go(1 if forwards else -1) or super().focusNextPrevChild(forwards)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """From before the table Tab enters at the first cell, from behind it at the last."""
        super().focusInEvent(event)
        last = self.thresholds.rowCount() - 1
        if event.reason() == Qt.FocusReason.TabFocusReason:
            self.setCurrentIndex(self.thresholds.index(0, 0))
        elif event.reason() == Qt.FocusReason.BacktabFocusReason:
            self.setCurrentIndex(self.thresholds.index(last, len(EARS) - 1))

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Enter and Tab take the figure and go on."""
        ends = QAbstractItemDelegate.EndEditHint
        super().closeEditor(editor, ends.NoHint)
        if hint in (ends.SubmitModelCache, ends.EditNextItem):
            self.go(1)
        elif hint == ends.EditPreviousItem:
            self.go(-1)

    def go(self, way: int) -> bool:
        """To the next cell down the column, then of the next column; False at the end."""
        rows = self.thresholds.rowCount()
        here = self.currentIndex()
        at = here.column() * rows + here.row() + way
        if not 0 <= at < rows * len(EARS):
            return False
        self.setCurrentIndex(self.thresholds.index(at % rows, at // rows))
        return True

    @Slot()
    def _after_reset(self) -> None:
        """There are other rows: the focus stays where it was, or as near as there is a row."""
        self.updateGeometry()
        self.setCurrentIndex(self.thresholds.cell(*self._place))

    @Slot()
    def _tell(self) -> None:
        index = self.currentIndex()
        if index.isValid():
            describe(self, self.thresholds.data(index, Qt.ItemDataRole.AccessibleTextRole))
