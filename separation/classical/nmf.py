"""Instrument-dictionary NMF: the separator that needs no training run, only single notes.

It reads as: spectrum → pitches that may sound (:mod:`~separation.classical.multipitch`) → which voice
plays which (:mod:`~separation.classical.note_tracking`) → what each voice sounds like there
(:mod:`~separation.classical.harmonic_fit`) → a generalised Wiener filter (:mod:`separation.wiener`).
A part plays at most one note at a time. What fits no part's harmonics is left to the residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from separation import wiener
from separation.classical import harmonic_fit, multipitch, note_tracking, templates, voices
from separation.classical.pitch_axis import PitchAxis
from separation.separator import Check, Part, SeparatorCard, SeparatorError
from separation.transforms import Stft

STFT = Stft(size=8192, hop=2048)
"""Frames of 186 ms at 44.1 kHz: long, because the lowest voices' harmonics lie 60 Hz apart."""

_SEGMENT_SECONDS = 10.0
_SILENCE = 1e-7


@dataclass(frozen=True)
class Recording:
    """What is learnt of a recording, so that its blocks agree.

    ``level``: mean magnitude of its bands. ``usual``: MIDI pitch about which each part lies.
    ``amplitudes`` ``(parts, pitches, harmonics)``: the parts' note templates as adapted to it.
    """

    level: float
    usual: tuple[float, ...]
    amplitudes: torch.Tensor


class NmfSeparator:
    """The separator of the card ``nmf``; see the module's head."""

    def __init__(self, card: SeparatorCard) -> None:
        self.card = card
        divergence = card.options.get("divergence", "kl")
        if divergence not in ("kl", "is"):
            raise SeparatorError(
                f"The separator card {card.folder / 'card.toml'} is broken: “divergence” must be kl or is."
            )
        self._divergence: multipitch.Divergence = divergence
        self._templates = templates.load(card.folder / card.options.get("templates", "templates.safetensors"))
        if missing := sorted(set(card.instruments) - set(self._templates.instruments)):
            raise SeparatorError(
                f"The separator card {card.folder / 'card.toml'} is broken: there are no notes of {missing[0]}."
            )
        self._axis = PitchAxis(STFT, card.sample_rate)
        self._drawn: dict[str, torch.Tensor] = {}
        self._device = torch.device("cpu")

    def to(self, device: torch.device) -> NmfSeparator:
        """The same separator, its computing done on ``device``."""
        moved = NmfSeparator.__new__(NmfSeparator)
        moved.__dict__.update(self.__dict__)
        moved._device = device
        return moved

    def prepare(
        self, overview: torch.Tensor, parts: Sequence[Part], *, seed: int = 0, check: Check | None = None
    ) -> Recording:
        """Level, registers and adapted templates of a recording, from an overview ``(channels, samples)``."""
        order = voices.top_down(parts)
        magnitude = _magnitude(STFT.forward(overview))
        bands = self._axis.bands(magnitude)
        level = float(bands[:, bands.sum(0) > 0].mean()) if bands.any() else 0.0
        amplitudes = self._amplitudes(parts)
        usual = [voices.USUAL_PITCH.get(part.instrument, voices.OTHER_PITCH) for part in parts]
        return Recording(level, tuple(usual), amplitudes)

    def separate_block(
        self,
        mixture: torch.Tensor,
        parts: Sequence[Part],
        *,
        state: Recording | None = None,
        seed: int = 0,
        check: Check | None = None,
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)`` of ``(channels, samples)``; nothing here is random.

        Without a ``state`` the block is taken for the whole recording.
        """
        channels, samples = mixture.shape
        stems = torch.zeros(len(parts), channels, samples, device=mixture.device)
        clean = torch.nan_to_num(mixture, nan=0.0, posinf=0.0, neginf=0.0)
        if samples < 1 or float(clean.abs().max()) < _SILENCE:
            return stems
        state = state or self.prepare(clean, parts, seed=seed, check=check)
        spectrum = STFT.forward(clean)
        path = self._path(_magnitude(spectrum), parts, state, check)
        for channel in range(channels):
            same = [c for c in range(channel) if torch.equal(clean[c], clean[channel])]
            if same:
                stems[:, channel] = stems[:, same[0]]
                continue
            magnitude = spectrum[channel].abs()
            if float(magnitude.max()) < _SILENCE:
                continue
            found = harmonic_fit.fit(
                magnitude,
                path,
                state.amplitudes,
                self._axis.bin_width,
                harmonic_fit.FitSettings(self._divergence),
                check=check,
            )
            shares = wiener.share(spectrum[channel : channel + 1], found.magnitudes.square())
            for index in range(len(parts)):
                stems[index, channel] = STFT.inverse(shares[index, 0], samples)
                if check is not None:
                    check()
        return stems

    def _path(
        self, magnitude: torch.Tensor, parts: Sequence[Part], state: Recording, check: Check | None
    ) -> torch.Tensor:
        """Refined pitches ``(parts, frames)`` of the parts in a spectrum ``(bins, frames)``, 0 for silence."""
        order = voices.top_down(parts)
        instruments = sorted({part.instrument for part in parts})
        count = len(parts)
        candidates, most = _sizes(count)
        seen = multipitch.evidence(
            self._axis.bands(magnitude),
            torch.stack([self._notes(name) for name in instruments]),
            self._axis.grid.to(magnitude.device),
            level=max(state.level, 1e-12),
            candidates=candidates,
            most=most,
            divergence=self._divergence,
            check=check,
        )
        known = []
        for index in order:
            low, high = self._templates.range_of(parts[index].instrument)
            known.append(
                note_tracking.Voice(
                    instruments.index(parts[index].instrument), state.usual[index], low - 1.0, high + 1.0
                )
            )
        ways = voices.spreads(candidates, most, count)
        found = note_tracking.track(seen, ways, known, note_tracking.Costs(), check=check)
        path = torch.empty_like(found)
        path[order] = found
        return harmonic_fit.refine(magnitude, path.to(magnitude.device), self._axis.bin_width)

    def _notes(self, instrument: str) -> torch.Tensor:
        """An instrument's notes on the pitch axis ``(loudnesses, pitches, bands)``, drawn once."""
        if instrument not in self._drawn:
            self._drawn[instrument] = self._axis.draw(self._templates, instrument)
        return self._drawn[instrument].to(self._device)

    def _amplitudes(self, parts: Sequence[Part]) -> torch.Tensor:
        """Note templates ``(parts, pitches, harmonics)`` as learnt, before any recording."""
        drawn = [self._templates.of(part.instrument).mean(1) for part in parts]
        return torch.stack(drawn).to(self._device)


def _magnitude(spectrum: torch.Tensor) -> torch.Tensor:
    """One magnitude ``(bins, frames)`` for all channels ``(channels, bins, frames)``: the root of their mean power.

    Not the magnitude of their sum: in a wide stereo picture that would cancel voices.
    """
    return spectrum.abs().square().mean(0).sqrt()


def _sizes(parts: int) -> tuple[int, int]:
    """Candidates a frame and pitches at once that are compared for so many parts: at most 256 sets."""
    candidates = {1: 12, 2: 12, 3: 10, 4: 9}.get(parts, 8)
    return candidates, min(parts, 5 if parts <= 8 else 4)
