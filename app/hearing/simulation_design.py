"""The numbers of the simulated hearing loss: ear filters, smearing, filter bank, envelopes, expansion.

The model is that of the Cambridge hearing group (“MSBG”: Moore, Stone, Baer and Glasberg):

- outer and middle ear: Shaw (1974), free field to eardrum, and the middle ear of Moore & Glasberg (1997);
- spectral smearing: Baer & Moore (1993), JASA 94, 1229–1241, with the asymmetric widening of their 1994
  paper (JASA 95, 2277–2280), on rounded-exponential filters as wide as Glasberg & Moore (1990) say;
- loudness recruitment and raised thresholds: Moore & Glasberg (1993), JASA 94, 2050–2062, in the filter bank
  of Nejime & Moore (1997), JASA 102, 603–615.

Figures that the papers leave open (corner frequencies, delays, how wide at which loss) are those of
pyclarity 0.9.0 (MIT licence), which the simulation is compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import ellip, firwin, freqz

from app.hearing.audiogram import Audiogram
from app.hearing.compiled import LANES

Doubles = NDArray[np.float64]

REFERENCE_RATE = 44100
"""The rate (Hz) that the model's own figures are for."""
LOWEST_RATE, HIGHEST_RATE = 8000, 192000
"""The sample rates (Hz) that the simulation can be heard at."""
CATCH_UP_DB = 105.0
"""dB SPL at which sound is as loud as for normal hearing, in every band."""
WORST_SIMULATED_DB = 100.0
"""Thresholds beyond this (dB HL) are taken as this: at 105 dB HL nothing would be heard at any level.

Above 80 dB HL the model's own authors call the result unrealistic.
"""
HOP = 64
"""Samples in a step of the simulation, at 44.1 kHz: a quarter of a smearing window."""
STEPS = 4
"""Points of the envelope in a hop; between them the gain in dB runs along a smooth curve."""
ENVELOPE_REACH = 63
"""Points of the envelope's filter on either side of its middle: 23 ms."""
_LOW_PASS_HZ = 18000.0


@dataclass(frozen=True)
class _Bank:
    """A bank of fourth-order gammatone filters, ``broadening`` times as wide as in a healthy ear.

    ``centres`` in Hz, ``delays`` in samples at 44.1 kHz; ``corners`` belong to the high-pass filters of the
    upper bands (which keep their low-frequency tails down), in units of 44100 / 8192 Hz;
    ``recombination_db`` is what the bands add up to.
    """

    broadening: float
    centres: tuple[float, ...]
    delays: tuple[int, ...]
    corners: tuple[int, ...]
    recombination_db: float


# fmt: off
_NARROW = _Bank(
    1.5,
    (72.582, 97.861, 129.449, 168.202, 214.957, 270.521, 335.671, 411.16, 497.732, 596.141, 707.172,
     831.673, 970.571, 1124.908, 1299.105, 1495.717, 1717.629, 1968.096, 2250.793, 2569.866, 2929.998,
     3336.47, 3795.246, 4313.057, 4897.499, 5557.145, 6301.674, 7142.007, 8090.473, 9160.985,
     10369.249, 11732.99, 13272.214, 15009.503, 16970.343, 19183.5),
    (485, 442, 396, 349, 311, 272, 239, 210, 186, 162, 143, 126, 111, 98, 87, 77, 69, 61, 54, 47, 42,
     37, 33, 29, 26, 23, 20, 18, 16, 14, 12, 11, 10, 9, 8, 7),
    (17, 20, 23, 28, 33, 39, 47, 56, 68, 81, 98, 118, 143, 172, 207, 248, 297, 353, 416, 484, 553, 612),
    5.133590840990304,
)
_WIDE = _Bank(
    2.0,
    (65.827, 95.555, 134.883, 185.57, 249.409, 328.232, 423.94, 538.565, 674.348, 833.83, 1019.956,
     1238.682, 1495.717, 1797.773, 2152.734, 2569.866, 3060.06, 3636.111, 4313.057, 5108.571, 6043.419,
     7142.007, 8433.013, 9950.139, 11732.99, 13828.108, 16290.187, 19183.5),
    (379, 339, 289, 253, 216, 184, 156, 132, 111, 95, 80, 68, 58, 49, 42, 36, 30, 26, 22, 19, 16, 13,
     11, 10, 8, 7, 6, 5),
    (23, 29, 35, 44, 55, 70, 88, 112, 142, 180, 228, 288, 361, 448, 541, 625),
    4.967792069637238,
)
_WIDEST = _Bank(
    3.0,
    (83.318, 133.067, 204.098, 302.165, 434.025, 607.852, 833.83, 1124.908, 1495.717, 1968.096,
     2569.866, 3336.47, 4313.057, 5557.145, 7142.007, 9160.985, 11732.99, 15009.503, 19183.5),
    (229, 204, 166, 133, 106, 83, 65, 50, 39, 31, 24, 19, 15, 12, 9, 7, 5, 4, 4),
    (40, 54, 74, 102, 142, 199, 278, 387, 526, 664),
    4.240378918292534,
)

