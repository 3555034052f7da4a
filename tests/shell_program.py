"""The whole surface of ``app.program.Program`` that the window uses, over the made-up sound of FakeProgram.

Document and settings are the real ones; what the program's verbs were asked is kept in ``calls``.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.amplification import Amplification
from app.errors import UserError
from app.fitting import Fitting
from app.hearing.listener_tap import OFF, TapSetting
from app.hearing.quality import Quality
from app.jobs import Jobs
from app.listeners import Listeners
from app.live_input import LiveInput
from app.loudness import Matching
from app.session import Loop
from app.settings import Settings
from app.status import ExportStatus, QualityStatus, ScoredMix, SeparationStatus
from separation.devices import Device
from separation.separator import Part, SeparatorCard
from tests.fake_duplex import FakeDuplex
from tests.fake_program import FakeLevels, FakePlayer, FakeProgram


def card(
    name: str = "nmf", *, max_parts: int = 2, instruments: tuple[str, ...] | None = None
) -> SeparatorCard:
    """A separator's card."""
    eight = ("bassoon", "cello", "clarinet", "flute", "oboe", "saxophone", "viola", "violin")
    return SeparatorCard(
        name=name,
        title="Note dictionary" if name == "nmf" else "One voice each",
        kind="classical",
        sentence="Explains the recording with the sounds of single notes of each instrument.",
        paper="",
        licence="MIT",
        training_data="",
        instruments=instruments or eight,
        max_parts=max_parts,
        sample_rate=32000,
        chunk_seconds=4.0,
        context_seconds=0.5,
        factory="separation.fake:make",
        speed="about twice as fast as the music plays, on two cores",
        quality="2.9 dB better than the untouched mixture, on four real recordings",
    )


class ShellPlayer(FakePlayer):
    """With a clip light, master levels, and an output that can be amplified."""

    clip = 0.0
    master = 0.0
    output_name = "Headphones"
    tap = None
    tap_setting = OFF

    def set_tap(self, setting: TapSetting) -> None:
        self.tap_setting = setting

    def set_loop(self, start: int, stop: int) -> None:
        pass

    def pause(self) -> None:
        self.playing = False

    def take_clip(self) -> float:
        peak, self.clip = self.clip, 0.0
        return peak

    def levels(self) -> FakeLevels:
        return FakeLevels(self.strip_peaks, np.full(2, self.master, np.float32))


class FakeListening(QObject):
    """A/B, loudness and outputs."""

    changed = Signal()
    matching_changed = Signal()
    devices_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.player: Any = getattr(parent, "player", None)
        self.side = "remix"
        self.matching: Matching | None = None
        self.names = ["System default", "Headphones", "Loudspeakers of the living room"]

    @property
    def recording(self) -> Any:
        return getattr(self.parent(), "recording", None)

    @property
    def stems(self) -> Any:
        return getattr(self.parent(), "stems", None)

    def restore_loop(self) -> None:
        pass

    def audition(self, session: Any, gain_db: float = 0.0) -> None:
        self.auditioned = (session, gain_db)

    def play_pause(self) -> None:
        self.player.playing = not self.player.playing
        self.changed.emit()

    def outputs(self) -> list[str]:
        return list(self.names)

    def listen_to(self, side: str) -> None:
        self.side = side
        self.changed.emit()

    def measured(self) -> None:
        self.matching = Matching(-20.0, -21.0, "integrated loudness")
        self.matching_changed.emit()


class FakeScoring(QObject):
    """A score that a test puts in."""

    changed = Signal()
    reference_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.status = QualityStatus()
        self.requests = 0
        self.references = ("estimated", "original")
        self.reference = "original"
        self.history: tuple[ScoredMix, ...] = ()

    def request(self) -> None:
        self.requests += 1

    def set_reference(self, reference: str) -> None:
        self.reference = reference
        self.reference_changed.emit()

    def put(self, status: QualityStatus) -> None:
        self.status = status
        self.changed.emit()


def quality(left: float = 0.71, right: float = 0.77, *, true_stems: bool = False) -> Quality:
    """A score of that kind."""
    reference, kind = ("true stems", "quality") if true_stems else ("original", "change")
    return Quality(left, right, (left + right) / 2, reference, 8.0, 4.0, kind=kind)


@dataclass
class FakeLeftover:
    """An autosave of an earlier run."""

    title: str = "Trio in a minor"
    saved: datetime.datetime = datetime.datetime(2026, 3, 4, 17, 5, tzinfo=datetime.UTC)


