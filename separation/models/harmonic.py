"""The separator of the card ``harmonic``: the pitch-aware mask net, and what follows it.

It reads as: spectrum → who plays which pitch, whose is each partial
(:mod:`~separation.models.harmonic_net`) → where the card says so, note templates fitted at those pitches
(:mod:`~separation.models.note_refinement`) → masks on the mixture's spectrum. Masks of the parts and of
everything else add up to one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file

from separation.classical import templates
from separation.models.harmonic_net import CLASSES, HarmonicNet, NetConfig
from separation.models.mask_inference import Estimate, estimate, window
from separation.models.note_refinement import refined_masks
from separation.separator import INSTRUMENTS, Check, Part, SeparatorCard, SeparatorError

_SILENCE = 1e-7
RESIDUAL_SLOT = (CLASSES - 1, 0)


class HarmonicSeparator:
    """The separator; nothing in it is random, and it learns nothing of a recording beforehand.

    The card's options: ``weights`` (file in its folder) and ``sha256`` (of that file); ``residual``
    (whether the net may give sound to none of the parts); ``refine`` (whether note templates are
    fitted) and ``templates`` (their file, seen from the card's folder).
    """

    def __init__(self, card: SeparatorCard) -> None:
        self.card = card
        if unknown := sorted(set(card.instruments) - set(INSTRUMENTS)):
            raise _broken(card, f"the net was never taught {unknown[0]}")
        path = card.folder / str(card.options.get("weights", "weights.safetensors"))
        self._net = load_net(path, str(card.options.get("sha256", "")))
        try:
            window(self._net, card.sample_rate)
        except ValueError as error:
            raise _broken(card, str(error)) from error
        self._residual = bool(card.options.get("residual", False))
        self._templates: templates.Templates | None = None
        if card.options.get("refine", False):
            self._templates = templates.load(
                card.folder / str(card.options.get("templates", "templates.safetensors"))
            )
        self._device = torch.device("cpu")

    def to(self, device: torch.device) -> HarmonicSeparator:
        """The same separator, its net on ``device``."""
        moved = HarmonicSeparator.__new__(HarmonicSeparator)
        moved.__dict__.update(self.__dict__)
        moved._net = HarmonicNet(self._net.config)
        moved._net.load_state_dict(self._net.state_dict())
        moved._net.eval().to(device)
        moved._device = device
        return moved

    def prepare(
        self, overview: torch.Tensor, parts: Sequence[Part], *, seed: int = 0, check: Check | None = None
    ) -> None:
        """Nothing: every block is judged by itself and its context."""

    def separate_block(
        self,
        mixture: torch.Tensor,
        parts: Sequence[Part],
        *,
        state: None = None,
        seed: int = 0,
        check: Check | None = None,
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)`` of ``(channels, samples)``."""
        channels, samples = mixture.shape
        clean = torch.nan_to_num(mixture, nan=0.0, posinf=0.0, neginf=0.0)
        stems = torch.zeros(len(parts), channels, samples, device=mixture.device)
        if samples < 1 or float(clean.abs().max()) < _SILENCE:
            return stems
        found = self.estimate(clean, parts, check=check)
        for index in range(len(parts)):
            stft = window(self._net, self.card.sample_rate)
            stems[index] = stft.inverse(found.masks[index] * found.spectrum, samples)
            _call(check)
        return stems

    def estimate(
        self, mixture: torch.Tensor, parts: Sequence[Part], *, check: Check | None = None
    ) -> Estimate:
        """Masks, pitches and spectrum of a mixture ``(channels, samples)``; the pitches make a piano roll.

        Slots are the parts, then, where the card says so, everything else.
        """
        _call(check)
        slots = [(INSTRUMENTS.index(part.instrument), min(part.number, 2)) for part in parts]
        if self._residual:
            slots.append(RESIDUAL_SLOT)
        found = estimate(self._net, mixture, slots, self.card.sample_rate)
        _call(check)
        if self._templates is None:
            return found
        tones = torch.stack([self._templates.of(part.instrument).mean(1) for part in parts]).to(
            mixture.device
        )
        stft = window(self._net, self.card.sample_rate)
        masks = refined_masks(
            found, tones, self._net.config.lowest, self.card.sample_rate / stft.size, check=check
        )
        return Estimate(found.spectrum, masks, found.pitches)


def load_net(path: Path, sha256: str = "") -> HarmonicNet:
    """The net in a weights file that :func:`save_net` wrote, ready to run on the CPU.

    Raises :class:`SeparatorError` naming the file when it is missing, is not the one whose ``sha256`` is
    given (where it is), or does not fit the net.
    """
    try:
        content = path.read_bytes()
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise SeparatorError(
                f"The weights {path} are not those that the card in the same folder names. "
                "Installing Ripieno again mends it."
            )
        with safe_open(path, framework="pt") as file:
            config = NetConfig(**json.loads((file.metadata() or {})["config"]))
        net = HarmonicNet(config)
        net.load_state_dict({name: value.float() for name, value in load(content).items()})
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise SeparatorError(
            f"The weights {path} cannot be read. Installing Ripieno again mends it."
        ) from error
    return net.eval()


def save_net(net: HarmonicNet, path: Path) -> str:
    """Write a net's weights in half precision with its measures; returns the file's SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().half().contiguous() for name, value in net.state_dict().items()}
    save_file(tensors, path, metadata={"config": json.dumps(asdict(net.config), sort_keys=True)})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _broken(card: SeparatorCard, why: str) -> SeparatorError:
    return SeparatorError(
        f"The separator card {card.folder / 'card.toml'} is broken: {why}. Installing Ripieno again mends it."
    )


def _call(check: Check | None) -> None:
    if check is not None:
        check()
