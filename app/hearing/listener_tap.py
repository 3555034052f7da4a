"""What stands between the mix and the listener's ears: level → prescription → limiter → slow rise.

It comes last before the device, after the mix that is exported, compared and matched. Switched off it is not
there at all: every sample passes as it is, at once. Any change cross-fades in 25 ms, and what may make it
louder then comes up slowly from −20 dB: ears that hear badly are damaged like any others, and a hand needs
time to reach the volume control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.hearing.ear_stage import MOST_FRAMES, EarStage

if TYPE_CHECKING:  # a player that amplifies nothing needs neither numba nor scipy
    from app.hearing.dose import ExposureMeter
    from app.hearing.limiter import Limiter

CEILING_DB = -12.0
"""The usual ceiling (dBFS, sample peak) of what is amplified."""
FADE_SECONDS = 0.025
START_DB = -20.0
"""How far below its level begins what may be louder than what was heard before."""
RISE_DB_PER_SECOND = 10.0
FALL_DB_PER_SECOND = 2000.0
"""How fast it goes down before it comes up again: 20 dB in 10 ms, while a mix takes 25 ms to change."""
SUDDEN_DB = 6.0
"""A mix that rises by more than this at once is heard to come up slowly too."""
MOST_GAIN_DB = 60.0

Channel = tuple[EarStage, ...]
Fold = tuple[tuple[tuple[int, float], ...], ...]
"""For each of the channels folded to: which of the device's channels it is made of, and at what gain."""


@dataclass(frozen=True, eq=False)
class TapSetting:
    """What the tap does; settings are compared by identity, and a new one is taken up whole.

    ``kind`` names it. ``stages`` has one chain for each channel of the device (left ear, right ear, …), made
    for its sample rate; no stage may be in two settings or channels. A channel without a chain is silent,
    unless there are no stages at all; where there are as many chains as the tap can fold to, all channels are
    folded to them first. ``presentation_db`` is the gain before the stages, ``trim_db`` the one after them
    (both −60…60 dB), ``ceiling_db`` the limiter's ceiling in dBFS (−60…0). ``fit`` is what the stages were
    made from: where it is equal (and not None), so is what the stages do. ``sounds`` says that it makes a
    sound of its own, which goes on where nothing is played.
    """

    kind: str
    stages: tuple[Channel, ...] = ()
    presentation_db: float = 0.0
    trim_db: float = 0.0
    ceiling_db: float = CEILING_DB
    fit: object = None
    sounds: bool = False

    def __post_init__(self) -> None:
        for gain in (self.presentation_db, self.trim_db):
            if not -MOST_GAIN_DB <= gain <= MOST_GAIN_DB:
                raise ValueError(f"a gain of the tap lies within ±{MOST_GAIN_DB:g} dB, not at {gain}")
        if not -MOST_GAIN_DB <= self.ceiling_db <= 0.0:
            raise ValueError(f"the tap's ceiling lies within −60…0 dBFS, not at {self.ceiling_db}")

    @property
    def delay(self) -> int:
        """The longest delay of its chains in samples, without the limiter's."""
        return max((sum(stage.delay for stage in chain) for chain in self.stages), default=0)

    def may_be_louder(self, than: TapSetting) -> bool:
        """Whether this may sound louder than another setting; only the same with lower gains may not."""
        same = self.kind == than.kind and self.fit is not None and self.fit == than.fit
        gains = (self.presentation_db, self.trim_db, self.ceiling_db)
        others = (than.presentation_db, than.trim_db, than.ceiling_db)
        return not same or any(gain > other for gain, other in zip(gains, others, strict=True))


OFF = TapSetting("off", ceiling_db=0.0)
"""Nothing: every sample as it comes."""


