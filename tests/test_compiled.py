import numba
import numpy as np

from app.hearing import compiled
from app.hearing.compiled import kernel


def double(x):
    return x + x


def test_the_cache_lies_in_the_users_cache_folder(monkeypatch, own_folders):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    numba.config.reload_config()
    before = numba.config.CACHE_DIR
    assert kernel(double)(np.float32(2)) == 4
    assert list((own_folders / "cache" / "numba").rglob("*.nbi"))
    assert before == numba.config.CACHE_DIR


def test_it_works_without_a_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(compiled, "cache_folder", lambda: file)
    assert kernel(double)(np.float32(3)) == 6
    monkeypatch.setattr(compiled, "cache_folder", lambda: 1 / 0)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kernel(double)(np.float32(4)) == 8


def test_no_locator_for_a_cache_is_survived(monkeypatch):
    calls = []
    plain = numba.njit

    def njit(**options):
        calls.append(options["cache"])
        if options["cache"]:
            raise RuntimeError("cannot cache function: no locator available")
        return plain(**options)

    monkeypatch.setattr(numba, "njit", njit)
    assert kernel(double)(5) == 10
    assert calls == [True, False]
