"""Which part can be followed: how much of each stem's sound rises above threshold and the other parts.

The ear's bands are those of :mod:`app.hearing.cochlea` (Kates 2013): 32 gammatone filters, wider with outer
hair cell loss, after the same middle ear. In every band and every 16 ms a stem's level E is held against the
disturbance D, the larger of the other parts' level and the ear's threshold; its audibility is that of the
speech intelligibility index (ANSI S3.5-1997, clause 5.5), ``(E − D + 15 dB) / 30 dB`` cut to 0…1, taken in
short frames as Rhebergen & Versfeld (2005), "A speech intelligibility index-based approach to predict the
speech reception threshold for sentences in fluctuating noise", J. Acoust. Soc. Am. 117(4), do. It is half
where the part is as strong as what disturbs it. A stem's share is the mean over bands and frames, weighted
by the stem's own energy in them, before threshold and amplification: what the listener cannot hear at all
counts as lost, and amplification can bring it back. (The speech intelligibility index weights bands by their
importance for speech instead; music has no such table.) So 60 % says: of the part's energy, each piece
counted by how far it stands out, six tenths do.

What is left out: masking reaches no further than the filters do (no forward masking), powers of different
parts are added, and the ear's compression, which moves a part and its maskers alike, is not applied: so new
gains only shift levels. Energy is not importance: low partials usually outweigh attacks and overtones, so a
share says little about timbre. No listening test stands behind it: it orders mixes of one window for one
listener. The level is that of scoring: the recording of the window at 65 dB SPL, plain. Amplification raises
every band of every frame by what it gives the recording there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import butter, freqz, resample_poly

from app.hearing.amplify import amplify
from app.hearing.audiogram import Audiogram, Listener
from app.hearing.cochlea import SAMPLE_RATE, cochlea, filter_gains, filter_poles
from app.hearing.remix_window import Audio, Doubles, Ears, presentation_level, to_ears

Floats = NDArray[np.float32]

FRAME = 768
"""Samples of a frame at 24 kHz: 32 ms. The lowest bands are a little wider for it than the ear's."""
HOP = FRAME // 2
HALF_RANGE_DB = 15.0
"""A part this far above what disturbs it is heard in full, this far below not at all (ANSI S3.5-1997)."""
_SILENCE = 1e-14


@dataclass(frozen=True, eq=False)
class StemBands:
    """What both ears get of every stem of a window: everything that does not depend on the gains.

    ``power`` is (ears, stems, bands × frames) float32, in units of the ear's threshold power in each band, so
    1 is just audible; amplification is in it. ``weight``, of the same shape, is how much of a stem's own
    sound each band of each frame holds, 0…1: its energy behind the ear's filters, without threshold and
    amplification, over the stem's whole. It sums to 1 over a stem, to 0 for a silent one. ``names`` are the
    stems'.
    """

    names: tuple[str, ...]
    power: Floats
    weight: Floats


def stem_bands(
    recording: Audio,
    stems: Mapping[str, Audio],
    sample_rate: int,
    listener: Listener,
    amplification: str,
    check: Callable[[], None] | None = None,
) -> StemBands:
    """The bands of a window's stems, each (frames, channels) like the ``recording``, for a listener.

    ``amplification`` is a kind of :mod:`app.hearing.amplify`; ``check`` is called on the way and may raise.
    """
    check = check or (lambda: None)
    whole = to_ears(np.asarray(recording))
    heard = whole
    if amplification != "off":
        heard = amplify(whole, sample_rate, listener, amplification)
    spectra = [_spectra(to_ears(np.asarray(stem)), sample_rate, check) for stem in stems.values()]
    plain, louder = (_spectra(side, sample_rate, check) for side in (whole, heard))
    ears, shares = [], []
    for ear, audiogram in enumerate((listener.left, listener.right)):
        check()
        weights, threshold_db = _ear(audiogram)
        scale = 10 ** ((presentation_level(whole[ear]) - threshold_db) / 10)
        gain = np.ones(1)
        if heard is not whole:
            gain = (weights @ louder[ear] + _SILENCE) / (weights @ plain[ear] + _SILENCE)
        energies = [weights @ spectrum[ear] for spectrum in spectra]
        powers = [energy * gain * scale[:, None] for energy in energies]
        ears.append(np.array(powers, np.float32).reshape(len(powers), -1))
        parts = [energy / (float(energy.sum()) or 1.0) for energy in energies]
        shares.append(np.array(parts, np.float32).reshape(len(parts), -1))
    return StemBands(tuple(stems), np.stack(ears), np.stack(shares))