class _Path:
    """One setting at work: its gains, its stages, the ears brought into time with each other, its limiter."""

    def __init__(
        self, setting: TapSetting, limiter: Limiter | None, channels: int, rise_db: float, fold: Fold = ()
    ) -> None:
        self.setting = setting
        self.limiter = limiter
        self.rise_db = rise_db  # how far below its level it still is, ≤ 0
        self.fall_db = 0.0  # how far it is still to go down first
        self.before = math.pow(10.0, setting.presentation_db / 20)
        self.after = math.pow(10.0, setting.trim_db / 20)
        self.ceiling = math.pow(10.0, setting.ceiling_db / 20)
        self.delay = setting.delay + (0 if limiter is None else limiter.delay)
        self._fold = fold if len(setting.stages) == len(fold) < channels else ()
        self._folded = np.zeros((MOST_FRAMES, len(self._fold)), np.float32)
        self._column = np.zeros(MOST_FRAMES, np.float32)
        counted = np.arange(1, MOST_FRAMES + 1, dtype=np.float32)
        self._counted = np.repeat(counted[:, None], channels, axis=1)
        self._gains = np.zeros((MOST_FRAMES, channels), np.float32)
        self._late: list[NDArray[np.float32] | None] = []
        for channel in range(channels):
            chain = setting.stages[channel] if channel < len(setting.stages) else ()
            behind = setting.delay - sum(stage.delay for stage in chain)
            # what waits, and room for the block that pushes it out
            self._late.append(np.zeros(behind + MOST_FRAMES, np.float32) if behind and chain else None)

    @property
    def transparent(self) -> bool:
        return self.limiter is None and self.rise_db >= 0.0

    def process(self, block: NDArray[np.float32], step_db: float) -> None:
        """Turn ``block`` (n, channels) into what is heard, rising by ``step_db`` where it still does.

        Below 0 it falls, to −20 dB at most.
        """
        n = block.shape[0]
        setting = self.setting
        if self.limiter is not None:
            if self.before != 1.0:
                np.multiply(block, np.float32(self.before), out=block)
            if self._fold:
                self._fold_down(block)
            for channel in range(block.shape[1]) if setting.stages else ():
                column = self._column[:n]
                if channel >= len(setting.stages) or not setting.stages[channel]:
                    block[:, channel] = 0.0
                    continue
                np.copyto(column, block[:, channel])
                for stage in setting.stages[channel]:
                    stage.process(column)
                late = self._late[channel]
                if late is not None:
                    waiting = late.shape[0] - MOST_FRAMES
                    late[waiting : waiting + n] = column
                    np.copyto(column, late[:n])
                    np.copyto(late[:waiting], late[n : n + waiting])
                np.copyto(block[:, channel], column)
        if self.after != 1.0:
            np.multiply(block, np.float32(self.after), out=block)
        if self.limiter is not None:
            self.limiter.process(block, self.ceiling)
        if self.rise_db < 0.0 or step_db < 0.0:
            # after the limiter, which would make up for it where the sound is much louder than the ceiling
            begin = math.pow(10.0, self.rise_db / 20)
            self.rise_db = max(START_DB, min(0.0, self.rise_db + step_db))
            end = math.pow(10.0, self.rise_db / 20)
            gains = self._gains[:n]
            np.multiply(self._counted[:n], np.float32((end - begin) / n), out=gains)
            np.add(gains, np.float32(begin), out=gains)
            np.minimum(gains, np.float32(1.0), out=gains)
            np.multiply(block, gains, out=block)

    def _fold_down(self, block: NDArray[np.float32]) -> None:
        """Bring what all channels play to the first ones; the others are silent in what follows."""
        n = block.shape[0]
        column, folded = self._column[:n], self._folded[:n]
        folded.fill(0.0)
        for channel, sources in enumerate(self._fold):
            for source, gain in sources:
                np.multiply(block[:, source], gain, out=column)
                np.add(folded[:, channel], column, out=folded[:, channel])
        np.copyto(block[:, : folded.shape[1]], folded)

    def reset(self) -> None:
        """Forget what went through."""
        for chain in self.setting.stages:
            for stage in chain:
                stage.reset()
        for late in self._late:
            if late is not None:
                late.fill(0.0)
        if self.limiter is not None:
            self.limiter.reset()


