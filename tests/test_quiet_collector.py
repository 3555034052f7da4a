"""While an output is open, the garbage collector looks only at what is new."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest
from fake_audio import SPEAKERS, FakeBackend

from app.mixer import Mixer
from app.output import Output
from app.quiet_collector import QuietCollector
from app.transport import Transport


def test_what_lives_already_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = QuietCollector()
    aside = gc.get_freeze_count()
    assert aside > 1000
    later = [[] for _ in range(1000)]
    quiet.keep_up()
    assert gc.get_freeze_count() <= aside  # nothing was imported: the collector keeps what is new
    monkeypatch.setitem(sys.modules, "a_module_that_was_imported", gc)
    quiet.keep_up()
    assert gc.get_freeze_count() >= aside + len(later)
    quiet.close()
    assert gc.get_freeze_count() == 0


def test_it_lasts_as_long_as_the_output_is_open() -> None:
    transport = Transport(Mixer(np.zeros((100, 2), np.float32), sample_rate=44100))
    output = Output(FakeBackend(), SPEAKERS, transport)
    assert gc.get_freeze_count() > 1000
    output.close(fade=False)
    assert gc.get_freeze_count() == 0
