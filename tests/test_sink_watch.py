"""Headphones are unplugged behind “System default”: what was meant for them must not go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject

from app.settings import Settings
from app.sink_watch import SinkWatch

pytestmark = pytest.mark.usefixtures("qapp")


class Server(QObject):
    """A sound server with one output for all that play."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = "usb headphones"
        self.output = "System default"
        self.settings = Settings()
        self.moves: list[None] = []
        self.watch = self.start()

    def start(self) -> SinkWatch:
        watch = SinkWatch(self.settings, lambda: self.output, self, read=lambda: self.sink)
        watch.moved.connect(lambda: self.moves.append(None))
        return watch


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.watch.close()


def looked(qtbot, server: Server, act=None) -> int:
    """Look once, and tell how often it has moved since the last time."""
    server.moves.clear()
    act = act or server.watch.look
    with qtbot.waitSignal(server.watch.jobs.ended, timeout=60_000):
        act()
    return len(server.moves)


def test_another_sink_or_port_is_told_once(qtbot, server: Server) -> None:
    assert looked(qtbot, server, lambda: server.watch.follow(True)) == 0
    assert looked(qtbot, server) == 0
    server.sink = "usb speaker"
    assert looked(qtbot, server) == 1
    looked(qtbot, server)
    assert looked(qtbot, server) == 0


def test_another_day_at_another_sink(qtbot, server: Server) -> None:
    """The way of listening is kept; so is where it was meant for."""
    looked(qtbot, server)
    assert server.settings.listening_sinks == {"System default": "usb headphones"}
    server.sink = "hdmi"
    server.watch.close()
    server.watch = server.start()
    assert looked(qtbot, server, lambda: server.watch.follow(True)) == 1
    server.watch.follow(False)
    server.watch.learn()  # told again
    assert looked(qtbot, server) == 0
    assert server.settings.listening_sinks == {"System default": "hdmi"}


def test_what_is_not_known_moves_nothing(qtbot, server: Server) -> None:
    looked(qtbot, server)
    server.sink = ""
    assert looked(qtbot, server) == 0
    server.sink = "usb headphones"
    assert looked(qtbot, server) == 0
    server.output = "Headphones, chosen by name"
    server.sink = "usb speaker"
    assert looked(qtbot, server) == 0  # each output has its own place
    server.output = ""
    server.watch.look()
    assert not server.watch.jobs.running
