"""Separators that take no time, for tests of what runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from separation.separator import INSTRUMENTS, Check, Part, SeparatorCard

CARD = SeparatorCard(
    name="fake",
    title="Quick sharing",
    kind="test",
    sentence="Gives every part its own band of frequencies.",
    paper="none",
    licence="MIT",
    training_data="none",
    instruments=INSTRUMENTS,
    max_parts=2,
    sample_rate=16000,
    chunk_seconds=2.0,
    context_seconds=0.5,
    factory="separation.none:none",
)


def card(**changes: Any) -> SeparatorCard:
    """:data:`CARD` with other values in some of its fields."""
    return replace(CARD, **changes)


@dataclass
class FakeSeparator:
    """What the fakes have in common: a card, the calls they were asked for, and no preparation."""

    card: SeparatorCard = CARD
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    calls: list[tuple[str, tuple[int, ...], torch.device]] = field(default_factory=list)

    def to(self, device: torch.device) -> FakeSeparator:
        self.device = device
        return self

    def prepare(
        self, overview: torch.Tensor, parts: Sequence[Part], *, seed: int = 0, check: Check | None = None
    ) -> Any:
        self.calls.append(("prepare", tuple(overview.shape), self.device))
        return None

    def separate_block(
        self,
        mixture: torch.Tensor,
        parts: Sequence[Part],
        *,
        state: Any = None,
        seed: int = 0,
        check: Check | None = None,
    ) -> torch.Tensor:
        self.calls.append(("separate", tuple(mixture.shape), self.device))
        if check is not None:
            check()
        return self.stems(mixture, parts)

    def stems(self, mixture: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
        """Stems ``(parts, channels, samples)``; here the mixture in equal shares, none left over."""
        return (mixture / len(parts)).expand(len(parts), *mixture.shape)


class SharingSeparator(FakeSeparator):
    """Gives each part its own band of frequencies, so that stems differ, can be heard and drawn.

    The bands together hold three quarters of every frequency: the rest is the residual's.
    """

    def stems(self, mixture: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
        spectrum = torch.fft.rfft(mixture)
        # bands of equal width on a logarithmic axis from 100 Hz up; the first and last reach the ends
        frequency = torch.fft.rfftfreq(mixture.shape[-1], 1 / self.card.sample_rate).clamp_min(1e-3)
        place = torch.log(frequency / 100.0) / torch.log(torch.tensor(self.card.sample_rate / 200.0))
        band = (place * len(parts)).floor().clamp(0, len(parts) - 1)
        shares = [spectrum * (0.75 * (band == i)) for i in range(len(parts))]
        return torch.fft.irfft(torch.stack(shares), n=mixture.shape[-1])


@dataclass
class CallingSeparator(FakeSeparator):
    """Every part's stem is a function of the mixture and of the number of the call, from 0."""

    function: Callable[[torch.Tensor, int], torch.Tensor] = lambda mixture, _: mixture
    done: int = 0

    def stems(self, mixture: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
        stem = self.function(mixture, self.done)
        self.done += 1
        return stem.expand(len(parts), *mixture.shape)


@dataclass
class ForgetfulSeparator(SharingSeparator):
    """Runs out of memory on every device but the CPU, from a call on that is counted from 0."""

    fails_from: int = 0
    fails_on: Callable[[torch.device], bool] = lambda device: device.type != "cpu"
    asked: int = 0

    def stems(self, mixture: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
        self.asked += 1
        if self.asked > self.fails_from and self.fails_on(self.device):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().stems(mixture, parts)
