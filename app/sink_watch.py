"""Notices that the sound server sends the sound elsewhere behind one output's name.

An output such as “System default” plays where PulseAudio or PipeWire decide: when headphones are unplugged,
the loudspeakers go on at the level that was meant for the headphones, and PortAudio is told nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.jobs import Job, JobControl, Jobs
from app.settings import Settings
from app.system_volume import PATIENCE_SECONDS, system_sink

LOOK_MILLISECONDS = 2000


class SinkWatch(QObject):
    """Looks where the sound server plays while :meth:`follow` says so. Belongs to the main thread.

    ``moved`` tells that it is another place than the one that the way of listening was told for; that place
    is kept in the preferences by the output's name. ``read`` takes up to seconds and runs in the background;
    empty, it knows nothing. ``output`` gives the present output's name.
    """

    moved = Signal()

    def __init__(
        self,
        settings: Settings,
        output: Callable[[], str],
        parent: QObject | None = None,
        *,
        read: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.jobs = Jobs(self)  # its own: a look every two seconds is nobody else's affair
        self._output = output
        self._read = read
        self._job: Job | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)

    def follow(self, on: bool) -> None:
        """Look now and every two seconds, or no more."""
        if on and not self._timer.isActive():
            self._timer.start()
            self.look()
        elif not on:
            self._timer.stop()
            self._stop()

    def close(self) -> None:
        """Look no more, and wait for what is under way."""
        self.follow(False)
        self.jobs.cancel_all(PATIENCE_SECONDS)

    def learn(self) -> None:
        """The way of listening was told for wherever the present output plays now."""
        self._stop()
        kept = self._settings.listening_sinks
        self._settings.listening_sinks = {name: sink for name, sink in kept.items() if name != self._output()}
        if self._timer.isActive():
            self.look()

    @Slot()
    def look(self) -> None:
        """Ask where the sound goes; nothing happens where the last question still waits for its answer."""
        output = self._output()
        if self._job is not None or not output:
            return
        read = self._read or system_sink

        def work(_control: JobControl) -> str:
            return read()

        self._job = self.jobs.start("sound server", work)
        self._job.finished.connect(lambda sink: self._on_read(output, sink))

    def _on_read(self, output: str, sink: str) -> None:
        self._job = None
        if not sink or output != self._output():
            return
        kept = self._settings.listening_sinks
        if output not in kept:
            self._settings.listening_sinks = {**kept, output: sink}
        elif kept[output] != sink:
            self.learn()
            self.moved.emit()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.finished.disconnect()
            self._job.cancel()
            self._job = None
