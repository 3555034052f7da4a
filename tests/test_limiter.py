"""The limiter: whatever comes in, no sample is above the ceiling, and what is quiet passes as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.hearing.limiter import LOOK_AHEAD_SECONDS, Limiter

RATE = 44100


def limited(
    sound: np.ndarray, ceiling: float, blocks: tuple[int, ...] = (240,)
) -> tuple[np.ndarray, Limiter]:
    limiter = Limiter(RATE, sound.shape[1])
    out = sound.astype(np.float32).copy()
    at = turn = 0
    while at < len(out):
        n = blocks[turn % len(blocks)]
        limiter.process(out[at : at + n], ceiling)
        at, turn = at + n, turn + 1
    return out, limiter


# every float32 there is, NaN, infinities and denormals among them, most often at full scale or silent
SAMPLES = st.one_of(
    st.floats(width=32), st.sampled_from([0.0, 1.0, -1.0, np.float32(3.4e38), float("nan"), float("inf")])
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    sound=hnp.arrays(np.float32, st.tuples(st.integers(1, 700), st.integers(1, 2)), elements=SAMPLES),
    ceiling=st.floats(1e-3, 1.0),
    blocks=st.lists(st.integers(1, 240), min_size=1, max_size=4),
)
def test_no_sample_is_above_the_ceiling_whatever_comes(
    sound: np.ndarray, ceiling: float, blocks: list[int]
) -> None:
    out, _ = limited(sound, ceiling, tuple(blocks))
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= ceiling


@pytest.mark.parametrize("kind", ["noise", "square", "impulses", "step", "growing"])
def test_loud_sounds_stay_under_the_ceiling_and_keep_their_shape(kind: str) -> None:
    rng = np.random.default_rng(5)
    n = RATE // 2
    t = np.arange(n)
    mono = {
        "noise": 3 * rng.standard_normal(n),
        "square": np.sign(np.sin(0.02 * t)),
        "impulses": np.where(t % 997 == 0, 100.0, 0.05 * np.sin(0.1 * t)),
        "step": np.where(t > n // 2, 1.0, 1e-4) * np.sin(0.1 * t),
        "growing": 10 ** (t / n * 3 - 2) * np.sin(0.1 * t),
    }[kind]
    sound = np.stack([mono, 0.5 * mono], axis=1).astype(np.float32)
    out, limiter = limited(sound, 0.25)
    assert np.abs(out).max() <= 0.25
    assert np.abs(out).max() > 0.2  # it does not simply turn everything down
    delayed = sound[: n - limiter.delay]
    kept = np.abs(delayed[:, 0]) > 1e-5
    gain = out[limiter.delay :][kept, 0] / delayed[kept, 0]
    # linked: one gain for both channels, at most 1, and one that never jumps but for a clipped last bit
    assert np.allclose(out[limiter.delay :, 1], 0.5 * out[limiter.delay :, 0], atol=1e-6)
    assert gain.max() <= 1.0 + 1e-6
    steps = np.diff(out[limiter.delay :, 0] / np.where(delayed[:, 0] == 0, 1, delayed[:, 0]))
    if kind in ("noise", "square"):
        sounding = np.minimum(np.abs(delayed[1:, 0]), np.abs(delayed[:-1, 0])) > 0.1
        assert np.abs(steps[sounding]).max() < 2 / limiter.delay


def test_what_is_under_the_ceiling_passes_bit_for_bit() -> None:
    sound = (0.24 * np.random.default_rng(1).uniform(-1, 1, (5000, 2))).astype(np.float32)
    out, limiter = limited(sound, 0.25, (240, 17, 1))
    assert np.array_equal(out[limiter.delay :], sound[: -limiter.delay])
    assert limiter.delay / RATE <= 0.005
    assert limiter.delay == round(LOOK_AHEAD_SECONDS * RATE)
    assert limiter.reduction_db == pytest.approx(0.0, abs=1e-6)


def test_a_ceiling_that_comes_down_holds_at_once() -> None:
    sound = np.sin(0.05 * np.arange(2400))[:, None].astype(np.float32)
    limiter = Limiter(RATE, 1)
    first, second = sound[:1200].copy(), sound[1200:].copy()
    for at in range(0, 1200, 240):
        limiter.process(first[at : at + 240], 1.0)
    for at in range(0, 1200, 240):
        limiter.process(second[at : at + 240], 0.1)
    assert np.abs(second).max() <= 0.1


def test_it_recovers_and_says_what_it_took_away() -> None:
    sound = np.full((RATE, 1), 0.1, np.float32)
    sound[1000] = 1.0
    out, limiter = limited(sound, 0.25)
    assert limiter.take_reduction() == pytest.approx(12.04, abs=0.1)
    assert limiter.reduction_db == 0.0
    assert out[1000 + limiter.delay - 5, 0] < 0.06
    assert out[-1, 0] == pytest.approx(0.1, rel=1e-3)
    limiter.reset()
    again = np.zeros((240, 1), np.float32)
    limiter.process(again, 0.25)
    assert not again.any()


def test_it_refuses_no_channels() -> None:
    with pytest.raises(ValueError, match="channels"):
        Limiter(RATE, 0)
