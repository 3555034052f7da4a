"""What the audio thread runs: a mixer's samples with fades, seeks, the loop, the end, meters and limits.

:meth:`Transport.process` fills the device's buffer. It takes no lock, writes no log, emits no signal
and works in arrays made beforehand. The GUI thread steers it by assigning whole values (numbers, tuples,
mixers), which the audio thread takes up at its next block; what the audio thread has to say, it leaves
in numbers that the GUI reads.

Nothing steps: playing and pausing fade over 10 ms, a seek and the loop's seam are cross-fades of 10 ms
between the place left and the place reached, and gains ramp in the mixer.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from app.downmix import Route, is_direct, routes
from app.hearing.listener_tap import ListenerTap
from app.mix_state import Audio
from app.mixer import BLOCK, Mixer
from app.timeline import Timeline

FADE_SECONDS = 0.010
"""Play, pause, seek and the loop's seam fade over this time."""
SHORTEST_LOOP_SECONDS = 0.050
"""A selection shorter than this does not repeat (it would be a tone, not a loop)."""
METER_FALL_DB_PER_SECOND = 20.0 / 1.7
"""How fast a level falls back: IEC 60268-10 type I programme meters fall 20 dB in 1.7 s."""


class Levels(NamedTuple):
    """Linear peak levels after the faders: of the stems (in the mixer's order), of the master's channels.

    The arrays are the player's own and go on changing.
    """

    strips: Audio
    master: Audio