# Hz, and dB at the eardrum over a frontal free field (Shaw 1974) less what the middle ear loses (Moore &
# Glasberg 1997), both 0 dB at 1 kHz but for a constant that the way back takes away again.
_EAR_HZ = (
    0.0, 20.0, 25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0,
    630.0, 750.0, 800.0, 1000.0, 1250.0, 1500.0, 1600.0, 2000.0, 2500.0, 3000.0, 3150.0, 4000.0, 5000.0,
    6000.0, 6300.0, 8000.0, 9000.0, 10000.0, 11200.0, 12500.0, 14000.0, 15000.0, 16000.0, 20000.0, 48000.0,
)
_OUTER_EAR_DB = (
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.3, 0.5, 0.9, 1.4, 1.6, 1.7, 2.5, 2.7, 2.6, 2.6, 3.2,
    5.2, 6.6, 12.0, 16.8, 15.3, 15.2, 14.2, 10.7, 7.1, 6.4, 1.8, -0.9, -1.6, 1.9, 4.9, 2.0, -2.0, 2.5, 2.5,
    2.5,
)
_MIDDLE_EAR_LOSS_DB = (
    50.0, 39.6, 32.0, 25.85, 21.4, 18.5, 15.9, 14.1, 12.4, 11.0, 9.6, 8.3, 7.4, 6.2, 4.8, 3.8, 3.3, 2.9,
    2.6, 2.6, 4.5, 5.4, 6.1, 8.5, 10.4, 7.3, 7.0, 6.6, 7.0, 9.2, 10.2, 12.2, 10.8, 10.1, 12.7, 15.0, 18.2,
    23.8, 32.3, 50.0, 50.0,
)
# fmt: on


@dataclass(frozen=True)
class Severity:
    """How wide an impaired ear's filters are: the bank's, and the lower and upper skirts (1: healthy)."""

    name: str
    bank: _Bank
    lower: float
    upper: float

    @property
    def smears(self) -> bool:
        """Whether the skirts are wider than a healthy ear's."""
        return (self.lower, self.upper) != (1.0, 1.0)


_NOTHING = Severity("nothing", _NARROW, 1.0, 1.0)
_DEGREES = (
    (56.0, Severity("severe", _WIDEST, 4.0, 2.0)),
    (35.0, Severity("moderate", _WIDE, 2.4, 1.6)),
    (15.0, Severity("mild", _NARROW, 1.6, 1.1)),
)


def severity(audiogram: Audiogram) -> Severity:
    """The degree of the loss by the mean threshold from 2 to 8 kHz, as MSBG sorts it.

    Above 15 dB HL mild, above 35 moderate, above 56 severe (not the BSA's or the WHO's grades).
    """
    frequencies = audiogram.frequencies
    pairs = zip(frequencies, audiogram.levels_at(frequencies), strict=True)
    critical = [level for frequency, level in pairs if 2000 <= frequency <= 8000]
    mean = sum(critical) / len(critical) if critical else 0.0
    return next((degree for above, degree in _DEGREES if mean > above), _NOTHING)


@dataclass(frozen=True)
class BankDesign:
    """The filter bank for one rate, its bands filled up to whole groups of LANES with bands that stay silent.

    All arrays ``(groups × LANES,)`` float64: ``zero`` (the numerator is 1 − zero·z⁻¹) and ``turn``, ``decay``
    (the denominator is 1 + turn·z⁻¹ + decay·z⁻²) of each of four equal sections, ``gain`` of all together,
    ``high_pass`` ``(5, groups × LANES)`` of b0, b1, b2, a1, a2, ``delay`` in samples (integers). ``centres``
    are those of the ``bands`` that there are, in Hz; ``together`` is what their sum is multiplied by.
    """

    bands: int
    centres: Doubles
    zero: Doubles
    turn: Doubles
    decay: Doubles
    gain: Doubles
    high_pass: Doubles
    delay: NDArray[np.int64]
    together: float


def erb(frequency: Doubles) -> Doubles:
    """A healthy auditory filter's equivalent rectangular bandwidth in Hz (Glasberg & Moore 1990)."""
    return 24.7 * (0.00437 * frequency + 1.0)


