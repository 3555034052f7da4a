"""Weights files of the learnt separators: float16 safetensors with the net's measures as JSON metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file
from torch import nn

from separation.separator import SeparatorError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Config = TypeVar("Config", bound=DataclassInstance)

Net = TypeVar("Net", bound=nn.Module)


def save_weights(net: nn.Module, config: DataclassInstance, path: Path) -> str:
    """Write a net's weights in half precision and its measures; returns the file's SHA-256.

    ``config`` is a dataclass of plain numbers, texts and tuples of them. Whole numbers stay whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.detach().half() if value.is_floating_point() else value.detach()).cpu().contiguous()
        for name, value in net.state_dict().items()
    }
    save_file(tensors, path, metadata={"config": json.dumps(asdict(config), sort_keys=True)})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_weights(
    path: Path, config_type: type[Config], make: Callable[[Config], Net], sha256: str = ""
) -> Net:
    """The net in a file that :func:`save_weights` wrote, in float32 on the CPU, ready to run.

    ``make`` makes the net of its measures. Raises :class:`SeparatorError` naming the file when it is
    missing, is not the one whose ``sha256`` is given (where it is), or does not fit the net.
    """
    try:
        content = path.read_bytes()
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise SeparatorError(
                f"The weights {path} are not those that the card {path.parent / 'card.toml'} names. "
                "Installing Ripieno again mends it."
            )
        with safe_open(path, framework="pt") as file:
            measures = json.loads((file.metadata() or {})["config"])
        # JSON has no tuples, and a frozen config should stay hashable
        tuples = {
            name: tuple(value) if isinstance(value, list) else value for name, value in measures.items()
        }
        net = make(config_type(**tuples))
        read = {
            name: value.float() if value.is_floating_point() else value
            for name, value in load(content).items()
        }
        net.load_state_dict(read)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise SeparatorError(
            f"The weights {path} cannot be read. Installing Ripieno again mends it."
        ) from error
    return net.eval()
