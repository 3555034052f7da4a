"""What stands between the mix and one ear: a stage that turns a stream of samples into another, in place."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MOST_FRAMES = 240
"""The most frames that :meth:`EarStage.process` is handed at once: the mixer's block."""


class EarStage(Protocol):
    """One ear's stage. It is made off the audio thread and then belongs to that thread.

    Made for one sample rate and one ear; what it needs is laid out when it is made.
    """

    @property
    def delay(self) -> int:
        """How many samples the output lags behind the input (≥ 0); it never changes."""
        ...

    def process(self, column: NDArray[np.float32]) -> None:
        """Turn the next ``n`` ≤ 240 samples (1-D float32, contiguous, full scale ±1) into the ear's.

        Works in place and goes on from the last call. Called in the audio thread: it allocates nothing,
        takes no lock, and any input, NaN and infinity too, leaves it able to go on with sound input.
        """
        ...

    def reset(self) -> None:
        """Forget what went through, as if just made."""
        ...
