"""Runs a separator over a recording of any length, block by block.

Each chunk (see :mod:`separation.chunking`) is read with its context, resampled to the separator's rate,
separated, resampled back and cross-faded with the chunk before it. Chunks are resampled one by one
rather than as a stream, so that a run that begins later gives the same samples. What the stems leave of
the recording is the residual: at the recording's own rate, so that the sum of all is the recording
whatever the resampler and the separator did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import soxr
import torch

from separation import devices
from separation.chunking import Audio, AudioSource, ChunkPlan, Stitcher, excerpts, read_clean
from separation.separator import Cancelled, Check, Part, Separator, SeparatorError

__all__ = ["ArraySource", "AudioSource", "Block", "Cancelled", "separate"]

LOUDEST_STEM = 8.0
"""A stem that peaks this many times above the mixture is a failure of the separator, not music. (It
would also cost the sum its accuracy: above about this, a float32 is no longer exact to 1e-6.)"""

EXCERPT_FADE_SECONDS = 0.02

QUALITY = "VHQ"
"""Of soxr: its errors lie below those of float32, and it costs next to nothing beside any separator."""

T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """One finished stretch of stems.

    ``stems`` is ``(parts + 1, channels, n)`` float32 at the recording's rate, in the order of the parts,
    the residual last; summed over its first axis it is frames ``start`` to ``start + n`` of the
    recording to within 1e-6 of full scale. ``notices`` are sentences for the user about this block;
    ``device`` is the name of what computed it.
    """

    start: int
    stems: Audio
    notices: tuple[str, ...]
    device: str


class ArraySource:
    """An array ``(channels, samples)`` of float32 as a source."""

    def __init__(self, audio: Audio, sample_rate: int) -> None:
        if audio.ndim != 2:
            raise ValueError(f"audio must be (channels, samples), not of shape {audio.shape}")
        self._audio = np.asarray(audio, dtype=np.float32)
        self.sample_rate = sample_rate
        self.channels, self.frames = self._audio.shape

    def read(self, start: int, stop: int) -> Audio:
        """Frames ``start`` to ``stop``: ``(channels, stop - start)``."""
        return self._audio[:, start:stop]


def separate(
    source: AudioSource,
    separator: Separator,
    parts: Sequence[Part],
    *,
    device: str = "auto",
    seed: int = 0,
    start: int = 0,
    check: Check | None = None,
    ladder: Iterable[torch.device] = (),
) -> Generator[Block, None, None]:
    """The recording's stems as finished blocks of a few seconds, in order, from frame ``start`` to its end.

    The blocks of a run that begins at ``start`` hold the same samples as those of a run from the
    beginning (at the cost of computing one chunk more, the one whose end fades into the first block).
    A chunk that the separator fails on (samples that are no numbers, or far too loud) is shared out
    equally among parts and residual, with a notice. When the device has too little memory the run goes
    on with the CPU from that chunk, with a notice. Digital silence is not given to the separator.

    ``device`` is a key of :mod:`separation.devices`; ``ladder`` names the devices to try one after the
    other instead. ``check`` is called often, here and in the separator; what it raises
    (:class:`Cancelled`) ends the run. Closing the generator between blocks is another way to stop.
    The same arguments give the same samples (on one kind of device, with one number of threads).

    Raises :class:`SeparatorError` at once for an empty recording, for parts that the separator does not
    know and for a device that is not there, and later when even the last device has too little memory.
    """
    card = separator.card
    if source.frames < 1 or source.channels < 1:
        raise SeparatorError("The recording has no sound in it: it is empty.")
    if not 0 <= start <= source.frames:
        raise ValueError(f"start {start} lies outside the recording's {source.frames} frames")
    if not parts:
        raise SeparatorError(f"No instruments were named. Name some of {', '.join(card.instruments)}.")
    if len(set(parts)) != len(parts):
        raise ValueError("a part is named twice")
    for part in parts:
        if part.instrument not in card.instruments or part.number > card.max_parts:
            raise SeparatorError(f"{card.title} does not know the part “{part.name}”.")
    tried = tuple(ladder) or tuple(dict.fromkeys((devices.resolve(device), torch.device("cpu"))))
    return _Run(source, separator, tuple(parts), tried, seed, check).blocks(start)


class _Run:
    """One recording on its way through one separator."""

    def __init__(
        self,
        source: AudioSource,
        separator: Separator,
        parts: tuple[Part, ...],
        ladder: tuple[torch.device, ...],
        seed: int,
        check: Check | None,
    ) -> None:
        self._source = source
        self._separator = separator
        self._parts = parts
        self._ladder = list(ladder)
        self._seed = seed
        self._check = check
        self._plan = ChunkPlan.of(source.frames, source.sample_rate, separator.card)
        self._ready = False
        self._state: Any = None
        self._notices: list[str] = []

    def blocks(self, start: int) -> Generator[Block, None, None]:
        """The blocks from frame ``start`` on; the first one may begin inside a block of the grid."""
        plan = self._plan
        if start >= plan.frames:
            return
        stitcher = Stitcher(plan)
        first = plan.index(start)
        if first:
            stitcher.add(first - 1, self._chunk(first - 1)[0])
        for index in range(first, plan.count):
            chunk, recording = self._chunk(index)
            begin, end = plan.block(index)
            stems = self._with_residual(stitcher.add(index, chunk), recording[:, : end - begin])
            skip = max(0, start - begin)
            notices, self._notices = tuple(dict.fromkeys(self._notices)), []
            yield Block(begin + skip, stems[..., skip:], notices, devices.label(self._ladder[0]))

    @staticmethod
    def _with_residual(stems: Audio, recording: Audio) -> Audio:
        """Stems ``(parts, channels, n)`` and what they leave of the recording: ``(parts + 1, channels, n)``.

        The stems are added up in float32 and in their order, as whoever sums the result will do: so the
        rounding errors on the way are the same there and cancel out.
        """
        whole = np.empty((len(stems) + 1, *recording.shape), dtype=np.float32)
        whole[:-1] = stems
        total = whole[0].copy()
        for stem in whole[1:-1]:
            total += stem
        np.subtract(recording, total, out=whole[-1])
        return whole

    def _chunk(self, index: int) -> tuple[Audio, Audio]:
        """Stems ``(parts, channels, chunk)`` of one chunk, and the recording there ``(channels, chunk)``."""
        self._checkpoint()
        plan, rate, own_rate = self._plan, self._source.sample_rate, self._separator.card.sample_rate
        core = slice(plan.context, plan.context + plan.chunk)
        # the same number of samples for every chunk, since networks may want that
        samples = round((plan.chunk + 2 * plan.context) * own_rate / rate)
        begin = index * plan.step - plan.context
        piece, cleaned = read_clean(self._source, begin, begin + -(-samples * rate // own_rate) + 1)
        recording = piece[:, core]
        start, stop = plan.block(index)
        if (broken := cleaned[core][: stop - start]).any():
            where = _clock((start + int(broken.argmax())) / rate)
            self._notices.append(f"Near {where} the recording holds broken samples, which count as silence.")
        if not piece.any():
            return np.zeros((len(self._parts), *recording.shape), dtype=np.float32), recording
        # a copy, so that a separator that writes on its input harms nothing
        mixture = _resample(piece, rate, own_rate)[:, :samples].copy()
        loudest = LOUDEST_STEM * float(np.abs(piece).max())
        stems = self._on_device(lambda: self._separate(mixture, loudest))
        if stems is None:
            where = _clock(start / rate)
            self._notices.append(
                f"The separator failed on the stretch from {where}: there the parts share the sound equally."
            )
            share = recording / np.float32(len(self._parts) + 1)
            return np.repeat(share[np.newaxis], len(self._parts), axis=0), recording
        back = np.empty((len(self._parts), *recording.shape), dtype=np.float32)
        for part, stem in enumerate(stems):
            back[part] = _resample(stem, own_rate, rate)[:, core]
        return back, recording

    def _separate(self, mixture: Audio, loudest: float) -> Audio | None:
        """Stems ``(parts, channels, samples)`` at the separator's rate, or None when they are unusable.

        They are when a sample is no number or above ``loudest``.
        """
        if not self._ready:
            self._prepare()
        with torch.no_grad():
            stems = self._separator.separate_block(
                torch.from_numpy(mixture).to(self._ladder[0]),
                self._parts,
                state=self._state,
                seed=self._seed,
                check=self._check,
            )
        wanted = (len(self._parts), *mixture.shape)
        if tuple(stems.shape) != wanted:
            name = self._separator.card.name
            raise ValueError(f"separator {name} gave stems of shape {tuple(stems.shape)} instead of {wanted}")
        found: Audio = stems.detach().to("cpu", torch.float32).numpy()
        # a comparison with a peak that is no number is False
        return found if np.abs(found).max() <= loudest else None

    def _prepare(self) -> None:
        """Show the separator the whole recording, once for each device that is tried."""
        self._separator = self._separator.to(self._ladder[0])
        overview = torch.from_numpy(self._overview()).to(self._ladder[0])
        with torch.no_grad():
            self._state = self._separator.prepare(overview, self._parts, seed=self._seed, check=self._check)
        self._ready = True

    def _overview(self) -> Audio:
        """``(channels, samples)`` at the separator's rate: the recording, or excerpts from all over it.

        A very short recording is followed by silence, so that no separator need care for a single sample.
        """
        rate, own_rate = self._source.sample_rate, self._separator.card.sample_rate
        stretches = excerpts(max(self._source.frames, self._plan.chunk), rate)
        pieces = []
        for begin, end in stretches:
            piece = self._resampled(begin, end)
            fade = min(round(EXCERPT_FADE_SECONDS * own_rate), piece.shape[1] // 2)
            if len(stretches) > 1 and fade:
                # no clicks between excerpts: a separator might take them for notes
                rise = np.linspace(0.0, 1.0, fade, dtype=np.float32)
                piece[:, :fade] *= rise
                piece[:, -fade:] *= rise[::-1]
            pieces.append(piece)
        return np.concatenate(pieces, axis=1)

    def _resampled(self, begin: int, end: int) -> Audio:
        """A long stretch of the recording at the separator's rate, read a little at a time."""
        rate, own_rate = self._source.sample_rate, self._separator.card.sample_rate
        stream = soxr.ResampleStream(rate, own_rate, self._source.channels, dtype="float32", quality=QUALITY)
        pieces = []
        for at in range(begin, end, 5 * rate):
            self._checkpoint()
            until = min(at + 5 * rate, end)
            piece, _ = read_clean(self._source, at, until)
            pieces.append(stream.resample_chunk(np.ascontiguousarray(piece.T), last=until == end))
        return np.ascontiguousarray(np.concatenate(pieces).T, dtype=np.float32)

    def _on_device(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, on the next device of the ladder when this one has too little memory."""
        while True:
            self._checkpoint()
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not devices.is_out_of_memory(error):
                    raise
            # past the except clause: while it ran, the error kept hold of everything on the device
            self._step_down()

    def _step_down(self) -> None:
        """Leave a device that has too little memory for the next one."""
        tired = devices.label(self._ladder[0])
        if len(self._ladder) == 1:
            raise SeparatorError(
                f"There is not enough memory to separate this recording with {self._separator.card.title} "
                f"on {tired}; close other programs or choose fewer instruments."
            )
        emptied = self._ladder.pop(0)
        self._state, self._ready = None, False
        self._separator = self._separator.to(self._ladder[0])  # before the cache is emptied: it frees memory
        if emptied.type == "cuda":
            torch.cuda.empty_cache()
        elif emptied.type == "mps":
            torch.mps.empty_cache()
        fresh = devices.label(self._ladder[0])
        self._notices.append(
            f"There was not enough memory on {tired}, so the separation goes on with {fresh}."
        )
        self._prepare()

    def _checkpoint(self) -> None:
        if self._check is not None:
            self._check()


def _resample(audio: Audio, rate: int, new_rate: int) -> Audio:
    """Audio ``(channels, samples)`` at ``rate`` Hz, at ``new_rate`` Hz; its first sample stays where it is.

    The filter is linear-phase and its delay is taken out, so nothing moves in time.
    """
    if rate == new_rate:
        return audio
    moved = soxr.resample(np.ascontiguousarray(audio.T), rate, new_rate, quality=QUALITY)
    return np.ascontiguousarray(moved.T)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