def design_bank(degree: Severity, sample_rate: float) -> BankDesign:
    """The gammatone filters: four equal sections of two poles each, unity gain at the centre.

    Poles at exp(−2πB/f_s ± 2πi·f/f_s) with B the broadening times the ERB, one zero at their real part.
    Bands whose centre lies above 0.45 of the sample rate are left out.
    """
    bank = degree.bank
    centres = np.array([f for f in bank.centres if f < 0.45 * sample_rate])
    count = centres.size
    width = -(-count // LANES) * LANES
    angle = 2 * np.pi * centres / sample_rate
    radius = np.exp(-2 * np.pi * bank.broadening * erb(centres) / sample_rate)
    zero, turn, decay = radius * np.cos(angle), -2 * radius * np.cos(angle), radius**2
    back = np.exp(-1j * angle)
    section = (1 - zero * back) / (1 + turn * back + decay * back**2)

    high_pass = np.zeros((5, count))
    high_pass[0] = 1.0
    first = len(bank.centres) - len(bank.corners)
    for band in range(first, count):
        corner = bank.corners[band - first] * REFERENCE_RATE / 8192
        high_pass[:, band] = _bessel_high_pass(corner, float(centres[band]), sample_rate)
    delay = np.round(np.array(bank.delays[:count]) * sample_rate / REFERENCE_RATE).astype(np.int64)

    def filled(values: NDArray[np.float64]) -> Doubles:
        room = np.zeros((*values.shape[:-1], width))
        room[..., :count] = values
        return room

    delays = np.full(width, delay.max(), np.int64)
    delays[:count] = delay
    return BankDesign(
        count,
        centres,
        filled(zero),
        filled(turn),
        filled(decay),
        filled(1.0 / np.abs(section) ** 4),
        filled(high_pass),
        delays,
        10 ** (-bank.recombination_db / 20),
    )


def _bessel_high_pass(corner: float, centre: float, sample_rate: float) -> Doubles:
    """b0, b1, b2, a1, a2 of a second-order Bessel high-pass, unity gain at ``centre`` (both in Hz).

    Its analogue form s² / (s² + √3ωs + ω²), ω = √3 times the corner, by the bilinear transform.
    """
    warped = math.sqrt(3.0) * math.tan(math.pi * min(corner, 0.45 * sample_rate) / sample_rate)
    lowest = 1 + math.sqrt(3.0) * warped + warped**2
    b = np.array([1.0, -2.0, 1.0]) / lowest
    a = np.array([1.0, 2 * (warped**2 - 1) / lowest, (1 - math.sqrt(3.0) * warped + warped**2) / lowest])
    response = freqz(b, a, [2 * np.pi * centre / sample_rate])[1][0]
    return np.concatenate((b / abs(response), a[1:]))


def design_exponents(audiogram: Audiogram, bank: BankDesign) -> Doubles:
    """How much steeper than 1 dB a dB each band grows: 105 / (105 − threshold) − 1, ``(groups × LANES,)``.

    Thresholds run linearly over hertz between the audiogram's points and are held beyond them, as MSBG
    does; those better than 0 dB HL count as 0, those beyond :data:`WORST_SIMULATED_DB` as that.
    """
    levels = np.clip(audiogram.levels, 0.0, WORST_SIMULATED_DB)
    thresholds = np.interp(bank.centres, audiogram.frequencies, levels)
    exponents = np.zeros(bank.gain.size)
    exponents[: bank.bands] = CATCH_UP_DB / (CATCH_UP_DB - thresholds) - 1.0
    return exponents


def design_envelope(bank: BankDesign, sample_rate: float, spacing: int) -> NDArray[np.float32]:
    """Zero-phase low-pass filters of the bands' envelopes, from points ``spacing`` samples apart.

    ``(2·ENVELOPE_REACH, groups × LANES)`` float32: the result lies midway between two points. The response is
    the squared magnitude of MSBG's second-order elliptic filter (0.25 dB ripple, 35 dB stop band, corner at ¾
    of the band's ERB, 75 Hz at most), which runs forwards and backwards there; here it is cut off after 23 ms
    on either side, so that sound can pass through block by block.
    """
    rate = sample_rate / spacing
    size = 4096
    frequencies = np.arange(size // 2 + 1) * rate / size
    distance = np.arange(ENVELOPE_REACH) + 0.5
    waves = np.cos(2 * np.pi * np.outer(np.arange(size // 2 + 1), distance) / size)
    taps = np.zeros((2 * ENVELOPE_REACH, bank.gain.size), np.float32)
    for band, width in enumerate(erb(bank.centres)):
        b, a = ellip(2, 0.25, 35, 0.75 * min(100.0, width) / (sample_rate / 2))
        response = np.abs(freqz(b, a, 2 * np.pi * frequencies / sample_rate)[1]) ** 2
        # the average over neighbouring samples that makes the points falls off a little by itself
        response /= np.maximum(np.sinc(frequencies * spacing / sample_rate) ** 2, 0.4)
        half = response @ waves - response[0] / 2
        row = np.concatenate((half[::-1], half))
        taps[:, band] = row * (response[0] / row.sum())
    return taps


@lru_cache(maxsize=8)
def design_smearing(lower: float, upper: float, sample_rate: float, bins: int) -> NDArray[np.float32]:
    """The matrix ``(bins, bins)`` float32 that takes a healthy ear's power spectrum to an impaired one's.

    Healthy auditory filters undone, then filters with skirts ``lower`` and ``upper`` times as wide applied
    (Baer & Moore 1993). ``bins`` spectral lines from 0 Hz to half the sample rate.
    """
    healthy = _auditory_filters(1.0, 1.0, sample_rate, bins)
    wide = _auditory_filters(lower, upper, sample_rate, bins)
    # Upper skirts go on beyond half the sample rate, as mirror images of the lower ones.
    beyond = np.zeros((bins, bins // 2))
    for line in range(bins // 2, bins):
        columns = np.arange(bins, min(2 * line - 1, bins + bins // 2))
        beyond[line, columns - bins] = healthy[line, 2 * line - columns]
    # The smallest of all solutions; all rows are independent, so a QR decomposition gives it.
    q, r = np.linalg.qr(np.hstack((healthy, beyond)).T)
    return np.ascontiguousarray((q @ np.linalg.solve(r.T, wide))[:bins], np.float32)


def _auditory_filters(lower: float, upper: float, sample_rate: float, bins: int) -> Doubles:
    """Rounded-exponential filters (1 + g)·exp(−g), a row each, over their bandwidth in units of 24.7 Hz."""
    line = np.arange(bins)
    filters = np.zeros((bins, bins))
    filters[0, 0] = 2 / (lower + upper)
    for centre in range(1, bins):
        hertz = centre * sample_rate / (2 * bins)
        width = 24.7 * (0.00437 * hertz + 1.0)
        slope = 4 * hertz / (width * np.where(line < centre, lower, upper))
        g = np.abs(centre - line) / centre * slope
        filters[centre] = (1 + g) * np.exp(-g) * 2 * 24.7 / (width * (lower + upper))
    return filters


def design_ear_filters(sample_rate: float) -> tuple[Doubles, Doubles]:
    """Linear-phase taps from the free field to the cochlea, and back with a low-pass at 18 kHz."""
    to_cochlea = _ear_filter(sample_rate, 1.0)
    back = _ear_filter(sample_rate, -1.0)
    if 0.95 * sample_rate / 2 > _LOW_PASS_HZ:
        length = 2 * math.floor(0.0015 * sample_rate) + 1
        back = np.convolve(back, firwin(length, _LOW_PASS_HZ / (sample_rate / 2), window=("kaiser", 8.0)))
    return to_cochlea, back


def _ear_filter(sample_rate: float, way: float) -> Doubles:
    """Outer and middle ear (``way`` 1) or their inverse (−1): linear phase, 23 ms, Kaiser window."""
    nyquist = sample_rate / 2
    table = np.array(_OUTER_EAR_DB) - np.array(_MIDDLE_EAR_LOSS_DB)
    hertz = np.array(_EAR_HZ)
    inside = hertz < nyquist
    breaks = np.append(hertz[inside], nyquist)
    gains = 10 ** (way * np.append(table[inside], np.interp(nyquist, hertz, table)) / 20)
    length = 2 * math.floor(sample_rate / 16000 * 368 / 2) + 1
    points = 513 if length < 1024 else 2 ** math.ceil(math.log2(length)) + 1
    # Lines between the table's points, on the grid's own lines; points closer together than that fall out.
    grid = np.zeros(points)
    grid[0] = gains[0]
    start = 0
    for index, fraction in enumerate(breaks[1:] / nyquist):
        stop = int(fraction * points)
        if stop > start:
            grid[start:stop] = np.linspace(gains[index], gains[index + 1], stop - start)
            start = stop
    phase = np.exp(-1j * np.pi * np.arange(points) * (length - 1) / 2 / (points - 1))
    return np.fft.irfft(grid * phase)[:length] * np.kaiser(length, 4.0)
