"""Functions of one number for use inside kernels, written so that the compiler can do eight at a time.

They are exp, expm1, log, log1p, erf, and the logistic and the normal distribution. NumPy has no erf, and
its exp costs a pass over memory of its own; the C library's exp stops the compiler from using vector
instructions. So the float32 versions here are polynomials without branches, accurate to about two units
in the last place. The float64 versions, which serve gradient checks, are the C library's.

The polynomials are minimax fits; the comments give their errors. NaN goes through all of them. What reduces
an argument in two steps must not be reassociated, so they are compiled with ``contract`` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.extending import overload

from minigrad.kernels.compile import jit

f32 = np.float32
_STRICT = {"contract"}
_LOG2_E = f32(1.44269504)
# ln 2 in two parts; the first has so few bits that its product with a small integer is exact.
_LN2_HIGH, _LN2_LOW = f32(0.693359375), f32(-2.12194440e-4)


def _by_dtype(float32: Callable[..., Any], float64: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function for kernels that means ``float32`` or ``float64``, by the type of its argument."""

    def choose(x: Any) -> Any:  # what runs where nothing is compiled (NUMBA_DISABLE_JIT)
        return float32(x) if isinstance(x, np.float32) else float64(x)

    def pick(x: Any) -> Any:
        return (lambda x: float32(x)) if x == numba.float32 else (lambda x: float64(x))

    overload(choose, jit_options={"fastmath": _STRICT}, strict=False)(pick)
    return choose


@jit(fastmath=_STRICT)
def _expm1_parts(x: Any) -> Any:
    """For x <= 0: (s, p) with s = 2**n and p = e**r - 1, where x = n ln 2 + r and |r| <= ln(2) / 2."""
    x = f32(-87.0) if x < f32(-87.0) else x
    n = np.floor(x * _LOG2_E + f32(0.5))
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    # (e**r - 1 - r) / r**2, to 1.5e-8 of e**r - 1
    q = f32(0.00139488)
    q = q * r + f32(0.00836792)
    q = q * r + f32(0.04166625)
    q = q * r + f32(0.16666533)
    q = q * r + f32(0.50000001)
    # A float32 is (exponent + 127) * 2**23 as an integer: this is 2**n.
    s = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return s, q * r * r + r


@jit(fastmath=_STRICT)
def _exp_neg_float32(x: Any) -> Any:
    s, p = _expm1_parts(x)
    return f32(0.0) if x < f32(-87.0) else s * p + s


@jit(fastmath=_STRICT)
def _expm1_neg_float32(x: Any) -> Any:
    s, p = _expm1_parts(x)
    return s * p + (s - f32(1.0))


@jit(fastmath=_STRICT)
def _log_float32(x: Any) -> Any:
    # x = 2**n * m, with m from sqrt(1/2), which is 0x3f3504f3, to sqrt(2)
    bits = f32(x).view(np.int32)
    n = (bits - np.int32(0x3F3504F3)) >> np.int32(23)
    m = np.int32(bits - (n << np.int32(23))).view(np.float32)
    # log(m) = 2 artanh((m - 1) / (m + 1)), as a polynomial to 1e-9
    s = (m - f32(1.0)) / (m + f32(1.0))
    z = s * s
    q = f32(0.14942594)
    q = q * z + f32(0.1998854)
    q = q * z + f32(0.3333339)
    log = f32(n) * _LN2_LOW + f32(2.0) * (q * z * s + s) + f32(n) * _LN2_HIGH
    return log if x < f32(np.inf) else x


@jit(fastmath=_STRICT)
def _log1p_unit_float32(x: Any) -> Any:
    # log(1 + x) = 2 artanh(x / (2 + x)); artanh(s) / s as a polynomial in s**2, to 4e-9
    s = x / (x + f32(2.0))
    z = s * s
    q = f32(0.14089167)
    q = q * z + f32(0.13980301)
    q = q * z + f32(0.20012455)
    q = q * z + f32(0.33333157)
    return f32(2.0) * (q * z * s + s)


