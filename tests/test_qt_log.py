from __future__ import annotations

import logging

import pytest
from PySide6.QtCore import qDebug, qWarning

from app.qt_log import install_qt_log


@pytest.mark.no_qt_log
def test_qt_messages_reach_the_log_until_it_is_undone(qapp: object, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    undo = install_qt_log()
    try:
        qWarning("the string is flat")
        qDebug("tuning")
    finally:
        undo()
    qWarning("not for the log")
    said = [record for record in caplog.record_tuples if record[0] == "qt"]
    assert said == [
        ("qt", logging.WARNING, "default: the string is flat"),
        ("qt", logging.DEBUG, "default: tuning"),
    ]
