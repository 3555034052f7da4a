"""Keeping Python's garbage collector from interrupting the music.

A full collection looks at every object of the program, a quarter of a million once Qt, torch and
librosa are loaded, and holds Python's lock meanwhile: for longer than the sound output's buffer lasts.
So while an output is open, the objects that live already are set aside (``gc.freeze``); collections
go on for everything newer, and are short. What was set aside is looked at again once the output is
closed.
"""

from __future__ import annotations

import gc
import sys


class QuietCollector:
    """Sets aside what lives already, until :meth:`close`."""

    def __init__(self) -> None:
        self._modules = 0
        self.keep_up()

    def keep_up(self) -> None:
        """Set aside what was imported since the last call: a separation that starts brings in torch."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            gc.freeze()

    def close(self) -> None:
        """Let the collector see everything again."""
        gc.unfreeze()
