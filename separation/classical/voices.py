"""What is known of voices before any sound: where each instrument usually plays, how voices may be spread.

Voices are kept from the top down. In chamber music they seldom cross, and an instrument's register says
where it lies among the others, so most of "who plays what" follows from the order alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch

from separation.classical.multipitch import subsets
from separation.separator import Part

USUAL_PITCH = {
    "bassoon": 50.0,
    "cello": 50.0,
    "saxophone": 60.0,
    "viola": 62.0,
    "clarinet": 66.0,
    "violin": 72.0,
    "oboe": 73.0,
    "flute": 76.0,
}
"""The MIDI pitch about which an instrument's part lies in an ensemble (orchestration books: Piston 1955)."""

OTHER_PITCH = 64.0
"""For an instrument that the table above lacks."""

SILENT = -1


def top_down(parts: Sequence[Part]) -> list[int]:
    """The order of ``parts`` from the highest voice to the lowest, as indices. Violin 1 is above violin 2."""
    return sorted(
        range(len(parts)),
        key=lambda i: (
            -USUAL_PITCH.get(parts[i].instrument, OTHER_PITCH),
            parts[i].instrument,
            parts[i].number,
        ),
    )


@dataclass(frozen=True)
class Spreads:
    """Every way to give one of a frame's sets of candidates to the voices.

    ``sets`` ``(ways,)``: the set's number in :func:`~separation.classical.multipitch.subsets`.
    ``members`` ``(ways, voices)``: each voice's candidate, or :data:`SILENT`. ``crossings``, ``unisons``
    and ``rests`` ``(ways,)`` count what is rare: neighbours crossed, a pitch shared, a voice silent.
    """

    sets: torch.Tensor
    members: torch.Tensor
    crossings: torch.Tensor
    unisons: torch.Tensor
    rests: torch.Tensor


@cache
def spreads(candidates: int, most: int, voices: int) -> Spreads:
    """All ways for so many candidates (highest first), set size at most ``most``, and voices, on the CPU."""
    by_size = [_ways(size, voices) for size in range(most + 1)]
    rows, members, counts = [], [], []
    for row, chosen in enumerate(subsets(candidates, most)):
        for way, crossings, unisons in by_size[len(chosen)]:
            rows.append(row)
            members.append([chosen[i] if i != SILENT else SILENT for i in way])
            counts.append((crossings, unisons, way.count(SILENT)))
    crossings, unisons, rests = torch.tensor(counts, dtype=torch.float32).T
    return Spreads(torch.tensor(rows), torch.tensor(members).reshape(-1, voices), crossings, unisons, rests)


def _ways(size: int, voices: int) -> list[tuple[tuple[int, ...], int, int]]:
    """Ways to give ``size`` pitches (highest first) to voices: (member of each voice, crossings, unisons).

    Up to four voices may cross in every way, up to six two neighbours may, and neighbours may share a
    pitch; beyond that only the order itself is kept, or there would be too many ways to compare.
    """
    found: list[tuple[tuple[int, ...], int, int]] = []
    for singing in itertools.combinations(range(voices), size):
        for order, crossings in _orders(size, voices):
            way = [SILENT] * voices
            for voice, member in zip(singing, order, strict=True):
                way[voice] = member
            found.append((tuple(way), crossings, 0))
            if crossings or voices > 6:
                continue
            for voice in range(voices - 1):
                if way[voice] != SILENT and way[voice + 1] == SILENT:
                    shared = list(way)
                    shared[voice + 1] = shared[voice]
                    found.append((tuple(shared), 0, 1))
    return found


def _orders(size: int, voices: int) -> list[tuple[tuple[int, ...], int]]:
    """Orders of ``size`` pitches thought of for so many voices, with the pairs that cross in each."""
    straight = tuple(range(size))
    if voices <= 4:
        orders = list(itertools.permutations(straight))
    else:
        orders = [straight]
        for i in range(size - 1 if voices <= 6 else 0):
            orders.append((*straight[:i], i + 1, i, *straight[i + 2 :]))
    return [(order, sum(a > b for a, b in itertools.combinations(order, 2))) for order in orders]