class Transport:
    """Plays one recording through its mixer.

    Read by the GUI thread: ``position`` (the next frame to render), ``rendered`` (frames rendered since
    it last rested), ``ended`` (the number of the play request that ran to the end), ``silent`` (faded out and
    still), ``clip_peak`` (the highest sample above full scale since it was last set to 0),
    ``master_levels`` (linear peaks of the channels, instant up, falling slowly), ``timeline``, ``tap`` (what
    the listener has between the mix and their ears; it counts the device's channels).
    Written by it: ``play`` (the number of a play request, 0 to pause), ``jump`` (the number and the
    frame of a seek), ``loop`` (start and stop in frames, or None), ``mixer``.
    """

    def __init__(self, mixer: Mixer, position: int = 0) -> None:
        self.sample_rate = mixer.sample_rate
        self.frames = mixer.frames
        self.channels = mixer.channels
        self.mixer = mixer
        self.play = 0
        self.jump = (0, position)
        self.loop: tuple[int, int] | None = None

        self.position = min(max(0, position), self.frames)
        self.rendered = 0
        self.ended = 0
        self.silent = True
        self.clip_peak = 0.0
        self.master_levels = np.zeros(self.channels, np.float32)
        self.timeline = Timeline()

        self._fade = max(1, round(FADE_SECONDS * self.sample_rate))
        # raised cosine: starts and ends level, and a rise and a fall add up to one
        steps = np.arange(1, self._fade + 1) / self._fade
        rise = (0.5 - 0.5 * np.cos(np.pi * steps)).astype(np.float32)
        self._rise = np.repeat(rise[:, None], self.channels, axis=1)  # numpy broadcasts through a buffer
        self._fall = (np.float32(1.0) - self._rise).astype(np.float32)
        self._level = 0  # how far the play fade is up, 0 … _fade
        self._end_fade = max(0, self.frames - self._fade)
        self._taken = 0  # the number of the last seek taken up
        self._loop: tuple[int, int] | None = None  # the loop taken up
        self._in_loop = False
        self._power = mixer.state.power
        self._heard = mixer
        self._tail_mixer: Mixer | None = None
        self._tail_position = 0
        self._tail_left = 0
        self._mixed = np.zeros((BLOCK, self.channels), np.float32)
        self._tail = np.zeros((BLOCK, self.channels), np.float32)
        self._column = np.zeros(BLOCK, np.float32)
        self._unsound = np.zeros(BLOCK, np.bool_)
        self._routes: tuple[Route, ...] = ()
        self._direct = True
        self.set_output(self.channels)

    def set_output(self, device_channels: int, *, alsa_order: bool = False) -> None:
        """Set the device's number of channels; only while no stream runs."""
        self._routes = routes(self.channels, device_channels, alsa_order=alsa_order)
        self.tap = ListenerTap(self.sample_rate, device_channels, _to_ears(self.channels, self._routes))
        self._direct = is_direct(self._routes, self.channels)

    @property
    def taken(self) -> int:
        """The number of the last seek that the audio thread has taken up."""
        return self._taken

    @property
    def next_frame(self) -> int:
        """The frame from which playback goes on, also where a seek is not taken up yet."""
        serial, frame = self.jump
        return self.position if serial == self._taken else frame

    def uses(self, mixer: Mixer) -> bool:
        """Whether the audio thread may still read from ``mixer``."""
        return mixer is self._heard or mixer is self._tail_mixer or mixer is self.mixer

    def rest(self, frame: int) -> None:
        """Stand still at ``frame``, or where a seek not yet taken up leads; only while no stream runs."""
        serial, wanted = self.jump
        self.position = frame if serial == self._taken else wanted
        self._taken = serial
        self.play = self._level = self._tail_left = 0
        self.rendered = 0
        self._tail_mixer = None
        self._heard = self.mixer
        self.silent = True
        self.timeline.clear()
        self.tap.reset()
        self.master_levels.fill(0.0)
        self.mixer.lower_levels(0.0)
        self._enter_loop()

    def seam(self, loop: tuple[int, int]) -> int:
        """The frame at which playback turns back to the loop's start.

        Its end, or the last frame from which the cross-fade still finds audio.
        """
        return min(loop[1], self._end_fade)

    def can_loop(self, loop: tuple[int, int]) -> bool:
        """Whether a selection is long enough to repeat."""
        return self.seam(loop) - loop[0] >= SHORTEST_LOOP_SECONDS * self.sample_rate

    def process(self, out: Audio) -> None:
        """Fill ``out`` ``(n, device channels)`` float32 with what is heard next."""
        at, frames = 0, out.shape[0]
        fall = math.pow(10.0, -METER_FALL_DB_PER_SECOND / 20.0 * frames / self.sample_rate)
        np.multiply(self.master_levels, fall, out=self.master_levels)
        self._heard.lower_levels(fall)
        while at < frames:
            n = min(BLOCK, frames - at)
            piece = out[at : at + n]
            mixed = piece if self._direct else self._mixed[:n]
            if self.silent:
                self.tap.take_up()
            self._fill(mixed)
            self._meter(mixed)
            if not self._direct:
                self._route(mixed, piece)
            if self._heard.state.power != self._power:
                before, self._power = self._power, self._heard.state.power
                self.tap.lifted(before, self._power)
            self.tap.resting = self.silent
            self.tap.process(piece)
            np.minimum(piece, 1.0, out=piece)
            np.maximum(piece, -1.0, out=piece)
            at += n

    # -- time ------------------------------------------------------------------------------------

    def _fill(self, out: Audio) -> None:
        """Fill at most ``BLOCK`` frames, one stretch without an event at a time."""
        at, frames = 0, out.shape[0]
        while at < frames:
            request = self.play
            playing = request != 0 and request != self.ended
            self._take_up(playing)
            if self._level == 0 and not playing:
                out[at:] = 0.0
                self.silent = True
                self.timeline.note(self.rendered, self.position, 0, self._taken)
                self.rendered += frames - at
                return
            self.silent = False
            if self.position >= self.frames and not self._tail_left and not self._in_loop:
                self._level = 0
                self.ended = request
                self.position = self.frames
                continue
            n = self._stretch(frames - at, playing)
            self._render(out[at : at + n], playing)
            at += n

    def _take_up(self, playing: bool) -> None:
        """Take up what the GUI thread wants and what the loop says, where no cross-fade is under way."""
        if self.loop is not self._loop:
            self._loop = self.loop
            self._enter_loop()
        if self._tail_left:
            return
        if self.mixer is not self._heard:
            mixer = self.mixer
            if self._level:
                self._leave(self.position)
            self._heard = mixer
        elif self.jump[0] != self._taken and (playing or self._level == 0):
            serial, frame = self.jump
            if self._level:
                self._leave(self.position)
            self.position = frame
            self._taken = serial
            self._enter_loop()
        elif self._in_loop and self._loop is not None and self.position >= (seam := self.seam(self._loop)):
            late = self.position - seam  # a cross-fade was in the way; keep the loop's period
            self._leave(self.position)
            self.position = self._loop[0] + late

    def _enter_loop(self) -> None:
        """The loop holds playback that stands before its end; from beyond, playback goes on outside it."""
        loop = self._loop
        self._in_loop = loop is not None and self.can_loop(loop) and self.position < self.seam(loop)

    def _leave(self, position: int) -> None:
        """Begin a cross-fade: what was heard goes on as the tail, and falls."""
        self._tail_mixer = self._heard
        self._tail_position = position
        self._tail_left = self._fade
        self._heard.hold()

    def _falling(self, playing: bool) -> bool:
        return not playing or (self.position >= self._end_fade and not self._in_loop)

    def _stretch(self, most: int, playing: bool) -> int:
        """How many frames can be rendered before something changes course."""
        if self._tail_left:
            most = min(most, self._tail_left)
        elif self._in_loop and self._loop is not None:
            most = min(most, max(1, self.seam(self._loop) - self.position))
        if self._falling(playing):
            if self._level:
                most = min(most, self._level)
        else:
            if self._level < self._fade:
                most = min(most, self._fade - self._level)
            if self.position < self._end_fade:
                most = min(most, self._end_fade - self.position)
        return most

    # -- sound -----------------------------------------------------------------------------------

    def _render(self, out: Audio, playing: bool) -> None:
        n = out.shape[0]
        if self._tail_left and self._tail_mixer is not None:
            tail = self._tail[:n]
            begun = self._fade - self._tail_left
            if self._tail_mixer is self._heard:
                self._tail_mixer.render_tail(self._tail_position, tail)
            else:
                self._tail_mixer.render(self._tail_position, tail)
            self._heard.render(self.position, out)
            np.multiply(out, self._rise[begun : begun + n], out=out)
            np.multiply(tail, self._fall[begun : begun + n], out=tail)
            np.add(out, tail, out=out)
            self._tail_position += n
            self._tail_left -= n
            if not self._tail_left:
                self._tail_mixer = None
        else:
            self._heard.render(self.position, out)
        if self._falling(playing):
            if self._level:
                begun = self._fade - self._level
                np.multiply(out, self._fall[begun : begun + n], out=out)
                self._level -= n
            else:
                out[:] = 0.0
        elif self._level < self._fade:
            np.multiply(out, self._rise[self._level : self._level + n], out=out)
            self._level += n
        moved = min(n, max(0, self.frames - self.position))
        self.timeline.note(self.rendered, min(self.position, self.frames), moved, self._taken)
        self.rendered += n
        self.position += n

    def _meter(self, mixed: Audio) -> None:
        """Take the levels of what is heard, and keep anything that is no number from the device."""
        for channel in range(mixed.shape[1]):
            peak = self._peak(mixed[:, channel])
            if not peak < math.inf:
                self._clean(mixed[:, channel])
                peak = self._peak(mixed[:, channel])
            if peak > self.master_levels[channel]:
                self.master_levels[channel] = peak
            if peak > self.clip_peak and peak > 1.0:
                self.clip_peak = peak

    @staticmethod
    def _peak(column: Audio) -> float:
        """The highest absolute sample; NaN where there is one."""
        return max(float(np.maximum.reduce(column)), -float(np.minimum.reduce(column)))

    def _clean(self, column: Audio) -> None:
        unsound = self._unsound[: column.shape[0]]
        np.isfinite(column, out=unsound)
        np.logical_not(unsound, out=unsound)
        np.copyto(column, np.float32(0.0), where=unsound)

    def _route(self, mixed: Audio, out: Audio) -> None:
        """Fold the mix to the device's channels; what exceeds full scale counts for the clip light."""
        column = self._column[: mixed.shape[0]]
        out[:] = 0.0
        for channel, route in enumerate(self._routes):
            for source, gain in route:
                np.multiply(mixed[:, source], gain, out=column)
                np.add(out[:, channel], column, out=out[:, channel])
            if len(route) > 1:
                peak = self._peak(out[:, channel])
                if peak > self.clip_peak and peak > 1.0:
                    self.clip_peak = peak


def _to_ears(channels: int, wanted: tuple[Route, ...]) -> tuple[Route, ...]:
    """How a device that plays every channel of the mix is folded to two ears; nothing for other devices."""
    places = {route[0][0]: place for place, route in enumerate(wanted) if len(route) == 1}
    if len(wanted) <= 2 or len(places) < channels:
        return ()
    ears = routes(channels, 2)
    return tuple(tuple((places[source], gain) for source, gain in ear) for ear in ears)
