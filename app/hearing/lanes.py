"""Sixteen neighbouring bands as one value in compiled code: a vector of float32 that stays in registers.

A kernel that is written with lanes steps a recursive filter of sixteen bands at once. numba's own loops over
small arrays leave the state in memory; here LLVM sees vectors, and turns them into one AVX-512, two AVX or
four SSE or NEON registers, whatever the processor has. Lanes are made by :func:`load` and :func:`splat`,
added, subtracted, multiplied and divided with each other and with float32 numbers, and written by
:func:`store`. All functions here run inside kernels only (see :mod:`app.hearing.compiled`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model
from numpy.typing import NDArray

from app.hearing.compiled import EXP2_POLYNOMIAL, LANES, LOG2_POLYNOMIAL

Floats = NDArray[np.float32]

_ALIGNMENT = 64
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_WHOLES = ir.VectorType(ir.IntType(32), LANES)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)  # type: ignore[no-untyped-call]


_LANES = _LanesType()


def lanes_array(rows: int) -> Floats:
    """``rows`` × LANES zeros, flat, on a cache line: loads across two lines take twice as long."""
    spare = _ALIGNMENT // 4
    memory = np.zeros(rows * LANES + spare, np.float32)
    first = (-memory.ctypes.data % _ALIGNMENT) // 4
    return memory[first : first + rows * LANES]


# -- arithmetic --------------------------------------------------------------------------------------------


def _spread(builder: Any, value: Any) -> Any:
    """A scalar float in every lane."""
    one = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(_WHOLES, None))


def _constant(value: float) -> Any:
    return ir.Constant(_FLOATS, [float(np.float32(value))] * LANES)


def _whole(value: int) -> Any:
    return ir.Constant(_WHOLES, [value] * LANES)


class _Arithmetic(AbstractTemplate):
    def generic(self, args: Sequence[Any], kws: Any) -> Any:
        known = all(isinstance(a, _LanesType) or a == types.float32 for a in args)
        if len(args) == 2 and known and any(isinstance(a, _LanesType) for a in args):
            return signature(_LANES, *args)  # type: ignore[no-untyped-call]
        return None


def _define(operation: Any, instruction: str) -> None:
    infer: Any = infer_global
    infer(operation)(type(f"_{instruction}", (_Arithmetic,), {"key": operation}))

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = [
            value if isinstance(kind, _LanesType) else _spread(builder, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        return getattr(builder, instruction)(*values)

    for kinds in ((_LanesType, _LanesType), (_LanesType, types.Float), (types.Float, _LanesType)):
        lowering: Any = lower_builtin
        lowering(operation, *kinds)(lower)


for _operation, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_operation, _instruction)


def _function(name: str, code: Callable[..., Any], *, inputs: int) -> Any:
    """An intrinsic from ``inputs`` lanes to lanes, of which ``code(builder, *values)`` makes the result."""

    def one(typing_context: Any, x: Any) -> Any:
        return _LANES(x), lambda context, builder, signature, values: code(builder, *values)

    def two(typing_context: Any, x: Any, y: Any) -> Any:
        return _LANES(x, y), lambda context, builder, signature, values: code(builder, *values)

    typed = one if inputs == 1 else two
    typed.__name__ = name
    return intrinsic(typed)


def _choose(predicate: str) -> Callable[..., Any]:
    return lambda builder, x, y: builder.select(builder.fcmp_ordered(predicate, x, y), x, y)


def _of_llvm(name: str) -> Callable[..., Any]:
    def code(builder: Any, x: Any) -> Any:
        kind = ir.FunctionType(_FLOATS, [_FLOATS])
        insert: Any = cgutils.get_or_insert_function
        return builder.call(insert(builder.module, kind, name), [x])

    return code


def _polynomial(builder: Any, x: Any, coefficients: Sequence[np.float32]) -> Any:
    total = _constant(float(coefficients[-1]))
    for coefficient in coefficients[-2::-1]:
        total = builder.fadd(builder.fmul(total, x), _constant(float(coefficient)))
    return total


def _log2(builder: Any, x: Any) -> Any:
    """As :func:`app.hearing.compiled.log2f`."""
    bits = builder.bitcast(x, _WHOLES)
    exponent = builder.ashr(builder.sub(bits, _whole(0x3F3504F3)), _whole(23))
    mantissa = builder.bitcast(builder.sub(bits, builder.shl(exponent, _whole(23))), _FLOATS)
    y = builder.fsub(mantissa, _constant(1.0))
    product = builder.fmul(y, _polynomial(builder, y, LOG2_POLYNOMIAL))
    return builder.fadd(product, builder.sitofp(exponent, _FLOATS))


def _exp2(builder: Any, x: Any) -> Any:
    """As :func:`app.hearing.compiled.exp2f`."""
    raised = builder.fadd(x, _constant(128.0))
    whole = builder.fptosi(raised, _WHOLES)
    part = builder.fsub(raised, builder.sitofp(whole, _FLOATS))
    power = builder.bitcast(builder.shl(builder.sub(whole, _whole(1)), _whole(23)), _FLOATS)
    return builder.fmul(_polynomial(builder, part, EXP2_POLYNOMIAL), power)


larger: Any = _function("larger", _choose(">"), inputs=2)
"""The larger of two lanes each."""
smaller: Any = _function("smaller", _choose("<"), inputs=2)
"""The smaller of two lanes each."""
magnitude: Any = _function("magnitude", _of_llvm(f"llvm.fabs.v{LANES}f32"), inputs=1)
"""Absolute values."""
root: Any = _function("root", _of_llvm(f"llvm.sqrt.v{LANES}f32"), inputs=1)
"""Square roots."""
log2: Any = _function("log2", _log2, inputs=1)
"""log2 of normal positive numbers, absolute error below 1e-5."""
exp2: Any = _function("exp2", _exp2, inputs=1)
"""2 to a power within −126…127, relative error below 1e-5."""


# -- memory ------------------------------------------------------------------------------------------------


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _FLOATS.as_pointer())


def _splat(typing_context: Any, value: Any) -> Any:
    return _LANES(types.float32), lambda context, builder, signature, values: _spread(builder, values[0])


def _load(typing_context: Any, array: Any, index: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *values), align=4)

    return _LANES(array, types.intp), code


def _store(typing_context: Any, array: Any, index: Any, lanes: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _pointer(context, builder, signature.args[0], *values[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


splat: Any = intrinsic(_splat)
"""One float32 in every lane."""
load: Any = intrinsic(_load)
"""The LANES numbers of a flat float32 array from an index on. Bounds are not checked."""
store: Any = intrinsic(_store)
"""Write to a flat float32 array, from an index on, lanes. Bounds are not checked."""
