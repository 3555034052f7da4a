"""How the ear's inner loops are compiled: numba, without the GIL, cached where the user may write.

numba keeps machine code beside the source file where it can. An installed or frozen program is often
read-only, so here the cache is always the user's own cache folder, unless ``NUMBA_CACHE_DIR`` says otherwise.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from app.paths import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])

LANES = 16
"""Bands that one kernel carries side by side: one 512-bit or two 256-bit registers. It must divide 32."""

# NaN and infinity keep their meaning (no "nnan"); sums may be reordered and fused, which float32 bears here.
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def kernel(function: Function) -> Function:
    """Compile a function to machine code that holds no GIL and is cached between runs.

    Where the cache cannot be written the function is compiled anew at each start, which costs seconds
    and changes nothing else.
    """
    return _cached(function, nogil=True)


def audio_kernel(function: Function) -> Function:
    """The same for the audio thread: it keeps the GIL over a short kernel rather than wait for it again."""
    return _cached(function, nogil=False)


def _cached(function: Function, *, nogil: bool) -> Function:
    config: Any = numba.config
    before = config.CACHE_DIR
    try:
        if "NUMBA_CACHE_DIR" not in os.environ:
            config.CACHE_DIR = str(cache_folder() / "numba")
        return _compile(function, cache=True, nogil=nogil)
    except (OSError, RuntimeError):
        return _compile(function, cache=False, nogil=nogil)
    finally:
        config.CACHE_DIR = before


def inline(function: Function) -> Function:
    """Compile a small function that kernels call in their innermost loops."""
    return cast(Function, numba.njit(fastmath=_FAST, inline="always")(function))


def _compile(function: Function, *, cache: bool, nogil: bool = True) -> Function:
    compile_it = numba.njit(nogil=nogil, fastmath=_FAST, cache=cache, error_model="numpy")
    return cast(Function, compile_it(function))


def _bits_code(typing_context: object, value: object) -> Any:
    """Typing and code of :data:`_bits`: a float32's bits as int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _float_code(typing_context: object, value: object) -> Any:
    """Typing and code of :data:`_float`: the float32 with these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


_bits: Any = intrinsic(_bits_code)
_float: Any = intrinsic(_float_code)


def _fit(
    function: Callable[[np.ndarray], np.ndarray], low: float, high: float, degree: int
) -> list[np.float32]:
    """Coefficients (constant first) of the polynomial through ``degree + 1`` Chebyshev points."""
    series = np.polynomial.chebyshev.Chebyshev.interpolate(function, degree, domain=[low, high])
    return [np.float32(c) for c in series.convert(kind=np.polynomial.Polynomial).coef]


def _log2_over_offset(y: np.ndarray) -> np.ndarray:
    """log2(1 + y) / y, continued through y = 0."""
    safe = np.where(np.abs(y) < 1e-9, 1.0, y)
    return np.where(np.abs(y) < 1e-9, 1 / math.log(2), np.log2(1 + safe) / safe)


LOG2_POLYNOMIAL = _fit(_log2_over_offset, math.sqrt(0.5) - 1, math.sqrt(2) - 1, 6)
"""log2(1 + y)/y for √½ ≤ 1 + y ≤ √2, constant first."""
EXP2_POLYNOMIAL = _fit(np.exp2, 0.0, 1.0, 5)
"""2 to the power x for 0 ≤ x ≤ 1, constant first."""
_L0, _L1, _L2, _L3, _L4, _L5, _L6 = LOG2_POLYNOMIAL
_E0, _E1, _E2, _E3, _E4, _E5 = EXP2_POLYNOMIAL
_ROOT_HALF = np.int32(0x3F3504F3)
_MANTISSA = np.int32(23)
_BIAS = np.int32(127)
_ONE = np.float32(1.0)
_SHIFT = np.float32(128.0)
_SHIFT_WHOLE = np.int32(128)


@inline
def log2f(x: Any) -> Any:
    """log2 of a normal positive float32, absolute error below 1e-5. Branch-free, so loops over it vectorise.

    The exponent is taken from the bits so that the mantissa lies within √½…√2, where a polynomial fits.
    """
    i = _bits(x)
    e = np.int32(np.int32(i - _ROOT_HALF) >> _MANTISSA)
    y = _float(np.int32(i - np.int32(e << _MANTISSA))) - _ONE
    p = _L0 + y * (_L1 + y * (_L2 + y * (_L3 + y * (_L4 + y * (_L5 + y * _L6)))))
    return np.float32(e) + y * p


@inline
def exp2f(x: Any) -> Any:
    """2 to the power x for −126 < x < 127, relative error below 1e-5. Branch-free."""
    whole = np.int32(x + _SHIFT)
    f = x + _SHIFT - np.float32(whole)
    p = _E0 + f * (_E1 + f * (_E2 + f * (_E3 + f * (_E4 + f * _E5))))
    return p * _float(np.int32(np.int32(whole - _SHIFT_WHOLE + _BIAS) << _MANTISSA))
