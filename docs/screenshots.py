"""Drives the real program and takes the pictures that the documents show: `make screenshots`.

Runs on the display there is, else under Xvfb; the demo is opened and separated, so it takes a minute or two.
Pictures go to docs/pictures/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PICTURES = Path(__file__).with_name("pictures")
PATIENCE_MILLISECONDS = 600_000
WIDTH, HEIGHT = 1440, 900


def main() -> int:
    """Take the pictures, in a home of their own, so that no preference of the user's shows or changes."""
    if not os.environ.get("DISPLAY") and sys.platform == "linux":
        if not shutil.which("xvfb-run"):
            print(
                "There is no display, and Xvfb is not installed: run “make setup-test” first.",
                file=sys.stderr,
            )
            return 1
        screen = ["xvfb-run", "-a", "-s", "-screen 0 3200x2000x24", sys.executable, __file__]
        return subprocess.run(screen, check=False).returncode
    with tempfile.TemporaryDirectory() as home:
        os.environ["RIPIENO_HOME"] = home
        take_pictures()
    return 0


def take_pictures() -> None:
    """The walk through the program; Qt is imported here, when the display and the home are set."""
    from PySide6.QtCore import QEventLoop, QTimer, SignalInstance
    from PySide6.QtWidgets import QWidget

    from separation.catalogue import default_separator
    from separation.separator import parse_parts
    from ui.window_process import make_application, running_program

    def wait(signal: SignalInstance, met: Callable[..., bool] = lambda *_: True) -> None:
        loop = QEventLoop()
        signal.connect(lambda *values: loop.quit() if met(*values) else None)
        QTimer.singleShot(PATIENCE_MILLISECONDS, loop.quit)
        loop.exec()

    def rest(milliseconds: int = 1500) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    application = make_application()
    with running_program(application) as (program, window):

        def picture(name: str, widget: QWidget = window) -> None:
            rest()
            PICTURES.mkdir(exist_ok=True)
            if not widget.grab().save(str(PICTURES / f"{name}.png")):
                raise OSError(f"{name}.png could not be written")
            print(f"docs/pictures/{name}.png", flush=True)

        def dialog_pictures(name: str, action: str) -> None:
            """A dialog in the light and in the high-contrast theme."""
            window.actions_[action].trigger()
            dialog = next(w for w in application.topLevelWidgets() if w.isVisible() and w is not window)
            for theme in ("light", "high contrast"):
                program.settings.theme = theme
                picture(f"{name}-{theme.replace(' ', '-')}", dialog)
            dialog.close()
            program.settings.theme = "light"

        program.settings.theme = "light"
        window.resize(WIDTH, HEIGHT)
        window.show()
        picture("empty")

        program.open_path(Path(__file__))  # no recording: the message that a wrong file gets
        wait(program.failed)
        picture("wrong-file")
        window.messages.clear_problems()

        program.open_demo()
        wait(program.recording_changed)
        picture("instruments")

        card = program.cards[default_separator()]
        program.separate(parse_parts("violin,clarinet,viola,bassoon", card), card.name, "auto")
        wait(program.block_ready)
        picture("separating")
        if program.separation is not None:
            wait(program.separation_changed, lambda status: status is None)

        document = program.document
        document.set_gain("clarinet", 6.0)
        document.set_gain("violin", -8.0)
        document.set_gain("viola", -3.0)
        document.set_mute("residual", True)
        program.listeners.choose("N3")
        program.seek(12 * program.recording.sample_rate)
        wait(program.scoring.changed, lambda status: status.state == "scored")
        picture("mix-light")
        for theme in ("dark", "high contrast"):
            program.settings.theme = theme
            picture(f"mix-{theme.replace(' ', '-')}")
        dialog_pictures("audiogram", "edit audiogram")
        dialog_pictures("fitting", "fitting view")
        program.settings.text_scale = 2.0
        window.resize(2 * WIDTH, 2 * HEIGHT)
        picture("mix-200-percent")
        program.settings.text_scale = 1.0
        window.resize(1280, 720)
        picture("mix-1280x720")
        document.undo_stack.setClean()
        program.settings.theme = "system"


if __name__ == "__main__":
    sys.exit(main())
