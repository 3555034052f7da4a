"""What the audio thread does to live sound: input → stages → level → listener tap, the limiter always last.

:meth:`LiveChain.process` takes no lock, makes no array and never waits. The main thread writes
``gain_db`` and ``muted``, and reads what is left for it in numbers.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.hearing.ear_stage import MOST_FRAMES
from app.hearing.listener_tap import CEILING_DB, ListenerTap, TapSetting
from app.howling import HowlDetector

START_GAIN_DB = -20.0
LOWEST_GAIN_DB, HIGHEST_GAIN_DB = -60.0, 10.0
RISE_DB_PER_SECOND = 30.0
"""How fast live sound may become louder, from −60 dB on."""
FALL_SECONDS = 0.010
"""How fast it is taken away."""
MOST_STAGE_SECONDS = 0.005
"""The most that the stages may look ahead: a separator that runs live has to promise this."""
_FAINTEST = 1e-3


class BlockStage(Protocol):
    """Something live sound passes before its level is set, such as a separator that works block by block.

    Made for a sample rate; runs in the audio thread, without locks or new memory.
    """

    @property
    def delay(self) -> int:
        """How many samples it looks ahead."""
        ...

    def process(self, block: NDArray[np.float32]) -> None:
        """Turn the next ``(n ≤ 240, 2)`` float32 in place into what goes on."""
        ...


def plain_setting(ceiling_db: float = CEILING_DB) -> TapSetting:
    """The listener tap with nothing but its limiter."""
    return TapSetting("live", ceiling_db=ceiling_db)


class LiveChain:
    """Live sound's way at ``sample_rate`` Hz through a tap's ``setting`` (:func:`plain_setting` if None).

    Starts muted and 20 dB down. ``howled`` turns True where the detector heard feedback; the sound is off
    from that very block on, until :meth:`forgive`. ``input_peak`` and ``output_peak`` are the highest samples
    (linear) since they were last set to 0; ``lost`` counts gaps, ``blocks`` calls; ``delay`` is in samples.
    Raises ValueError where the stages look ahead further than 5 ms.
    """

    def __init__(
        self, sample_rate: int, setting: TapSetting | None = None, stages: tuple[BlockStage, ...] = ()
    ) -> None:
        delay = sum(stage.delay for stage in stages)
        if delay > MOST_STAGE_SECONDS * sample_rate:
            raise ValueError("live stages may look ahead by 5 ms at most")
        self.sample_rate = sample_rate
        self.gain_db = START_GAIN_DB
        self.muted = True
        self.howled = False
        self.input_peak = self.output_peak = 0.0
        self.lost = self.blocks = 0
        self.heard_anything = False
        self._forgiven = False
        self._stages = stages
        self.tap = ListenerTap(sample_rate, 2)
        self.tap.setting = plain_setting() if setting is None else setting
        self.tap.reset()  # taken up now: no cross-fade from anything unlimited
        self.delay = delay + self.tap.delay
        self._detector = HowlDetector(sample_rate)
        self._gain = 0.0
        self._work = np.zeros((MOST_FRAMES, 2), np.float32)
        self._mono = np.zeros(MOST_FRAMES, np.float32)
        self._gains = np.zeros((MOST_FRAMES, 2), np.float32)
        self._counted = np.repeat(np.arange(1, MOST_FRAMES + 1, dtype=np.float32)[:, None], 2, axis=1)
        self.process(np.zeros((1, 1), np.float32), np.zeros((1, 2), np.float32), False)  # compiled now
        self.blocks = 0
        self.tap.reset()

    @property
    def howl_frequency(self) -> float:
        """The tone (Hz) that howled."""
        return self._detector.frequency

    def forgive(self) -> None:
        """After a howl: listen for another; the sound stays muted until ``muted`` says otherwise."""
        self._forgiven = True

    def process(self, source: NDArray[np.float32], out: NDArray[np.float32], lost: bool) -> None:
        """The callback: ``source`` (n, channels in) to ``out`` (n, channels out), float32."""
        self.blocks += 1
        if lost:
            self.lost += 1
        if self._forgiven:
            self._forgiven = False
            self._detector.reset()
            self.howled = False
        for start in range(0, out.shape[0], MOST_FRAMES):
            self._piece(source[start : start + MOST_FRAMES], out[start : start + MOST_FRAMES])

    def _piece(self, source: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        n = out.shape[0]
        work = self._work[:n]
        np.copyto(work[:, 0], source[:, 0])
        np.copyto(work[:, 1], source[:, 1 if source.shape[1] > 1 else 0])
        peak = _peak(work)
        if not peak < math.inf:  # a driver's nonsense: this block is lost
            work.fill(0.0)
            peak = 0.0
        if peak > 0.0:
            self.heard_anything = True
        if peak > self.input_peak:
            self.input_peak = peak
        target = 0.0 if self.muted or self.howled else math.pow(10.0, self.gain_db / 20)
        if self._gain > 0.0 and target > 0.0:
            mono = self._mono[:n]
            np.add(work[:, 0], work[:, 1], out=mono)
            np.multiply(mono, np.float32(0.5), out=mono)
            if self._detector.process(mono):
                self.howled = True
                target = 0.0
        for stage in self._stages:
            stage.process(work)
        self._level(work, target)
        self.tap.process(work)
        peak = _peak(work)
        if peak > self.output_peak:
            self.output_peak = peak
        if out.shape[1] == 1:
            np.add(work[:, 0], work[:, 1], out=out[:, 0])
            np.multiply(out[:, 0], np.float32(0.5), out=out[:, 0])
        else:
            np.copyto(out[:, 0], work[:, 0])
            np.copyto(out[:, 1], work[:, 1])
            if out.shape[1] > 2:
                out[:, 2:] = 0.0

    def _level(self, work: NDArray[np.float32], target: float) -> None:
        """Set the level, in a straight line over the piece: slowly up, quickly down."""
        n = work.shape[0]
        begin = self._gain
        if target > begin:
            rise = math.pow(10.0, RISE_DB_PER_SECOND * n / self.sample_rate / 20)
            end = min(target, max(begin, _FAINTEST) * rise)
        else:
            end = max(target, begin - n / (FALL_SECONDS * self.sample_rate))
        self._gain = end
        if end == begin:
            np.multiply(work, np.float32(end), out=work)
            return
        gains = self._gains[:n]
        np.multiply(self._counted[:n], np.float32((end - begin) / n), out=gains)
        np.add(gains, np.float32(begin), out=gains)
        np.multiply(work, gains, out=work)


def _peak(block: NDArray[np.float32]) -> float:
    """The highest absolute sample; NaN where there is one."""
    return max(float(np.maximum.reduce(block, axis=None)), -float(np.minimum.reduce(block, axis=None)))
