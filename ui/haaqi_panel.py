"""The HAAQI score: both ears and their mean, what it was scored against, and what it is and is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app import score_traps
from app.hearing.quality import Quality
from app.hearing.remix_window import ESTIMATED, ORIGINAL, TRUE_STEMS
from app.names import MINUS, shown_time
from app.status import QualityStatus
from ui.actions import Actions
from ui.form_rows import Note, label_for
from ui.heading import Heading
from ui.score_bar import ScoreBar, shown_score
from ui.score_history import ScoreHistory
from ui.spoken import announce, describe
from ui.theme import tabular
from ui.transport_bar import action_button

if TYPE_CHECKING:
    from app.program import Program

NO_FIGURE = "–"
STEPS = 1000
EARS = ("mean", "left", "right")


class HaaqiPanel(QWidget):
    """Follows the program's score.

    It is called *quality* only against true stems, *likely quality* where that is estimated, and *change*
    against the original recording.
    """

    def __init__(self, program: Program, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setAccessibleName(self.tr("HAAQI score"))
        self.heading = Heading()
        self.heading.setWordWrap(True)
        self.reference_box = QComboBox()
        self.reference_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.reference_box.setMinimumContentsLength(10)
        self.reference_caption = label_for(self.tr("Compared with"), self.reference_box)
        self.reference_box.view().setAccessibleName(self.tr("Compared with"))
        self.mean = Heading(NO_FIGURE, 2.4, figures=True)
        self.mean.setAccessibleName(self.tr("HAAQI, mean of both ears"))
        self.mean_caption = Note()
        self.mean_caption.setAccessibleName(self.tr("What the figure is"))
        self.bars: dict[str, ScoreBar] = {}
        self.figures: dict[str, QLabel] = {}
        self._grid = self._make_grid()
        self.reference = Note()
        self.reference.setAccessibleName(self.tr("Reference"))
        self.assumed = Note()
        self.assumed.setAccessibleName(self.tr("Amplification"))
        self.traps = Note()
        self.traps.setAccessibleName(self.tr("To know about this score"))
        self.state = Note()
        self.state.setAccessibleName(self.tr("State of the score"))
        self.progress = self._make_progress()
        self.score_now = action_button(actions, "score")
        self.score_now.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.score_now.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.history = ScoreHistory()
        self.is_sentence = Note(
            self.tr("HAAQI says how clean this remix is likely to sound to this ear, against a reference.")
        )
        self.is_not_sentence = Note(
            self.tr(
                "It is a model of average judgements: not a medical measurement, and not whether the "
                "clarinet can be followed: for that, see “audible” in each strip."
            )
        )
        self._arrange()
        self.kind = "change"
        """What the figure is called: ``quality``, ``estimate`` or ``change``."""
        self._announced: float | None = None
        self.reference_box.activated.connect(
            lambda _: program.scoring.set_reference(self.reference_box.currentData())
        )
        program.scoring.changed.connect(self.refresh)
        program.scoring.reference_changed.connect(self.refresh)
        program.recording_changed.connect(self.refresh)
        program.stems_changed.connect(self.refresh)
        program.amplification.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest score and how current it is."""
        self._show_references()
        self.show_status(self.program.scoring.status)
        self.history.show_scores(self.program.scoring.history)

    def show_status(self, status: QualityStatus) -> None:
        """Show a score's state."""
        quality = status.quality
        kind = self.kind = self._kind(quality)
        self.heading.setText(
            {
                "quality": self.tr("Quality (HAAQI)"),
                "estimate": self.tr("Likely quality (HAAQI)"),
                "change": self.tr("Change from the original (HAAQI)"),
            }[kind]
        )
        provisional = quality is not None and quality.provisional
        stale = status.stale or status.state in ("waiting", "scoring")
        self.mean.setText(NO_FIGURE if quality is None else shown_score(quality.mean))
        self.mean.setEnabled(not (quality is None or (stale and not provisional)))
        self.mean_caption.setText(self._caption(quality))
        for ear in EARS:
            score = None if quality is None else getattr(quality, ear)
            self.figures[ear].setText(NO_FIGURE if score is None else shown_score(score))
            self.figures[ear].setEnabled(not stale or provisional)
            band = self._band(quality) if ear == "mean" else None
            spoken = self._spoken(quality) if ear == "mean" else ""
            self.bars[ear].set_score(score, hollow=stale or provisional, band=band, spoken=spoken)
        self.reference.setText(self._reference_words(kind))
        self.assumed.setText(self._assumed_words())
        sentences = self._trap_words(quality)
        self.traps.setText(sentences)
        self.traps.setVisible(bool(sentences))
        self.state.setText(self._state_words(status))
        self.progress.setVisible(status.state == "scoring" and not provisional)
        # A fraction of 0 is "under way, not known how far": the bar then runs to and fro.
        self.progress.setRange(0, STEPS if status.fraction > 0 else 0)
        self.progress.setValue(round(STEPS * status.fraction))
        figure = self._spoken(quality) or self.mean.text()
        describe(self, " ".join((self.heading.text(), figure, self.state.text())))
        fresh = status.state == "scored" and not stale and not provisional
        if fresh and quality is not None and quality.mean != self._announced:
            self._announced = quality.mean
            announce(self, f"{self.heading.text()}: {figure}")

    # -- words -------------------------------------------------------------------------------------------

    def _kind(self, quality: Quality | None) -> str:
        if quality is not None:
            return quality.kind
        return {TRUE_STEMS: "quality", ESTIMATED: "estimate"}.get(self.program.scoring.reference, "change")

    def _band(self, quality: Quality | None) -> tuple[float, float] | None:
        if quality is None or quality.low is None or quality.high is None:
            return None
        return quality.low, quality.high

    def _spoken(self, quality: Quality | None) -> str:
        """The mean as it is spoken: “0.71, likely between 0.62 and 0.79”, “0.95, 1 is unchanged”."""
        if quality is None:
            return ""
        words = [shown_score(quality.mean), *self._unchanged(quality.kind)]
        band = self._band(quality)
        if band is not None:
            words.append(self.tr("likely between {0} and {1}").format(*map(shown_score, band)))
        if quality.provisional:
            words.append(self.tr("provisional"))
        return ", ".join(words)

    def _unchanged(self, kind: str) -> list[str]:
        """What keeps a high “change” from being read as a large one."""
        return [self.tr("1 is unchanged")] if kind == "change" else []

    def _caption(self, quality: Quality | None) -> str:
        words = [self.tr("mean of both ears, from 0 to 1"), *self._unchanged(self._kind(quality))]
        band = self._band(quality)
        if band is not None:
            words.append(self.tr("likely between {0} and {1}").format(*map(shown_score, band)))
        if quality is not None and quality.provisional:
            words.append(self.tr("provisional, from three seconds"))
        return "; ".join(words)

    def _show_references(self) -> None:
        scoring = self.program.scoring
        box = self.reference_box
        if tuple(box.itemData(i) for i in range(box.count())) != scoring.references:
            box.clear()
            for key in scoring.references:
                box.addItem(self._reference_name(key), key)
                tip = self._reference_tip(key)
                box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
                box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.AccessibleDescriptionRole)
        box.setCurrentIndex(max(0, box.findData(scoring.reference)))
        tip = "\n\n".join(f"{self._reference_name(k)}: {self._reference_tip(k)}" for k in scoring.references)
        box.setToolTip(tip)
        describe(box, f"{box.currentText()}. {self._reference_tip(scoring.reference)}")

    def _reference_name(self, reference: str) -> str:
        return {
            TRUE_STEMS: self.tr("True stems"),
            ESTIMATED: self.tr("Estimated"),
            ORIGINAL: self.tr("Original recording"),
        }[reference]

    def _reference_tip(self, reference: str) -> str:
        return {
            TRUE_STEMS: self.tr("The same gains on the true stems that came with the recording. Exact."),
            ESTIMATED: self.tr(
                "What the score against true stems, which do not exist here, is likely to be: a figure, and "
                "a band that holds it nine times out of ten."
            ),
            ORIGINAL: self.tr(
                "How far the remix is from the untouched recording, equally loud: change, not quality."
            ),
        }[reference]

    def _reference_words(self, kind: str) -> str:
        return {
            "quality": self.tr("Against: the same mix of the true stems."),
            "estimate": self.tr("Against: the same mix of true stems, estimated, as there are none."),
            "change": self.tr(
                "Against: the original recording. 1 means unchanged, which is no advice to leave the "
                "sliders alone."
            ),
        }[kind]

    def _assumed_words(self) -> str:
        return {
            "nal-r": self.tr(
                "The remix is amplified by NAL-R. The reference is plain, and HAAQI amplifies it "
                "(equalisation 1)."
            ),
            "cad2": self.tr("Remix and reference both go through the CAD2 compressor (equalisation 2)."),
        }.get(
            self.program.amplification.kind,
            self.tr("The remix is not amplified. The reference is plain (equalisation 1)."),
        )

    def _trap_words(self, quality: Quality | None) -> str:
        if quality is None:
            return ""
        program = self.program
        found = score_traps.traps(
            quality, program.listeners.listener, own_stems=program.document.session.true_stems
        )
        minus = MINUS
        sentences = {
            score_traps.UNAMPLIFIED: self.tr(
                "Without amplification even a perfect copy scores low for this loss (0.56 for N3)."
            ),
            score_traps.INAUDIBLE: self.tr(
                "An ear hears neither remix nor reference here: HAAQI then says 0.16, whatever the remix is."
            ),
            score_traps.QUIETER: self.tr(
                "The remix is {0} dB quieter than the reference. {1}6 dB alone cost 0.09 for normal hearing "
                "and 0.22 for N3."
            ).format(
                round(-(quality.relative_db or 0.0)) if quality.relative_db != -float("inf") else 0, minus
            ),
            score_traps.NEARLY_SILENT: self.tr(
                "The remix is nearly silent here: that scores 0.03 to 0.05, and says nothing else."
            ),
            score_traps.OWN_STEMS: self.tr(
                "These are the true stems, so nothing was separated: what is missing to 1 is HAAQI's own "
                "(0.96 for normal hearing)."
            ),
            score_traps.OWN_STEMS_AMPLIFIED: self.tr(
                "These are the true stems, so nothing was separated: remix and reference are the same."
            ),
        }
        return " ".join(sentences[trap] for trap in found)

    def _state_words(self, status: QualityStatus) -> str:
        words = {
            "none": self.tr("Not scored yet."),
            "waiting": self.tr("The mix has changed; scoring follows."),
            "scoring": self.tr("Scoring …"),
            "failed": self.tr("It could not be scored."),
        }.get(status.state, "")
        if status.text:
            words = status.text
        elif status.state == "scored" and status.stale:
            words = self.tr("This score belongs to an earlier mix.")
        quality = status.quality
        if status.state == "scored" and not status.stale and quality is not None:
            start, stop = quality.window_start, quality.window_start + quality.seconds
            span = self.tr("Scored from {0} to {1}.").format(shown_time(start), shown_time(stop))
            words = " ".join(filter(None, (words, span, quality.note)))
        return words

    # -- building ----------------------------------------------------------------------------------------

    def _make_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        rows = zip(EARS, (self.tr("Both"), self.tr("Left"), self.tr("Right")), strict=True)
        for row, (ear, word) in enumerate(rows):
            named = self.tr("HAAQI, both ears") if ear == "mean" else self.tr("HAAQI, {0} ear")
            name = QLabel(word)
            figure = QLabel(NO_FIGURE)
            figure.setFont(tabular(figure.font()))
            figure.setAccessibleName(named.format(word.lower()))
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            bar = ScoreBar(self.tr("{0}, as a bar").format(named.format(word.lower())))
            grid.addWidget(name, row, 0)
            grid.addWidget(bar, row, 1)
            grid.addWidget(figure, row, 2)
            self.bars[ear], self.figures[ear] = bar, figure
        grid.setColumnStretch(1, 1)
        return grid

    def _make_progress(self) -> QProgressBar:
        bar = QProgressBar()
        bar.setRange(0, STEPS)
        bar.setTextVisible(False)
        bar.setAccessibleName(self.tr("Scoring"))
        policy = bar.sizePolicy()
        # The bar keeps its place while it is hidden: nothing jumps when scoring begins.
        policy.setRetainSizeWhenHidden(True)
        bar.setSizePolicy(policy)
        bar.setFixedHeight(18)
        return bar

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.heading, self.mean, self.mean_caption):
            layout.addWidget(widget)
        layout.addLayout(self._grid)
        for widget in (self.traps, self.history, self.state, self.progress):
            layout.addWidget(widget)
        for widget in (self.reference_caption, self.reference_box, self.reference, self.assumed):
            layout.addWidget(widget)
        layout.addWidget(self.score_now)
        layout.addSpacing(4)
        layout.addWidget(self.is_sentence)
        layout.addWidget(self.is_not_sentence)
