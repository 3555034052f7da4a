"""The preferences: each takes effect as soon as it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from ui.actions import THEME_TEXTS, translated
from ui.dialogs import ScrollingDialog
from ui.form_rows import FormRows
from ui.transport_bar import SYSTEM_OUTPUT

if TYPE_CHECKING:
    from app.program import Program

TEXT_PERCENTS = (100, 125, 150, 175, 200)


class PreferencesDialog(ScrollingDialog):
    """Sound output, computing device, look, text size, language, and what is kept without asking."""

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setWindowTitle(self.tr("Preferences"))
        self.setAccessibleName(self.tr("Preferences"))
        self.area.setAccessibleName(self.tr("Preferences"))
        self.program = program
        settings = program.settings
        self.output = QComboBox()
        self.device = QComboBox()
        self.theme = QComboBox()
        self.text_size = QComboBox()
        self.language = QComboBox()
        self.match = QCheckBox(self.tr("Play recording and remix equally loud when comparing them"))
        self.match.setAccessibleName(self.match.text())
        self.match.setChecked(settings.match_loudness)
        for device in program.compute_devices():
            self.device.addItem(device.label, device.key)
        for name, text in THEME_TEXTS.items():
            self.theme.addItem(translated(text), name)
        for percent in TEXT_PERCENTS:
            self.text_size.addItem(f"{percent} %", percent / 100)
        self.language.addItem(self.tr("As the system"), "")
        self.language.addItem("English", "en")
        self._list_outputs()
        self.refresh()

        form = FormRows()
        form.add(self.tr("Sound &output"), self.output)
        form.addRow("", self.match)
        form.add(
            self.tr("Separation &computes on"),
            self.device,
            self.tr("Automatic takes a graphics card where there is one."),
        )
        form.add(self.tr("&Colours"), self.theme)
        form.add(self.tr("&Text size"), self.text_size)
        form.add(self.tr("&Language"), self.language, self.tr("Ripieno speaks English so far."))
        form.add_note(
            self.tr(
                "Unsaved work is kept aside every 30 seconds and offered again should Ripieno or the "
                "computer stop without warning. Separated instruments are kept in a cache, so that a "
                "recording opened again is there at once."
            )
        )
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.addLayout(form)
        layout.addStretch(1)
        self.add_close_button()

        self.output.activated.connect(lambda: setattr(settings, "output_device", self.output.currentData()))
        self.device.activated.connect(lambda: setattr(settings, "device", self.device.currentData()))
        self.theme.activated.connect(lambda: setattr(settings, "theme", self.theme.currentData()))
        self.text_size.activated.connect(
            lambda: setattr(settings, "text_scale", self.text_size.currentData())
        )
        self.language.activated.connect(lambda: setattr(settings, "language", self.language.currentData()))
        self.match.toggled.connect(lambda on: setattr(settings, "match_loudness", on))
        settings.changed.connect(self.refresh)
        program.listening.devices_changed.connect(self._list_outputs)

    def refresh(self) -> None:
        """Show what is set, also when it was changed elsewhere."""
        settings = self.program.settings
        for combo, value in (
            (self.output, settings.output_device),
            (self.device, settings.device),
            (self.theme, settings.theme),
            (self.language, settings.language),
        ):
            combo.setCurrentIndex(max(0, combo.findData(value)))
        nearest = min(
            range(len(TEXT_PERCENTS)), key=lambda i: abs(TEXT_PERCENTS[i] / 100 - settings.text_scale)
        )
        self.text_size.setCurrentIndex(nearest)
        self.match.setChecked(settings.match_loudness)

    def _list_outputs(self) -> None:
        self.output.clear()
        self.output.addItem(self.tr("System default"), "")
        for name in self.program.listening.outputs():
            if name != SYSTEM_OUTPUT:
                self.output.addItem(name, name)
        chosen = self.program.settings.output_device
        if chosen and self.output.findData(chosen) < 0:
            self.output.addItem(self.tr("{0} (not there now)").format(chosen), chosen)
        self.output.setCurrentIndex(max(0, self.output.findData(chosen)))
