"""State space duality (Dao & Gu 2024, "Transformers are SSMs", arXiv 2405.21060), in plain PyTorch.

A sequence is run through a linear recurrence whose decay is one number a head and step::

    h[t] = a[t] · h[t-1] + x[t] ⊗ b[t]        y[t] = h[t] · c[t]

(their equation 1 with A a scalar times the identity, section 5). Written out, y = (L ∘ C Bᵀ) x with
L[t, s] = a[s+1] · … · a[t] (equation 16), so a stretch can also be done with matrix products. The
chunked scan (section 6) does that inside chunks and the recurrence only from chunk to chunk. It runs
wherever torch runs; no extension is compiled.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


def ssd_recurrence(
    x: torch.Tensor, log_decay: torch.Tensor, b: torch.Tensor, c: torch.Tensor
) -> torch.Tensor:
    """The recurrence step by step: slow, and what :func:`ssd_scan` must equal.

    ``x`` ``(batch, time, heads, width)``; ``log_decay`` ``(batch, time, heads)``, the logarithm of a, at
    most 0; ``b`` and ``c`` ``(batch, time, state)``, shared by all heads. Returns the shape of ``x``.
    """
    batch, time, heads, width = x.shape
    state = x.new_zeros(batch, heads, width, b.shape[-1])
    out = []
    for t in range(time):
        state = state * log_decay[:, t, :, None, None].exp() + x[:, t, :, :, None] * b[:, t, None, None]
        out.append((state @ c[:, t, None, :, None])[..., 0])
    return torch.stack(out, 1) if out else x


def ssd_scan(
    x: torch.Tensor, log_decay: torch.Tensor, b: torch.Tensor, c: torch.Tensor, chunk: int = 32
) -> torch.Tensor:
    """The same in chunks of ``chunk`` steps: arguments and result as of :func:`ssd_recurrence`."""
    batch, time, heads, width = x.shape
    size = min(chunk, time)
    chunks = -(-time // size)
    missing = chunks * size - time
    if missing:  # steps that bring nothing in and let nothing decay
        x = functional.pad(x, (0, 0, 0, 0, 0, missing))
        log_decay, b, c = (functional.pad(each, (0, 0, 0, missing)) for each in (log_decay, b, c))
    # (batch, time, heads, width) -> (batch, chunks, heads, steps, width)
    x = x.view(batch, chunks, size, heads, width).transpose(2, 3)
    # (batch, time, heads) -> (batch, chunks, heads, steps): the logarithm of the decay since the chunk began
    since = log_decay.view(batch, chunks, size, heads).transpose(2, 3).cumsum(-1)
    b, c = (each.view(batch, chunks, 1, size, -1) for each in (b, c))

    later = torch.ones(size, size, dtype=torch.bool, device=x.device).triu(1)
    # the difference is masked before the exponential, which would overflow above the diagonal
    between = (since[..., :, None] - since[..., None, :]).masked_fill(later, -torch.inf).exp()
    y = (between * (c @ b.transpose(-1, -2))) @ x
    if chunks > 1:
        left = (since[..., -1:] - since).exp()
        # what each chunk adds to the state by its end: (batch, chunks, heads, width, state)
        added = (x * left[..., None]).transpose(-1, -2) @ b
        whole = since[..., -1, None, None].exp()
        state = torch.zeros_like(added[:, 0])
        before = []
        for k in range(chunks):
            before.append(state)
            state = state * whole[:, k] + added[:, k]
        y = y + (c @ torch.stack(before, 1).transpose(-1, -2)) * since[..., None].exp()
    # (batch, chunks, heads, steps, width) -> (batch, time, heads, width)
    return y.transpose(2, 3).reshape(batch, chunks * size, heads, width)[:, :time]


class RmsNorm(nn.Module):
    """Scales the last axis to a root mean square of one, then by a learnt gain (Zhang & Sennrich 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(…, channels)`` to the same."""
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.gain


class Mamba2(nn.Module):
    """A Mamba-2 block without its residual path (Dao & Gu 2024, section 7), causal.

    One projection makes the gate, the input, b, c and the step sizes; a short depthwise convolution
    looks a few steps back; then the state space, the skip D, the gate, a norm, and a projection out.
    """

    def __init__(
        self, channels: int, inner: int, heads: int, state: int, *, reach: int = 4, chunk: int = 32
    ) -> None:
        super().__init__()
        if inner % heads:
            raise ValueError(f"{inner} channels cannot be shared by {heads} heads")
        self.heads, self.chunk = heads, chunk
        self.sizes = [inner, inner + 2 * state, heads]
        self.inner, self.state, self.reach = inner, state, reach
        self.enter = nn.Linear(channels, sum(self.sizes), bias=False)
        self.look_back = nn.Parameter(torch.randn(reach, inner + 2 * state) / math.sqrt(reach))
        self.look_back_bias = nn.Parameter(torch.zeros(inner + 2 * state))
        # steps from 0.01 to 0.3, decays from 1 to 8: memories from half a step to a hundred steps
        step = torch.exp(torch.linspace(math.log(0.01), math.log(0.3), heads))
        self.step_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))  # softplus gives step again
        self.log_rate = nn.Parameter(torch.linspace(0.0, math.log(8.0), heads))
        self.skip = nn.Parameter(torch.ones(heads))
        self.norm = RmsNorm(inner)
        self.leave = nn.Linear(inner, channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, time, channels)`` to the same; no step sees a later one."""
        gate, seen, step = torch.split(self.enter(x), self.sizes, -1)
        time = x.shape[1]
        padded = functional.pad(seen, (0, 0, self.reach - 1, 0))
        seen = self.look_back_bias + sum(
            padded[:, k : k + time] * self.look_back[k] for k in range(self.reach)
        )
        values, b, c = torch.split(functional.silu(seen), [self.inner, self.state, self.state], -1)
        # sums of logarithms, and exponentials of their differences, need all their digits
        with torch.autocast(x.device.type, enabled=False):
            steps = functional.softplus(step.float() + self.step_bias)
            heads = values.float().view(*values.shape[:2], self.heads, -1)
            decay = -steps * self.log_rate.exp()
            y = ssd_scan(heads * steps[..., None], decay, b.float(), c.float(), self.chunk)
            y = (y + heads * self.skip[:, None]).flatten(-2)
            y = self.norm(y * functional.silu(gate.float()))
        out: torch.Tensor = self.leave(y)
        return out


class BidirectionalMamba2(nn.Module):
    """A norm, one block forwards and one backwards, and the way past them."""

    def __init__(self, channels: int, inner: int, heads: int, state: int, *, chunk: int = 32) -> None:
        super().__init__()
        self.norm = RmsNorm(channels)
        self.forwards = Mamba2(channels, inner, heads, state, chunk=chunk)
        self.backwards = Mamba2(channels, inner, heads, state, chunk=chunk)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, time, channels)`` to the same; every step sees all others."""
        seen = self.norm(x)
        out: torch.Tensor = x + self.forwards(seen) + self.backwards(seen.flip(1)).flip(1)
        return out
