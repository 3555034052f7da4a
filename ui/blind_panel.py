"""The blind comparison: store A, B, C; listen to 1, 2, 3; vote; and only at the end see which was which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.errors import UserError
from app.hearing.trials import LABELS, TrialResult
from app.report_content import signed, words_for
from ui.flow_layout import FlowLayout
from ui.form_rows import Note, Wrapped, label_for
from ui.heading import Heading
from ui.spoken import announce, describe
from ui.theme import target_size

if TYPE_CHECKING:
    from app.program import Program


class BlindPanel(QWidget):
    """Follows ``program.fitting``. ``report_asked`` is emitted by the report button.

    Keys: 1, 2, 3 play; Enter votes for what plays (the dialog's default button); 0 votes for no difference.
    """

    report_asked = Signal()

    def __init__(self, program: Program, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.program = program
        self.setAccessibleName(self.tr("Blind comparison"))
        self.stores: dict[str, QPushButton] = {}
        self.words: dict[str, Wrapped] = {}
        self.clears: dict[str, QPushButton] = {}
        self.begin = self._button(self.tr("&Begin"), self._begin)
        self.why_not = Note()
        self.plays = [self._button(str(n), lambda n=n: self._play(n)) for n in (1, 2, 3)]
        for number, play in enumerate(self.plays, 1):
            play.setCheckable(True)
            play.setAccessibleName(self.tr("Play {0}").format(number))
            play.setToolTip(self.tr("Play {0} ({0})").format(number))
        self.vote = self._button(self.tr("I prefer …"), self._vote)
        self.none = self._button(self.tr("&No difference"), lambda: self._vote(none=True))
        self.none.setToolTip(self.tr("Vote: I hear no difference (0)"))
        self.count = Wrapped()
        self.reveal = self._button(self.tr("&Reveal"), self._reveal)
        self.stop = self._button(self.tr("&End it"), self._stop)
        self.matching = Note()
        self.comment = QPlainTextEdit()
        self.comment.setTabChangesFocus(True)
        self.comment.setFixedHeight(5 * self.fontMetrics().height())
        self.comment_label = label_for(self.tr("C&omment"), self.comment)
        self.result = Wrapped()
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.result.setAccessibleName(self.tr("Result"))
        self.keep = self._button(self.tr("&Keep in the listener’s profile"), self._keep)
        self.problem = Wrapped()
        self.problem.setAccessibleName(self.tr("Message"))
        self.report = self._button(self.tr("&Save a report (PDF)…"), self.report_asked.emit)
        self.report_why = Note()
        self._arrange()
        self._announced = ""
        keys = Qt.ShortcutContext.WindowShortcut
        for number in (1, 2, 3):
            QShortcut(QKeySequence(str(number)), self, lambda n=number: self._play(n), context=keys)
        QShortcut(QKeySequence("0"), self, lambda: self._vote(none=True), context=keys)
        program.fitting.changed.connect(self.refresh)
        program.fitting.notice.connect(self.say)
        program.listeners.changed.connect(self.refresh)
        program.stems_changed.connect(self.refresh)
        self.refresh()

    def _button(self, text: str, act: object) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)  # Enter is for the vote
        button.setMinimumHeight(target_size(self.font()))
        button.clicked.connect(lambda _checked=False: act())  # type: ignore[operator]
        return button

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(Heading(self.tr("Blind comparison"), 1.15))
        layout.addWidget(
            Note(
                self.tr(
                    "Set the mix and the amplification as you like, and store it as A; then another "
                    "one as B. They are made equally loud and played under numbers, in a new hidden order "
                    "each time."
                )
            )
        )
        self.choosing = QWidget()
        rows = QGridLayout(self.choosing)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setColumnStretch(1, 1)
        for row, label in enumerate(LABELS):
            store = self._button(self.tr("Store as {0}").format(label), lambda one=label: self._store(one))
            clear = self._button(self.tr("Clear"), lambda one=label: self.program.fitting.clear(one))
            clear.setAccessibleName(self.tr("Clear {0}").format(label))
            words = Wrapped()
            words.setAccessibleName(self.tr("Setting {0}").format(label))
            for column, widget in enumerate((store, words, clear)):
                rows.addWidget(widget, row, column)
            self.stores[label], self.words[label], self.clears[label] = store, words, clear
        self.trial = QFrame()
        self.trial.setAccessibleName(self.tr("Trial"))
        trial = QVBoxLayout(self.trial)
        trial.setContentsMargins(0, 0, 0, 0)
        trial.addWidget(self.matching)
        trial.addLayout(_row(*self.plays))
        trial.addLayout(_row(self.vote, self.none))
        trial.addWidget(self.count)
        for widget in (self.choosing, self.begin, self.why_not, self.trial, self.comment_label, self.comment):
            layout.addWidget(widget)
        layout.addLayout(_row(self.reveal, self.stop))
        for widget in (self.result, self.keep, self.problem, self.report, self.report_why):
            layout.addWidget(widget)

    # -- what is shown -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show how far the comparison is. Nothing that would tell which is which is touched while blind."""
        fitting = self.program.fitting
        stage, why_not = fitting.stage, fitting.may_start()
        blind, revealed = stage == "blind", stage == "revealed"
        for label in LABELS:
            stored = fitting.stored.get(label)
            text = self.tr("empty") if stored is None else self._stored_words(label)
            self.words[label].setText(text)
            describe(self.stores[label], text)
            self.stores[label].setEnabled(not fitting.may_store())
            self.clears[label].setEnabled(stored is not None)
        self.choosing.setVisible(stage in ("choosing", "preparing"))
        self.begin.setVisible(stage in ("choosing", "preparing"))
        self.begin.setEnabled(not why_not)
        why_not = fitting.may_store() if not fitting.stored and fitting.may_store() else why_not
        self.why_not.setText(why_not)
        self.why_not.setVisible(self.begin.isVisibleTo(self) and bool(why_not))
        self.trial.setVisible(blind or revealed)
        for widget in (self.comment_label, self.comment, self.reveal, self.stop):
            widget.setVisible(blind or revealed)
        self.comment.setReadOnly(revealed)
        self.reveal.setVisible(blind)
        self.stop.setText(self.tr("&New comparison") if revealed else self.tr("&End it"))
        self.vote.setVisible(blind)
        self.none.setVisible(blind)
        self.vote.setDefault(blind)
        self._show_trial()
        self._show_result()
        profile = self.program.listeners.profile
        self.report.setEnabled(profile is not None)
        self.report_why.setText(
            ""
            if profile is not None
            else self.tr("A report is made of a listener of your own: make one in the hearing panel.")
        )
        self.report_why.setVisible(profile is None)
        if stage == "choosing":
            self.comment.clear()

    def say(self, sentence: str) -> None:
        """Show a sentence, and have it spoken."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        announce(self.problem, sentence)

    def _stored_words(self, label: str) -> str:
        stored = self.program.fitting.stored[label]
        kind = QCoreApplication.translate("Amplification", words_for(stored.candidate.amplification))
        return f"{stored.words} · {kind}"

    def _show_trial(self) -> None:
        fitting = self.program.fitting
        comparison = fitting.comparison
        if comparison is None:
            return
        names = LABELS if comparison.revealed else ("1", "2", "3")
        self.matching.setText(fitting.matching)
        for index, play in enumerate(self.plays):
            number = index + 1
            play.setVisible(number in comparison.numbers)
            play.setText(names[index])
            play.setAccessibleName(self.tr("Play {0}").format(names[index]))
            play.setChecked(fitting.playing == number)
            describe(play, self.tr("playing") if fitting.playing == number else "")
        unheard, playing = comparison.unheard, fitting.playing
        ready = not comparison.revealed and not unheard
        self.none.setEnabled(ready)
        self.vote.setEnabled(ready and playing is not None)
        self.vote.setText(
            self.tr("I prefer {0}").format(playing) if playing is not None else self.tr("I prefer …")
        )
        if comparison.revealed:
            self.count.setText("")
            return
        votes = self.tr("Votes so far: {0}.").format(comparison.votes)
        listen = self.tr("Listen to {0}.").format(", ".join(map(str, unheard))) if unheard else ""
        self.count.setText(f"{votes} {listen}".strip())
        self.reveal.setEnabled(comparison.votes > 0)

    def _show_result(self) -> None:
        fitting = self.program.fitting
        revealed = fitting.stage == "revealed" and fitting.comparison is not None
        words = result_words(fitting.comparison.result) if revealed and fitting.comparison else ""
        self.result.setText(words)
        self.result.setVisible(revealed)
        why_not = fitting.may_keep()
        self.keep.setVisible(revealed)
        self.keep.setEnabled(revealed and not why_not)
        self.keep.setToolTip(why_not)
        describe(self.keep, why_not)
        if revealed and why_not:
            self.result.setText(f"{words}\n{why_not}")
        if words and words != self._announced:
            announce(self.result, words)
        self._announced = words

    # -- what is done ------------------------------------------------------------------------------------

    def _store(self, label: str) -> None:
        if self._tried(lambda: self.program.fitting.store(label)):
            announce(self, self.tr("Stored as {0}").format(label))

    def _begin(self) -> None:
        self._tried(self.program.fitting.start)

    def _play(self, number: int) -> None:
        comparison = self.program.fitting.comparison
        if comparison is not None and number in comparison.numbers:
            self._tried(lambda: self.program.fitting.play(number))
        self.refresh()

    def _vote(self, *, none: bool = False) -> None:
        fitting = self.program.fitting
        if fitting.stage != "blind" or (not none and fitting.playing is None):
            return
        if self._tried(lambda: fitting.vote(None if none else fitting.playing)):
            announce(self, self.count.text())
            self.plays[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _reveal(self) -> None:
        self._tried(lambda: self.program.fitting.reveal(self.comment.toPlainText()))

    def _keep(self) -> None:
        if self._tried(self.program.fitting.keep):
            self.say(self.tr("Kept in the listener’s profile."))

    def _stop(self) -> None:
        self._tried(self.program.fitting.stop)

    def _tried(self, act: object) -> bool:
        """Do it; a sentence where it cannot be done."""
        self.say("")
        try:
            act()  # type: ignore[operator]
        except UserError as exc:
            self.say(str(exc))
            return False
        return True


def result_words(result: TrialResult) -> str:
    """What a revealed comparison says, a line for each setting and one for the verdict."""
    lines = []
    for setting, share in zip(result.settings, result.shares(), strict=True):
        lines.append(
            QCoreApplication.translate(
                "BlindPanel", "{0}: {1}, {2}, turned by {3} dB. Preferred {4} of {5} times ({6} to {7} %)."
            ).format(
                setting.label,
                setting.mix,
                words_for(setting.amplification),
                signed(setting.gain_db),
                share.votes,
                share.of,
                round(100 * share.low),
                round(100 * share.high),
            )
        )
    lines.append(
        QCoreApplication.translate("BlindPanel", "No difference heard: {0}.").format(result.no_difference)
    )
    return "\n".join([*lines, result.verdict()])


def _row(*widgets: QWidget) -> FlowLayout:
    row = FlowLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row
