"""HAAQI's speed beside pyclarity's, on signals that no cache has seen, and its parity on real music.

``python -m tests.benchmarks.haaqi_speed [--seconds 2 8] [--rate 24000] [--repeats 3] [--minutes 1 5 10]
[--real [FOLDER]]``

Prints, for each length, what one ear takes: pyclarity, ours as a whole, ours with the reference kept, and the
ratios; what both ears of a 10 s window take from gains to score, with a new reference and with a kept one;
time per second of sound and peak memory above the start for minutes of sound, each in a process of its own;
and with ``--real`` the largest difference of scores on the pieces of a folder of stems a piece.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from app.hearing.audiogram import NORMAL, PRESETS
from app.hearing.haaqi import Haaqi, haaqi, warm_up
from app.hearing.prescription import apply_nal_r
from app.hearing.quality import KeptReferences, QualityRequest, score_remix
from app.hearing.remix_window import presentation_level
from app.session import Session
from separation.separator import Part
from tests.haaqi_cases import Case, duet, pyclarity_score

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"


def clocked(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def both_clocks(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes, and processor seconds of all its threads: what others do leaves those be."""
    start = time.process_time()
    took = clocked(function)
    return took, time.process_time() - start


def fresh_pair(rate: int, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A reference and a remix of it with some noise, never made before."""
    a, b = duet(rate, seconds, seed)
    noise = np.random.default_rng(seed).standard_normal(a.size)
    return a + b, a + 0.5 * b + 0.002 * noise


def speed(seconds: float, rate: int, repeats: int, *, pyclarity: bool) -> None:
    """Print one line of the table: medians over ``repeats``, implementations in turn on the same signals."""
    theirs, whole, kept = [], [], []
    ear = PRESETS["N3"]
    for repeat in range(repeats):
        seed = int(1000 * seconds) + repeat
        x, y = fresh_pair(rate, seconds, seed)
        case = Case("", x, y, rate, "N3", 1, presentation_level(x))
        if pyclarity:
            theirs.append(both_clocks(lambda c=case: pyclarity_score(c)))
        whole.append(both_clocks(lambda c=case: haaqi(c.reference, c.processed, rate, ear, level1=c.level1)))
        model = Haaqi(ear, rate, level1=case.level1)
        model.set_reference(x)
        model.prepare()
        other = fresh_pair(rate, seconds, seed)[1] * 0.9
        kept.append(both_clocks(lambda m=model, o=other: m.score(o)))
    for clock, name in enumerate(("wall", "processor")):
        middle = [
            statistics.median(value[clock] for value in values) if values else float("nan")
            for values in (theirs, whole, kept)
        ]
        print(
            f"{seconds:7.1f} s  {middle[0]:9.3f} s  {middle[1]:8.3f} s  {middle[2]:8.3f} s  "
            f"{middle[0] / middle[1]:7.1f} ×  {middle[0] / middle[2]:7.1f} ×  {name}",
            flush=True,
        )


def live(seconds: float = 10.0, rate: int = 44100) -> None:
    """Print what both ears of a stereo window take from new gains to the score, in both kinds."""
    a, b = duet(rate, seconds, seed=1)
    stems = {"violin": np.stack((a, 0.6 * a), 1), "cello": np.stack((0.5 * b, b), 1)}
    true = {name: stem.astype(np.float32) for name, stem in stems.items()}
    recording = true["violin"] + true["cello"]
    found = {"violin": 0.9 * true["violin"] + 0.1 * true["cello"], "cello": 0.8 * true["cello"]}
    found["residual"] = recording - found["violin"] - found["cello"]
    session = Session().with_stems((Part("violin"), Part("cello")), "")
    for name, truth in (("quality (true stems)", true), ("change (original recording)", None)):
        kept, taken = KeptReferences(), []
        for gain in range(0, -12, -2):
            request = QualityRequest(
                session.with_gain("violin", gain), recording, rate, found, PRESETS["N2"], PRESETS["N2"],
                true_stems=truth, seconds=seconds,
            )  # fmt: skip
            taken.append(clocked(lambda r=request, k=kept: score_remix(r, kept=k)))
        print(f"live, {name}: {seconds:g} s at {rate} Hz, both ears: {statistics.median(taken[1:]):.3f} s")


def two_ears(seconds: float = 10.0, rate: int = 24000, repeats: int = 5) -> None:
    """Print what both ears of a window take side by side, with a new reference and a kept one."""
    new, kept = [], []
    for repeat in range(repeats):
        pairs = [fresh_pair(rate, seconds, 9000 + 2 * repeat + ear) for ear in (0, 1)]

        def score(model: Haaqi, y: np.ndarray) -> object:
            return model.score(y)

        with ThreadPoolExecutor(2) as executor:
            models = [Haaqi(PRESETS["N2"], rate, level1=presentation_level(x), threads=1) for x, _ in pairs]
            for model, (x, _) in zip(models, pairs, strict=True):
                model.set_reference(x)
            new.append(clocked(lambda m=models, p=pairs, e=executor: [*e.map(score, m, [y for _, y in p])]))
            kept.append(
                clocked(lambda m=models, p=pairs, e=executor: [*e.map(score, m, [0.9 * y for _, y in p])])
            )
    for name, times in (("new", new), ("kept", kept)):
        print(
            f"live, both ears, {seconds:g} s, reference {name}: median {statistics.median(times):.3f} s, "
            f"least {min(times):.3f} s"
        )


def peak_memory() -> float:
    """The most memory that this process has had, in MB. (getrusage also counts who started it.)"""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def memory(minutes: float, rate: int = 24000) -> None:
    """Print time and peak memory of one ear's score of a long signal; run it in a process of its own."""
    warm_up()
    rng = np.random.default_rng(1)
    x = np.empty(round(60 * minutes * rate), np.float32)
    for start in range(0, x.size, rate):
        part = x[start : start + rate]
        part[:] = rng.standard_normal(part.size, dtype=np.float32) * rng.uniform(0.02, 0.1)
    y = x.copy()
    y[:: rate // 4] += 0.3
    haaqi(x[: 2 * rate], y[: 2 * rate], rate, PRESETS["N3"], level1=85.0)  # libraries and tables
    before = peak_memory()
    took = clocked(lambda: haaqi(x, y, rate, PRESETS["N3"], level1=85.0))
    peak = peak_memory() - before
    print(
        f"{minutes:5.1f} min: {took:7.2f} s, {1000 * took / (60 * minutes):5.1f} ms a second of sound; "
        f"{peak:5.0f} MB above the start, of which the two signals' copies at 24 kHz are "
        f"{2 * 8 * x.size / 1e6:.0f} MB",
        flush=True,
    )


def parity_on_real_music(folder: Path, seconds: float = 5.0) -> None:
    """Print the largest difference to pyclarity over pieces, ears, audiograms and equalisations."""
    differences = []
    for piece in sorted(p for p in folder.iterdir() if p.is_dir()):
        lines = []
        for path in sorted(piece.glob("*.flac")):
            if path.stem not in ("mix", "mixture"):
                audio, rate = soundfile.read(path, always_2d=True)
                middle = len(audio) // 2
                lines.append(audio[middle : middle + round(seconds * rate)])
        if not lines:
            continue
        mix = sum(lines)
        remix = mix - 0.7 * lines[0]
        for channel in range(mix.shape[1]):
            for number, ear in enumerate(("normal", "N2", "N4", "S1", "S3")):
                equalisation = 1 + number % 2
                x, y = mix[:, channel], remix[:, channel]
                level = presentation_level(x)
                y = apply_nal_r(y, rate, PRESETS[ear])
                if equalisation == 2:
                    x = apply_nal_r(x, rate, PRESETS[ear])
                case = Case(piece.name, x, y, rate, ear, equalisation, level)
                ours = haaqi(x, y, rate, PRESETS[ear], equalisation=equalisation, level1=level)
                differences.append(ours.score - pyclarity_score(case)[0])
    largest = max(np.abs(differences), default=float("nan"))
    print(f"parity on real music: {len(differences)} scores, largest difference {largest:.1e}")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 8.0, 15.0])
    parser.add_argument("--rate", type=int, default=24000, help="sample rate in Hz")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without-pyclarity", action="store_true")
    parser.add_argument("--real", type=Path, nargs="?", const=REAL, help="also: parity on real pieces")
    parser.add_argument("--live", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--minutes", type=float, nargs="*", default=[1.0, 5.0, 10.0])
    parser.add_argument("--memory-of", type=float, help="only this: time and memory of so many minutes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.memory_of:
        memory(options.memory_of)
        return

    print(f"warm-up (compiled or loaded from the cache): {clocked(warm_up):.2f} s")
    if not options.without_pyclarity:
        x = duet(options.rate, 0.5, seed=0)[0]
        pyclarity_score(Case("", x, x, options.rate, "N3", 1, 85.0))  # it compiles too
    haaqi(*fresh_pair(options.rate, 1.0, 0), options.rate, NORMAL)
    print("  length   pyclarity     whole   kept ref.    whole    kept ref.   (one ear; medians)")
    for seconds in options.seconds:
        speed(seconds, options.rate, options.repeats, pyclarity=not options.without_pyclarity)
    if options.live:
        two_ears()
        live()
    for minutes in options.minutes:
        words = [sys.executable, "-m", "tests.benchmarks.haaqi_speed", "--memory-of", str(minutes)]
        subprocess.run(words, check=True)
    if options.real is not None and options.real.is_dir():
        parity_on_real_music(options.real)


if __name__ == "__main__":
    main()
