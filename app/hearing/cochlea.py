"""What a hearing loss does to the cochlea: the figures of the ear model, band by band.

After Kates (2013), "An auditory model for intelligibility and quality predictions", Proc. Meetings on
Acoustics 19, 050184, with the constants of pyclarity 0.9.0 (the Cadenza challenges' implementation)
wherever the paper leaves one open. All levels are dB SPL in a normal ear, frequencies Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.audiogram import Audiogram

Floats = NDArray[np.float64]

SAMPLE_RATE = 24000
"""The ear model's own sample rate in Hz: its filters keep one shape whatever the recording's rate."""
BANDS = 32
LOWEST_HZ = 80.0
HIGHEST_HZ = 8000.0
AUDIOGRAM_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 6000.0)
"""The frequencies at which the ear model and NAL-R read an audiogram."""
UPPER_KNEE_DB = 100.0
_EAR_Q = 9.26449
_NARROWEST_HZ = 24.7
_CONTROL_LOSS_DB = 100.0


@dataclass(frozen=True)
class Cochlea:
    """One ear's cochlea: arrays of 32 bands, low to high.

    ``ohc_loss`` and ``ihc_loss`` (dB) share out the hearing loss between outer and inner hair cells;
    ``narrow`` and ``wide`` are bandwidths in units of the normal auditory filter at low level and with
    all outer hair cells lost (the control path's); compression is linear below ``knee`` (dB SPL) and has
    the ratio ``ratio`` : 1 from there to 100 dB SPL.
    """

    centre: Floats
    ohc_loss: Floats
    ihc_loss: Floats
    knee: Floats
    ratio: Floats
    narrow: Floats
    wide: Floats

    def bandwidth_at(self, control_db: Floats) -> Floats:
        """Filter bandwidths for control levels in dB SPL: widening from 50 to 100 dB SPL, linear in dB."""
        share = np.clip((control_db - 50.0) / 50.0, 0.0, 1.0)
        return np.asarray(self.narrow + share * (self.wide - self.narrow))

    def sensation_level(self, rms: Floats, control_rms: Floats, level1: float) -> Floats:
        """Long-term levels after compression in dB above threshold, from RMS values of the band outputs.

        ``level1`` is the level in dB SPL of a signal with RMS 1.
        """
        tiny = 1e-30
        control = level1 + 20 * np.log10(np.maximum(control_rms, tiny))
        control = np.maximum(np.minimum(control, UPPER_KNEE_DB), self.knee)
        gain = -self.ohc_loss - (control - self.knee) * (1 - 1 / self.ratio)
        level = np.maximum(level1 + 20 * np.log10(np.maximum(rms, tiny)), 0.0)
        return np.maximum(level + gain - self.ihc_loss, 0.0)


def cochlea(audiogram: Audiogram) -> Cochlea:
    """The cochlea of an ear with this audiogram."""
    centre = centre_frequencies()
    levels = np.array([audiogram.level_at(f) for f in AUDIOGRAM_HZ])
    loss = np.maximum(np.interp(centre, AUDIOGRAM_HZ, levels), 0.0)
    ohc, ihc, knee, ratio, narrow = _share_out(loss)
    wide = _share_out(np.full(BANDS, _CONTROL_LOSS_DB))[4]
    return Cochlea(centre, ohc, ihc, knee, ratio, narrow, wide)


def centre_frequencies() -> Floats:
    """32 centre frequencies in Hz from 80 to 8000, equally spaced on the ERB-rate scale (Slaney 1993)."""
    corner = _EAR_Q * _NARROWEST_HZ
    rate = np.linspace(np.log(LOWEST_HZ + corner), np.log(HIGHEST_HZ + corner), BANDS)
    return np.exp(rate) - corner


def filter_poles(centre: Floats, bandwidth: Floats) -> Floats:
    """The pole radius of each gammatone's four coincident baseband poles (impulse invariance, 24 kHz).

    ``bandwidth`` is in units of the normal filter, whose ERB is that of Moore & Glasberg (1983).
    """
    erb = _NARROWEST_HZ + centre / _EAR_Q
    return np.exp(-2 * np.pi / SAMPLE_RATE * 1.019 * erb * bandwidth)


def filter_gains(pole: Floats) -> Floats:
    """Gains that give the baseband filter (1 + 2az⁻¹)²/(1 − az⁻¹)⁴ a response of 2 at zero frequency.

    pyclarity's numerator is 1 + 4az⁻¹ + 4a²z⁻², which is this square.
    """
    return 2 * (1 - pole) ** 4 / (1 + 4 * pole + 4 * pole**2)


def group_delays(pole: Floats) -> NDArray[np.int64]:
    """Each band's group delay at its centre frequency, in whole samples of 24 kHz."""
    return np.rint(4 * pole / (1 - pole) + 4 * pole / (1 + 2 * pole)).astype(np.int64)


def _share_out(loss: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Split a loss (dB per band) after Moore et al. (1999): 80 % outer hair cells up to what they can lose.

    Returns outer loss, inner loss, lower knee, compression ratio and relative bandwidth of each band.
    """
    ratio = 1.25 + 2.25 * np.arange(BANDS) / (BANDS - 1)
    # A loss beyond this one has used up the outer hair cells (compression is 1:1); the rest is inner.
    saturation = 1.25 * 70 * (1 - 1 / ratio)
    ohc = 0.8 * np.minimum(loss, saturation)
    ihc = 0.2 * np.minimum(loss, saturation) + np.maximum(loss - saturation, 0.0)
    bandwidth = 1 + ohc / 50 + 2 * (ohc / 50) ** 6
    knee = 30 + ohc
    top = 30 + 70 / ratio  # output for 100 dB SPL in a normal ear
    return ohc, ihc, knee, (UPPER_KNEE_DB - knee) / (top + ohc - knee), bandwidth
