"""What made-up sound is put through, so that a net cannot rely on how the training notes happen to sound.

Timbre is the enemy: harmonics with random gains make timbres that no instrument has, random smooth
equalisation stands for body and microphone, a room for distance. Pitch and time are what remains.
All functions draw from the generator they are given, so a clip can be made again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import fft

Samples = npt.NDArray[np.float32]


def warped(
    rng: np.random.Generator,
    audio: Samples,
    semitones: float,
    length: int,
    vibrato: tuple[float, float],
    sample_rate: int,
) -> Samples | None:
    """A note ``(samples,)`` moved by ``semitones``, with vibrato, made to last about ``length`` samples.

    ``vibrato`` is its depth in semitones and rate in Hz. A note too short is played to and fro inside
    its sustained middle. The tail rings on for up to a tenth of a second. None where nothing is left.
    """
    release = round(rng.uniform(0.04, 0.15) * sample_rate)
    time = np.arange(length + release, dtype=np.float64)
    depth, rate = vibrato
    drift = np.cumsum(rng.normal(0.0, 1.0, 1 + len(time) // 2048))  # a slow random walk of the pitch
    cents = np.interp(time, np.arange(len(drift)) * 2048, drift) * 0.01
    if depth > 0:
        swell = np.minimum(1.0, time / (0.35 * sample_rate))
        cents = cents + depth * swell * np.sin(2 * np.pi * rate * time / sample_rate + rng.uniform(0, 6.28))
    at = np.cumsum(2 ** ((semitones + cents) / 12))
    begin, end = 0.3 * len(audio), 0.75 * len(audio)
    if at[-1] > len(audio) - 2 and len(audio) > 0.3 * sample_rate:
        over = (at - end) % (2 * (end - begin))
        folded = end - np.where(over < end - begin, over, 2 * (end - begin) - over)
        at = np.where(at > end, folded, at)
    past = np.flatnonzero(at >= len(audio) - 1)
    at = at[: past[0]] if len(past) else at
    if len(at) < 300:
        return None
    whole = at.astype(np.int64)
    part = (at - whole).astype(np.float32)
    out: Samples = audio[whole] * (1 - part) + audio[whole + 1] * part
    fade = min(release, len(out))
    out[len(out) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    return out


def harmonic_gains(tone: Samples, f0: float, gains_db: npt.NDArray[np.float64], sample_rate: int) -> Samples:
    """A tone whose harmonics ``1…`` are turned up or down by ``gains_db`` (linear in between).

    ``f0`` in Hz. Below the first harmonic and above the last the nearest gain holds.
    """
    size = fft.next_fast_len(len(tone), real=True)
    spectrum = fft.rfft(tone, size)
    number = np.arange(len(spectrum)) * (sample_rate / size / f0)
    gain = 10 ** (np.interp(number, np.arange(1, len(gains_db) + 1), gains_db) / 20)
    return np.asarray(fft.irfft(spectrum * gain.astype(np.float32), size)[: len(tone)], dtype=np.float32)


def shaped(rng: np.random.Generator, tone: Samples, sample_rate: int) -> Samples:
    """A tone at RMS 1 with a random attack, a slow swell or decay, and breath or bow noise."""
    attack = min(len(tone), round(rng.uniform(0.003, 0.05) * sample_rate))
    tone = tone * np.linspace(1.0, 10 ** (rng.normal(0, 3) / 20), len(tone), dtype=np.float32)
    tone[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    tone /= np.sqrt((tone**2).mean()) + 1e-6
    if rng.random() < 0.3:
        noise = np.convolve(rng.standard_normal(len(tone)).astype(np.float32), [0.5, 0.3, 0.2], "same")
        tone = tone + noise.astype(np.float32) * np.abs(tone) * np.float32(10 ** (rng.uniform(-35, -18) / 20))
    return tone


def smooth_curve(
    rng: np.random.Generator, frequencies: npt.NDArray[np.float64], spread_db: float
) -> npt.NDArray[np.float64]:
    """A random smooth gain in dB at ``frequencies`` (Hz): knots every half octave or so, normal draws."""
    knots = np.geomspace(60.0, 11_025.0, 12)
    values = rng.normal(0.0, spread_db, len(knots))
    return np.interp(np.log(np.maximum(frequencies, 1.0)), np.log(knots), values)


def equalised(rng: np.random.Generator, audio: Samples, sample_rate: int, most_db: float) -> Samples:
    """Audio ``(samples,)`` through a random smooth equaliser whose spread is at most ``most_db``."""
    size = fft.next_fast_len(len(audio) + 2048, real=True)
    curve = smooth_curve(
        rng, np.arange(size // 2 + 1, dtype=np.float64) * (sample_rate / size), rng.uniform(0, most_db) * 0.7
    )
    changed = fft.irfft(fft.rfft(audio, size) * (10 ** (curve / 20)).astype(np.float32), size)
    return np.asarray(changed[: len(audio)], dtype=np.float32)


def room(rng: np.random.Generator, parts: Samples, sample_rate: int) -> Samples:
    """Parts ``(parts, samples)`` in one random room, each at its own distance; three in ten stay dry.

    The tail is noise that decays by 60 dB in the room's reverberation time, duller as it decays.
    """
    if rng.random() < 0.3:
        return parts.copy()
    decay = rng.uniform(0.15, 1.4)
    length = round(decay * sample_rate)
    fall = np.exp(-6.9 * np.arange(length) / length).astype(np.float32)
    near = rng.uniform(-22, -5)
    size = fft.next_fast_len(parts.shape[1] + length, real=True)
    out = np.empty_like(parts)
    for index, part in enumerate(parts):
        tail = rng.standard_normal(length).astype(np.float32)
        dull = np.convolve(tail, np.full(6, 1 / 6, dtype=np.float32), "same")
        mix = np.linspace(0, 1, length, dtype=np.float32)
        tail = ((1 - mix) * tail + mix * dull) * fall
        tail *= 10 ** ((near + rng.normal(0, 3)) / 20) / np.sqrt((tail**2).sum())
        tail[0] += 1.0
        out[index] = fft.irfft(fft.rfft(part, size) * fft.rfft(tail, size), size)[: parts.shape[1]]
    return out


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
