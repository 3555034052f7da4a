"""The composition root: makes every object of the program, hands them to one another, and runs the window."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, QTimer, QTranslator
from PySide6.QtWidgets import QApplication

from app.log import start_log
from app.player import Player
from app.program import Program
from app.qt_log import install_qt_log
from app.settings import Settings
from ui.main_window import MainWindow
from ui.smoke_test import SmokeTest
from ui.theme import apply_theme


def run_window(file: Path | None = None, *, demo: bool = False, smoke_test: str = "") -> int:
    """Show the window until it is closed; returns the exit code.

    ``smoke_test`` names instruments: they are separated in ``file``, then the program quits.
    """
    log = start_log()
    undo_qt_log = install_qt_log()
    try:
        application = make_application()
        with running_program(application) as (program, window):
            window.show()
            window.offer_leftovers()
            if smoke_test:
                SmokeTest(program, smoke_test, application).start()
            if file is not None:
                program.open_path(file)
            elif demo:
                program.open_demo()
            with interruptible(application, window):
                return application.exec()
    finally:
        undo_qt_log()
        log.close()


def make_application() -> QApplication:
    """The one QApplication, with its names set, so that windows and settings carry them."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("ripieno")
    application.setApplicationDisplayName("Ripieno")
    application.setDesktopFileName("ripieno")
    application.setApplicationVersion(version())
    return application


def version() -> str:
    """The installed version; a frozen program may come without its metadata."""
    try:
        return metadata.version("ripieno")
    except metadata.PackageNotFoundError:
        return ""


@contextmanager
def running_program(application: QApplication) -> Iterator[tuple[Program, MainWindow]]:
    """Program and window, made and taken down in the right order."""
    settings = Settings()
    translator = QTranslator(application)
    locale = QLocale(settings.language) if settings.language else QLocale()
    if translator.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(translator)
    apply_theme(application, settings.theme, settings.text_scale)
    settings.changed.connect(
        lambda name: (
            apply_theme(application, settings.theme, settings.text_scale)
            if name in ("theme", "text_scale")
            else None
        )
    )
    program = Program(Player(), settings)
    window = MainWindow(program)
    program.start()
    try:
        yield program, window
    finally:
        window.end()


@contextmanager
def interruptible(application: QApplication, window: MainWindow) -> Iterator[None]:
    """Let Ctrl-C, a logout or ``kill`` end the program as it should: jobs joined, no crash note left.

    There is no question then, because nobody may be there to answer it; the next start offers unsaved work.
    """

    def end(*_: object) -> None:
        window.end(keep_unsaved=True)
        application.quit()

    asked = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
    before = {number: signal.signal(number, end) for number in asked}
    # Python looks at signals only between its own instructions; without this none runs while Qt waits.
    heartbeat = QTimer()
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(200)
    try:
        yield
    finally:
        heartbeat.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
