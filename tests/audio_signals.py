"""Signals that the mixer's and the player's tests make, and measures of what came out."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import numpy as np

RATE = 44100


def noise_parts(frames: int, channels: int = 2, stems: int = 3, seed: int = 0) -> tuple[np.ndarray, dict]:
    """A recording of noise and its stems, the residual included, all ``(frames, channels)`` float32."""
    rng = np.random.default_rng(seed)
    parts = {
        f"part-{i + 1}": (0.1 * rng.standard_normal((frames, channels))).astype(np.float32)
        for i in range(stems)
    }
    recording = (0.2 * rng.standard_normal((frames, channels))).astype(np.float32)
    taken = sum(parts.values()) if parts else np.zeros_like(recording)
    return recording, {**parts, "residual": (recording - taken).astype(np.float32)}


def tone_parts(frames: int, channels: int = 2) -> tuple[np.ndarray, dict]:
    """A recording of three low tones, each a stem: smooth, so that any step in it stands out."""
    t = np.arange(frames) / RATE
    parts = {
        name: np.repeat(
            (0.3 * np.sin(2 * np.pi * f * t + phase)).astype(np.float32)[:, None], channels, axis=1
        )
        for name, f, phase in (("low", 110.0, 0.4), ("middle", 190.0, 1.3), ("residual", 260.0, 2.2))
    }
    return np.asarray(sum(parts.values()), np.float32), parts


def roughness(heard: np.ndarray) -> float:
    """The largest second difference: small for slow tones and smooth fades, large for any step.

    The three tones reach 0.9·(2π·260 Hz / 44.1 kHz)² ≈ 0.0012; a step of height h adds h.
    """
    return float(np.abs(np.diff(heard.astype(np.float64), 2, axis=0)).max(initial=0.0))


SMOOTH = 0.009
"""Just above what the tones and every ramp and fade reach, a fade turned round half-way (0.0076) included:
a step of one percent of full scale exceeds it."""


def memory_taken(call: Callable[[], None], times: int) -> tuple[int, int]:
    """Bytes that ``times`` calls leave behind, and the most that was held at once during them."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(times):  # Python and numpy keep small freed objects for the next time
            call()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(times):
            call()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    return after - before, peak - before
