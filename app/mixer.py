"""The one render path: playback, export and scoring all get their samples from :class:`Mixer`.

For every frame and output channel c::

    out[c] = master · ( recording[c] + Σ_i (gain[i, c] − 1) · stem[i, c] )

Stems and residual add up to the recording, so this is the sum of the stems at their gains; written
this way, all gains at 0 dB give the recording bit for bit, and where the stems are not separated yet
the recording is heard unchanged. Every coefficient moves linearly to its new value over 25 ms, so no
change of gain, mute, solo, pan or master clicks.

Audio here is frame-major, ``(frames, channels)`` float32, full scale ±1. :meth:`Mixer.render` runs in
the audio thread: it takes no lock and works in arrays made beforehand (only views, small Python
objects that are freed at once, come and go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from app.mix_state import Audio, MixState, mix_state, output_channels, pan_gains, recording_state
from app.session import Session

__all__ = [
    "BLOCK",
    "RAMP_SECONDS",
    "Audio",
    "MixState",
    "Mixer",
    "live_mixer",
    "mix_state",
    "output_channels",
    "pan_gains",
    "recording_state",
    "render_offline",
]

RAMP_SECONDS = 0.025
"""The time in which a coefficient of the mix reaches its new value."""
BLOCK = 240
"""The most frames rendered at once: what the mixer's working arrays hold.