@jit(fastmath=_STRICT)
def _erf_float32(x: Any) -> Any:
    # Up to 1: erf(x) / x as a polynomial in x**2, to 1.3e-9.
    z = x * x
    p = f32(7.85386102e-5)
    p = p * z + f32(-8.01019352e-4)
    p = p * z + f32(5.18832767e-3)
    p = p * z + f32(-2.68538119e-2)
    p = p * z + f32(0.112835851)
    p = p * z + f32(-0.376126258)
    p = p * z + f32(0.128379167)
    near = p * x + x
    # Above: 1 - exp(log(erfc|x|)), with the logarithm as a polynomial in |x|. From 4 on erf is 1 in float32.
    t = abs(x)
    t = f32(4.0) if t > f32(4.0) else t
    q = f32(1.85574071e-4)
    q = q * t + f32(-2.93960789e-3)
    q = q * t + f32(2.18053206e-2)
    q = q * t + f32(-0.103037373)
    q = q * t + f32(-0.638225672)
    q = q * t + f32(-1.12704004)
    q = q * t + f32(-3.53718760e-4)
    s, e = _expm1_parts(q)
    far = f32(1.0) - (s * e + s)
    return near if t < f32(1.0) else math.copysign(far, x)


@jit(fastmath=_STRICT)
def _normal_float32(x: Any) -> Any:
    t = abs(x)
    s, p = _expm1_parts(f32(-0.5) * t * t)
    e = s * p + s if t < f32(13.1) else (x - x)  # 0, or NaN
    # P(-t) / e as a polynomial in k, to 2e-8 near 0 and 1e-6 in the tail
    k = f32(1.0) / (f32(1.0) + f32(0.3) * t)
    q = f32(0.03543653)
    q = q * k + f32(-0.15545813)
    q = q * k + f32(0.20185541)
    q = q * k + f32(-0.04797914)
    q = q * k + f32(0.12461952)
    q = q * k + f32(0.10140909)
    q = q * k + f32(0.12046571)
    q = q * k + f32(0.11965103)
    below = e * (q * k)
    return e, (f32(1.0) - below if x > f32(0.0) else below)


@jit(fastmath=_STRICT)
def _exp_float64(x: Any) -> Any:
    return math.exp(x)


@jit(fastmath=_STRICT)
def _expm1_float64(x: Any) -> Any:
    return math.expm1(x)


@jit(fastmath=_STRICT)
def _log_float64(x: Any) -> Any:
    return math.log(x)


@jit(fastmath=_STRICT)
def _log1p_float64(x: Any) -> Any:
    return math.log1p(x)


@jit(fastmath=_STRICT)
def _erf_float64(x: Any) -> Any:
    return math.erf(x)


@jit(fastmath=_STRICT)
def _normal_float64(x: Any) -> Any:
    return math.exp(-0.5 * x * x), 0.5 * math.erfc(-math.sqrt(0.5) * x)


#: e**x for x <= 0; in float32, results below 1.7e-38 become 0.
exp_neg = _by_dtype(_exp_neg_float32, _exp_float64)
#: e**x - 1 for x <= 0, accurate near 0 too.
expm1_neg = _by_dtype(_expm1_neg_float32, _expm1_float64)
#: log(x) for positive x; in float32, from 1.2e-38 on.
log = _by_dtype(_log_float32, _log_float64)
#: log(1 + x) for 0 <= x <= 1.
log1p_unit = _by_dtype(_log1p_unit_float32, _log1p_float64)
#: The error function.
erf = _by_dtype(_erf_float32, _erf_float64)
#: (e**(-x**2 / 2), P(x)), where P(x) is the probability that a standard normal variable is below x.
normal = _by_dtype(_normal_float32, _normal_float64)


@jit
def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x)); e is at most 1, so nothing overflows."""
    e = exp_neg(-abs(x))
    one = type(x)(1)
    return (one if x >= 0 else e) / (one + e)


@jit(fastmath=_STRICT)
def less_both(x: Any, large: Any, small: Any) -> Any:
    """``x - large - small``; as ``x - (large + small)`` it would lose the digits of ``small``."""
    return x - large - small
