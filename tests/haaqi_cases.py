"""Cases on which HAAQI is held against pyclarity, and pyclarity's scores of them, frozen.

``python -m tests.haaqi_cases`` scores every case with pyclarity 0.9.0 (minutes) and writes
``haaqi_frozen.json`` beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt

FROZEN = Path(__file__).with_name("haaqi_frozen.json")
AUDIOGRAMS = ("normal", "N1", "N2", "N3", "N5", "N7", "S1", "S3")
RATES = (24000, 44100, 16000, 48000, 32000)


@dataclass(frozen=True)
class Case:
    """One pair of signals and the settings under which it is scored."""

    name: str
    reference: np.ndarray
    processed: np.ndarray
    sample_rate: int
    audiogram: str
    equalisation: int
    level1: float


def duet(rate: int, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two lines of notes with overtones, decay and vibrato, (samples) each, about −20 dBFS."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(rate * seconds)) / rate
    lines = []
    for low, high in ((110, 330), (330, 990)):
        line = np.zeros(t.size)
        for start in np.arange(0, seconds, 0.18):
            pitch = rng.uniform(low, high)
            since = t - start
            envelope = np.where(
                since >= 0, np.exp(-4 * since.clip(0)) * (1 - np.exp(-since.clip(0) / 0.01)), 0
            )
            phase = 2 * np.pi * pitch * since + 0.15 * np.sin(2 * np.pi * 5.5 * since)
            for overtone in range(1, 9):
                if overtone * pitch < 0.45 * rate:
                    line += (
                        envelope * np.sin(overtone * phase + overtone) * overtone ** -rng.uniform(0.7, 1.6)
                    )
        lines.append(0.05 * line + 1e-4 * rng.standard_normal(t.size))
    return lines[0], lines[1]


def _noisy(x: np.ndarray, rate: int, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(99).standard_normal(x.size)
    return x + noise * np.sqrt(np.mean(x**2)) * 10 ** (-snr_db / 20)


def _filtered(x: np.ndarray, rate: int, kind: str, hertz: float | tuple[float, float]) -> np.ndarray:
    return sosfilt(butter(4, hertz, kind, fs=rate, output="sos"), x)


def _delayed(x: np.ndarray, samples: int) -> np.ndarray:
    return np.concatenate((np.zeros(samples), x))[: x.size]


def _clipped(x: np.ndarray, share: float) -> np.ndarray:
    limit = share * np.abs(x).max()
    return np.clip(x, -limit, limit)


PROCESSINGS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "same": lambda a, b, rate: a + b,
    "second line 12 dB down": lambda a, b, rate: a + 0.25 * b,
    "first line only": lambda a, b, rate: a,
    "6 dB down": lambda a, b, rate: 0.5 * (a + b),
    "10 dB up": lambda a, b, rate: 10**0.5 * (a + b),
    "noise 20 dB": lambda a, b, rate: _noisy(a + b, rate, 20),
    "noise 0 dB": lambda a, b, rate: _noisy(a + b, rate, 0),
    "clipped": lambda a, b, rate: _clipped(a + b, 0.3),
    "low-pass": lambda a, b, rate: _filtered(a + b, rate, "low", 1500),
    "high-pass": lambda a, b, rate: _filtered(a + b, rate, "high", 700),
    "a band lost": lambda a, b, rate: _filtered(a + b, rate, "bandstop", (800, 2400)),
    "one sample late": lambda a, b, rate: _delayed(a + b, 1),
    "10 ms late": lambda a, b, rate: _delayed(a + b, rate // 100),
    "5 bits": lambda a, b, rate: np.round((a + b) * 32) / 32,
    "fading": lambda a, b, rate: (a + b) * np.linspace(1, 0.05, a.size),
    "upside down": lambda a, b, rate: -(a + b),
}


def cases() -> list[Case]:
    """All cases: every processing for every audiogram, over rates, lengths and levels in turn."""
    rates, seconds = cycle(RATES), cycle((0.5, 0.8, 0.3, 1.1))
    out = []
    for number, (name, process) in enumerate(PROCESSINGS.items()):
        for ear, audiogram in enumerate(AUDIOGRAMS):
            rate = next(rates)
            a, b = duet(rate, next(seconds), seed=100 * number + ear)
            reference, processed = a + b, process(a, b, rate)
            level = 65 - 20 * float(np.log10(np.sqrt(np.mean(reference**2)))) if ear % 3 else 85.0
            equalisation = 1 + (number + ear) % 2
            label = f"{name}, {audiogram}, {rate} Hz, equalisation {equalisation}"
            out.append(Case(label, reference, processed, rate, audiogram, equalisation, level))
    a, b = duet(24000, 0.6, seed=1)
    # Only at 24 kHz: elsewhere pyclarity divides silence by its level.
    out.append(Case("silent remix", a + b, np.zeros(a.size), 24000, "normal", 1, 85.0))
    out.append(Case("silent remix, N3", a + b, np.zeros(a.size), 24000, "N3", 1, 85.0))
    out.append(Case("both inaudible", a + b, a + b, 24000, "N7", 1, 50.0))
    out.append(Case("near silence", a + b, 1e-3 * (a + b), 24000, "normal", 1, 85.0))
    out.append(Case("longer remix", a + b, np.concatenate((a + b, a)), 24000, "N2", 1, 85.0))
    out.append(Case("shorter remix", a + b, (a + b)[:10000], 24000, "N2", 1, 85.0))
    quiet = np.concatenate((np.zeros(5000), a + b, np.zeros(7000)))
    out.append(
        Case("silence around", quiet, quiet + 1e-3 * np.sin(np.arange(quiet.size)), 24000, "N1", 2, 85.0)
    )
    return out


def pyclarity_score(case: Case) -> tuple[float, float, float, list[float]]:
    """Score, nonlinear and linear term and raw values by pyclarity, its noise seeded with 0."""
    from clarity.evaluator.haaqi import haaqi_v1
    from clarity.utils.audiogram import Audiogram

    from app.hearing.audiogram import PRESETS

    audiogram = PRESETS[case.audiogram]
    np.random.seed(0)  # noqa: NPY002 - what pyclarity draws from
    score, nonlinear, linear, raw = haaqi_v1(
        case.reference,
        case.sample_rate,
        case.processed,
        case.sample_rate,
        Audiogram(levels=np.array(audiogram.levels), frequencies=np.array(audiogram.frequencies)),
        case.equalisation,
        case.level1,
    )
    return float(score), float(nonlinear), float(linear), [float(v) for v in raw]


def main() -> None:
    """Freeze pyclarity's scores."""
    scores = {case.name: round(pyclarity_score(case)[0], 9) for case in cases()}
    FROZEN.write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
