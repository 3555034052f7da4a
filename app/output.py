"""The open sound output: it runs a transport, and knows how much of it has been heard.

Belongs to the player, in the GUI thread, except :meth:`Output.fill`, which is the audio callback.
"""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np

from app.audio_output import LATENCY_SECONDS, Backend, OutputDevice, PlayerError, Stream
from app.device_list import DeviceList
from app.hearing.listener_tap import FADE_SECONDS as TAP_FADE_SECONDS
from app.hearing.listener_tap import OFF
from app.mix_state import Audio
from app.quiet_collector import QuietCollector
from app.resampler import Resampler
from app.transport import FADE_SECONDS, Transport

STALLED_SECONDS = 3.0
"""A device that has asked for nothing for this long while playing is taken to be gone."""
LONGEST_STEP = 1.0
"""The most that one look counts towards that: a computer that slept has not stalled."""

_log = logging.getLogger(__name__)


class Output:
    """A running stream of ``transport`` to ``device``, in the best format that the device takes.

    A device that refuses the recording's rate gets its own rate, resampled; one with too few channels gets
    stereo or mono (see :mod:`app.downmix`). Raises :class:`~app.audio_output.PlayerError` where
    the device does not open.
    """

    def __init__(
        self, backend: Backend, device: OutputDevice, transport: Transport, latency: float = LATENCY_SECONDS
    ) -> None:
        self.device = device
        self.underruns = 0
        self._transport = transport
        self._callbacks = 0
        self._seen = (0, 0.0)
        self._still = 0.0
        # when the first frame of the last block is heard (s), and how many frames were rendered before it
        self._heard_at = (0.0, 0.0)
        rate, channels = _best_format(backend, device, transport)
        transport.set_output(channels, alsa_order=device.alsa_order)
        self._resampler: Resampler | None = None
        if rate != transport.sample_rate:
            self._resampler = Resampler(transport.process, channels, transport.sample_rate, rate)
        self._warming = round(backend.warm_up * rate)  # frames of silence before the transport runs
        self._stream: Stream = backend.open(device, rate, channels, latency, self.fill)
        self._collector = QuietCollector()

    @property
    def active(self) -> bool:
        """Whether the device still asks for sound."""
        return self._stream.active

    @property
    def fault(self) -> Exception | None:
        """What went wrong inside the callback, where something did."""
        return self._stream.fault

    def heard_frames(self) -> float:
        """How many of the frames that the transport has rendered have reached the ear."""
        when, count = self._heard_at
        passed = (self._stream.time() - when) * self._transport.sample_rate
        return min(count + passed, float(self._transport.rendered)) - self._transport.tap.delay

    def state(self, now: float, wanted: bool) -> Literal["running", "gone"]:
        """Whether the device is still there at time ``now`` (s), given that sound is ``wanted`` of it."""
        self._collector.keep_up()
        callbacks, before = self._callbacks, self._seen
        self._seen = (callbacks, now)
        if callbacks != before[0] or not wanted:
            self._still = 0.0
        elif before[1]:
            self._still += min(LONGEST_STEP, now - before[1])
        gone = not self._stream.active or self._still >= STALLED_SECONDS
        return "gone" if gone else "running"

    def loss(self) -> PlayerError:
        """Why the output stopped on its own, in a sentence; a fault of the program is logged."""
        if self.fault is None:
            return PlayerError(
                f"The sound output “{self.device.name}” is gone, so playback stopped; "
                "plug it in again or choose another output, then press play."
            )
        _log.error("the audio callback failed", exc_info=self.fault)
        return PlayerError(
            "Playback stopped because of a fault inside Ripieno, which the log describes; "
            "press play to go on."
        )

    def close(self, *, fade: bool) -> None:
        """Stop; with ``fade``, after the transport, which must have been paused, has faded out."""
        tap = self._transport.tap
        # the fade comes out late, and the tap's filters ring as long again
        late = 2 * tap.delay / self._transport.sample_rate
        if tap.setting.sounds:
            tap.setting = OFF  # the transport's fade is before it
        if tap.fading:
            late += TAP_FADE_SECONDS
        self._stream.close(after=FADE_SECONDS + late if fade else 0.0)
        self._collector.close()

    def fill(self, out: Audio, heard_at: float, underrun: bool) -> None:
        """The callback: the audio thread comes in here. ``out`` is ``(n, channels)`` float32."""
        self._callbacks += 1
        if underrun:
            self.underruns += 1
        if self._warming > 0:
            self._warming -= out.shape[0]
            self._heard_at = (heard_at, 0.0)
            out[:] = 0.0
            return
        resampler = self._resampler
        if resampler is None:
            self._heard_at = (heard_at, float(self._transport.rendered))
            self._transport.process(out)
        else:
            self._heard_at = (heard_at, resampler.consumed)
            resampler.process(out)
            ceiling = self._transport.tap.ceiling
            np.minimum(out, ceiling, out=out)  # between limited samples the filter can reach further
            np.maximum(out, -ceiling, out=out)


def _best_format(backend: Backend, device: OutputDevice, transport: Transport) -> tuple[int, int]:
    """The sample rate and channels to open: the recording's where the device takes them."""
    fewer = min(2, device.channels)
    wanted = transport.channels if transport.channels <= device.channels else fewer
    for channels in dict.fromkeys((wanted, fewer)):
        if backend.supports(device, transport.sample_rate, channels):
            return transport.sample_rate, channels
    return device.sample_rate, fewer


def open_output(
    backend: Backend,
    devices: DeviceList,
    name: str | None,
    transport: Transport,
    latency: float = LATENCY_SECONDS,
) -> tuple[Output, PlayerError | None]:
    """The output of this name (None: the system's choice), opened, and a notice where it is another one.

    Where it is not there or does not open, devices are looked for once more. A chosen output that is
    not there is stood in for by the system's, with a notice. Raises
    :class:`~app.audio_output.PlayerError` where nothing can be opened.
    """
    devices.settle()
    try:
        return _open_chosen(backend, devices, name, transport, latency)
    except PlayerError:
        if not devices.rescan():
            raise
    return _open_chosen(backend, devices, name, transport, latency)


def _open_chosen(
    backend: Backend,
    devices: DeviceList,
    name: str | None,
    transport: Transport,
    latency: float = LATENCY_SECONDS,
) -> tuple[Output, PlayerError | None]:
    device = devices.find(name)
    if device is not None:
        return Output(backend, device, transport, latency), None
    device = devices.find(None)
    if device is None:
        raise devices.problem or PlayerError(
            "No sound output was found; plug in headphones or loudspeakers and press play again."
        )
    notice = PlayerError(
        f"The sound output “{name}” is not there now; sound comes from the system's default instead."
    )
    return Output(backend, device, transport, latency), notice