numpy gives up Python's lock for arrays of more than 500 samples, and the audio thread would then have to
wait for it again after every operation; in stereo these are smaller."""


class _Voice:
    """Where one reading of the material is: the frame that comes next, and how far the stems count.

    ``wet`` is 1 where the stems are used in full and 0 where only the recording is heard, because the
    stems are not there yet; it never changes faster than a ramp.
    """

    __slots__ = ("next", "wet")

    def __init__(self) -> None:
        self.next = -1
        self.wet = 0.0


class Mixer:
    """Renders the mix of a recording and its stems, any part of it, at the gains of :attr:`state`.

    ``recording`` is ``(frames, channels)`` float32, ``stems`` maps names to arrays of the same shape
    (memory-mapped ones are read only where they are rendered). ``frames_done`` says how many frames
    of the stems exist so far; it is called in the audio thread, so it must only read a number. Without
    it the stems are whole. ``channels`` is the number of output channels (the recording's by default;
    one input channel may become two). With ``metering`` every rendered frame also feeds
    :attr:`strip_levels`.

    The first frame rendered uses the state as it is; after that, a new state is reached in 25 ms.
    """

    def __init__(
        self,
        recording: Audio,
        stems: Mapping[str, Audio] | None = None,
        *,
        sample_rate: int,
        frames_done: Callable[[], int] | None = None,
        channels: int | None = None,
        metering: bool = False,
    ) -> None:
        stems = dict(stems or {})
        for what, array in {"recording": recording, **stems}.items():
            if array.ndim != 2 or array.dtype != np.float32 or array.shape != recording.shape:
                raise ValueError(
                    f"{what} must be (frames, channels) float32 shaped like the recording, "
                    f"not {array.dtype} {array.shape}"
                )
        self.sample_rate = sample_rate
        self.frames = int(recording.shape[0])
        self.source_channels = int(recording.shape[1])
        self.channels = self.source_channels if channels is None else channels
        if self.channels != self.source_channels and self.source_channels != 1:
            raise ValueError(f"{self.source_channels} channels cannot be mixed into {self.channels}")
        self.names = tuple(stems)
        # plain views: slicing a numpy.memmap runs Python code of its own every time
        self.recording = np.asarray(recording)
        self.stems = tuple(np.asarray(stem) for stem in stems.values())
        self.metering = metering
        self.strip_levels = np.zeros(len(self.names), np.float32)
        """The highest absolute sample of each stem as heard (after its fader); see :meth:`lower_levels`."""
        self._frames_done = frames_done
        self._state = recording_state(self.names, self.channels)
        self._target: MixState | None = None
        self._from = np.zeros((1 + len(self.names), self.channels), np.float32)
        self._delta = np.zeros_like(self._from)
        self._moving = [False] * (1 + len(self.names))
        self._ramp = max(1, round(RAMP_SECONDS * sample_rate))
        self._ramp_at = self._ramp
        # float32 has 24 bits: steps up to 192 kHz × 25 ms = 4800 are exact enough
        self._rise = (np.arange(1, self._ramp + 1, dtype=np.float32) / np.float32(self._ramp)).astype(
            np.float32
        )
        self._steps = np.arange(1, BLOCK + 1, dtype=np.float32) / np.float32(self._ramp)
        self._scratch = np.zeros((BLOCK, self.channels), np.float32)
        self._column = np.zeros(BLOCK, np.float32)
        self._coefficient = np.zeros(BLOCK, np.float32)
        self._wet = np.zeros(BLOCK, np.float32)
        self._cap = np.zeros(BLOCK, np.float32)
        self._main = _Voice()
        self._tail = _Voice()

    @property
    def state(self) -> MixState:
        """The mix that is rendered, or that the ramp under way leads to. Assigning swaps it at once."""
        return self._state

    @state.setter
    def state(self, state: MixState) -> None:
        if state.names != self.names or state.channels != self.channels:
            raise ValueError(
                f"the mix is for {state.names} in {state.channels} channels, "
                f"the mixer has {self.names} in {self.channels}"
            )
        self._state = state

    @property
    def frames_done(self) -> int:
        """How many frames of the stems can be used now."""
        if not self.stems:
            return 0
        return self.frames if self._frames_done is None else min(self.frames, self._frames_done())

    def render(self, start: int, out: Audio) -> None:
        """Fill ``out`` ``(n, channels)`` float32 with the mix from frame ``start`` (≥ 0) on.

        Frames past the end are zeros. Rendering that goes on where the last call ended continues
        every ramp; any other start is a jump, and the caller sees to a fade around it.
        """
        if self._state is not self._target:
            self._retarget(self._state)
        self._ramp_at = self._read(self._main, start, out)

    def hold(self) -> None:
        """Keep reading on, as the tail, from where :meth:`render` is now, before it jumps elsewhere."""
        self._tail.next = self._main.next
        self._tail.wet = self._main.wet

    def render_tail(self, start: int, out: Audio) -> None:
        """Like :meth:`render` at the tail's place and at the same gains; call it before :meth:`render`.

        It moves no ramp on: the frames that it renders are heard together with those of the
        :meth:`render` that follows, in a cross-fade.
        """
        if self._state is not self._target:
            self._retarget(self._state)
        self._read(self._tail, start, out)

    def lower_levels(self, factor: float) -> None:
        """Let the meters fall: rendering raises :attr:`strip_levels`, only this lowers them."""
        np.multiply(self.strip_levels, factor, out=self.strip_levels)

    def _retarget(self, state: MixState) -> None:
        """Start the ramp from the coefficients of this moment to those of ``state``."""
        if self._target is None:
            self._ramp_at = self._ramp
        else:
            if self._ramp_at >= self._ramp:
                np.copyto(self._from, self._target.table)
            elif self._ramp_at:
                np.multiply(self._delta, self._rise[self._ramp_at - 1], out=self._delta)
                np.add(self._from, self._delta, out=self._from)
            np.subtract(state.table, self._from, out=self._delta)
            for row in range(len(self._moving)):
                self._moving[row] = bool(self._delta[row].any())
            self._ramp_at = 0
        self._target = state

    def _read(self, voice: _Voice, start: int, out: Audio) -> int:
        """Render one voice; returns where in the ramp it ended."""
        done = self.frames_done
        if start != voice.next:
            voice.wet = self._cap_at(start, done)
        ramp_at = self._ramp_at
        at, wanted = 0, out.shape[0]
        there = min(wanted, max(0, self.frames - start))
        while at < there:
            n = min(there - at, BLOCK)
            if ramp_at < self._ramp:
                n = min(n, self._ramp - ramp_at)
            if start + at < done:
                n = min(n, done - start - at)  # what is not written yet is never read
            self._mix(voice, start + at, out[at : at + n], ramp_at, done)
            ramp_at = min(self._ramp, ramp_at + n)
            at += n
        if at < wanted:
            out[at:] = 0.0
            ramp_at = min(self._ramp, ramp_at + wanted - at)
        voice.next = start + wanted
        return ramp_at

    def _cap_at(self, frame: int, done: int) -> float:
        """How far the stems may count at a frame: 1, falling to 0 over a ramp where they end."""
        if done >= self.frames:
            return 1.0
        return min(1.0, max(0.0, (done - frame) / self._ramp))

    def _mix(self, voice: _Voice, start: int, out: Audio, ramp_at: int, done: int) -> None:
        """Mix at most ``BLOCK`` frames that lie inside the recording and on one side of the ramp's end."""
        state = self._target
        assert state is not None
        n = out.shape[0]
        stop = start + n
        ramping = ramp_at < self._ramp
        self._recording_into(out, start, stop, ramp_at, ramping, state)
        if not self.stems:
            return
        full = voice.wet >= 1.0 and self._cap_at(stop, done) >= 1.0
        if not full:
            if done <= start:
                voice.wet = 0.0  # where the cap had brought it
                return  # nothing is separated here yet
            voice.wet = self._envelope(voice.wet, start, n, done)
        for row in range(1, 1 + len(self.stems)):
            stem = self.stems[row - 1][start:stop]
            moving = ramping and self._moving[row]
            table = state.table[row]
            if moving or state.used[row]:
                if full and not moving and state.even[row] and self.channels == self.source_channels:
                    scratch = self._scratch[:n]
                    np.multiply(stem, table[0], out=scratch)
                    np.add(out, scratch, out=out)
                else:
                    self._stem_by_channel(row, stem, out, ramp_at, moving, full, table)
            if self.metering:
                self._measure(row - 1, stem, state)
        if full and not ramping:
            for channel, silent in enumerate(state.silent):
                if silent:  # recording − Σ stems leaves rounding dust; nothing heard is digital silence
                    out[:, channel] = 0.0

    def _recording_into(
        self, out: Audio, start: int, stop: int, ramp_at: int, ramping: bool, state: MixState
    ) -> None:
        n = stop - start
        recording = self.recording[start:stop]
        if not (ramping and self._moving[0]):
            level = state.table[0, 0]  # the master: the same in every channel
            if level == 1.0:
                np.copyto(out, recording)
            else:
                np.multiply(recording, level, out=out)
            return
        ramp = self._rise[ramp_at : ramp_at + n]
        coefficient = self._coefficient[:n]
        np.multiply(ramp, self._delta[0, 0], out=coefficient)
        np.add(coefficient, self._from[0, 0], out=coefficient)
        for channel in range(self.channels):
            np.multiply(
                recording[:, min(channel, self.source_channels - 1)], coefficient, out=out[:, channel]
            )

    def _envelope(self, wet: float, start: int, n: int, done: int) -> float:
        """Fill ``_wet`` for the frames after ``start``: rising by a ramp's slope, under the cap."""
        envelope = self._wet[:n]
        np.add(self._steps[:n], wet, out=envelope)
        if done < self.frames:
            cap = self._cap[:n]
            # the cap one frame on: what _cap_at says of the frame after each of these
            np.subtract((done - start) / self._ramp, self._steps[:n], out=cap)
            np.minimum(envelope, cap, out=envelope)
        np.minimum(envelope, 1.0, out=envelope)
        np.maximum(envelope, 0.0, out=envelope)
        return float(envelope[n - 1])

    def _stem_by_channel(
        self, row: int, stem: Audio, out: Audio, ramp_at: int, moving: bool, full: bool, table: Audio
    ) -> None:
        n = out.shape[0]
        coefficient = self._coefficient[:n]
        column = self._column[:n]
        for channel in range(self.channels):
            source = stem[:, min(channel, self.source_channels - 1)]
            if moving:
                np.multiply(self._rise[ramp_at : ramp_at + n], self._delta[row, channel], out=coefficient)
                np.add(coefficient, self._from[row, channel], out=coefficient)
                if not full:
                    np.multiply(coefficient, self._wet[:n], out=coefficient)
                np.multiply(source, coefficient, out=column)
            elif full:
                np.multiply(source, table[channel], out=column)
            else:
                np.multiply(self._wet[:n], table[channel], out=coefficient)
                np.multiply(source, coefficient, out=column)
            np.add(out[:, channel], column, out=out[:, channel])

    def _measure(self, index: int, stem: Audio, state: MixState) -> None:
        """Raise a strip's peak to what is heard of these frames; NaN and infinity count as nothing."""
        peak = 0.0
        gains = state.meter[index]
        if state.even[index + 1] and self.channels == self.source_channels:
            if gains[0]:
                peak = float(max(np.maximum.reduce(stem, axis=None), -np.minimum.reduce(stem, axis=None)))
                peak *= float(gains[0])
        else:
            for channel in range(self.channels):
                if gains[channel]:
                    source = stem[:, min(channel, self.source_channels - 1)]
                    side = float(max(np.maximum.reduce(source), -np.minimum.reduce(source)))
                    peak = max(peak, side * float(gains[channel]))
        if self.strip_levels[index] < peak < np.inf:
            self.strip_levels[index] = peak


