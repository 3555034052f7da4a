"""Which instruments play: what stands in the strips' place until the recording has been separated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from separation.separator import Part, SeparatorCard
from ui.ensembles import ENSEMBLES, Ensemble, counts_of, in_score_order, parts_of, possible
from ui.flow_layout import FlowLayout
from ui.form_rows import FormRows, Note, OneLine
from ui.heading import Heading
from ui.shapes import ShapeMark
from ui.spoken import stem_name

if TYPE_CHECKING:
    from app.program import Program

TWO = 2
WIDEST_CHARACTERS = 104


class InstrumentChoice(QWidget):
    """One instrument: its shape, a box to tick, and ×2 where the separator can do two parts of it."""

    changed = Signal()

    def __init__(self, instrument: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.instrument = instrument
        self._most = 1
        name = stem_name(instrument)
        self.box = QCheckBox(name)
        self.box.setAccessibleName(name)
        self.two = QToolButton()
        self.two.setText("×2")
        self.two.setCheckable(True)
        self.two.setVisible(False)
        policy = self.two.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.two.setSizePolicy(policy)
        self.two.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.two.setAccessibleName(self.tr("{0}: two parts").format(name))
        self.two.setToolTip(self.tr("Two parts of this instrument, separated from each other"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(ShapeMark(instrument, self))
        layout.addWidget(self.box, 1)
        layout.addWidget(self.two)
        self.box.toggled.connect(self._toggled)
        self.two.toggled.connect(lambda _on: self.changed.emit())

    @property
    def count(self) -> int:
        """How many parts of this instrument are wanted: 0, 1 or 2."""
        if not self.box.isChecked():
            return 0
        return TWO if self.two.isChecked() else 1

    def set_count(self, count: int) -> None:
        """Tick as many parts as can be done of these."""
        self.box.setChecked(count > 0)
        self.two.setChecked(count > 1 and self._most >= TWO)

    def set_most(self, parts: int) -> None:
        """How many parts of one instrument the separator can do."""
        self._most = parts
        self._toggled(self.box.isChecked())

    def _toggled(self, on: bool) -> None:
        can = on and self._most >= TWO
        self.two.setVisible(can)
        if not can:
            self.two.setChecked(False)
        self.changed.emit()


class InstrumentPicker(QWidget):
    """Ticks instruments, chooses a separator and a device, and separates.

    ``separate_clicked`` carries the parts, the separator's name and the device's key; ``dismissed`` says
    that the strips should be shown again as they are.
    """

    separate_clicked = Signal(tuple, str, str)
    true_stems_clicked = Signal()
    dismissed = Signal()
    selection_changed = Signal()

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setAccessibleName(self.tr("Instruments"))
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setAccessibleName(self.tr("Instruments"))
        self.choices: dict[str, InstrumentChoice] = {}
        self.presets: list[QPushButton] = []
        self._devices_listed = False
        self._running = False

        self.separator = QComboBox()
        for name, card in program.cards.items():
            self.separator.addItem(card.title, name)
        self.device = QComboBox()
        self.separate = QPushButton(self.tr("Separate"))
        self.separate.setDefault(True)
        self.separate.setToolTip(
            self.tr("Take the recording apart into the ticked instruments (Ctrl+Return)")
        )
        self.reason = OneLine()
        self.keep = QPushButton(self.tr("Back to the strips"))
        self.own_stems = QPushButton(self.tr("Use the stems that came with it"))
        self.own_stems.setToolTip(self.tr("This recording came with its instruments recorded apart"))
        for button in (self.separate, self.keep, self.own_stems):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._build()

        wanted = self.separator.findData(program.settings.separator or next(iter(program.cards), ""))
        self.separator.setCurrentIndex(max(0, wanted))
        self.separator.currentIndexChanged.connect(self._separator_chosen)
        self.device.activated.connect(self._device_chosen)
        self.separate.clicked.connect(self.start)
        self.keep.clicked.connect(self.dismissed)
        self.own_stems.clicked.connect(self.true_stems_clicked)
        self._show_card()
        self.offer()

    # -- what is chosen ----------------------------------------------------------------------------

    @property
    def card(self) -> SeparatorCard | None:
        """The chosen separator's card."""
        return self.program.cards.get(self.separator.currentData())

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that are ticked, in score order."""
        return parts_of({n: c.count for n, c in self.choices.items() if c.count})

    def set_parts(self, counts: dict[str, int]) -> None:
        """Tick so many parts of each instrument, and untick the others."""
        for name, choice in self.choices.items():
            choice.set_count(counts.get(name, 0))

    def offer(self) -> None:
        """Tick what the open recording already has, else what its own stems are, else the last choice."""
        program = self.program
        parts = program.document.session.parts
        if not parts and program.true_stems is not None:
            parts = program.true_stems.parts
        if not parts:
            parts = tuple(Part.from_name(name) for name in program.settings.last_instruments)
        self.set_parts(counts_of(parts))
        self.refresh()

    def refresh(self) -> None:
        """Follow what is open and what runs."""
        separated = bool(self.program.document.session.strips)
        self._running = self.program.separation is not None and self.program.separation.running
        self.keep.setVisible(separated)
        own = self.program.true_stems is not None and not self.program.document.session.true_stems
        self.own_stems.setVisible(own)
        self._check()

    def start(self) -> None:
        """Separate what is ticked, and remember the choice."""
        card = self.card
        if not self.separate.isEnabled() or card is None:
            return
        settings = self.program.settings
        settings.last_instruments = tuple(part.name for part in self.parts)
        settings.separator = card.name
        self.separate_clicked.emit(self.parts, card.name, self.device.currentData() or "auto")

    def reason_not(self) -> str:
        """Why separating cannot start now, in a sentence; empty when it can."""
        if self.card is None:
            return self.tr("No separator is installed. Installing Ripieno again mends it.")
        if self._running:
            return self.tr("A separation is running; cancel it first, or let it finish.")
        if not self.parts:
            return self.tr("Tick at least one instrument.")
        return ""

    # -- building ----------------------------------------------------------------------------------

    def _build(self) -> None:
        heading = Heading(self.tr("Which instruments play?"), 1.35)
        heading.setWordWrap(True)
        hint = Note(
            self.tr("Tick what you hear. Everything that is not ticked stays together in a strip of its own.")
        )

        self._preset_box = QWidget()
        self._preset_box.setAccessibleName(self.tr("Ensembles"))
        presets = FlowLayout(self._preset_box)
        presets.setContentsMargins(0, 0, 0, 0)
        for ensemble in ENSEMBLES:
            button = QPushButton(QCoreApplication.translate("Ensembles", ensemble.name))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, e=ensemble: self._choose_ensemble(e))
            presets.addWidget(button)
            self.presets.append(button)

        self._grid_box = QWidget()
        self._grid = QGridLayout(self._grid_box)
        self._grid.setContentsMargins(0, 4, 0, 4)
        self._grid.setHorizontalSpacing(28)
        self._grid.setVerticalSpacing(4)

        self.about = Note()
        form = FormRows()
        self._separator_label = form.add(self.tr("Separator"), self.separator)
        form.addRow("", self.about)
        form.add(self.tr("Computes on"), self.device)
        for combo in (self.separator, self.device):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(18)

        buttons = QWidget()
        row = FlowLayout(buttons, gap=12)
        row.setContentsMargins(0, 0, 0, 0)
        self.reason.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        for widget in (self.separate, self.own_stems, self.keep, self.reason):
            row.addWidget(widget)

        column = QWidget()
        stack = QVBoxLayout(column)
        stack.setContentsMargins(20, 12, 20, 8)
        stack.setSpacing(12)
        for widget in (heading, hint, self._preset_box, self._grid_box):
            stack.addWidget(widget)
        stack.addLayout(form)
        stack.addStretch(1)
        foot = QWidget()
        below = QVBoxLayout(foot)
        below.setContentsMargins(20, 4, 20, 8)
        below.addWidget(buttons)
        self._columns = (column, foot)
        self.area.setWidget(_centred(column))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.area, 1)
        # The button stays in sight however low the window is.
        outer.addWidget(_centred(foot))

    def minimumSizeHint(self) -> QSize:
        """It scrolls, so it needs little."""
        return QSize(240, 160)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One column of instruments more or less."""
        super().resizeEvent(event)
        self._place_choices()

    def _widest(self) -> int:
        return max(760, self.fontMetrics().averageCharWidth() * WIDEST_CHARACTERS)

    def _place_choices(self) -> None:
        """As many columns as fit, four at most; column by column would tear winds and strings apart."""
        if not self.choices:
            return
        for column in self._columns:
            column.setMaximumWidth(self._widest())
        need = max(c.sizeHint().width() for c in self.choices.values()) + self._grid.horizontalSpacing()
        room = min(self.area.viewport().width(), self._widest()) - 40
        columns = max(1, min(4, room // max(1, need)))
        for index, name in enumerate(in_score_order(list(self.choices))):
            self._grid.addWidget(self.choices[name], index // columns, index % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    # -- following ---------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """List the devices when they are first needed: asking for graphics cards takes a moment."""
        super().showEvent(event)
        if not self._devices_listed:
            self._devices_listed = True
            self._list_devices()
        self.refresh()
        self._place_choices()

    def _list_devices(self) -> None:
        for device in self.program.compute_devices():
            self.device.addItem(device.label, device.key)
            self.device.setItemData(self.device.count() - 1, device.label, Qt.ItemDataRole.ToolTipRole)
        self.device.setCurrentIndex(max(0, self.device.findData(self.program.settings.device)))

    def _device_chosen(self) -> None:
        self.program.settings.device = self.device.currentData()

    def _separator_chosen(self) -> None:
        counts = counts_of(self.parts)
        self._show_card()
        self.set_parts(counts)
        self._check()

    def _show_card(self) -> None:
        card = self.card
        if card is None:
            self._check()
            return
        lines = [card.sentence]
        if card.quality:
            lines.append(self.tr("Quality: {0}").format(card.quality))
        if card.speed:
            lines.append(self.tr("Speed: {0}").format(card.speed))
        self.about.setText("\n".join(lines))
        self.separator.setAccessibleDescription(" ".join(lines))
        for name in [n for n in self.choices if n not in card.instruments]:
            gone = self.choices.pop(name)
            self._grid.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for name in in_score_order(list(card.instruments)):
            if name not in self.choices:
                choice = self.choices[name] = InstrumentChoice(name, self._grid_box)
                choice.changed.connect(self._check)
            self.choices[name].set_most(card.max_parts)
        for button, ensemble in zip(self.presets, ENSEMBLES, strict=True):
            button.setVisible(possible(ensemble, card))
        self._place_choices()
        self._check()

    def _choose_ensemble(self, ensemble: Ensemble) -> None:
        self.set_parts(ensemble.parts)

    def _check(self) -> None:
        why = self.reason_not()
        self.separate.setEnabled(not why)
        self.separate.setAccessibleDescription(why)
        self.reason.set_text(why)
        self.reason.setVisible(bool(why))
        self.selection_changed.emit()


def _centred(widget: QWidget) -> QWidget:
    """A widget of limited width in the middle of whatever room there is."""
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(0, 0, 0, 0)
    row.addStretch(1)
    row.addWidget(widget, 100)
    row.addStretch(1)
    return page
