"""The short-time Fourier transform that the separators share, with perfect reconstruction.

Forward and inverse use the same window; the inverse divides by the overlapped squared window
(Griffin & Lim 1984, weighted overlap-add), so an untouched spectrum gives the audio back to
float32 rounding, at any length from one sample up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Stft:
    """One choice of frame length and step.

    ``size`` is the frame length in samples (even), ``hop`` the step between frames in samples, at most
    half of ``size``. The window is a periodic Hann window. Frame ``t`` is centred on sample ``t·hop``;
    the audio is taken to be silent before its first and after its last sample.
    """

    size: int = 4096
    hop: int = 1024

    def __post_init__(self) -> None:
        if self.size < 4 or self.size % 2:
            raise ValueError(f"the frame length must be even and at least 4, not {self.size}")
        if not 1 <= self.hop <= self.size // 2:
            raise ValueError(f"the step must lie between 1 and {self.size // 2}, not {self.hop}")

    @property
    def bins(self) -> int:
        """How many frequencies a frame has, from 0 to half the sample rate."""
        return self.size // 2 + 1

    def frames(self, samples: int) -> int:
        """How many frames ``samples`` samples of audio give."""
        return 1 + -(-samples // self.hop)

    def frequencies(self, sample_rate: int, device: torch.device | None = None) -> torch.Tensor:
        """The frequency of each bin in Hz: ``(bins,)`` float32."""
        return torch.arange(self.bins, device=device) * (sample_rate / self.size)

    def window(self, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The analysis and synthesis window: ``(size,)``."""
        return torch.hann_window(self.size, periodic=True, device=device, dtype=dtype)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """The spectrum ``(…, bins, frames)`` complex of real audio ``(…, samples)``, samples ≥ 1."""
        samples = audio.shape[-1]
        if samples < 1:
            raise ValueError("the audio has no samples")
        # up to a whole number of steps: a last sample that only the rim of a window saw could not be restored
        flat = functional.pad(audio.reshape(-1, samples), (0, -samples % self.hop))
        # zeros at the edges, not reflection: reflection fails on audio shorter than half a frame
        spectrum = torch.stft(
            flat,
            self.size,
            self.hop,
            window=self.window(audio.device, audio.dtype),
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        return spectrum.reshape(*audio.shape[:-1], self.bins, spectrum.shape[-1])

    def inverse(self, spectrum: torch.Tensor, samples: int) -> torch.Tensor:
        """The audio ``(…, samples)`` of a spectrum ``(…, bins, frames)`` that :meth:`forward` shaped.

        Raises :class:`ValueError` when the number of bins or frames is not that of ``samples`` samples.
        """
        if spectrum.shape[-2] != self.bins or spectrum.shape[-1] != self.frames(samples):
            raise ValueError(
                f"{samples} samples have {self.bins} bins × {self.frames(samples)} frames, "
                f"not {spectrum.shape[-2]} × {spectrum.shape[-1]}"
            )
        real = torch.float64 if spectrum.dtype == torch.complex128 else torch.float32
        flat = spectrum.reshape(-1, *spectrum.shape[-2:])
        audio = torch.istft(
            flat, self.size, self.hop, window=self.window(spectrum.device, real), center=True, length=samples
        )
        return audio.reshape(*spectrum.shape[:-2], samples)
