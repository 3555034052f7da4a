"""A setting that was stored to be compared: A, B or C."""

from __future__ import annotations

from dataclasses import dataclass

from app.fair_loudness import Candidate
from app.hearing.trials import TrialSetting


@dataclass(frozen=True)
class Stored:
    """A candidate under its label, in words; ``score`` (left, right) is what it had against ``reference``."""

    label: str
    candidate: Candidate
    words: str
    score: tuple[float, float] | None = None
    reference: str = ""

    def setting(self, gain_db: float) -> TrialSetting:
        """The setting as a comparison keeps it, turned by ``gain_db``: a preset is named, a person never."""
        return TrialSetting(
            self.label,
            self.words,
            self.candidate.amplification,
            self.candidate.listener.name if not self.candidate.listener.id else "",
            round(gain_db, 2),
            self.score,
            self.reference,
        )

    def same_mix(self, other: Stored) -> bool:
        """Whether the two differ in nothing but their amplification."""
        one, two = self.candidate.session, other.candidate.session
        return (one.strips, one.master_db) == (two.strips, two.master_db)
