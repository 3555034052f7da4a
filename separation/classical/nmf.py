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
from separation.classical.adaptation import adapted
from separation.classical.note_tracking import Heard
from separation.classical.pitch_axis import PitchAxis
from separation.separator import Check, Part, SeparatorCard, SeparatorError
from separation.transforms import Stft

STFT = Stft(size=8192, hop=2048)
"""Frames of 186 ms at 44.1 kHz: long, because the lowest voices' harmonics lie 60 Hz apart."""

EXPONENT = 0.7
"""Exponent on powers when the mixture is shared out."""

SKIRT = 0.01
"""Power of the skirt around and after a voice's harmonics: breath, bow and hall."""

UNHEARD = 0.02
"""How readily a pitch becomes a candidate that the listener does not hear, where there is a listener."""

QUIET = 1e-6
"""A frame whose power is this far below the block's loudest is silent."""

_PIECE_SECONDS = 10.0
_PIECES_TRACKED = 3
_MOST_WITH_LOUDNESS = 5
"""Up to so many parts, soft and loud templates are told apart; beyond, that would take too long."""
_SILENCE = 1e-7


@dataclass(frozen=True)
class Recording:
    """What is learnt of a recording, so that its blocks agree.

    ``level``: mean magnitude of its bands. ``notes`` ``(parts, loudnesses, pitches, bands)``: the parts'
    note templates, filtered to suit it.
    """

    level: float
    notes: torch.Tensor


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
                f"The separator card {card.folder / 'card.toml'} is broken: it has no notes of {missing[0]}."
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
        """The recording's level and the parts' templates adapted to it.

        ``overview`` is ``(channels, samples)``. Tracks the parts once over at most half a minute of it.
        """
        clean = torch.nan_to_num(overview, nan=0.0, posinf=0.0, neginf=0.0)
        piece = round(_PIECE_SECONDS * self.card.sample_rate)
        seen = []
        for begin in range(0, clean.shape[1], piece):
            seen.append(self._axis.bands(_magnitude(STFT.forward(clean[:, begin : begin + piece]))))
            _call(check)
        sounding = torch.cat([bands[:, bands.sum(0) > 0] for bands in seen], dim=1) if seen else None
        notes = torch.stack([self._notes(part.instrument, check) for part in parts])
        if sounding is None or not sounding.shape[1] or float(sounding.max()) < _SILENCE:
            return Recording(1.0, notes)
        level = float(sounding.mean())
        # evenly spread over what there is
        count = min(len(seen), _PIECES_TRACKED)
        chosen = [(2 * i + 1) * len(seen) // (2 * count) for i in range(count)]
        bands = torch.cat([seen[i] for i in chosen], dim=1)
        names = sorted({part.instrument for part in parts})
        first = torch.stack([self._notes(name, check) for name in names])
        heard = self._listen([clean[:, piece * i : piece * (i + 1)] for i in chosen], parts, check)
        path = self._track(
            bands, parts, first, [names.index(part.instrument) for part in parts], level, heard, check
        )
        grid = self._axis.grid.to(bands.device)
        return Recording(level, adapted(bands, path, notes, grid, level=level, check=check))

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
        magnitude = _magnitude(spectrum)
        own = list(range(len(parts)))
        heard = self._listen([clean], parts, check)
        path = self._track(self._axis.bands(magnitude), parts, state.notes, own, state.level, heard, check)
        # a note that is held through silence tells nothing, and blurs what is learnt of it elsewhere
        power = magnitude.square().sum(0)
        path = torch.where(power > QUIET * power.max(), path, 0.0)
        path = harmonic_fit.refine(magnitude, path, self._axis.bin_width)
        amplitudes = torch.stack([self._templates.of(part.instrument).mean(1) for part in parts])
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
                amplitudes.to(mixture.device),
                self._axis.bin_width,
                harmonic_fit.FitSettings(self._divergence),
                check=check,
            )
            masks = self._masks(found, check)
            _call(check)
            for index in range(len(parts)):
                stems[index, channel] = STFT.inverse(masks[index] * spectrum[channel], samples)
                _call(check)
        return stems

    def _listen(
        self, excerpts: Sequence[torch.Tensor], parts: Sequence[Part], check: Check | None
    ) -> Heard | None:
        """What a listener hears the parts play in excerpts ``(channels, samples)``, one after the other.

        Here there is none; a separator with a net may override this.
        """
        return None

    def _masks(self, found: harmonic_fit.HarmonicFit, check: Check | None) -> torch.Tensor:
        """Masks ``(parts + 1, bins, frames)`` that add up to one; the last is nobody's."""
        magnitudes = found.magnitudes() / found.scale
        voices = magnitudes[:-1].square()
        skirts = SKIRT * harmonic_fit.skirts(voices)
        return wiener.masks(torch.cat([voices + skirts, magnitudes[-1:].square()]), EXPONENT)

    def _track(
        self,
        bands: torch.Tensor,
        parts: Sequence[Part],
        notes: torch.Tensor,
        sources: Sequence[int],
        level: float,
        heard: Heard | None,
        check: Check | None,
    ) -> torch.Tensor:
        """Pitches ``(parts, frames)`` of the parts in ``bands`` ``(bands, frames)``, 0 for silence.

        ``notes`` are the templates to explain them by, ``sources`` which of those each part uses.
        """
        if len(parts) > _MOST_WITH_LOUDNESS:
            notes = notes.mean(1, keepdim=True)
        candidates, most = _sizes(len(parts), listener=heard is not None)
        grid = self._axis.grid.to(bands.device)
        seen = multipitch.evidence(
            bands,
            notes,
            grid,
            level=level,
            candidates=candidates,
            most=most,
            divergence=self._divergence,
            salience=None if heard is None else heard.salience(grid) + UNHEARD,
            check=check,
        )
        order = voices.top_down(parts)
        known = []
        for index in order:
            instrument = parts[index].instrument
            low, high = self._templates.range_of(instrument)
            usual = voices.USUAL_PITCH.get(instrument, voices.OTHER_PITCH)
            known.append(note_tracking.Voice(sources[index], usual, low - 1.0, high + 1.0))
        ways = voices.spreads(candidates, most, len(parts))
        if heard is not None:
            heard = Heard(heard.odds[order].cpu(), heard.lowest)
        costs = note_tracking.Costs() if heard is None else note_tracking.LISTENING
        found = note_tracking.track(seen, ways, known, costs, heard=heard, check=check)
        path = torch.empty_like(found)
        path[order] = found
        return path.to(bands.device)

    def _notes(self, instrument: str, check: Check | None) -> torch.Tensor:
        """An instrument's notes on the pitch axis ``(loudnesses, pitches, bands)``, drawn once."""
        if instrument not in self._drawn:
            self._drawn[instrument] = self._axis.draw(self._templates, instrument, lambda: _call(check))
        return self._drawn[instrument].to(self._device)


def _magnitude(spectrum: torch.Tensor) -> torch.Tensor:
    """One magnitude ``(bins, frames)`` for all ``(channels, bins, frames)``: the root of their mean power.

    Not the magnitude of their sum: in a wide stereo picture that would cancel voices.
    """
    return spectrum.abs().square().mean(0).sqrt()


def _sizes(parts: int, *, listener: bool) -> tuple[int, int]:
    """Candidates a frame and pitches at once that are compared for so many parts: at most 256 sets.

    A listener's candidates are so much better that two more than there are parts will do.
    """
    candidates = {1: 12, 2: 12, 3: 10, 4: 9}.get(parts, 8)
    if listener:
        candidates = min(candidates, parts + 2)
    return candidates, min(parts, 5 if parts <= 8 else 4)


def _call(check: Check | None) -> None:
    if check is not None:
        check()
