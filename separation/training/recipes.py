"""What the training loop trains: a recipe is a net, its questions, its losses and its weights file.

The loop (:mod:`separation.training.train`) knows nothing of nets; a recipe knows nothing of clocks,
optimisers, checkpoints and processes. One module a recipe, each with a function ``create``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from separation.separator import Part, SeparatorError

if TYPE_CHECKING:
    # Only for the signatures: whoever lists the recipes should not wait for torch to load.
    import numpy as np
    import torch
    from torch import nn

    from separation.training.ensemble_synth import Clip

RECIPES: dict[str, str] = {
    "harmonic": "separation.training.harmonic_recipe",
    "partials": "separation.training.partial_recipe",
    "mamba": "separation.training.mamba_recipe",
    "recurrent": "separation.training.recurrent_recipe",
}
"""Every recipe's name and the module whose ``create(**settings)`` makes it."""


class Recipe(Protocol):
    """One kind of net and how it is taught. It keeps no state of a run: the loop has that."""

    name: str
    learning_rate: float
    """One that suits it, for batches of its usual size."""

    def net(self) -> nn.Module:
        """A fresh net on the CPU; whoever calls has seeded torch."""
        ...

    def batch(self, rng: np.random.Generator, clips: Sequence[Clip], device: torch.device) -> Any:
        """Questions about clips drawn from ``clips``, on ``device``.

        Chance comes from ``rng`` alone, so that a run that is gone on with asks what it would have
        asked. May be called in other threads than the loop's.
        """
        ...

    def losses(self, net: nn.Module, batch: Any, step: int) -> dict[str, torch.Tensor]:
        """The losses of step ``step`` (from 0) by name: scalars, already weighted; their sum is minimised.

        Some steps may leave some out. Called under autocast where the loop computes in half precision:
        what must stay exact turns it off for itself.
        """
        ...

    def separate(
        self, net: nn.Module, mixture: torch.Tensor, sample_rate: int, parts: Sequence[Part]
    ) -> torch.Tensor:
        """Stems ``(parts, channels, samples)`` of a mixture ``(channels, samples)``, for validation.

        Without gradients, on the net's device. The mixture's rate is that of the clips trained on.
        """
        ...

    def save(self, net: nn.Module, path: Path) -> str:
        """Write the weights as they ship: float16 safetensors with its measures; returns the SHA-256."""
        ...

    def load(self, path: Path) -> nn.Module:
        """The net in a file that :meth:`save` wrote, on the CPU. Raises :class:`SeparatorError`."""
        ...


def recipe(name: str, **settings: Any) -> Recipe:
    """The recipe of that name with some of its settings changed.

    Raises :class:`SeparatorError` with a sentence for a name or a setting that there is not.
    """
    if name not in RECIPES:
        raise SeparatorError(f"There is no recipe to train “{name}”; there are {', '.join(RECIPES)}.")
    create = importlib.import_module(RECIPES[name]).create
    try:
        made: Recipe = create(**settings)
    except TypeError as error:
        raise SeparatorError(f"The recipe {name} does not take these settings: {error}.") from error
    return made
