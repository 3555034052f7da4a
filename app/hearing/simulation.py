"""What a listener with a hearing loss hears, for ears without one: the MSBG simulation, block by block.

The signal goes from the free field to the cochlea, is smeared over frequency as wide auditory filters would,
split into bands, and in each band expanded so that what lies below the listener's threshold becomes
inaudible and what is loud stays loud (recruitment); then the bands are added up and taken back to the free
field. Sources and numbers: :mod:`app.hearing.simulation_design`.

Compared with pyclarity 0.9.0's ``Ear`` at 44.1 kHz, third-octave levels agree within 0.1 dB (the tests hold
them to it). Three things differ, on purpose. The output is in time with the input, but for
:attr:`LossSimulation.delay`, where pyclarity's lags by 1080 or (with smearing) 1272 samples. pyclarity first
scales the whole signal by the ratio of its plain to its gated level, which needs the end before the
beginning; here a level is a level. The bands' envelopes look ahead 23 ms instead of to the signal's end.

The model is made for 44.1 kHz: its smearing works on a grid of frequencies and times that belong to that
rate. At another rate a stage resamples to 44.1 kHz and back (:mod:`app.hearing.simulation_rate`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.hearing import simulation_design as design
from app.hearing import simulation_kernels as kernels
from app.hearing.audiogram import Audiogram
from app.hearing.compiled import LANES
from app.hearing.ear_stage import MOST_FRAMES
from app.hearing.fourier import twiddles
from app.hearing.simulation_rate import RateChange, advance_at_rate, rate_change

FULL_SCALE_DB_SPL = 100.0
"""The level of a full-scale square wave, where nothing is calibrated: an assumption."""


class LossSimulation:
    """One ear's hearing loss as a stage of playback (:class:`~app.hearing.ear_stage.EarStage`).

    ``sample_rate`` in Hz, 8000 to 192000; ``audiogram`` the ear's; ``full_scale_db_spl`` is the sound
    pressure level (dB) of RMS 1. ``delay`` is how many samples the output lags behind: at 44.1 kHz 65 ms for
    a mild loss, 59 ms for a severe one. No band's gain exceeds one. Raises ValueError for another rate.
    """

    def __init__(
        self, sample_rate: int, audiogram: Audiogram, *, full_scale_db_spl: float = FULL_SCALE_DB_SPL
    ) -> None:
        if not design.LOWEST_RATE <= sample_rate <= design.HIGHEST_RATE:
            raise ValueError(
                f"The loss can be simulated at {design.LOWEST_RATE} to {design.HIGHEST_RATE} Hz, "
                f"not at {sample_rate:g}."
            )
        self.sample_rate = sample_rate
        self.audiogram = audiogram
        degree, rate = design.severity(audiogram), design.REFERENCE_RATE
        hop = design.HOP
        spacing = hop // design.STEPS
        bins = 4 * hop
        bank = design.design_bank(degree, rate)
        exponents = design.design_exponents(audiogram, bank)
        loudest = 10 ** ((design.CATCH_UP_DB - full_scale_db_spl) / 20)
        into, back = design.design_ear_filters(rate)
        reach = (design.ENVELOPE_REACH + 1) * spacing
        smears = degree.smears
        if smears:
            smearing = design.design_smearing(degree.lower, degree.upper, rate, bins)
        else:
            smearing = np.zeros((0, 0), np.float32)
        # A quarter of the frame a hop: the squares of the overlapping windows add up to one.
        window = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(bins) + 0.5) / bins)) / math.sqrt(1.5)
        latest = int(bank.delay.max())
        self._design = kernels.Design(
            into=np.ascontiguousarray(into[::-1]),
            back=np.ascontiguousarray(back[::-1]),
            smearing=smearing,
            window=window.astype(np.float32),
            twiddles=twiddles(bins),
            envelope=design.design_envelope(bank, rate, spacing),
            exponents=exponents.astype(np.float32),
            offsets=(math.log2(bank.together) - exponents * math.log2(loudest)).astype(np.float32),
            loudest=np.array([loudest], np.float32),
            delays=latest - bank.delay,
        )
        self._bank = bank
        self._state = self._new_state(hop, reach // hop + 1, latest)
        self._fresh = np.zeros_like(self._state.bank)  # laid out here: the audio thread resets
        rows = np.vstack((bank.zero, bank.turn, bank.decay, bank.gain, bank.high_pass))
        for group, room in enumerate(self._fresh):
            lanes = rows[:, group * LANES : (group + 1) * LANES]
            room[: lanes.size] = lanes.ravel()
        self.delay = (
            hop + (into.size - 1) // 2 + (3 * hop if smears else 0) + latest + reach + (back.size - 1) // 2
        )
        self._change: RateChange | None = None
        if sample_rate != rate:
            self._change = rate_change(sample_rate, rate, self.delay)
            self.delay = int(self._change.delays[1])
        self._column = np.zeros(MOST_FRAMES, np.float32)
        self.process(self._column)  # compiled now, not in the audio thread
        self.reset()

    def _new_state(self, hop: int, slots: int, latest: int) -> kernels.State:
        width, bins = self._bank.gain.size, 4 * hop
        groups = width // LANES
        return kernels.State(
            at=np.zeros(2, np.int64),
            waiting=np.zeros((2, hop), np.float32),
            before=np.zeros(self._design.into.size - 1 + hop),
            after=np.zeros(self._design.back.size - 1 + hop),
            frame=np.zeros(bins, np.float32),
            overlap=np.zeros(bins, np.float32),
            work=np.zeros((6, bins + 1), np.float32),
            bank_input=np.zeros(latest + hop),
            bank=np.zeros((groups, kernels.BANK_ROWS * LANES)),
            delayed=np.zeros((slots, groups, hop * LANES), np.float32),
            points=np.zeros((2 * design.ENVELOPE_REACH + design.STEPS - 1, width), np.float32),
            partial=np.zeros((groups, 2 * LANES), np.float32),
            log_gains=np.zeros((design.STEPS + 2, width), np.float32),
            ramp=np.zeros(3 * LANES),
            total=np.zeros(hop),
        )

    def process(self, column: NDArray[np.float32]) -> None:
        """Replace the next samples (1-D float32, any length, perhaps strided) by the simulation's output."""
        for start in range(0, column.shape[0], MOST_FRAMES):
            piece = column[start : start + MOST_FRAMES]
            block = self._column[: piece.shape[0]]
            np.copyto(block, piece)
            if self._change is None:
                kernels.advance(block, self._design, self._state)
            else:
                advance_at_rate(block, self._design, self._state, self._change)
            np.copyto(piece, block)

    def reset(self) -> None:
        """Forget what went through."""
        for array in self._state:
            array.fill(0)
        if self._change is not None:
            for array in (self._change.counts, self._change.taken, self._change.made):
                array.fill(0)
        np.copyto(self._state.bank, self._fresh)
        self._state.log_gains.fill(kernels.LOWEST_LOG2)


def simulate(
    ear: ArrayLike, sample_rate: int, audiogram: Audiogram, *, full_scale_db_spl: float = FULL_SCALE_DB_SPL
) -> NDArray[np.float64]:
    """A whole signal of one ear (samples,) as the listener hears it, of the same length and in time.

    This is what :class:`LossSimulation` makes of it, without the delay. Raises ValueError for a signal that
    is not one-dimensional or a rate that a stage refuses.
    """
    signal = np.asarray(ear, np.float32)
    if signal.ndim != 1:
        raise ValueError("One ear is one row of samples.")
    stage = LossSimulation(sample_rate, audiogram, full_scale_db_spl=full_scale_db_spl)
    padded = np.concatenate((signal, np.zeros(stage.delay, np.float32)))
    stage.process(padded)
    return padded[stage.delay :].astype(np.float64)
