"""Export: what, where, in which format; what the format cannot hold and how loud it gets, said before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.export import PeakReport
from app.export_request import ExportRequest, Limit, check_request, default_format, suggested_name, targets
from app.sound_writer import FORMATS
from ui.dialogs import ScrollingDialog
from ui.flow_layout import FlowLayout
from ui.form_rows import FormRows, Note
from ui.heading import Heading
from ui.spoken import announce, stem_name

if TYPE_CHECKING:
    from app.program import Program

SETTLE_MILLISECONDS = 200
"""How long the choices must rest before the peak is measured."""
RATES = (22050, 32000, 44100, 48000, 88200, 96000, 192000)


class ExportDialog(ScrollingDialog):
    """Makes an ExportRequest of what is chosen, and starts it.

    While it is open the peak of the export is measured in the background, again after each change.
    """

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        title = self.tr("Export")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.area.setAccessibleName(title)
        self.program = program
        self.limits: list[Limit] = []
        self._measured_for: tuple[object, ...] | None = None
        recording = program.recording
        assert recording is not None
        self._recording = recording
        self._make_what()
        self._make_how()
        self._arrange()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MILLISECONDS)
        self._settle.timeout.connect(self.measure)
        self._connect()
        self._propose()
        self.check()

    # -- what is chosen ----------------------------------------------------------------------------

    @property
    def format(self) -> str:
        """The chosen format's key."""
        return str(self.format_box.currentData())

    def request(self) -> ExportRequest:
        """What is chosen, as a request."""
        chosen = tuple(name for name, box in self.stem_boxes.items() if box.isChecked())
        mix, folder = self.mix_path.text().strip(), self.folder.text().strip()
        return ExportRequest(
            mix=Path(mix).expanduser() if self.mix.isChecked() and mix else None,
            stems=chosen,
            stem_folder=Path(folder).expanduser() if chosen and folder else None,
            format=self.format,
            sample_rate=self.rate.currentData(),
            channels=self.channels.currentData(),
            clipping=self.clipping.currentData(),
            stems_as_mixed=self.as_mixed.isChecked(),
        )

    def accept(self) -> None:
        """Start the export; its progress is shown in the window."""
        if not self.export_button.isEnabled():
            return
        request = self.request()
        folder = request.mix.parent if request.mix is not None else request.stem_folder
        if folder is not None:
            self.program.settings.last_folder = str(folder)
        self.program.exporting.start(request)
        super().accept()

    # -- building ----------------------------------------------------------------------------------

    def _make_what(self) -> None:
        self.mix = QCheckBox(self.tr("The &mix, as it is heard"))
        self.mix.setChecked(True)
        self.mix_path = QLineEdit()
        self.choose_mix = QPushButton(self.tr("Choose…"))
        self.choose_mix.setAccessibleName(self.tr("Choose the file of the mix"))
        self.stem_boxes = {
            name: QCheckBox(stem_name(name)) for name in self.program.document.session.stem_names
        }
        for name, box in self.stem_boxes.items():
            box.setAccessibleName(self.tr("Export {0} on its own").format(stem_name(name)))
        self.as_mixed = QCheckBox(self.tr("At their &gain, pan and mute in the mix"))
        self.folder = QLineEdit()
        self.choose_folder = QPushButton(self.tr("Choose…"))
        self.choose_folder.setAccessibleName(self.tr("Choose the folder of the single instruments"))

    def _make_how(self) -> None:
        recording = self._recording
        self.format_box = QComboBox()
        for key, kind in FORMATS.items():
            self.format_box.addItem(kind.title, key)
        self.format_box.setCurrentIndex(self.format_box.findData(default_format(recording)))
        self.rate = QComboBox()
        self.rate.addItem(self.tr("As the recording: {0}").format(_khz(recording.sample_rate)), None)
        for rate in RATES:
            if rate != recording.sample_rate:
                self.rate.addItem(_khz(rate), rate)
        self.channels = QComboBox()
        self.channels.addItem(self.tr("As the mix"), None)
        self.channels.addItem(self.tr("Stereo"), 2)
        self.channels.addItem(self.tr("Mono"), 1)
        self.clipping = QComboBox()
        self.clipping.addItem(self.tr("Lower everything if it would clip"), "lower")
        self.clipping.addItem(self.tr("Make it as loud as it can be"), "normalise")
        self.clipping.addItem(self.tr("Leave it as it is"), "keep")
        self.peak = Note()
        self.peak.setAccessibleName(self.tr("Peak"))

    def _arrange(self) -> None:
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(10)
        what = FormRows()
        what.addRow(self.mix)
        what.add(self.tr("&File"), _with_button(self.mix_path, self.choose_mix))
        self.mix_path.setAccessibleName(self.tr("File of the mix"))
        layout.addWidget(Heading(self.tr("What")))
        layout.addLayout(what)
        if self.stem_boxes:
            layout.addWidget(Note(self.tr("Single instruments, each in a file of its own:")))
            holder = QWidget()
            flow = FlowLayout(holder, gap=18)
            flow.setContentsMargins(0, 0, 0, 0)
            for box in self.stem_boxes.values():
                flow.addWidget(box)
            layout.addWidget(holder)
            stems = FormRows()
            stems.addRow(self.as_mixed)
            stems.add(self.tr("F&older"), _with_button(self.folder, self.choose_folder))
            self.folder.setAccessibleName(self.tr("Folder of the single instruments"))
            layout.addLayout(stems)
        layout.addSpacing(6)
        layout.addWidget(Heading(self.tr("How")))
        how = FormRows()
        how.add(self.tr("Forma&t"), self.format_box)
        how.add(self.tr("&Sample rate"), self.rate)
        how.add(self.tr("Cha&nnels"), self.channels)
        how.add(self.tr("&Loudness"), self.clipping)
        layout.addLayout(how)
        layout.addWidget(self.peak)
        self._limit_box = QWidget()
        self._limit_layout = QVBoxLayout(self._limit_box)
        self._limit_layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._limit_box)
        layout.addWidget(
            Note(
                self.tr(
                    "The listener’s amplification is never in an export: it is the mix as everybody hears it."
                )
            )
        )
        layout.addStretch(1)
        self.export_button = self.buttons.addButton(self.tr("Export"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.export_button.setDefault(True)
        self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _connect(self) -> None:
        for box in (self.mix, self.as_mixed, *self.stem_boxes.values()):
            box.toggled.connect(self.check)
        for line in (self.mix_path, self.folder):
            line.textChanged.connect(self.check)
        self.format_box.currentIndexChanged.connect(self._format_chosen)
        for combo in (self.rate, self.channels, self.clipping):
            combo.currentIndexChanged.connect(self.check)
        self.choose_mix.clicked.connect(self._choose_mix)
        self.choose_folder.clicked.connect(self._choose_folder)
        self.program.exporting.peak_measured.connect(self._on_peak)
        self.program.document.changed.connect(self._document_changed)
        self.program.recording_changed.connect(self.reject)

    def _propose(self) -> None:
        """Names and places to begin with: beside the recording, or where the last files went."""
        beside = Path(self._recording.path).parent
        last = self.program.settings.last_folder
        folder = Path(last) if last else Path.home() if self.program.is_demo else beside
        self.mix_path.setText(str(folder / suggested_name(self._recording, self.format)))
        self.folder.setText(str(folder / self.tr("{0} (instruments)").format(self._recording.title)))

    # -- following ---------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the file's name, not with the check box."""
        super().showEvent(event)
        self.mix_path.setFocus()

    @Slot()
    def check(self) -> None:
        """Say what stands in the way, and measure the peak anew where it may have changed."""
        request = self.request()
        for widget in (self.mix_path, self.choose_mix):
            widget.setEnabled(self.mix.isChecked())
        for widget in (self.as_mixed, self.folder, self.choose_folder):
            widget.setEnabled(bool(request.stems))
        self.limits = check_request(
            self.program.document.session, self._recording, self.program.stems, request
        )
        self._show_limits(request)
        status = self.program.exporting.status
        running = status is not None and status.running
        self.export_button.setEnabled(not self.limits and not running)
        self._settle.start()

    @Slot()
    def measure(self) -> None:
        """Have the peak of what is chosen measured in the background."""
        self._settle.stop()
        if self.limits:
            self.peak.setText("")
            return
        request = self.request()
        session = self.program.document.session
        key = (
            *(request.mix is None, request.stems, request.format, request.sample_rate, request.channels),
            *(request.clipping, request.stems_as_mixed, session.strips, session.master_db),
        )
        if key != self._measured_for:
            self._measured_for = key
            self.peak.setText(self.tr("Measuring the peak …"))
            self.program.exporting.measure_peak(request)

    def done(self, result: int) -> None:
        """Stop following the program."""
        self._settle.stop()
        for signal, slot in (
            (self.program.exporting.peak_measured, self._on_peak),
            (self.program.document.changed, self._document_changed),
            (self.program.recording_changed, self.reject),
        ):
            signal.disconnect(slot)
        super().done(result)

    @Slot(object)
    def _on_peak(self, report: PeakReport) -> None:
        self.peak.setText(report.sentence)
        announce(self.peak, report.sentence)

    @Slot(str)
    def _document_changed(self, what: str) -> None:
        if what in ("mix", "stems"):
            self.check()

    def _format_chosen(self) -> None:
        """A file name keeps up with the format's ending."""
        path = Path(self.mix_path.text())
        if path.suffix in {kind.suffix for kind in FORMATS.values()}:
            self.mix_path.setText(str(path.with_suffix(FORMATS[self.format].suffix)))
        self.check()

    def _show_limits(self, request: ExportRequest) -> None:
        while self._limit_layout.count():
            old = self._limit_layout.takeAt(0).widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        for limit in self.limits:
            self._limit_layout.addWidget(self._limit_row(limit))
        there = [path for path in targets(request) if path.exists()]
        if there and not self.limits:
            words = self.tr("“{0}” is there already and will be replaced.").format(there[0].name)
            if len(there) > 1:
                words = self.tr("{0} files are there already and will be replaced.").format(len(there))
            self._limit_layout.addWidget(Note(words))

    def _limit_row(self, limit: Limit) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Note(limit.sentence), 1)
        if limit.offer is not None:
            button = QPushButton(self.tr("Do that"))
            button.setAccessibleDescription(limit.sentence)
            offer = limit.offer
            button.clicked.connect(lambda: self._take(offer))
            layout.addWidget(button)
        return row

    def _take(self, offer: ExportRequest) -> None:
        """Choose the sample rate and the channels that were offered."""
        if offer.sample_rate is not None and self.rate.findData(offer.sample_rate) < 0:
            self.rate.addItem(_khz(offer.sample_rate), offer.sample_rate)
        self.rate.setCurrentIndex(max(0, self.rate.findData(offer.sample_rate)))
        self.channels.setCurrentIndex(max(0, self.channels.findData(offer.channels)))

    def _choose_mix(self) -> None:
        kind = FORMATS[self.format]
        chosen, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export the mix"), self.mix_path.text(), f"{kind.title} (*{kind.suffix})"
        )
        if chosen:
            path = Path(chosen)
            self.mix_path.setText(str(path if path.suffix else path.with_suffix(kind.suffix)))

    def _choose_folder(self) -> None:
        start = Path(self.folder.text()).parent
        chosen = QFileDialog.getExistingDirectory(self, self.tr("A folder for the instruments"), str(start))
        if chosen:
            self.folder.setText(chosen)


def _with_button(line: QLineEdit, button: QPushButton) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    # Room for the focus ring, which a container clips.
    layout.setContentsMargins(3, 3, 3, 3)
    layout.addWidget(line, 1)
    layout.addWidget(button)
    row.setFocusProxy(line)
    return row


def _khz(rate: int) -> str:
    return f"{rate / 1000:g} kHz"