class FakeExporting(QObject):
    """An export whose course a test decides."""

    changed = Signal(object)
    peak_measured = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.status: ExportStatus | None = None
        self.started: list[Any] = []
        self.measured: list[Any] = []
        self.cancelled = 0

    def start(self, request: Any) -> None:
        self.started.append(request)
        self.put(ExportStatus(True))

    def cancel(self) -> None:
        self.cancelled += 1
        self.put(None)

    def measure_peak(self, request: Any) -> None:
        self.measured.append(request)

    def put(self, status: ExportStatus | None) -> None:
        self.status = status
        self.changed.emit(status)


class ShellProgram(FakeProgram):
    """What the window talks to. ``calls`` lists the verbs that were called, with their arguments."""

    opening_changed = Signal()
    notice = Signal(str)
    failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None, cards: dict[str, SeparatorCard] | None = None) -> None:
        super().__init__(parent)
        self.player = ShellPlayer()
        self.settings = Settings(parent=self)
        self.listening = FakeListening(self)
        self.scoring = FakeScoring(self)
        self.exporting = FakeExporting(self)
        self.leftovers: list[FakeLeftover] = []
        self.cards = cards if cards is not None else {"nmf": card(), "solo": card("solo", max_parts=1)}
        self.listeners = Listeners(self.settings, parent=self)
        self.jobs = Jobs(self)
        self.amplification = Amplification(
            self.listening,  # type: ignore[arg-type]
            self.settings,
            self.jobs,
            self.listeners,
            self,
        )
        self.fitting = Fitting(
            self.document,
            self.listening,  # type: ignore[arg-type]
            self.amplification,
            self.listeners,
            self.scoring,  # type: ignore[arg-type]
            self.jobs,
            self,
        )
        self.duplex = FakeDuplex()
        self.live_input = LiveInput(
            self.listening,  # type: ignore[arg-type]
            self.amplification,
            self.listeners,
            self.jobs,
            self,
            backend=self.duplex,
        )
        self.opening = ""
        self.is_demo = False
        self.log_folder = Path("/var/log/ripieno")
        self.crash: str | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.save_works = True

    # -- what tests do -------------------------------------------------------------------------------

    def open_separated(self, *instruments: str, seconds: float = 4.0) -> None:
        """Open, separate and finish."""
        self.open_made_up(seconds)
        FakeProgram.separate(self, *(instruments or ("violin", "clarinet", "cello")))
        self.finish()

    def begin(self, name: str) -> None:
        """Opening has begun, or ended (empty)."""
        self.opening = name
        self.opening_changed.emit()

    def progress(self, status: SeparationStatus | None) -> None:
        self.separation = status
        self.separation_changed.emit(status)

    # -- verbs -----------------------------------------------------------------------------------------

    def open_path(self, path: str | Path) -> None:
        self.calls.append(("open_path", Path(path)))

    def open_demo(self) -> None:
        self.calls.append(("open_demo",))

    def recover(self, leftover: FakeLeftover) -> None:
        self.calls.append(("recover", leftover))

    def cancel_opening(self) -> None:
        self.calls.append(("cancel_opening",))

    def separate(self, parts: tuple[Part, ...], separator: str, device: str) -> None:  # type: ignore[override]
        self.calls.append(("separate", parts, separator, device))
        FakeProgram.separate(self, *(part.name for part in parts))
        self.progress(SeparationStatus(True))

    def cancel_separation(self) -> None:
        self.calls.append(("cancel_separation",))
        self.progress(None)

    def use_true_stems(self) -> None:
        self.calls.append(("use_true_stems",))

    def save(self) -> bool:
        return self.document.path is not None and self.save_as(self.document.path)

    def save_as(self, path: Path) -> bool:
        self.calls.append(("save_as", path))
        if not self.save_works:
            self.failed.emit("The session could not be saved", f"“{path.name}” could not be written.")
            return False
        try:
            self.document.save(path)
        except UserError as exc:
            self.failed.emit("The session could not be saved", str(exc))
            return False
        return True

    def play_pause(self) -> None:
        self.player.playing = not self.player.playing
        self.calls.append(("play_pause",))
        self.listening.changed.emit()

    def toggle_loop(self) -> None:
        loop = self.document.session.loop
        assert self.recording is not None
        if loop is None:
            self.document.set_loop(Loop(0, self.recording.frames))
        else:
            self.document.set_loop_on(not loop.on)

    def compute_devices(self) -> list[Device]:
        return [Device("auto", "Automatic: Intel Xeon"), Device("cpu", "Intel Xeon")]

    def recoveries(self) -> list[FakeLeftover]:
        return list(self.leftovers)

    def discard_recovery(self, leftover: FakeLeftover) -> None:
        self.leftovers.remove(leftover)

    def crash_note(self) -> str | None:
        return self.crash

    def forget_crash(self) -> None:
        self.crash = None

    def close(self, *, keep_unsaved: bool = False) -> None:
        self.calls.append(("close",))
