"""The pitch-aware mask net: who plays which pitch, and from that, whose each partial is.

Everything lives on a logarithmic frequency axis, where a note that is transposed is only moved, so what
is learnt at one pitch holds at all. First the spectrum's peaks are looked at with its harmonics stacked
above each pitch; a trunk then decides, on a grid of semitones, which of the asked-for instruments plays
there (context: neighbouring pitches, octaves and twelfths, the count of voices above and below, seconds
of time); last, each instrument's pitches are written back onto the partials they have, and the partials'
owners compete in a softmax. Register is the one thing not moved along: a table per instrument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from separation.separator import Check

CLASSES = 9
"""Eight instruments in the order of :data:`separation.separator.INSTRUMENTS`, then the residual."""

ORDERS = 3
"""An instrument alone (0), the upper of its two parts (1), the lower (2)."""

FINE = 4
"""Fine bins a semitone: 48 an octave."""

STACKED = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
STACKED_LONG = (1.0, 2.0, 3.0)
"""Harmonics whose neighbourhood every pitch sees, in the short and in the long window's spectrum."""

PARTIALS: tuple[tuple[int, ...], ...] = (
    (1,), (2,), (3,), (4,), (5,), (6,), (7, 8), (9, 10), (11, 12, 13), (14, 15, 16, 17),
    (18, 19, 20, 21, 22, 23, 24),
)  # fmt: skip
"""Groups of partials that a note is written onto; the partials of a group share their features."""


@dataclass(frozen=True)
class NetConfig:
    """The net's measures.

    ``sample_rate`` Hz and ``size`` samples of the window whose spectrum comes in (bins and hop scale
    with them); the long window is twice that. Semitones count from MIDI pitch ``lowest``: ``pitches`` of
    them can be played, ``semitones`` are seen.
    """

    sample_rate: int = 22050
    size: int = 4096
    hop: int = 1024
    lowest: int = 30
    pitches: int = 72
    semitones: int = 92
    channels: int = 48
    blocks: int = 6
    hidden: int = 32
    slot_channels: int = 24
    counters: int = 6
    writers: int = 2

    @property
    def fine_bins(self) -> int:
        """How many bins the logarithmic axis has."""
        return self.semitones * FINE

    @property
    def bins(self) -> int:
        """How many linear bins masks are made for: those below the logarithmic axis' end."""
        top = 440.0 * 2 ** ((self.lowest + self.semitones - 70) / 12)
        return int(top / (self.sample_rate / self.size)) + 1

    def fine_pitches(self) -> np.ndarray:
        """The MIDI pitch of each fine bin: ``(fine_bins,)``; a semitone's four lie about its centre."""
        return self.lowest + (np.arange(self.fine_bins) - (FINE - 1) / 2) / FINE


