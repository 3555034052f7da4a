from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
import soxr
import torch
from fake_separators import CallingSeparator, FakeSeparator, ForgetfulSeparator, SharingSeparator, card

from separation import devices
from separation.chunking import ChunkPlan
from separation.engine import ArraySource, Block, Cancelled, separate
from separation.separator import Part, Separator, SeparatorError

Audio = npt.NDArray[np.float32]

PARTS = (Part("violin", 1), Part("violin", 2), Part("clarinet"))
SMALL = card(sample_rate=22050, chunk_seconds=0.5, context_seconds=0.1)
CPU = torch.device("cpu")
OTHER = torch.device("cpu", 0)
"""Another name of the processor, which the fakes can take for a graphics card."""


def noise(channels: int, frames: int, seed: int = 0) -> Audio:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, frames)).astype(np.float32)


def band_limited(channels: int, frames: int, rate: int, highest: float, seed: int = 0) -> Audio:
    """Noise without anything above ``highest`` Hz that fades in and out (the ends of a recording ring)."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((channels, frames)))
    spectrum[:, np.fft.rfftfreq(frames, 1 / rate) > highest] = 0
    audio = np.fft.irfft(spectrum, frames) * np.hanning(frames)
    return (audio / np.abs(audio).max()).astype(np.float32)


def joined(blocks: Iterable[Block]) -> Audio:
    return np.concatenate([block.stems for block in blocks], axis=-1)


def run(
    audio: Audio, rate: int, separator: Separator, parts: tuple[Part, ...] = PARTS, **options: object
) -> Audio:
    return joined(separate(ArraySource(audio, rate), separator, parts, **options))  # type: ignore[arg-type]


def identity(mixture: torch.Tensor, call: int) -> torch.Tensor:
    return mixture


# -- stems + residual = recording


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize(
    "length", ["one sample", "less than a chunk", "a block", "two blocks", "a chunk", "odd"]
)
def test_stems_and_residual_are_the_recording(channels: int, rate: int, length: str) -> None:
    plan = ChunkPlan.of(1, rate, SMALL)
    frames = {
        "one sample": 1,
        "less than a chunk": plan.chunk // 3,
        "a block": plan.step,
        "two blocks": 2 * plan.step,
        "a chunk": plan.chunk,
        "odd": 3 * plan.step + plan.fade + 1237,
    }[length]
    audio = noise(channels, frames)
    stems = run(audio, rate, SharingSeparator(SMALL))
    assert stems.dtype == np.float32
    assert stems.shape == (4, channels, frames)
    assert np.abs(stems.sum(axis=0) - audio).max() <= 1e-6
    # and in any other order
    assert np.abs(stems[::-1].sum(axis=0) - audio).max() <= 1e-6
    if frames > 1:
        assert all(np.abs(stem).max() > 0.01 for stem in stems)


def test_the_sum_holds_for_stems_much_louder_than_the_recording() -> None:
    audio = noise(2, 40_000)
    separator = CallingSeparator(SMALL, function=lambda mixture, call: 7.5 * mixture.roll(100))
    stems = run(audio, 22050, separator, PARTS[:1])
    assert np.abs(stems[0]).max() > 7
    assert np.abs(stems.sum(axis=0) - audio).max() <= 1e-6


def test_the_sum_holds_with_many_parts() -> None:
    parts = tuple(Part(name, n) for name in SMALL.instruments for n in (1, 2))
    audio = noise(2, 40_000)
    for function in (identity, lambda mixture, call: -mixture):
        stems = run(audio, 44100, CallingSeparator(SMALL, function=function), parts)
        assert np.abs(stems.sum(axis=0) - audio).max() <= 1e-6


@pytest.mark.parametrize("frames", [1, 7000, 30_001])
def test_blocks_follow_each_other_and_say_who_computed_them(frames: int) -> None:
    at = 0
    for block in separate(ArraySource(noise(2, frames), 16000), SharingSeparator(SMALL), PARTS):
        assert block.start == at
        assert block.notices == ()
        assert block.device == devices.label(CPU)
        at += block.stems.shape[-1]
    assert at == frames


def test_the_separator_is_called_at_its_own_rate_with_all_channels_and_always_the_same_length() -> None:
    separator = FakeSeparator(card(sample_rate=22050, chunk_seconds=0.5, context_seconds=0.2))
    run(noise(6, 60_001), 48000, separator)
    overview, *calls = separator.calls
    assert overview[:2] == ("prepare", (6, round(60_001 * 22050 / 48000)))
    samples = round(0.9 * 22050)
    assert {shape for _, shape, _ in calls} == {(6, samples)}
    assert len(calls) == ChunkPlan.of(60_001, 48000, separator.card).count


def test_the_separator_may_write_on_its_input() -> None:
    audio = noise(1, 20_000)
    before = audio.copy()
    separator = CallingSeparator(SMALL, function=lambda mixture, call: mixture.mul_(0.5))
    for rate in (22050, 16000):
        stems = run(audio, rate, separator, PARTS[:1])
        assert np.array_equal(audio, before)
        assert np.abs(stems.sum(axis=0) - audio).max() <= 1e-6


# -- nothing moves in time, nothing clicks


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 44101, 48000, 96000, 192000])
def test_a_separator_that_gives_the_mixture_gives_the_recording(rate: int) -> None:
    # well below where the resampler's filter begins to take (0.01 dB at 0.44 times the lower rate)
    audio = band_limited(2, 2 * rate + 77, rate, 0.25 * min(rate, 22050))
    stems = run(audio, rate, CallingSeparator(SMALL, function=identity), PARTS[:1])
    # aligned to far less than a sample, at block joins as elsewhere: a shift by 1/1000 of a sample
    # alone would leave an error of about 1e-3
    assert np.abs(stems[0] - audio).max() < 1e-5
    assert np.abs(stems[1]).max() < 1e-5


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_an_impulse_stays_where_it_is(rate: int) -> None:
    audio = np.zeros((1, rate), np.float32)
    places = [rate // 5, ChunkPlan.of(rate, rate, SMALL).step + 3, rate // 2 + 1]
    audio[0, places] = 1.0
    stem = run(audio, rate, CallingSeparator(SMALL, function=identity), PARTS[:1])[0, 0]
    for place in places:
        nearby = stem[place - 50 : place + 51]
        assert np.abs(nearby).argmax() == 50
        # a linear-phase filter's answer is the same on both sides
        assert np.abs(nearby - nearby[::-1]).max() < 1e-4


def roughness(signal: Audio) -> Audio:
    """Energy of the second difference in windows of 64 samples: a click stands far above its surroundings."""
    rough = np.diff(signal.astype(np.float64), 2) ** 2
    return rough[: len(rough) // 64 * 64].reshape(-1, 64).mean(axis=1)


@pytest.mark.parametrize("rate", [22050, 44100])
def test_no_click_where_neighbouring_chunks_disagree(rate: int) -> None:
    gains = (1.0, 0.25, 0.9, 0.0, 0.6)
    time = np.arange(2 * rate) / rate
    audio = (0.5 * np.sin(2 * np.pi * 440 * time))[None].astype(np.float32)
    separator = CallingSeparator(SMALL, function=lambda mixture, call: gains[call % 5] * mixture)
    stem, residual = run(audio, rate, separator, PARTS[:1])[:, 0]
    loudest = roughness(audio[0, 100:-100]).max()
    # never rougher than the sine itself at full gain, though the gain jumps between chunks
    inside = slice(100, -100)  # the recording's own abrupt ends ring in the resampler
    assert roughness(stem[inside]).max() < 1.05 * loudest
    assert roughness(residual[inside]).max() < 1.05 * loudest
    # and the gains do arrive
    plan = ChunkPlan.of(audio.shape[1], rate, SMALL)
    for k, gain in enumerate(gains[: plan.count]):
        middle = slice(k * plan.step + plan.fade, (k + 1) * plan.step)
        assert np.allclose(stem[middle][200:-200], gain * audio[0, middle][200:-200], atol=1e-4)


def test_joins_are_no_rougher_than_the_rest_with_stems_of_different_bands() -> None:
    rate = 44100
    audio = band_limited(1, 3 * rate, rate, 9000)
    stems = run(audio, rate, SharingSeparator(SMALL))
    plan = ChunkPlan.of(audio.shape[1], rate, SMALL)
    joins = np.arange(1, plan.count) * plan.step
    inaudible = 10 ** (-80 / 10)
    for stem in stems:
        rough = roughness(stem[0])
        steady = np.quantile(rough, 0.99)
        for join in joins:
            assert rough[join // 64 - 1 : join // 64 + 2].max() < 4 * steady + inaudible


# -- the same samples, wherever a run begins


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_run_that_goes_on_gives_the_samples_of_one_without_a_break(rate: int) -> None:
    audio = noise(2, 2 * rate + 5)
    source = ArraySource(audio, rate)
    blocks = list(separate(source, SharingSeparator(SMALL), PARTS, seed=3))
    whole = joined(blocks)
    assert len(blocks) > 3
    for start in [*(block.start for block in blocks), 1, blocks[2].start + 17, audio.shape[1] - 1]:
        again = list(separate(source, SharingSeparator(SMALL), PARTS, seed=3, start=start))
        assert again[0].start == start
        assert np.array_equal(joined(again), whole[..., start:])
    assert list(separate(source, SharingSeparator(SMALL), PARTS, start=audio.shape[1])) == []


def test_the_same_again_is_the_same() -> None:
    audio = noise(2, 50_000)

    def seeded(mixture: torch.Tensor, call: int) -> torch.Tensor:
        return mixture * torch.rand(1, generator=torch.Generator().manual_seed(call))

    first = run(audio, 44100, CallingSeparator(SMALL, function=seeded))
    assert np.array_equal(first, run(audio, 44100, CallingSeparator(SMALL, function=seeded)))


def test_seed_state_and_check_reach_the_separator() -> None:
    seen: list[object] = []

    class Curious(FakeSeparator):
        def prepare(self, overview, parts, *, seed=0, check=None):  # type: ignore[no-untyped-def]
            seen.append(("prepare", seed, check))
            return "what was learnt"

        def separate_block(self, mixture, parts, *, state=None, seed=0, check=None):  # type: ignore[no-untyped-def]
            assert not torch.is_grad_enabled()
            seen.append((state, seed, check))
            return super().separate_block(mixture, parts, state=state, seed=seed, check=check)

    def check() -> None:
        pass

    run(noise(1, 2000), 16000, Curious(SMALL), seed=7, check=check)
    assert seen == [("prepare", 7, check), ("what was learnt", 7, check)]


# -- what goes wrong


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e20])
def test_a_block_that_is_no_audio_is_shared_equally(bad: float) -> None:
    audio = noise(2, 40_000)

    def second_fails(mixture: torch.Tensor, call: int) -> torch.Tensor:
        stem = 0.5 * mixture
        if call == 1:
            stem[0, 4000] = bad
        return stem

    blocks = list(
        separate(ArraySource(audio, 22050), CallingSeparator(SMALL, function=second_fails), PARTS[:1])
    )
    assert [bool(block.notices) for block in blocks[:3]] == [False, True, False]
    assert "The separator failed on the stretch from 0:00" in blocks[1].notices[0]
    stems = joined(blocks)
    assert np.isfinite(stems).all()
    assert np.abs(stems.sum(axis=0) - audio).max() <= 1e-6
    shared = run(audio, 22050, CallingSeparator(SMALL, function=second_fails), PARTS[:2])
    plan = ChunkPlan.of(40_000, 22050, SMALL)
    middle = slice(plan.step + plan.fade, 2 * plan.step)
    for stem in shared:
        assert np.allclose(stem[:, middle], audio[:, middle] / 3, atol=1e-6)


def test_broken_samples_count_as_silence() -> None:
    audio = noise(2, 40_000)
    audio[0, 19_000] = np.nan
    audio[1, 19_001:19_005] = np.inf
    separator = SharingSeparator(SMALL)
    blocks = list(separate(ArraySource(audio, 22050), separator, PARTS))
    clean = np.nan_to_num(audio, nan=0.0, posinf=0.0)
    assert np.abs(joined(blocks).sum(axis=0) - clean).max() <= 1e-6
    notices = [notice for block in blocks for notice in block.notices]
    # once, though the chunks next to it hear that place too
    assert notices == ["Near 0:00 the recording holds broken samples, which count as silence."]


def test_silence_is_not_given_to_the_separator() -> None:
    separator = FakeSeparator(SMALL)
    assert not run(np.zeros((2, 60_000), np.float32), 22050, separator).any()
    assert separator.calls == []
    audio = np.zeros((1, 200_000), np.float32)
    audio[0, 100_000] = 0.5
    stems = run(audio, 22050, separator)
    assert np.array_equal(stems.sum(axis=0), audio)
    assert [what for what, _, _ in separator.calls].count("separate") < 4


@pytest.mark.parametrize("fails_from", [0, 2])
def test_too_little_memory_goes_on_with_the_next_device(fails_from: int) -> None:
    audio = noise(2, 60_000)
    separator = ForgetfulSeparator(SMALL, fails_from=fails_from, fails_on=lambda device: device == OTHER)
    source = ArraySource(audio, 22050)
    blocks = list(separate(source, separator, PARTS, ladder=[OTHER, CPU]))
    notices = [block.notices for block in blocks]
    assert [bool(n) for n in notices].index(True) == fails_from
    assert sum(map(len, notices)) == 1
    assert "not enough memory on" in notices[fails_from][0]
    assert "goes on with" in notices[fails_from][0]
    # the block that failed was done again, and the rest stayed on the second device
    used = [device for what, _, device in separator.calls if what == "separate"]
    assert used == [OTHER] * (fails_from + 1) + [CPU] * (len(blocks) - fails_from)
    assert [what for what, _, _ in separator.calls].count("prepare") == 2
    assert np.array_equal(joined(blocks), run(audio, 22050, SharingSeparator(SMALL)))


def test_too_little_memory_on_a_device_that_holds_no_audio_at_all() -> None:
    separator = ForgetfulSeparator(SMALL)
    audio = noise(2, 20_000)
    blocks = list(separate(ArraySource(audio, 22050), separator, PARTS, ladder=[torch.device("meta"), CPU]))
    assert blocks[0].notices[0].startswith("There was not enough memory on meta, so")
    assert blocks[0].device == devices.label(CPU)


def test_too_little_memory_while_preparing() -> None:
    class Heavy(SharingSeparator):
        def prepare(self, overview, parts, *, seed=0, check=None):  # type: ignore[no-untyped-def]
            if self.device == OTHER:
                raise RuntimeError("MPS backend out of memory")
            return super().prepare(overview, parts, seed=seed, check=check)

    separator = Heavy(SMALL)
    blocks = list(separate(ArraySource(noise(1, 20_000), 22050), separator, PARTS, ladder=[OTHER, CPU]))
    assert len(blocks[0].notices) == 1
    assert [what for what, _, _ in separator.calls].count("prepare") == 1


def test_too_little_memory_everywhere_is_a_sentence() -> None:
    separator = ForgetfulSeparator(SMALL, fails_on=lambda device: True)
    with pytest.raises(
        SeparatorError, match="not enough memory to separate this recording with Quick sharing"
    ):
        run(noise(1, 20_000), 22050, separator, ladder=[OTHER, CPU])


def test_any_other_failure_is_passed_on() -> None:
    def fail(mixture: torch.Tensor, call: int) -> torch.Tensor:
        raise RuntimeError("a fault of the separator")

    with pytest.raises(RuntimeError, match="a fault of the separator"):
        run(noise(1, 2000), 22050, CallingSeparator(SMALL, function=fail))

    class Short(FakeSeparator):
        def stems(self, mixture: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
            return super().stems(mixture, parts)[..., :-1]

    with pytest.raises(ValueError, match="separator fake gave stems of shape"):
        run(noise(1, 2000), 22050, Short(SMALL))


def stop_at(call: int) -> Callable[[], None]:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked >= call:
            raise Cancelled

    return check


@pytest.mark.parametrize("call", [1, 2, 5, 9])
def test_a_check_stops_the_run_wherever_it_is(call: int) -> None:
    blocks: list[Block] = []
    running = separate(
        ArraySource(noise(1, 60_000), 22050), SharingSeparator(SMALL), PARTS, check=stop_at(call)
    )
    with pytest.raises(Cancelled):
        blocks.extend(running)
    assert len(blocks) < 6
    assert [block.start for block in blocks] == [k * blocks[0].stems.shape[-1] for k in range(len(blocks))]


def test_closing_the_generator_stops_the_run() -> None:
    separator = SharingSeparator(SMALL)
    blocks = separate(ArraySource(noise(1, 60_000), 22050), separator, PARTS)
    next(blocks)
    blocks.close()
    assert [what for what, _, _ in separator.calls] == ["prepare", "separate"]
    assert list(blocks) == []


def test_what_makes_no_sense_is_refused_at_once() -> None:
    source, separator = ArraySource(noise(2, 100), 16000), SharingSeparator(SMALL)
    for empty in (np.zeros((2, 0), np.float32), np.zeros((0, 5), np.float32)):
        with pytest.raises(SeparatorError, match="it is empty"):
            separate(ArraySource(empty, 16000), separator, PARTS)
    with pytest.raises(SeparatorError, match="No instruments were named"):
        separate(source, separator, ())
    with pytest.raises(SeparatorError, match="does not know the part “tuba”"):
        separate(source, separator, (Part("tuba"),))
    with pytest.raises(SeparatorError, match="does not know the part “violin-3”"):
        separate(source, separator, (Part("violin", 3),))
    with pytest.raises(SeparatorError, match="no device “abacus”"):
        separate(source, separator, PARTS, device="abacus")
    with pytest.raises(ValueError, match="named twice"):
        separate(source, separator, (Part("violin"), Part("violin")))
    for start in (-1, 101):
        with pytest.raises(ValueError, match="outside the recording"):
            separate(source, separator, PARTS, start=start)
    with pytest.raises(ValueError, match="must be \\(channels, samples\\)"):
        ArraySource(np.zeros(5, np.float32), 16000)


# -- any length in bounded memory


class Synthetic:
    """A recording that is made when it is read; counts what is read."""

    def __init__(self, sample_rate: int, channels: int, seconds: int) -> None:
        self.sample_rate, self.channels, self.frames = sample_rate, channels, seconds * sample_rate
        self.reads: list[tuple[int, int]] = []

    def read(self, start: int, stop: int) -> Audio:
        assert 0 <= start < stop <= self.frames
        self.reads.append((start, stop))
        tone = 0.3 * np.sin(np.arange(start, stop) * 0.05).astype(np.float32)
        return np.tile(tone, (self.channels, 1))


def test_a_long_recording_takes_no_more_memory_than_a_short_one() -> None:
    peaks = []
    for seconds in (120, 1200):
        source = Synthetic(4000, 2, seconds)
        separator = FakeSeparator(card(sample_rate=8000, chunk_seconds=8.0, context_seconds=1.0))
        tracemalloc.start()
        for block in separate(source, separator, PARTS):
            assert block.stems.shape[-1] <= 8 * 4000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        overview, *chunks = source.reads[1:13], *source.reads[13:]
        assert sum(stop - start for start, stop in overview) <= 60 * 4000
        assert max(stop - start for start, stop in chunks) <= 10 * 4000 + 2
        assert separator.calls[0][1][1] <= 60 * 8000
    assert peaks[1] < 1.1 * peaks[0]


def test_excerpts_of_a_long_recording_do_not_click() -> None:
    heard: list[torch.Tensor] = []

    class Listening(FakeSeparator):
        def prepare(self, overview, parts, *, seed=0, check=None):  # type: ignore[no-untyped-def]
            heard.append(overview.clone())

    rate = 4000
    next(iter(separate(Synthetic(rate, 1, 300), Listening(card(sample_rate=rate)), PARTS)))
    overview = heard[0][0].numpy()
    assert len(overview) == 60 * rate
    assert np.abs(np.diff(overview)).max() < 0.02  # the sine's own steps are 0.015
    plain = soxr.resample(Synthetic(rate, 1, 300).read(0, 5 * rate)[0], rate, rate)
    assert overview.std() == pytest.approx(plain.std(), rel=0.02)
