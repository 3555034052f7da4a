"""Which channels of a mix a device's channels play, and at what gain.

The channels of a file follow the order of WAV files (front left, front right, centre, LFE, rear, side).
A device with enough channels gets them one to one; ALSA numbers the channels of a 5.1 or 7.1 device
differently, so there they change places. Otherwise the mix is folded down to stereo after ITU-R
BS.775-3, table 2: the centre and the surround channels enter the sides at −3 dB, the LFE is left out.
Nothing is scaled to make room; what exceeds full scale is limited at the device and shows on the clip
light. A device with one channel gets the mean of left and right.
"""

from __future__ import annotations

import math

Route = tuple[tuple[int, float], ...]
"""What one channel of the device plays: pairs of a channel of the mix and its gain."""

MINUS_3_DB = math.sqrt(0.5)

LEFT, RIGHT, BOTH, NEITHER = "L", "R", "B", "-"

# for each layout of a WAV file (by its number of channels), the side each channel is folded to
_SIDES = {
    3: "LRB",  # left, right, centre
    4: "LRLR",  # quadraphonic
    5: "LRBLR",  # 5.0
    6: "LRB-LR",  # 5.1
    7: "LRB-BLR",  # 6.1
    8: "LRB-LRLR",  # 7.1
}

# ALSA's order: front, rear, centre, LFE, side
_ALSA_ORDER = {5: (0, 1, 3, 4, 2), 6: (0, 1, 4, 5, 2, 3), 8: (0, 1, 4, 5, 2, 3, 6, 7)}


def routes(channels: int, device_channels: int, *, alsa_order: bool = False) -> tuple[Route, ...]:
    """What each of ``device_channels`` channels plays of a mix of ``channels`` (both ≥ 1).

    ``alsa_order`` says that the device numbers surround channels as ALSA does.
    """
    if channels == 1:
        return ((((0, 1.0),),) * min(2, device_channels)) + ((),) * max(0, device_channels - 2)
    if device_channels >= channels:
        order = _ALSA_ORDER.get(channels, range(channels)) if alsa_order else range(channels)
        return tuple(((source, 1.0),) for source in order) + ((),) * (device_channels - channels)
    left, right = _folded(channels)
    if device_channels == 1:
        gains: dict[int, float] = {}
        for source, gain in left + right:
            gains[source] = gains.get(source, 0.0) + gain / 2
        return (tuple(sorted(gains.items())),)
    return (left, right) + ((),) * (device_channels - 2)


def is_direct(wanted: tuple[Route, ...], channels: int) -> bool:
    """Whether the device's channels are the mix's, in its order and at unity."""
    return wanted == tuple(((channel, 1.0),) for channel in range(channels))


def _folded(channels: int) -> tuple[Route, Route]:
    """What left and right play of a mix folded down to stereo."""
    if channels == 2:
        return ((0, 1.0),), ((1, 1.0),)
    # beyond 7.1 there is no usual order: the front pair as it is, the others on both sides
    sides = _SIDES.get(channels, LEFT + RIGHT + BOTH * (channels - 2))
    folded: dict[str, list[tuple[int, float]]] = {LEFT: [], RIGHT: []}
    for source, side in enumerate(sides):
        for to in (LEFT, RIGHT):
            if side in (to, BOTH):
                folded[to].append((source, 1.0 if source < 2 else MINUS_3_DB))
    return tuple(folded[LEFT]), tuple(folded[RIGHT])
