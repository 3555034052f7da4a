"""The chunked scan equals the recurrence that it stands for, and the blocks look the way they should."""

import pytest
import torch

from separation.models.ssd import BidirectionalMamba2, Mamba2, ssd_recurrence, ssd_scan

Values = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def inputs(time: int, seed: int = 0) -> Values:
    torch.manual_seed(seed)
    x = torch.randn(2, time, 3, 5)
    # from a memory of hundreds of steps to one that forgets at once
    log_decay = -torch.rand(2, time, 3) * torch.tensor([0.01, 1.0, 30.0])
    b, c = torch.randn(2, time, 4), torch.randn(2, time, 4)
    return x.requires_grad_(), log_decay.requires_grad_(), b.requires_grad_(), c.requires_grad_()


def test_the_recurrence_is_the_sum_that_the_paper_writes() -> None:
    x, log_decay, b, c = inputs(7)
    y = ssd_recurrence(x, log_decay, b, c)
    for t, head in ((0, 1), (6, 0)):
        wanted = sum(
            log_decay[1, s + 1 : t + 1, head].sum().exp() * (b[1, s] @ c[1, t]) * x[1, s, head]
            for s in range(t + 1)
        )
        torch.testing.assert_close(y[1, t, head], wanted)


@pytest.mark.parametrize("time", [1, 2, 31, 64, 87])
@pytest.mark.parametrize("chunk", [1, 8, 32, 100])
def test_the_chunked_scan_equals_the_recurrence(time: int, chunk: int) -> None:
    values = inputs(time)
    slow, fast = ssd_recurrence(*values), ssd_scan(*values, chunk=chunk)
    torch.testing.assert_close(fast, slow, atol=1e-4, rtol=1e-4)
    weight = torch.randn_like(slow)
    wanted = torch.autograd.grad((slow * weight).sum(), values)
    found = torch.autograd.grad((fast * weight).sum(), values)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_a_decay_that_forgets_everything_makes_no_infinities() -> None:
    x, log_decay, b, c = inputs(50)
    y = ssd_scan(x, log_decay * 1000, b, c, 16)
    grads = torch.autograd.grad(y.square().sum(), [x, log_decay, b, c])
    assert all(bool(each.isfinite().all()) for each in (y, *grads))


def changed(net: torch.nn.Module, at: int, time: int = 40) -> torch.Tensor:
    """Which steps of the output change with step ``at`` of the input."""
    x = torch.randn(1, time, 8)
    other = x.clone()
    other[:, at] += 1.0
    with torch.no_grad():
        difference: torch.Tensor = net(other) - net(x)
    return difference.abs().amax((0, 2)) > 1e-6


def test_the_block_looks_back_and_never_ahead() -> None:
    torch.manual_seed(1)
    seen = changed(Mamba2(8, 12, 3, 4, chunk=16), 20)
    assert not bool(seen[:20].any())
    assert bool(seen[20:30].all())


def test_both_directions_see_everything_near() -> None:
    torch.manual_seed(1)
    assert bool(changed(BidirectionalMamba2(8, 12, 3, 4, chunk=16), 20)[12:28].all())


def test_heads_must_share_the_channels_evenly() -> None:
    with pytest.raises(ValueError, match="10 channels"):
        Mamba2(8, 10, 3, 4)


def test_in_half_precision_it_stays_near() -> None:
    torch.manual_seed(2)
    net = BidirectionalMamba2(16, 16, 2, 8)
    x = torch.randn(3, 50, 16)
    with torch.no_grad():
        exact = net(x)
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(x)
    assert float((rough - exact).norm() / exact.norm()) < 0.02


def test_it_learns_a_running_mean() -> None:
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(1, 8), Mamba2(8, 8, 2, 4, chunk=8), torch.nn.Linear(8, 1))
    optimiser = torch.optim.Adam(net.parameters(), 2e-2)
    losses = []
    for _ in range(50):
        x = torch.randn(16, 16, 1)
        loss = (net(x) - x.cumsum(1) / 4).square().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.4 * sum(losses[:5])
