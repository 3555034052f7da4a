"""What Ripieno is for, said in one place: the About dialog, the report and the README use these sentences."""

from __future__ import annotations

INTENDED_USE = (
    "Ripieno is for listening, teaching and research. It is not for diagnosis, and not for fitting a device."
)
"""The statement of intended use."""

SCORE_CAVEAT = "The HAAQI score is a model of average judgements. It is not a medical measurement."
"""What a score is not."""