def log_filters(config: NetConfig, size: int, semitones: int) -> torch.Tensor:
    """Triangular filters ``(semitones·4, size // 2 + 1)`` from linear to logarithmic bins, of sum 1.

    Where fine bins lie closer than linear ones they interpolate.
    """
    width = config.sample_rate / size
    centres = 440.0 * 2 ** ((config.fine_pitches()[: semitones * FINE] - 69) / 12)
    linear = np.arange(size // 2 + 1) * width
    reach = np.maximum(centres * (2 ** (1 / (12 * FINE)) - 1), width)
    weight = np.maximum(0.0, 1.0 - np.abs(linear[None] - centres[:, None]) / reach[:, None])
    return torch.from_numpy(weight / weight.sum(1, keepdims=True)).float()


def partial_writer(config: NetConfig) -> torch.Tensor:
    """Where the partials of each pitch lie: ``(fine_bins, groups, 2·pitches)``, two cells a semitone."""
    fine = np.arange(config.fine_bins)
    cells = config.lowest + (np.arange(2 * config.pitches) - 0.5) / 2
    out = np.zeros((config.fine_bins, len(PARTIALS), len(cells)), dtype=np.float32)
    for group, partials in enumerate(PARTIALS):
        for partial in partials:
            place = (cells + 12 * np.log2(partial) - config.lowest) * FINE + (FINE - 1) / 2
            weight = np.maximum(0.0, 1.0 - np.abs(fine[:, None] - place[None]) / (FINE / 2))
            out[:, group] = np.maximum(out[:, group], weight)
    return torch.from_numpy(out)


class Block(nn.Module):
    """One step of the trunk on ``(batch, channels, pitches, frames)``.

    Looks at neighbouring pitches and frames, at octaves and twelfths, and at how many voices are above
    and below; where ``recurrent``, a GRU runs along time at every pitch (shared by all of them).
    """

    def __init__(self, config: NetConfig, dilation: int, *, recurrent: bool) -> None:
        super().__init__()
        c = config.channels
        self.near = nn.Conv2d(c, c, (7, 3), padding=(3, dilation), dilation=(1, dilation), groups=c)
        self.octave = nn.Conv2d(c, c, (5, 1), padding=(24, 0), dilation=(12, 1), groups=c)
        self.twelfth = nn.Conv2d(c, c, (3, 1), padding=(19, 0), dilation=(19, 1), groups=c)
        self.norm = nn.GroupNorm(4, c)
        self.count = nn.Conv2d(c, config.counters, 1)
        self.widen = nn.Conv2d(c + 2 * config.counters, 2 * c, 1)
        self.narrow = nn.Conv2d(2 * c, c, 1)
        self.gru = nn.GRU(c, config.hidden, batch_first=True, bidirectional=True) if recurrent else None
        self.join = nn.Linear(2 * config.hidden, c) if recurrent else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, channels, pitches, frames)`` to the same."""
        voices = torch.sigmoid(self.count(x))
        below = voices.cumsum(2) - voices
        above = voices.sum(2, keepdim=True) - below - voices
        seen = self.norm(self.near(x) + self.octave(x) + self.twelfth(x))
        wide = functional.gelu(self.widen(torch.cat([seen, below * 0.3, above * 0.3], 1)))
        x = x + self.narrow(wide)
        if self.gru is not None and self.join is not None:
            batch, channels, pitches, frames = x.shape
            # (batch, channels, pitches, frames) -> (batch·pitches, frames, channels): one sequence a pitch
            rows = x.permute(0, 2, 3, 1).reshape(batch * pitches, frames, channels)
            told = self.join(self.gru(rows)[0])
            # (batch·pitches, frames, channels) -> (batch, channels, pitches, frames)
            x = x + told.view(batch, pitches, frames, channels).permute(0, 3, 1, 2)
        return x


class HarmonicNet(nn.Module):
    """Masks and pitches of asked-for parts ("slots") from a mixture's magnitudes."""

    def __init__(self, config: NetConfig | None = None) -> None:
        super().__init__()
        config = config or NetConfig()
        self.config = config
        c, d = config.channels, config.slot_channels
        inputs = len(STACKED) + len(STACKED_LONG) + 2
        self.enter = nn.Conv2d(inputs, c, (2 * FINE, 4), stride=(FINE, 2), padding=(FINE // 2, 1))
        self.register_table = nn.Parameter(torch.randn(CLASSES, c, config.pitches) * 0.05)
        self.order_table = nn.Parameter(torch.randn(ORDERS, c) * 0.05)
        self.blocks = nn.ModuleList(
            Block(config, 2**k if k < 4 else 1, recurrent=k % 2 == 1) for k in range(config.blocks)
        )
        self.split = nn.Conv2d(c, d, 1)
        self.slot_scale = nn.Parameter(torch.randn(CLASSES, d) * 0.3)
        self.slot_register = nn.Parameter(torch.randn(CLASSES, d, config.pitches) * 0.1)
        self.slot_order = nn.Parameter(torch.randn(ORDERS, 2, d) * 0.3)
        self.slot_mix = nn.Conv2d(d, d, 1)
        self.pitch_head = nn.Conv2d(d, 1, 1)
        self.write = nn.Conv2d(d, len(PARTIALS) * config.writers * 2, 1)
        self.local = nn.Conv2d(3, 8, (9, 3), padding=(4, 1))
        self.own = nn.Conv2d(config.writers, 8, (5, 3), padding=(2, 1))
        self.timbre = nn.Parameter(torch.zeros(CLASSES, 8))
        self.mask_head = nn.Conv2d(8, 1, 1)
        self.silence_head = nn.Linear(2 * d, 1)
        long_semitones = config.semitones - 32
        self.register_buffer("_filters", log_filters(config, config.size, config.semitones), persistent=False)
        self.register_buffer(
            "_long_filters", log_filters(config, 2 * config.size, long_semitones), persistent=False
        )
        writer = partial_writer(config).reshape(config.fine_bins, -1)
        self.register_buffer("_writer", writer, persistent=False)
        low, part = _linear_places(config)
        self.register_buffer("_low", low, persistent=False)
        self.register_buffer("_part", part, persistent=False)
        self._filters: torch.Tensor
        self._long_filters: torch.Tensor
        self._writer: torch.Tensor
        self._low: torch.Tensor
        self._part: torch.Tensor

    def features(self, magnitude: torch.Tensor, long: torch.Tensor) -> torch.Tensor:
        """Whitened spectra on the logarithmic axis.

        ``magnitude`` is ``(batch, size // 2 + 1, frames)``, ``long`` ``(batch, size + 1, frames)`` of the
        window twice as long. Returns ``(batch, 3, fine_bins, frames)``: the log spectrum less its running
        mean over an octave (peaks), the same of the long window (zero above its reach), the running mean.
        """
        scale = 10.0 / (magnitude.mean((1, 2), keepdim=True) + 1e-7)
        short_log = torch.log(self._filters @ (magnitude * scale) + 1e-2)
        long_log = torch.log(self._long_filters @ (long * (0.5 * scale)) + 1e-2)
        mean = _running_mean(short_log)
        peaks = short_log - mean
        long_peaks = functional.pad(
            long_log - _running_mean(long_log), (0, 0, 0, short_log.shape[1] - long_log.shape[1])
        )
        return torch.stack([peaks, long_peaks, 0.5 * mean], 1)

    def forward(
        self,
        features: torch.Tensor,
        owner: torch.Tensor,
        instrument: torch.Tensor,
        order: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask logits ``(slots, fine_bins, frames)`` and the pitch logits of :meth:`pitches`.

        ``features`` is what :meth:`features` gives for a batch. The slots of the whole batch stand one
        after the other: ``owner`` ``(slots,)`` says which item of the batch each belongs to,
        ``instrument`` its class (0…8), ``order`` 0…2 (:data:`ORDERS`).
        """
        mine = self._slots(features, owner, instrument, order)
        own = self.own(self._written(mine)).repeat_interleave(2, -1)[..., : features.shape[-1]]
        local = self.local(features)[owner] + self.timbre[instrument][:, :, None, None]
        return self.mask_head(functional.gelu(own + local))[:, 0], self._pitch(mine)

    def pitches(
        self,
        features: torch.Tensor,
        owner: torch.Tensor,
        instrument: torch.Tensor,
        order: torch.Tensor,
        check: Check | None = None,
    ) -> torch.Tensor:
        """Pitch logits alone ``(slots, pitches + 1, frames / 2)``, at half the cost; arguments as above.

        A part plays at most one pitch at a time: a softmax over the pitches and, last, silence tells which.
        Pitches are told every other frame (rounded up), since no window sees finer. ``check`` is called
        between the blocks.
        """
        return self._pitch(self._slots(features, owner, instrument, order, check))

    def _slots(
        self,
        features: torch.Tensor,
        owner: torch.Tensor,
        instrument: torch.Tensor,
        order: torch.Tensor,
        check: Check | None = None,
    ) -> torch.Tensor:
        """What the trunk tells each slot: ``(slots, slot channels, pitches, frames / 2)``."""
        asked = (
            self.register_table[instrument] + self.order_table[order][:, :, None]
        )  # (slots, channels, pitches)
        told = asked.new_zeros(len(features), *asked.shape[1:]).index_add(0, owner, asked)
        stacked = self._stack(functional.pad(features, (0, features.shape[-1] % 2)))
        x = functional.gelu(self.enter(stacked) + told[:, :, :, None])  # at half the frames from here on
        for block in self.blocks:
            x = block(x)
            if check is not None:
                check()
        shared = self.split(x)[owner]  # (slots, slot channels, pitches, frames)
        scale = 1.0 + self.slot_scale[instrument] + self.slot_order[order, 0]
        shift = self.slot_register[instrument] + self.slot_order[order, 1][:, :, None]
        mine = functional.gelu(shared * scale[:, :, None, None] + shift[:, :, :, None])
        return mine + functional.gelu(self.slot_mix(mine))

    def _pitch(self, mine: torch.Tensor) -> torch.Tensor:
        """Pitch logits of what :meth:`_slots` gives: the pitches, then silence."""
        silence = self.silence_head(torch.cat([mine.mean(2), mine.amax(2)], 1).transpose(1, 2))
        # (slots, frames, 1) -> (slots, 1, frames): silence is one more pitch
        return torch.cat([self.pitch_head(mine)[:, 0], silence.transpose(1, 2)], 1)

    def to_linear(self, masks: torch.Tensor) -> torch.Tensor:
        """Masks ``(slots, fine_bins, frames)`` at the linear bins: ``(slots, bins, frames)``."""
        return torch.lerp(masks[:, self._low], masks[:, self._low + 1], self._part[:, None])

    def _stack(self, features: torch.Tensor) -> torch.Tensor:
        """Each pitch's harmonics as channels: ``(batch, inputs, pitches·4, frames)``."""
        rows = self.config.pitches * FINE
        peaks, long_peaks, mean = features.unbind(1)
        stacked = [_moved(peaks, harmonic, rows) for harmonic in STACKED]
        stacked += [_moved(long_peaks, harmonic, rows) for harmonic in STACKED_LONG]
        stacked += [_moved(mean, 1.0, rows), _moved(mean, 3.0, rows)]
        return torch.stack(stacked, 1)

    def _written(self, mine: torch.Tensor) -> torch.Tensor:
        """Each slot's pitches written onto their partials: ``(slots, writers, fine_bins, frames)``."""
        slots, _, pitches, frames = mine.shape
        writers, groups = self.config.writers, len(PARTIALS)
        ink = self.write(mine).view(slots, writers, groups, 2, pitches, frames)
        # two cells a semitone side by side: (slots, writers, groups, pitches, 2, frames), then one long axis
        ink = ink.transpose(3, 4).reshape(slots * writers, groups * 2 * pitches, frames)
        written: torch.Tensor = self._writer @ ink
        return written.view(slots, writers, -1, frames)


def slot_softmax(logits: torch.Tensor, owner: torch.Tensor, batch: int) -> torch.Tensor:
    """Softmax over the slots of each item of the batch: masks of the shape of ``logits`` ``(slots, …)``.

    Masks of one item add up to one in every bin.
    """
    with torch.no_grad():
        shape = (batch, *logits.shape[1:])
        index = owner.view(-1, *[1] * (logits.ndim - 1)).expand_as(logits)
        peak = logits.new_full(shape, -torch.inf).scatter_reduce(0, index, logits, "amax")
    weight = torch.exp(logits - peak[owner])
    total = weight.new_zeros(shape).index_add(0, owner, weight)
    return weight / total[owner]


def slots_of(
    parts: Sequence[tuple[int, int]], device: torch.device | None = None
) -> tuple[torch.Tensor, ...]:
    """``owner``, ``instrument`` and ``order`` for one item whose slots are (class, order) in ``parts``."""
    instrument = torch.tensor([part[0] for part in parts], device=device)
    order = torch.tensor([part[1] for part in parts], device=device)
    return torch.zeros_like(instrument), instrument, order


def _running_mean(logs: torch.Tensor) -> torch.Tensor:
    """The mean over about an octave of ``(batch, bins, frames)`` along its bins."""
    reach = 6 * FINE
    return functional.avg_pool2d(logs[:, None], (2 * reach + 1, 1), 1, (reach, 0), count_include_pad=False)[
        :, 0
    ]


def _moved(spectrum: torch.Tensor, harmonic: float, rows: int) -> torch.Tensor:
    """``(batch, rows, frames)``: row r holds what ``spectrum`` has at r's harmonic, zero outside."""
    move = round(12 * FINE * float(np.log2(harmonic)))
    kept = spectrum[:, max(0, move) : max(0, move + rows)]
    before = max(0, -move)
    return functional.pad(kept, (0, 0, before, max(0, rows - before - kept.shape[1])))[:, :rows]


def _linear_places(config: NetConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """For each linear bin, the fine bin below it and how far on it lies: both ``(bins,)``."""
    hertz = np.maximum(np.arange(config.bins) * (config.sample_rate / config.size), 20.0)
    place = (69 + 12 * np.log2(hertz / 440.0) - config.lowest) * FINE + (FINE - 1) / 2
    place = np.clip(place, 0, config.fine_bins - 1.001)
    low = np.floor(place).astype(np.int64)
    return torch.from_numpy(low), torch.from_numpy((place - low).astype(np.float32))
