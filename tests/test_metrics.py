from __future__ import annotations

import fast_bss_eval
import numpy as np
import pytest
import torch

from separation.metrics import si_sdr


def test_agrees_with_fast_bss_eval() -> None:
    generator = torch.Generator().manual_seed(1)
    reference = torch.randn(4, 8000, generator=generator, dtype=torch.float64)
    levels = torch.tensor([1e-3, 0.1, 1.0, 10.0], dtype=torch.float64)[:, None]
    estimate = 0.3 * reference + levels * torch.randn(4, 8000, generator=generator, dtype=torch.float64)
    ours = si_sdr(reference, estimate)
    theirs = [
        fast_bss_eval.si_sdr(reference[i : i + 1], estimate[i : i + 1], zero_mean=False).item()
        for i in range(4)
    ]
    assert ours.shape == (4,)
    assert ours.numpy() == pytest.approx(theirs, abs=1e-3)


def test_a_known_figure() -> None:
    # noise at right angles to the signal and a tenth as strong: 20 dB
    reference = np.array([1.0, 0.0, 1.0, 0.0])
    estimate = np.array([1.0, 0.1, 1.0, 0.1])
    assert float(si_sdr(reference, estimate)) == pytest.approx(20.0)
    assert float(si_sdr(reference, -7 * estimate)) == pytest.approx(20.0)


def test_the_ends_of_the_scale() -> None:
    signal, other, silence = torch.tensor([1.0, 1.0]), torch.tensor([1.0, -1.0]), torch.zeros(2)
    assert si_sdr(signal, 2 * signal) == torch.inf
    assert si_sdr(signal, other) == -torch.inf
    assert si_sdr(signal, silence) == -torch.inf
    assert si_sdr(silence, signal).isnan()
    assert si_sdr(silence, silence).isnan()


def test_shapes_broadcast() -> None:
    reference = torch.randn(3, 1, 100)
    estimate = torch.randn(1, 5, 100)
    found = si_sdr(reference, estimate)
    assert found.shape == (3, 5)
    assert found[2, 4] == si_sdr(reference[2, 0], estimate[0, 4])
