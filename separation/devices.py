"""Where a separator can compute, by real name; and how much of the machine it may take.

Keys are ``auto``, ``cpu``, ``cuda`` (``cuda:1``, … for further cards) and ``mps``.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from separation.separator import SeparatorError


@dataclass(frozen=True)
class Device:
    """One choice of device: the ``key`` that settings and the command line keep, and its real name."""

    key: str
    label: str


def available() -> list[Device]:
    """The devices of this machine, ``auto`` first, then the CPU, then what else there is."""
    found = [
        Device("auto", f"Automatic: {label(resolve('auto'))}"),
        Device("cpu", label(torch.device("cpu"))),
    ]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            key = f"cuda:{index}" if index else "cuda"
            found.append(Device(key, label(torch.device("cuda", index))))
    if torch.backends.mps.is_available():
        found.append(Device("mps", label(torch.device("mps"))))
    return found


def resolve(key: str) -> torch.device:
    """The device of that key; ``auto`` is the fastest kind there is.

    Raises :class:`SeparatorError` with a sentence when this machine has no such device.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if key == "auto":
        key = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if key == "cpu":
        return torch.device("cpu")
    if key == "mps" and has_mps:
        return torch.device("mps")
    if (match := re.fullmatch(r"cuda(?::(\d+))?", key)) and has_cuda:
        index = int(match[1] or 0)
        if index < torch.cuda.device_count():
            return torch.device("cuda", index)
    kinds = ["auto", "cpu"] + ["cuda"] * has_cuda + ["mps"] * has_mps
    raise SeparatorError(
        f"This computer has no device “{key}” to compute with; choose one of {', '.join(kinds)}."
    )


def label(device: torch.device) -> str:
    """What people call the device: the model of its processor or graphics card."""
    if device.type == "cpu":
        return _processor()
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "mps":
        return f"{_processor()} graphics"
    return str(device)


def limit_threads() -> int:
    """Cap torch's threads so that sound and window keep running; returns how many it may use.

    Call it on the thread that separates. With three cores or more, one is left free. On Linux the
    calling thread (and the torch threads it starts) also goes back in the queue, unless it is the main
    thread: so even where two cores are all there is, both can be used and audio still comes first.
    """
    cores = _cores()
    if sys.platform == "linux" and threading.current_thread() is not threading.main_thread():
        # a thread has a priority of its own on Linux, and the threads it starts inherit it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        most = cores if cores <= 2 else cores - 1
    else:
        most = max(1, cores - 1)
    count = min(most, _torch_threads())
    torch.set_num_threads(count)
    return count


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device (or the computer) has too little memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # Metal, the CPU's allocator and the CUDA libraries raise plain RuntimeErrors
    words = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


@cache
def _torch_threads() -> int:
    """How many threads torch takes of its own accord (physical cores, or OMP_NUM_THREADS)."""
    return torch.get_num_threads()


def _cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _processor() -> str:
    """The processor's model, such as “AMD Ryzen 7 5800X”, or at least its kind."""
    name = ""
    if sys.platform == "linux":
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
        name = match[1] if match else ""
    elif sys.platform == "darwin":
        question = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        name = subprocess.run(question, capture_output=True, text=True, check=False).stdout
    name = re.sub(r"\((R|TM)\)|\bCPU\b|@.*$|\b\d+-Core Processor\b", "", name or platform.processor())
    name = " ".join(name.split())
    return name or f"{platform.machine() or 'unknown'} processor"
