"""The colours of loudness in a spectrogram.

The map is *inferno* (Smith and van der Walt, matplotlib, CC0), perceptually even and safe for colour
blindness; on light themes it runs backwards, so that silence has the paper's brightness. It is written
down here as 17 anchors, because loading all of pyqtgraph for one table costs half a second at start; a
test compares the two.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from ui.theme import Theme

LOWEST_DB = -127.5
"""The level of byte 0 in a picture; every step up is half a decibel, so that byte 255 is 0 dB."""

_PAPER_SHARE = 0.22
"""On light themes, the share of the map (from the quiet end) that fades into the canvas."""
_ANCHORS = (
    "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d04545 e35933 f1711f f98c0a fcaa0f"
    " f9c932 f2e865 fcffa4"
)


def to_bytes(level_db: np.ndarray) -> np.ndarray:
    """Levels in dB (any shape) as bytes: half-decibel steps from −127.5 to 0 dB, cut to that range."""
    with np.errstate(invalid="ignore"):
        steps = np.clip((np.nan_to_num(level_db, nan=LOWEST_DB) - LOWEST_DB) * 2.0 + 0.5, 0.0, 255.0)
    return steps.astype(np.uint8)


@cache
def inferno() -> np.ndarray:
    """The map as (256, 3) bytes, dark to bright."""
    anchors = np.array([[int(h[i : i + 2], 16) for i in (0, 2, 4)] for h in _ANCHORS.split()], float)
    at = np.linspace(0.0, len(anchors) - 1.0, 256)
    table = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, c]) for c in range(3)], axis=1)
    return np.rint(table).astype(np.uint8)


@cache
def _on_paper(canvas: str) -> np.ndarray:
    """The map backwards, its quiet end fading into the canvas, because a yellow ground would glare."""
    table = inferno()[::-1].astype(float)
    paper = np.array([int(canvas[i : i + 2], 16) for i in (1, 3, 5)], float)
    fade = np.clip(1.0 - np.arange(256) / (_PAPER_SHARE * 255), 0.0, 1.0)[:, None]
    return np.rint(table * (1.0 - fade) + paper * fade).astype(np.uint8)


def colour_table(theme: Theme, gain_db: float, floor_db: float, ceiling_db: float) -> list[int]:
    """What each byte of a picture looks like: 256 ``0xffrrggbb`` words.

    A byte's level plus ``gain_db`` (−∞: silent) is placed between ``floor_db`` (the map's quiet end)
    and ``ceiling_db`` (its loud end). Following a gain is therefore a new table, not a new picture.
    """
    levels = np.arange(256) / 2.0 + LOWEST_DB
    if math.isinf(gain_db):
        share = np.zeros(256)
    else:
        share = np.clip((levels + gain_db - floor_db) / max(1.0, ceiling_db - floor_db), 0.0, 1.0)
    steps = np.rint(share * 255).astype(int)
    if theme.dark:
        rgb = inferno()[steps].astype(np.uint32)
    else:
        rgb = _on_paper(theme.canvas)[steps].astype(np.uint32)
    return (0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]).tolist()