class ListenerTap:
    """The listener's tap for a device's ``channels`` at ``sample_rate`` Hz.

    ``fold`` says how all channels are brought to two ears, for settings that have a chain for each ear only.
    The GUI thread assigns :attr:`setting` and reads the rest; :meth:`process` runs in the audio thread, where
    it takes no lock and allocates no arrays. What a setting needs is made where it is assigned.
    """

    def __init__(self, sample_rate: float, channels: int, fold: Fold = ()) -> None:
        self.sample_rate = sample_rate
        self._fold = fold
        self.channels = channels
        self.peak = 0.0
        """The highest sample (linear) that came out since this was last set to 0; only while it is on."""
        self.exposure: ExposureMeter | None = None
        """Counts what reaches the ears, amplified or not, once :meth:`measure` was called."""
        self.resting = False
        """Whether nothing is played, so that nothing comes up unheard; for who calls :meth:`process`."""
        self.lifts = True
        """Whether a mix that rises suddenly comes up slowly; not where mixes were made equally loud."""
        self._fade = max(1, round(FADE_SECONDS * sample_rate))
        steps = np.arange(1, self._fade + 1) / self._fade
        rise = (0.5 - 0.5 * np.cos(np.pi * steps)).astype(np.float32)
        self._rise = np.repeat(rise[:, None], channels, axis=1)
        self._fall = (np.float32(1.0) - self._rise).astype(np.float32)
        self._other = np.zeros((MOST_FRAMES, channels), np.float32)
        self._whole = np.zeros((MOST_FRAMES, channels), np.float32)
        self._path = _Path(OFF, None, channels, 0.0)
        self._wanted = self._path
        self._leaving: _Path | None = None
        self._left = 0  # frames of the cross-fade still to come
        self._unheard = 0  # frames before it begins

    @property
    def setting(self) -> TapSetting:
        """What is heard, or faded to. Assigning (in the GUI thread) takes it up whole at the next block."""
        return self._wanted.setting

    @setting.setter
    def setting(self, setting: TapSetting) -> None:
        before = self._wanted
        if setting is before.setting:
            return
        rise_db = START_DB if setting.may_be_louder(before.setting) else min(0.0, before.rise_db)
        self._wanted = self._made(setting, rise_db)

    def begin(self, setting: TapSetting, *, softly: bool) -> None:
        """Take a setting at the start of a stream; ``softly`` from −20 dB: it comes out elsewhere now."""
        self.setting = setting
        if softly:
            self._wanted = self._made(setting, START_DB)

    @property
    def delay(self) -> int:
        """How many samples what comes out is behind what went in."""
        return self._path.delay

    @property
    def on(self) -> bool:
        """Whether anything but the plain samples is heard, or will be."""
        return not self._wanted.transparent or self.fading

    @property
    def fading(self) -> bool:
        """Whether a cross-fade is under way, or will be."""
        return self._wanted is not self._path or self._leaving is not None

    @property
    def ceiling(self) -> float:
        """The linear level (0…1) that no sample exceeds now."""
        paths = (self._path, self._leaving) if self._leaving is not None else (self._path,)
        return max(path.ceiling for path in paths)

    @property
    def reduction_db(self) -> float:
        """The most that the limiter took away (dB, ≥ 0) since :meth:`take_reduction`."""
        limiter = self._path.limiter
        return 0.0 if limiter is None else limiter.reduction_db

    def take_reduction(self) -> float:
        """The most that the limiter took away (dB, ≥ 0) since the last call."""
        limiter = self._path.limiter
        return 0.0 if limiter is None else limiter.take_reduction()

    def take_peak(self) -> float:
        """The highest sample (linear) that came out since the last call, 0 where it is off."""
        peak, self.peak = self.peak, 0.0
        return peak

    def process(self, block: NDArray[np.float32]) -> None:
        """Turn ``block`` (n ≤ 240, channels) float32 in place into what the listener hears. Audio thread."""
        self._shape(block)
        if self.exposure is not None:
            self.exposure.process(block)

    def _shape(self, block: NDArray[np.float32]) -> None:
        if self._wanted is not self._path and self._leaving is None:
            self._leaving, self._path, self._left = self._path, self._wanted, self._fade
            # filters that begin in the middle of a sound click, so they run in unheard
            self._unheard = 2 * self._path.delay
        if self._leaving is None and self._path.transparent:
            return
        n = block.shape[0]
        step_db = 0.0 if self.resting else RISE_DB_PER_SECOND * n / self.sample_rate
        # the limiter's kernel wants whole rows, one behind the other; a device's buffer may be wider
        heard = self._whole[:n]
        np.copyto(heard, block)
        if self._leaving is not None:
            old = self._other[:n]
            np.copyto(old, block)
            self._leaving.process(old, step_db)
            self._path.process(heard, self._step(n, step_db))
            self._cross(old, heard)
        else:
            self._path.process(heard, self._step(n, step_db))
        np.copyto(block, heard)
        peak = max(float(np.maximum.reduce(heard, axis=None)), -float(np.minimum.reduce(heard, axis=None)))
        if peak > self.peak:
            self.peak = peak

    def _step(self, n: int, step_db: float) -> float:
        path = self._path
        if path.fall_db <= 0.0:
            return step_db
        down = min(path.fall_db, FALL_DB_PER_SECOND * n / self.sample_rate)
        path.fall_db -= down
        return -down

    def lifted(self, before: float, after: float) -> None:
        """The mix that comes in has another power (linear, an estimate) from now on. Audio thread.

        One that rises suddenly while the tap is on (an undo, a preset) comes up slowly from where it was, or
        from −20 dB.
        """
        path = self._path
        if not self.lifts or path.limiter is None or after <= before * math.pow(10.0, SUDDEN_DB / 10):
            return
        rise_db = 10.0 * math.log10(after / before) if before > 0.0 else -START_DB
        path.fall_db = max(path.fall_db, min(-START_DB, rise_db))

    def measure(self, on: bool) -> None:
        """Count what reaches the ears from now on, or no more. GUI thread."""
        if self.exposure is None and on:
            from app.hearing.dose import ExposureMeter

            self.exposure = ExposureMeter(self.sample_rate, self.channels)
        if self.exposure is not None:
            self.exposure.on = on

    def take_up(self) -> None:
        """Take up the wanted setting with no cross-fade, where nothing was heard until now. Audio thread."""
        if self._wanted is not self._path and self._leaving is None and self._path.limiter is None:
            self._path = self._wanted
            self._path.reset()  # its stages may have been heard before, in another stream

    def _made(self, setting: TapSetting, rise_db: float) -> _Path:
        if setting is OFF:
            return _Path(setting, None, self.channels, rise_db)
        from app.hearing.limiter import Limiter

        limiter = Limiter(self.sample_rate, self.channels)
        return _Path(setting, limiter, self.channels, rise_db, self._fold)

    def _cross(self, old: NDArray[np.float32], heard: NDArray[np.float32]) -> None:
        early = min(heard.shape[0], self._unheard)
        heard[:early] = old[:early]
        self._unheard -= early
        fading = min(heard.shape[0] - early, self._left)
        begun = self._fade - self._left
        old, heard = old[early : early + fading], heard[early : early + fading]
        np.multiply(old, self._fall[begun : begun + fading], out=old)
        np.multiply(heard, self._rise[begun : begun + fading], out=heard)
        np.add(heard, old, out=heard)
        self._left -= fading
        if not self._left:
            self._leaving = None

    def reset(self) -> None:
        """Forget what went through, and take up the setting that is wanted; only while no stream runs."""
        if self._wanted is not self._path:
            self._path = self._wanted
        self._leaving, self._left = None, 0
        self._path.reset()
        self.peak = 0.0
