"""Which voice plays which pitch in each frame: a joint path of all voices through the candidates.

A state is one way of giving a set of candidate pitches to the voices. Its worth is how well the set
explains the frame, whether the timbres suit, and how usual the register is; going from state to state
costs what each voice does: holding a note is free, a new note is not, a wide leap costs more. The best
path is found by dynamic programming over the few hundred best states of each frame (Viterbi 1967; used
for single voices by Durrieu et al. 2010, here for all at once, because voices compete for pitches).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from separation.classical.multipitch import Evidence
from separation.classical.voices import Spreads


@dataclass(frozen=True)
class Voice:
    """One voice: its instrument's place in the evidence, its usual pitch and its range (MIDI pitches)."""

    instrument: int
    usual: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Costs:
    """What makes a path unlikely, in the unit of a log-probability."""

    misfit: float = 40.0
    new_note: float = 3.5
    leap: float = 0.5
    rest: float = 2.0
    begin_or_end: float = 3.5
    crossing: float = 1.0
    unison: float = 6.0
    timbre: float = 1.5
    register: float = 0.5
    heard: float = 2.0
    best_sets: int = 80
    states: int = 250


LISTENING = Costs(misfit=12.0)
"""Where there is a listener, the misfit only has to tell fine differences (chosen on made-up ensembles)."""


@dataclass(frozen=True)
class Heard:
    """What a listener, such as a net, thinks that each voice plays.

    ``odds`` ``(voices, pitches + 1, frames)`` are log-probabilities of the semitones from the MIDI pitch
    ``lowest`` up and, last, of silence.
    """

    odds: torch.Tensor
    lowest: int

    def of(self, frame: int, states: torch.Tensor) -> torch.Tensor:
        """The log-probability ``(rows,)`` of states ``(rows, voices)``, pitches or 0, in one frame."""
        silence = self.odds.shape[1] - 1
        row = (states.round().long() - self.lowest).clamp(0, silence - 1)
        row = torch.where(states > 0, row, silence)
        return self.odds[..., frame].T.gather(0, row).sum(1)

    def salience(self, grid: torch.Tensor) -> torch.Tensor:
        """How likely any voice plays each pitch of a ``grid``: ``(pitches of the grid, frames)``, 0…1."""
        likely = self.odds[:, :-1].amax(0).exp()
        rows = grid.round().long() - self.lowest
        inside = (rows >= 0) & (rows < len(likely))
        return likely[rows.clamp(0, len(likely) - 1)] * inside[:, None]


def track(
    evidence: Evidence,
    ways: Spreads,
    voices: Sequence[Voice],
    costs: Costs,
    *,
    heard: Heard | None = None,
    check: Callable[[], None] | None = None,
) -> torch.Tensor:
    """Each voice's pitch in each frame: ``(voices, frames)`` MIDI pitches, 0 where it is silent.

    ``heard``, where there is a listener, has the voices in the same order.
    Computed on the CPU wherever the evidence is: one small step a frame leaves a graphics card idle.
    """
    pitches, misfit, timbre = evidence.pitches.cpu(), evidence.misfit.cpu(), evidence.timbre.cpu()
    frames = len(pitches)
    fit = -costs.misfit * misfit
    # relative to a template chosen blindly, and with a floor: timbre may advise, never forbid
    blind = 1.0 / timbre.shape[-1]
    suits = torch.log((timbre + 0.08) / (blind + 0.08))
    best_sets = fit.topk(min(costs.best_sets, fit.shape[1]), dim=1).indices
    rare = -(costs.crossing * ways.crossings + costs.unison * ways.unisons + costs.rest * ways.rests)
    score = torch.zeros(1)
    previous = torch.zeros(1, len(voices))
    states: list[torch.Tensor] = []
    came_from: list[torch.Tensor] = []
    for frame in range(frames):
        wanted = torch.zeros(fit.shape[1], dtype=torch.bool)
        wanted[best_sets[frame]] = True
        rows = wanted[ways.sets].nonzero()[:, 0]
        now, worth = _states(pitches[frame], suits[frame], ways, rows, voices, costs)
        if heard is not None:
            worth = worth + costs.heard * heard.of(frame, now)
        worth = worth + fit[frame][ways.sets[rows]] + rare[rows]
        kept = worth.topk(min(costs.states, len(worth)))
        now = now[kept.indices]
        reached = score[:, None] - (_change(previous, now, costs) if frame else torch.zeros(1, len(now)))
        best = reached.max(dim=0)
        score, previous = best.values + kept.values, now
        states.append(now)
        came_from.append(best.indices)
        if check is not None and frame % 32 == 0:
            check()
    path = torch.zeros(len(voices), frames)
    state = int(score.argmax())
    for frame in range(frames - 1, -1, -1):
        path[:, frame] = states[frame][state]
        state = int(came_from[frame][state])
    return path


def _states(
    pitches: torch.Tensor,
    suits: torch.Tensor,
    ways: Spreads,
    rows: torch.Tensor,
    voices: Sequence[Voice],
    costs: Costs,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pitches ``(rows, voices)``, 0 for silence, of some ways in one frame, and what timbre and register say.

    ``pitches`` ``(candidates,)``, ``suits`` ``(sets, candidates, instruments)`` log-ratios.
    """
    members = ways.members[rows]
    silent = members < 0
    members = members.clamp_min(0)
    pitch = pitches[members]  # (rows, voices)
    instrument = torch.tensor([v.instrument for v in voices])
    usual = torch.tensor([v.usual for v in voices])
    lowest, highest = torch.tensor([v.lowest for v in voices]), torch.tensor([v.highest for v in voices])
    sound = costs.timbre * suits[ways.sets[rows]][torch.arange(len(rows))[:, None], members, instrument]
    outside = (lowest - pitch).clamp_min(0.0) + (pitch - highest).clamp_min(0.0)
    place = -0.5 * costs.register * ((pitch - usual) / 6.0) ** 2 - 3.0 * outside
    worth = torch.where(silent, 0.0, sound + place).sum(1)
    return torch.where(silent, 0.0, pitch), worth


def _change(before: torch.Tensor, after: torch.Tensor, costs: Costs) -> torch.Tensor:
    """The cost of going from states ``(m, voices)`` to states ``(n, voices)``: ``(m, n)``."""
    total = torch.zeros(len(before), len(after))
    for voice in range(before.shape[1]):
        old, new = before[:, voice, None], after[None, :, voice]
        step = (old - new).abs()
        moved = torch.where(step < 0.6, 0.5 * step, costs.new_note + costs.leap * step.clamp_max(12.0))
        edge = torch.where((old == 0) & (new == 0), 0.0, costs.begin_or_end)
        total += torch.where((old == 0) | (new == 0), edge, moved)
    return total
