from __future__ import annotations

import os
import sys
import threading

import pytest
import torch

from separation import devices
from separation.separator import SeparatorError


@pytest.fixture
def threads_as_before() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _pretend(monkeypatch: pytest.MonkeyPatch, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Graphics card {device.index}")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_a_machine_with_nothing_but_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch)
    assert [d.key for d in devices.available()] == ["auto", "cpu"]
    assert devices.resolve("auto") == devices.resolve("cpu") == torch.device("cpu")
    for key in ("cuda", "mps", "tpu", "", "cuda:x"):
        with pytest.raises(SeparatorError, match="choose one of auto, cpu\\."):
            devices.resolve(key)


def test_a_machine_with_two_graphics_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, cuda=2)
    found = {d.key: d.label for d in devices.available()}
    assert list(found) == ["auto", "cpu", "cuda", "cuda:1"]
    assert found["cuda:1"] == "Graphics card 1"
    assert found["auto"] == "Automatic: Graphics card 0"
    assert devices.resolve("auto") == torch.device("cuda", 0)
    assert devices.resolve("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(SeparatorError, match="cuda:2"):
        devices.resolve("cuda:2")


def test_an_apple(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, mps=True)
    assert [d.key for d in devices.available()] == ["auto", "cpu", "mps"]
    assert devices.resolve("auto") == torch.device("mps")
    assert devices.available()[2].label.endswith("graphics")


def test_the_processor_has_a_name() -> None:
    name = devices.label(torch.device("cpu"))
    assert name
    assert name == name.strip()
    assert "(R)" not in name


@pytest.mark.usefixtures("threads_as_before")
def test_threads_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_torch_threads", lambda: 16)
    for cores, wanted in ((1, 1), (2, 1), (3, 2), (8, 7), (64, 16)):
        monkeypatch.setattr(devices, "_cores", lambda cores=cores: cores)
        assert devices.limit_threads() == wanted
        assert torch.get_num_threads() == wanted


@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority of its own")
def test_the_separation_thread_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_torch_threads", lambda: 16)
    monkeypatch.setattr(devices, "_cores", lambda: 2)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    found: list[int] = []

    def work() -> None:
        found.append(devices.limit_threads())
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [2, 10]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: BaseException, wanted: bool) -> None:
    assert devices.is_out_of_memory(error) is wanted
