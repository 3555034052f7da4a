"""Qt's own messages in the program's log. Apart from :mod:`app.log`, which must do without Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def install_qt_log() -> Callable[[], None]:
    """Send Qt's messages to the logger ``qt`` from now on; call what is returned to undo it."""
    logger = logging.getLogger("qt")

    def handle(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
        level = LEVELS.get(kind, logging.WARNING)
        category = context.category or "default"
        logger.log(level, "%s: %s", category, message)

    before = qInstallMessageHandler(handle)

    def undo() -> None:
        qInstallMessageHandler(before)

    return undo
