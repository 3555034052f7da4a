"""What made-up sound is put through, so that a net cannot rely on how the training notes happen to sound.

Timbre is the enemy: harmonics with random gains make timbres that no instrument has, random smooth
equalisation stands for body and microphone, a room for distance. Pitch and time are what remains.
What is done to sound itself works on many rows at once on any device (torch); what is drawn comes from a
NumPy generator that is handed in, so a clip can be made again. Noise is read from one tape, from places that
are drawn: it is the same on every device.

Clips are mono: no net here is taught with stereo sound (they all work on the mean of the channels or channel
by channel). :func:`placed` makes stereo of a clip where a recipe or a benchmark wants it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from scipy import fft

Samples = npt.NDArray[np.float32]

TAPE = 1 << 21
"""Samples on the noise tape."""

_KNOT_HERTZ = np.geomspace(60.0, 18_000.0, 13)

KNOTS = len(_KNOT_HERTZ)
"""Knots of a smooth gain: one every two thirds of an octave from 60 Hz to 18 kHz."""


@cache
def noise_tape(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """White noise ``(TAPE,)`` at RMS 1, and the same without its highest frequencies, for breath and bow."""
    white = np.random.default_rng(1).standard_normal(TAPE, dtype=np.float32)
    soft = np.convolve(white, np.array([0.5, 0.3, 0.2], dtype=np.float32), "same").astype(np.float32)
    return torch.from_numpy(white).to(device), torch.from_numpy(soft).to(device)


def fast_length(samples: int) -> int:
    """The next length of 4, 5, 6 or 7 times a power of two (64 at least): quick to transform anywhere."""
    power = 64
    while power * 7 < samples:
        power *= 2
    return next(power * k for k in (1, 2, 3, 4, 5, 6, 7) if power * k >= samples)


def harmonic_gains(
    tones: torch.Tensor, hertz: torch.Tensor, gains_db: torch.Tensor, sample_rate: int
) -> torch.Tensor:
    """Tones ``(rows, samples)`` whose harmonics ``1…`` are turned up or down (linear in between).

    ``hertz`` ``(rows,)`` are the fundamentals, ``gains_db`` ``(rows, harmonics)``. Below the first harmonic
    and above the last the nearest gain holds.
    """
    size = tones.shape[1]
    spectra = torch.fft.rfft(tones)
    bins = torch.arange(spectra.shape[1], device=tones.device, dtype=torch.float32)
    number = bins * (sample_rate / size / hertz.float()[:, None]) - 1.0
    number = number.clamp(0.0, gains_db.shape[1] - 1.001)
    low = number.floor()
    at, part = low.long(), number - low
    below, above = gains_db.gather(1, at), gains_db.gather(1, at + 1)
    gain = torch.exp2((below + (above - below) * part) * _OCTAVES_A_DB)
    weighed: torch.Tensor = torch.fft.irfft(spectra * gain, size)
    return weighed


_OCTAVES_A_DB = float(np.log2(10.0) / 20.0)


def smooth_gains(curves_db: torch.Tensor, size: int, sample_rate: int) -> torch.Tensor:
    """Gains ``(rows, size // 2 + 1)`` of spectra of ``size`` samples, from ``(rows, KNOTS)`` in dB."""
    hertz = np.maximum(np.arange(size // 2 + 1) * (sample_rate / size), 1.0)
    number = np.interp(np.log(hertz), np.log(_KNOT_HERTZ), np.arange(KNOTS)).clip(0, KNOTS - 1.001)
    low = torch.from_numpy(number.astype(np.int64)).to(curves_db.device)
    part = torch.from_numpy((number % 1.0).astype(np.float32)).to(curves_db.device)
    below = curves_db.index_select(1, low)
    return torch.exp2((below + (curves_db.index_select(1, low + 1) - below) * part) * _OCTAVES_A_DB)


def room_tails(
    noise: torch.Tensor, decay: torch.Tensor, level_db: torch.Tensor, sample_rate: int
) -> torch.Tensor:
    """What rooms answer to a click: ``(rows, samples)``, the click itself in the first sample.

    ``noise`` is ``(rows, samples)``; it decays by 60 dB within ``decay`` ``(rows,)`` seconds, duller as it
    decays, ``level_db`` ``(rows,)`` louder than the click in all. A ``decay`` of 0 leaves the click alone.
    """
    count = noise.shape[1]
    along = torch.arange(count, device=noise.device) / (decay * sample_rate).clamp(min=1.0)[:, None]
    dull = torch.nn.functional.avg_pool1d(
        torch.nn.functional.pad(noise[:, None], (3, 2), mode="reflect"), 6, stride=1
    )[:, 0]
    tail = torch.lerp(noise, dull, along.clamp(max=1.0)) * torch.exp(-6.9 * along) * (along < 1.0)
    strength = torch.exp2(level_db * _OCTAVES_A_DB) / tail.square().sum(1).sqrt().clamp(min=1e-9)
    tail = tail * (strength * (decay > 0))[:, None]
    tail[:, 0] += 1.0
    return tail


def filtered(
    parts: torch.Tensor, curves_db: torch.Tensor, tails: torch.Tensor | None, sample_rate: int
) -> torch.Tensor:
    """Parts ``(parts, samples)`` through smooth gains ``(parts, KNOTS)`` and, if any, their rooms' tails."""
    length = parts.shape[1]
    size = fast_length(length + (2048 if tails is None else tails.shape[1]))
    spectra = torch.fft.rfft(parts, size)
    if tails is not None:
        spectra *= torch.fft.rfft(tails, size)
    spectra *= smooth_gains(curves_db, size, sample_rate)
    sound: torch.Tensor = torch.fft.irfft(spectra, size)[:, :length]
    return sound


def compressed(
    parts: torch.Tensor, sample_rate: int, coarseness_db: float, highest_hertz: float
) -> torch.Tensor:
    """Parts ``(parts, samples)`` with what a lossy coder does to their sum; they still add up to it.

    In every band and frame of the sum the size of each coefficient is rounded to a step that keeps a distance
    to the band's level (coarser where it is higher, as coders of the MP3 kind do): weak ones vanish. Nothing
    is left above ``highest_hertz``. The ratio of the rounded to the true coefficient multiplies every part.
    ``coarseness_db`` is the step beside the band's level, 0 or below.
    """
    size, hop, (count, length) = 2048, 1024, parts.shape
    frames = -(-length // hop) + 1
    window = torch.sin(torch.pi * (torch.arange(size, device=parts.device) + 0.5) / size)
    padded = torch.nn.functional.pad(parts, (hop, frames * hop - length))
    spectra = torch.fft.rfft(padded.unfold(1, size, hop) * window)
    level = spectra.sum(0).abs()
    hertz = np.arange(size // 2 + 1) * (sample_rate / size)
    edges = np.unique(np.searchsorted(hertz, np.r_[0.0, np.geomspace(100.0, sample_rate / 2 - 1, 22)]))
    band = torch.from_numpy(np.searchsorted(edges, np.arange(len(hertz)), side="right") - 1).to(parts.device)
    power = level.new_zeros(frames, len(edges)).index_add(1, band, level.square())
    power /= torch.bincount(band, minlength=len(edges))
    step = (power.sqrt() * 10 ** (coarseness_db / 20)).clamp(min=1e-7).index_select(1, band)
    ratio = ((level / step).round() * step / level.clamp(min=1e-9)).clamp(max=2.0)
    ratio[:, torch.from_numpy(hertz > highest_hertz).to(parts.device)] = 0.0
    coded = torch.fft.irfft(spectra * ratio, size) * window
    out = torch.zeros_like(padded)
    out[:, : frames * hop] += coded[:, :, :hop].reshape(count, -1)
    out[:, hop:] += coded[:, :, hop:].reshape(count, -1)
    return out[:, hop : hop + length]


def smooth_curve(
    rng: np.random.Generator, frequencies: npt.NDArray[np.float64], spread_db: float
) -> npt.NDArray[np.float64]:
    """A random smooth gain in dB at ``frequencies`` (Hz): normal draws at the knots, straight in between."""
    values = rng.normal(0.0, spread_db, KNOTS)
    return np.interp(np.log(np.maximum(frequencies, 1.0)), np.log(_KNOT_HERTZ), values)


def spectral_gains(
    rng: np.random.Generator, frequencies: npt.NDArray[np.float64], count: int, most_db: float
) -> torch.Tensor:
    """Fresh smooth gains ``(count, bins)`` for the spectra of ``count`` sources: cheap variety a step."""
    curves = [
        10 ** (smooth_curve(rng, frequencies, rng.uniform(0, most_db) * 0.5) / 20) for _ in range(count)
    ]
    return torch.from_numpy(np.stack(curves)).float()


def noise(rng: np.random.Generator, length: int) -> Samples:
    """Room noise ``(length,)`` at RMS 1: between white and brown, by chance."""
    size = fft.next_fast_len(length, real=True)
    spectrum = fft.rfft(rng.standard_normal(size).astype(np.float32))
    spectrum *= np.maximum(np.arange(len(spectrum)), 20.0) ** -rng.uniform(0.0, 1.0)
    out = fft.irfft(spectrum, size)[:length]
    return np.asarray(out / np.sqrt((out**2).mean()), dtype=np.float32)


def rubato(
    rng: np.random.Generator, seconds: float, depth: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A tempo that wanders: moments as written and as played, in seconds, both rising from 0.

    The logarithm of the speed is a slow random walk drawn back to 0, about ``depth`` wide; it covers
    ``seconds`` as written. Interpolate between the two to place notes.
    """
    step = 0.25
    written = np.arange(0.0, seconds + step, step)
    kept = 0.9  # a step: the tempo forgets itself in about two and a half seconds
    wander = np.empty(len(written))
    wander[0] = rng.normal(0.0, depth)
    for index, push in enumerate(rng.normal(0.0, depth * np.sqrt(1 - kept * kept), len(written) - 1)):
        wander[index + 1] = kept * wander[index] + push
    played = np.concatenate([[0.0], np.cumsum(step * np.exp(-wander[:-1]))])
    return written, played


def placed(rng: np.random.Generator, parts: Samples, sample_rate: int) -> Samples:
    """Parts ``(parts, samples)`` on a stage before two microphones: ``(parts, 2, samples)``.

    Each part has its place between left and right: up to 8 dB of difference in level, and up to 0.6 ms in
    time. A part in the middle keeps its level in both channels.
    """
    out = np.zeros((len(parts), 2, parts.shape[1]), dtype=np.float32)
    for index, part in enumerate(parts):
        place = rng.uniform(-1.0, 1.0)
        late = round(abs(place) * rng.uniform(0.0, 0.0006) * sample_rate)
        gain = np.float32(10 ** (abs(place) * rng.uniform(2.0, 8.0) / 40))
        near, far = (0, 1) if place < 0 else (1, 0)
        out[index, near] = part * gain
        out[index, far, late:] = part[: len(part) - late] / gain
    return out
