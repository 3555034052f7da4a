"""Weights travel in half precision with their measures, and a wrong file is told from a right one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from separation.models.weights import read_weights, save_weights
from separation.separator import SeparatorError


@dataclass(frozen=True)
class Measures:
    wide: int = 3
    edges: tuple[int, ...] = (1, 2)


class Tiny(nn.Module):
    def __init__(self, config: Measures) -> None:
        super().__init__()
        self.config = config
        self.line = nn.Linear(config.wide, len(config.edges))
        self.register_buffer("seen", torch.tensor(100_003))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "weights.safetensors"


def test_what_is_written_is_read_again_in_half_precision(path: Path) -> None:
    torch.manual_seed(0)
    net = Tiny(Measures(4, (2, 5, 9)))
    digest = save_weights(net, net.config, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    again = read_weights(path, Measures, Tiny, digest)
    assert again.config == net.config
    assert not again.training
    assert again.line.weight.dtype == torch.float32
    assert torch.equal(again.line.weight, net.line.weight.half().float())
    assert int(again.get_buffer("seen")) == 100_003  # more than float16 can count to


def test_the_same_net_gives_the_same_file(path: Path) -> None:
    net = Tiny(Measures())
    assert save_weights(net, net.config, path) == save_weights(net, net.config, path.with_name("b"))


def test_a_wrong_file_names_itself_and_its_card(path: Path) -> None:
    net = Tiny(Measures())
    save_weights(net, net.config, path)
    with pytest.raises(SeparatorError, match=r"not those that the card .*card\.toml names"):
        read_weights(path, Measures, Tiny, "0" * 64)


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_what_is_no_weights_file_is_named(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    with pytest.raises(SeparatorError, match=r"weights\.safetensors cannot be read"):
        read_weights(path, Measures, Tiny)


def test_weights_of_another_net_do_not_fit(path: Path) -> None:
    save_weights(Tiny(Measures(4)), Measures(5), path)  # measures that are not the net's
    with pytest.raises(SeparatorError, match="cannot be read"):
        read_weights(path, Measures, Tiny)
    save_weights(nn.Linear(2, 2), Measures(), path)
    with pytest.raises(SeparatorError, match="cannot be read"):
        read_weights(path, Measures, Tiny)
