"""The report of the moment: the chosen listener's profile with what is open in the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import UserError
from app.mix_words import mix_words
from app.report_content import ReportData, ScoreLine
from app.version import program_version

if TYPE_CHECKING:
    from app.program import Program

FILE_NAME = "listener-report.pdf"
"""What a report is called unless the user says otherwise: a file name names no person."""
_WHAT = {"quality": "HAAQI", "estimate": "HAAQI (estimated)", "change": "HAAQI (change)"}


def report_now(program: Program) -> ReportData:
    """What to write about the chosen listener. Raises UserError for a preset, of whom nothing is kept."""
    profile = program.listeners.profile
    if profile is None:
        raise UserError(
            "A report is made of a listener of your own. Make one in the hearing panel, then try again."
        )
    recording, settings = program.recording, []
    scores: tuple[ScoreLine, ...] = ()
    if recording is not None:
        settings.append(("Recording", recording.title))
        settings.append(("Mix", mix_words(program.document.session)))
        status = program.scoring.status
        quality = status.quality
        if quality is not None and status.state == "scored" and not status.stale:
            band = (
                f"90 % of the means lie within {quality.low:.2f} to {quality.high:.2f}."
                if quality.low is not None and quality.high is not None
                else ""
            )
            note = " ".join(filter(None, (band, quality.note)))
            what = _WHAT.get(quality.kind, quality.kind)
            scores = (ScoreLine(quality.left, quality.right, quality.reference, what, note),)
    return ReportData(
        profile,
        program.amplification.kind,
        44_100 if recording is None else recording.sample_rate,
        tuple(settings),
        scores,
        program_version(),
        way=program.amplification.way,
    )
