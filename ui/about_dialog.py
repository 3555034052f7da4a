"""What Ripieno is, its version, and the papers behind it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.intended_use import INTENDED_USE, SCORE_CAVEAT
from app.version import program_version
from ui.dialogs import ScrollingDialog
from ui.form_rows import Wrapped
from ui.heading import Heading

PAPERS = (
    ("HAAQI", "Kates & Arehart (2016), “The Hearing-Aid Audio Quality Index (HAAQI)”, IEEE/ACM TASLP 24(2)."),
    ("NAL-R", "Byrne & Dillon (1986), “The National Acoustic Laboratories’ new procedure for selecting the "
     "gain and frequency response of a hearing aid”, Ear and Hearing 7(4)."),
    ("Audiograms", "Bisgaard, Vlaming & Dahlquist (2010), “Standard audiograms for the IEC 60118-15 "
     "measurement procedure”, Trends in Amplification 14(2)."),
    ("Colours", "Okabe & Ito (2008), “Color universal design”."),
)  # fmt: skip


class AboutDialog(ScrollingDialog):
    """A page of text; the separators' papers are on their cards."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        title = self.tr("About Ripieno")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.area.setAccessibleName(title)
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addWidget(Heading(f"Ripieno {program_version()}", 1.6))
        for text in (
            self.tr(
                "Ripieno takes a recording of a small ensemble apart, lets you rebalance the parts by ear, "
                "and says, as you do it, how clean the result is likely to sound to a hearing-impaired ear."
            ),
            self.tr("In a concerto grosso, the ripieno is the full ensemble around the soloists."),
            QCoreApplication.translate("IntendedUse", INTENDED_USE),
            QCoreApplication.translate("IntendedUse", SCORE_CAVEAT),
            self.tr("Free software under the MIT licence. It uses Qt (LGPL) and other free libraries."),
        ):
            layout.addWidget(_paragraph(text))
        layout.addWidget(Heading(self.tr("After")))
        for what, paper in PAPERS:
            layout.addWidget(_paragraph(f"{what}: {paper}"))
        layout.addStretch(1)
        self.add_close_button()


def _paragraph(text: str) -> Wrapped:
    label = Wrapped(text)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
