"""The stretch of the recording that is seen: shared by the waveform and every strip."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

SHORTEST_SPAN = 0.05
"""The closest zoom: seconds across the whole view."""
ZOOM_STEP = 1.5
"""How much closer one press of a zoom key or button goes."""


class TimeAxis(QObject):
    """A visible range of time, in seconds, inside a recording of ``duration`` seconds.

    ``changed`` is emitted after every change of the range or the duration. While :attr:`follow` is on,
    :meth:`play_head_at` turns the page when the play head leaves it; panning by hand turns it off until the
    play head is in sight again.
    """

    changed = Signal()
    follow_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._duration = 0.0
        self._start = 0.0
        self._stop = 1.0
        self._following = True
        self._let_go = False

    @property
    def duration(self) -> float:
        """The recording's length in seconds; 0 without a recording."""
        return self._duration

    @property
    def start(self) -> float:
        """The left edge in seconds."""
        return self._start

    @property
    def stop(self) -> float:
        """The right edge in seconds."""
        return self._stop

    @property
    def span(self) -> float:
        """The seconds from edge to edge."""
        return self._stop - self._start

    @property
    def follow(self) -> bool:
        """Whether the page turns with the play head."""
        return self._following

    @property
    def shows_all(self) -> bool:
        """Whether the whole recording is in view."""
        return self.span >= self._duration - 1e-9

    def set_follow(self, follow: bool) -> None:
        """Turn the pages with the play head, or stay."""
        self._let_go = False
        if follow != self._following:
            self._following = follow
            self.follow_changed.emit(follow)

    def set_duration(self, seconds: float) -> None:
        """A new recording of this length: all of it is shown."""
        self._duration = max(0.0, seconds)
        self._start, self._stop = 0.0, max(self._duration, SHORTEST_SPAN)
        self._let_go = False
        self.changed.emit()

    def set_range(self, start: float, stop: float) -> None:
        """Show these seconds, moved and clamped so that they lie inside the recording."""
        whole = max(self._duration, SHORTEST_SPAN)
        span = min(whole, max(SHORTEST_SPAN, stop - start))
        start = min(max(0.0, start), whole - span)
        if (start, start + span) != (self._start, self._stop):
            self._start, self._stop = start, start + span
            self.changed.emit()

    def show_all(self) -> None:
        """Show the whole recording."""
        self.set_range(0.0, self._duration)

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Zoom in by ``factor`` (below 1: out); the time ``around`` (seconds) stays where it is."""
        if around is None:
            around = (self._start + self._stop) / 2
        span = min(max(self.span / factor, SHORTEST_SPAN), max(self._duration, SHORTEST_SPAN))
        share = (around - self._start) / self.span
        start = around - share * span
        self.set_range(start, start + span)

    def zoom_in(self) -> None:
        """One step closer, around the middle."""
        self.zoom(ZOOM_STEP)

    def zoom_out(self) -> None:
        """One step further away."""
        self.zoom(1.0 / ZOOM_STEP)

    def pan(self, seconds: float) -> None:
        """Move the view later by ``seconds`` (below 0: earlier)."""
        self._let_go = True
        self.set_range(self._start + seconds, self._stop + seconds)

    def play_head_at(self, seconds: float) -> None:
        """The play head is here and moving: turn the page when it has left it."""
        inside = self._start <= seconds <= self._stop - 0.02 * self.span
        if self._let_go:
            self._let_go = not inside
        elif self._following and not inside:
            self.set_range(seconds - 0.05 * self.span, seconds + 0.95 * self.span)

    def reveal(self, seconds: float) -> None:
        """Bring this time into view, moving no more than is needed."""
        self._let_go = False
        if seconds < self._start:
            self.set_range(seconds - 0.1 * self.span, seconds + 0.9 * self.span)
        elif seconds > self._stop:
            self.set_range(seconds - 0.9 * self.span, seconds + 0.1 * self.span)

    def to_x(self, seconds: float, width: float) -> float:
        """Where a time lies in a view ``width`` pixels wide."""
        return (seconds - self._start) / self.span * width

    def to_seconds(self, x: float, width: float) -> float:
        """The time at a pixel of a view ``width`` pixels wide, clamped to the recording."""
        seconds = self._start + x / max(1.0, width) * self.span
        return min(max(0.0, seconds), self._duration)
