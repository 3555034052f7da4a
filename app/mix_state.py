"""What the mixer applies: the linear gains that a session's strips and master come to.

Pure values, made on the main thread and swapped into the mixer as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.session import Session, db_to_linear

Audio = NDArray[np.float32]


def output_channels(session: Session, channels: int) -> int:
    """The channels of the rendered mix: a mono recording with a strip off centre becomes stereo."""
    if channels == 1 and any(strip.pan != 0.0 for strip in session.strips.values()):
        return 2
    return channels


def pan_gains(pan: float, channels: int) -> tuple[float, ...]:
    """The gains of ``channels`` output channels for a pan from −1 (left) to +1 (right).

    A balance law: both channels are at unity in the centre, and moving to one side turns only the
    other side down, linearly to silence. Pan means nothing for one channel or more than two.
    """
    if channels != 2:
        return (1.0,) * channels
    return (min(1.0, 1.0 - pan), min(1.0, 1.0 + pan))


@dataclass(frozen=True, eq=False)
class MixState:
    """What the mixer applies: an immutable value, swapped as a whole.

    ``names`` are the stems in the rows of ``gains`` ``(stems, out_channels)`` float32, linear, mute,
    solo and pan included; ``master`` is linear. The rest follows from these: ``table``
    ``(1 + stems, out_channels)`` holds the coefficients of the recording (row 0) and of the stems;
    ``meter`` ``(stems, out_channels)`` is the gain at which each stem is heard; ``silent`` tells per
    output channel whether nothing of any stem is heard there; ``used`` and ``even`` tell per row of the
    table whether it is not all zero, and whether every channel has the same coefficient.
    """

    names: tuple[str, ...]
    gains: Audio
    master: float = 1.0
    table: Audio = field(init=False, repr=False)
    meter: Audio = field(init=False, repr=False)
    silent: tuple[bool, ...] = field(init=False, repr=False)
    used: tuple[bool, ...] = field(init=False, repr=False)
    even: tuple[bool, ...] = field(init=False, repr=False)
    power: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        gains = np.array(self.gains, dtype=np.float32, ndmin=2)
        if gains.shape[0] != len(self.names):
            raise ValueError(f"{len(self.names)} stems need as many rows of gains, not {gains.shape[0]}")
        table = np.empty((1 + gains.shape[0], gains.shape[1]), np.float32)
        table[0] = self.master
        table[1:] = (gains - np.float32(1.0)) * np.float32(self.master)
        meter = gains * np.float32(self.master)
        for array in (gains, table, meter):
            array.setflags(write=False)
        object.__setattr__(self, "gains", gains)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "meter", meter)
        silent = tuple(len(self.names) > 0 and not bool(column.any()) for column in gains.T)
        object.__setattr__(self, "silent", silent)
        object.__setattr__(self, "used", tuple(bool(row.any()) for row in table))
        powers = float(np.square(gains, dtype=np.float64).mean()) if gains.size else 1.0
        object.__setattr__(self, "power", self.master**2 * powers)
        object.__setattr__(self, "even", tuple(bool((row == row[0]).all()) for row in table))

    @property
    def channels(self) -> int:
        """The number of output channels."""
        return int(self.table.shape[1])

    @property
    def flat(self) -> bool:
        """Whether this is the recording itself: every gain 1 and the master 1."""
        return self.master == 1.0 and bool((self.gains == 1.0).all())

    def scaled(self, factor: float) -> MixState:
        """The same mix with the master multiplied by ``factor`` (linear)."""
        return self if factor == 1.0 else MixState(self.names, self.gains, self.master * factor)


def mix_state(session: Session, names: tuple[str, ...], channels: int) -> MixState:
    """The state that a session's strips and master make, for the stems ``names``.

    ``channels`` is the number of output channels, see :func:`output_channels`. A stem without a strip
    in the session is heard at 0 dB.
    """
    gains = np.ones((len(names), channels), np.float32)
    for row, name in enumerate(names):
        if name in session.strips:
            pan = pan_gains(session.strips[name].pan, channels)
            gains[row] = [session.audible_gain(name) * side for side in pan]
    return MixState(names, gains, db_to_linear(session.master_db))


def recording_state(names: tuple[str, ...], channels: int, master: float = 1.0) -> MixState:
    """The recording itself at a linear gain: what A/B plays as “recording”."""
    return MixState(names, np.ones((len(names), channels), np.float32), master)