def live_mixer(
    recording: Audio,
    stems: Mapping[str, Audio] | None = None,
    *,
    sample_rate: int,
    frames_done: Callable[[], int] | None = None,
) -> Mixer:
    """A mixer for playing: with meters, and a mono recording in stereo, so that pan can come at any time."""
    channels = max(2, recording.shape[1])
    return Mixer(
        recording, stems, sample_rate=sample_rate, frames_done=frames_done, channels=channels, metering=True
    )


def render_offline(
    session: Session,
    recording: Audio,
    stems: Mapping[str, Audio],
    *,
    sample_rate: int,
    frames_done: Callable[[], int] | None = None,
    start: int = 0,
    stop: int | None = None,
    block: int = 65536,
) -> Iterator[Audio]:
    """The mix of ``session``, rendered in blocks ``(n, output channels)`` float32 from ``start`` to ``stop``.

    The arithmetic is the player's, so these are the samples that the player renders at these gains
    once it has reached them. Each block is a new array; ``n`` is ``block`` but for the last.
    """
    channels = output_channels(session, recording.shape[1])
    mixer = Mixer(recording, stems, sample_rate=sample_rate, frames_done=frames_done, channels=channels)
    mixer.state = mix_state(session, mixer.names, channels)
    end = mixer.frames if stop is None else min(stop, mixer.frames)
    for at in range(start, end, block):
        out = np.empty((min(block, end - at), channels), np.float32)
        mixer.render(at, out)
        yield out
