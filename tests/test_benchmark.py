from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from fake_separators import FakeSeparator, card
from training_material import tiny_clips, tone

from separation.separator import Part, SeparatorError
from separation.training import benchmark
from separation.training.benchmark import Case, Found, Result
from separation.training.ensemble_synth import write_shard
from separation.training.validation import Piece

RATE = 16000


class Knowing(FakeSeparator):
    """Knows the true stems, and gives them in the order that it is told."""

    def __init__(self, truth: torch.Tensor, order: Sequence[int]) -> None:
        super().__init__(card(chunk_seconds=3.0))
        self.truth, self.order = truth, order

    def stems(self, mixture: torch.Tensor, parts: Sequence[Part]) -> torch.Tensor:
        stems = torch.zeros(len(parts), *mixture.shape)
        start = round(self.card.context_seconds * self.card.sample_rate)  # the silence before the piece
        stems[..., start : start + self.truth.shape[-1]] = self.truth[list(self.order)]
        return stems + 0.01 * torch.randn(stems.shape, generator=torch.Generator().manual_seed(0))


def quartet(seconds: float = 1.0) -> Piece:
    waves = [tone(pitch, seconds, [1, 0.5, 0.3], RATE) for pitch in (76, 69, 60, 50)]
    parts = (Part("violin", 1), Part("violin", 2), Part("viola"), Part("cello"))
    return Piece("quartet", torch.from_numpy(np.stack(waves))[:, None] * 0.2, parts, RATE)


def folder_of(piece: Piece, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for part, wave in zip(piece.parts, piece.audio, strict=True):
        soundfile.write(folder / f"{part.name}.flac", wave.numpy().T, piece.sample_rate)
    return folder


def test_pieces_are_found_and_grouped(tmp_path: Path) -> None:
    folder_of(quartet(), tmp_path / "real" / "quartet_01")
    folder_of(quartet(), tmp_path / "real" / "quartet_02")
    for name in ("seen", "unseen"):
        write_shard(tiny_clips(tmp_path, 3), tmp_path / "held" / name / "0.safetensors")
    found = benchmark.cases([tmp_path / "real", tmp_path / "held"], seconds=0.5, most=2)
    assert [case.group for case in found] == ["real"] * 2 + ["seen"] * 2 + ["unseen"] * 2
    assert [case.piece.name for case in found[:3]] == ["quartet_01", "quartet_02", "0-0"]
    assert {case.piece.audio.shape[-1] / case.piece.sample_rate for case in found} == {0.5}
    alone = benchmark.cases([tmp_path / "held" / "unseen"])
    assert [case.group for case in alone] == ["unseen"] * 3
    (demo,) = benchmark.cases([benchmark.DEMO], seconds=0.1)
    assert demo.group == "shipped"
    with pytest.raises(SeparatorError, match="holds no piece"):
        benchmark.cases([tmp_path / "nowhere"])


def test_mixture_and_oracle_frame_what_can_be_had() -> None:
    result = benchmark.baseline(Case(quartet(), "real"))
    assert set(result.mixture) == {"violin-1", "violin-2", "viola", "cello"}
    assert all(-7 < value < -4 for value in result.mixture.values())  # one of four about equal parts
    assert all(value > 8 for value in result.oracle.values())
    assert result.seconds == 1.0


def test_stems_are_scored_as_named_and_at_their_best_order() -> None:
    piece = quartet()
    right = benchmark.measure(Knowing(piece.audio, [0, 1, 2, 3]), Case(piece, "real"))
    swapped = benchmark.measure(Knowing(piece.audio, [1, 0, 2, 3]), Case(piece, "real"))
    assert all(value > 15 for value in right.stems.values())
    assert right.best == {name: right.stems[name] for name in ("violin-1", "violin-2")}
    assert swapped.stems["violin-1"] < 0 < swapped.stems["viola"]
    assert set(swapped.best) == {"violin-1", "violin-2"}
    assert swapped.best["violin-1"] == pytest.approx(right.stems["violin-1"], abs=0.5)
    other = benchmark.measure(Knowing(piece.audio, [0, 1, 3, 2]), Case(piece, "real"))
    assert other.best["violin-1"] == other.stems["violin-1"]
    assert other.stems["viola"] < 0  # other instruments are never exchanged


def test_what_a_separator_cannot_do_is_said_and_left_out() -> None:
    piece = quartet()
    single = FakeSeparator(card(max_parts=1))
    told: list[tuple[float, str]] = []
    able = Knowing(piece.audio, range(4))
    results, sentences = benchmark.compare(
        [Case(piece, "real")], {"able": able, "single": single}, report=lambda *news: told.append(news)
    )
    assert set(results[0].found) == {"able"}
    (sentence,) = sentences
    assert sentence.startswith("single was not scored on quartet: ")
    assert told == [(0.0, "quartet with able"), (0.5, "quartet with single"), (1.0, "")]
    assert np.isnan(benchmark.speed(results, "single"))
    assert benchmark.speed(results, "able") > 0


def test_means_leave_out_silence_and_bound_the_bottomless() -> None:
    nan, inf = float("nan"), float("inf")
    mixture = {"violin-1": -5.0, "violin-2": -4.0, "cello": nan}
    first = Found({"violin-1": 1.0, "violin-2": -inf, "cello": nan}, {"violin-1": 3.0, "violin-2": 2.0}, 1.0)
    result = Result("one", "real", 2.0, mixture, mixture, {"x": first})
    found = benchmark.summary([result], lambda each: each.found.get("x"))
    assert found is not None
    assert found.mean == pytest.approx((1.0 - 40.0) / 2)
    assert found.improvement == pytest.approx((6.0 - 36.0) / 2)
    assert found.least == -36.0
    assert found.twins == pytest.approx((6.0 - 36.0) / 2)
    assert found.twins_best == pytest.approx((8.0 + 6.0) / 2)
    assert benchmark.summary([result], lambda each: each.found.get("y")) is None
    assert benchmark.speed([result], "x") == 2.0
