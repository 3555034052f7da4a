"""Which frame of the recording is heard at a moment, across seeks and loop seams.

The audio thread counts the frames it renders, and notes where that count and the recording's frames
part company (a seek, a loop seam, a pause). The GUI thread, which knows how much of the count has
reached the ear, looks the frame up. One writer, one reader, numbers in arrays made beforehand, no lock:
an entry is written in full before its number is.
"""

from __future__ import annotations

import numpy as np

SIZE = 128
"""Entries kept: with jumps at least 10 ms apart, more than a second of seeking about."""


class Timeline:
    """A ring of spans: after ``count`` rendered frames, the recording ran from ``frame`` for ``length``."""

    def __init__(self) -> None:
        self._count = np.zeros(SIZE, np.int64)
        self._frame = np.zeros(SIZE, np.int64)
        self._length = np.zeros(SIZE, np.int64)
        self._serial = np.zeros(SIZE, np.int64)
        self._last = -1

    def clear(self) -> None:
        """Forget everything; only while no audio thread writes."""
        self._last = -1

    def note(self, count: int, frame: int, length: int, serial: int) -> None:
        """From ``count`` rendered frames on, ``length`` frames from ``frame`` on are heard.

        ``length`` 0 stands still there. ``serial`` numbers the seek that led here. Called by the audio
        thread for every stretch it renders; a stretch that continues the last one lengthens it.
        """
        last = self._last
        if last >= 0:
            slot = last % SIZE
            if self._serial[slot] == serial and self._frame[slot] + self._length[slot] == frame:
                if length == 0 and self._length[slot] == 0:
                    return
                if length and self._count[slot] + self._length[slot] == count:
                    self._length[slot] += length
                    return
        slot = (last + 1) % SIZE
        self._count[slot] = count
        self._frame[slot] = frame
        self._length[slot] = length
        self._serial[slot] = serial
        self._last = last + 1

    def frame_at(self, count: float, serial: int) -> int | None:
        """The frame heard when ``count`` rendered frames have reached the ear.

        Only spans since seek number ``serial`` count: until it is heard, the answer is the frame it
        leads to. None where nothing of that seek has been rendered yet.
        """
        answer: int | None = None
        last = self._last
        for number in range(last, max(-1, last - SIZE + 1), -1):
            slot = number % SIZE
            if self._serial[slot] != serial:
                break
            begun = count - int(self._count[slot]) + 0.001  # a clock's rounding must not lose a frame
            answer = int(self._frame[slot]) + int(min(max(begun, 0.0), int(self._length[slot])))
            if begun >= 0:
                break
        return answer