def audible_shares(bands: StemBands, gains: Doubles) -> dict[str, float | None]:
    """Each stem's audible share, 0…1, at these gains, in the ear that hears it better.

    ``gains`` is (stems, ears), linear, mute, solo, pan and master included. A stem that is not heard has 0;
    one that has no sound in the window has None.
    """
    best: dict[str, float | None] = dict.fromkeys(bands.names)
    for ear, (power, weight) in enumerate(zip(bands.power, bands.weight, strict=True)):
        levels = power * np.square(gains[:, ear]).astype(np.float32)[:, None]
        everything = levels.sum(axis=0)
        for row, name in enumerate(bands.names):
            if float(power[row].sum()) <= _SILENCE:
                continue
            share = 0.0
            if gains[row, ear] > 0:
                disturbance = np.maximum(everything - levels[row], 1.0)
                ratio = 10 * np.log10(np.maximum(levels[row], np.float32(1e-6)) / disturbance)
                heard = np.clip((ratio + HALF_RANGE_DB) / (2 * HALF_RANGE_DB), 0.0, 1.0)
                share = min(1.0, float(heard @ weight[row]))
            before = best[name]
            best[name] = share if before is None else max(before, share)
    return best


def _spectra(ears: Ears, sample_rate: int, check: Callable[[], None]) -> list[Doubles]:
    """The power spectrum of each ear's signal at 24 kHz: (bins, frames), frames of 32 ms."""
    spectra: list[Doubles] = []
    for ear, side in enumerate(ears):
        check()
        if ear and np.array_equal(ears[0], side):
            return [spectra[0], spectra[0]]
        rate = round(sample_rate / 1000)
        signal = side if rate == SAMPLE_RATE // 1000 else resample_poly(side, SAMPLE_RATE // 1000, rate)
        count = max(1, -(-signal.size // HOP))
        padded = np.zeros((count - 1) * HOP + FRAME)
        padded[: signal.size] = signal
        frames = sliding_window_view(padded, FRAME)[::HOP] * _taper()
        spectra.append(np.square(np.abs(np.fft.rfft(frames, axis=1))).T)
    return spectra


@cache
def _taper() -> Doubles:
    """A Hann window whose frames' power spectra, summed over the bins, are the mean square."""
    window = np.hanning(FRAME)
    return np.asarray(window * np.sqrt(2 / (FRAME * np.sum(np.square(window)))))


def _ear(audiogram: Audiogram) -> tuple[Doubles, Doubles]:
    """What one ear's bands take of a power spectrum (bands, bins), and their thresholds in dB SPL.

    The filters are as wide as the loss makes them at low level. The threshold of the ear model is its loss
    of outer and inner hair cells: 0 dB SPL at the cochlea in a normal ear.
    """
    ear = cochlea(audiogram)
    pole = filter_poles(ear.centre, ear.narrow)
    hz = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE)
    # Each gammatone is a low-pass of four coincident poles, moved up to its centre.
    z = np.exp(-2j * np.pi * (hz[None, :] - ear.centre[:, None]) / SAMPLE_RATE)
    a = pole[:, None]
    response = filter_gains(pole)[:, None] * (1 + 2 * a * z) ** 2 / (1 - a * z) ** 4 / 2
    weights = np.square(np.abs(response)) * _middle_ear()[None, :]
    return weights, ear.ohc_loss + ear.ihc_loss


@cache
def _middle_ear() -> Doubles:
    """The middle ear's power response at the bins: 350 Hz high-pass, 5 kHz low-pass (Kates 2013)."""
    hz = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE)
    low = freqz(*butter(1, 5000, fs=SAMPLE_RATE), worN=hz, fs=SAMPLE_RATE)[1]
    high = freqz(*butter(2, 350, "high", fs=SAMPLE_RATE), worN=hz, fs=SAMPLE_RATE)[1]
    return np.asarray(np.square(np.abs(low * high)))
