"""Which sound outputs there are, kept up to date while the program runs."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass

from app.audio_output import Backend, OutputDevice, PlayerError


@dataclass(frozen=True)
class _Found:
    """What one search for devices came to."""

    outputs: tuple[OutputDevice, ...] = ()
    default: OutputDevice | None = None
    problem: PlayerError | None = None


class DeviceList:
    """The outputs of a backend, kept up to date without holding up the thread that asks.

    Starting PortAudio can take half a second, so :meth:`poll` has it done in a thread, and says at a later
    call that the list has changed.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._thread: threading.Thread | None = None
        self._sign: Hashable = None
        self._found = _Found()
        self._coming = _Found()
        self._known = False

    @property
    def known(self) -> tuple[OutputDevice, ...]:
        """The outputs found so far; empty before the first search. Never waits."""
        return self._found.outputs

    @property
    def default(self) -> OutputDevice | None:
        """The system's choice as found so far; None before the first search. Never waits."""
        return self._found.default

    @property
    def problem(self) -> PlayerError | None:
        """Why no outputs could be looked for, where that is so (PortAudio is missing)."""
        return self._found.problem

    def find(self, name: str | None) -> OutputDevice | None:
        """The output of this name, the system's choice for None, or None where there is no such output.

        Waits for the first search.
        """
        if not self._known:
            self.rescan()
        if name is None:
            return self._found.default
        return next((device for device in self._found.outputs if device.name == name), None)

    def poll(self) -> bool:
        """See whether devices have come or gone; True once, when the list has changed.

        Only while no stream is open. Cheap: reads a sign of change, and looks again in a thread.
        """
        if self._thread is not None:
            return False if self._thread.is_alive() else self.settle()
        sign = self._backend.sign_of_change()
        if not self._known or (sign != self._sign and self.problem is None):
            self._sign = sign
            self._start()
        return False

    def look_again(self) -> None:
        """Have the next :meth:`poll` search, whatever the sign says: a device was lost."""
        self._sign = None

    def rescan(self) -> bool:
        """Look again now, and say whether the list has changed; only while no stream is open."""
        changed = self.settle()
        self._sign = self._backend.sign_of_change()
        self._start()
        return self.settle() or changed

    def settle(self) -> bool:
        """Wait for a search under way; True where it has changed the list."""
        if self._thread is None:
            return False
        self._thread.join()
        self._thread = None
        changed = self._coming != self._found or not self._known
        self._found, self._known = self._coming, True
        return changed

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._search, name="ripieno-devices", daemon=True)
        self._thread.start()

    def _search(self) -> None:
        try:
            if self._known:
                self._backend.refresh()
            self._coming = _Found(self._backend.devices(), self._backend.default())
        except PlayerError as exc:
            self._coming = _Found(problem=exc)
