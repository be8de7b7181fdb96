"""Compiled primitives: hash, uniform, exp, log, normal, counts, chains.

Everything here is branch-free where LLVM should vectorise, uses only IEEE operations (+, -, *, /, sqrt, floor, bit
casts) and no libm, so that every processor gives the same bits. Rules of the market live in `sim.world` and
`sim.lenders`; the loops that drive them in `sim.engine`.

The cache of compiled code sits in a folder named by a hash of all sources that hold rules: numba alone would reuse a
stale kernel when a rule inlined from another file has changed.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, cast

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

# Loops over some twenty columns need more than the default number of overlap checks before they vectorise.
for _option in ("runtime-memory-check", "vectorize-memory-check", "pragma-vectorize-memory-check"):
    llvm.set_option("", f"--{_option}-threshold=100000")


# The folders that hold rules and kernels. A face or a report can be edited without compiling anything again.
_COMPILED = ("core", "world", "lenders", "engine")


def sources_hash() -> str:
    """Hash of every source that can end up in compiled code (16 hex digits)."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for folder in _COMPILED for path in (root / folder).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Folder of the compiled kernels of these sources; a temporary one where the home is not writable."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for base in (Path(home), Path(tempfile.gettempdir())):
        folder = base / "lendsim" / f"kernels-{sources_hash()}-{numba.__version__}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError("no writable folder for the compiled kernels; set XDG_CACHE_HOME")


# Threads that wait must sleep: spinning ones would use as much time as they save.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if "NUMBA_CACHE_DIR" not in os.environ:
    setattr(numba.config, "CACHE_DIR", str(cache_folder()))  # noqa: B010  (numba declares no types)

Compile: TypeAlias = Callable[[Callable[..., Any]], Any]

# `rule` compiles a small function into its caller; `kernel` compiles a loop once and keeps it on disk.
# error_model="numpy": a division never raises, so loops stay without branches.
# _nrt=False: without counting references to arrays, which costs a scalar loop half its time; such a kernel makes no
# arrays. Those that do are allocating kernels.
rule = njit(inline="always", error_model="numpy")
kernel: Compile = cast(Any, njit)(cache=True, error_model="numpy", _nrt=False)
allocating_kernel: Compile = njit(cache=True, error_model="numpy")
parallel_kernel: Compile = njit(cache=True, error_model="numpy", parallel=True)

Scalar: TypeAlias = Any  # a number of compiled code: float32, float64, a whole number or a yes and no

_U = np.uint64
_U4 = np.uint32
_F = np.float32


def _bitcast(source: Any, target: Any, llvm_type: Any) -> Any:
    @intrinsic
    def cast(typing_context: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], llvm_type)

        return target(source), codegen

    return cast


@intrinsic
def _floor(typing_context: Any, x: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.floor", [args[0].type]), args)

    return x(x), codegen


def floor(x: Any) -> Any:
    """The largest whole number not above x, in the type of x: ``math.floor`` compiles to a detour over int64."""
    return np.floor(x)


@overload(floor, inline="always", strict=False)
def _compiled_floor(x: Any) -> Any:
    compiled: Any = _floor
    return lambda x: compiled(x)


_u64_as_f64 = _bitcast(types.uint64, types.float64, ir.DoubleType())
_f64_as_u64 = _bitcast(types.float64, types.uint64, ir.IntType(64))
_u32_as_f32 = _bitcast(types.uint32, types.float32, ir.FloatType())
_f32_as_u32 = _bitcast(types.float32, types.uint32, ir.IntType(32))


@rule
def least(a: Scalar, b: Scalar) -> Scalar:
    """The lesser of two numbers; ``min`` compiles to a call that is not inlined."""
    return a if a < b else b


@rule
def most(a: Scalar, b: Scalar) -> Scalar:
    """The greater of two numbers; ``max`` compiles to a call that is not inlined."""
    return a if a > b else b


# ------------------------------------------------------------------------------------------------ hash and uniforms


@rule
def mix64(z: Scalar) -> Scalar:
    """64-bit finaliser of splitmix64 (Stafford's variant 13; Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> _U(30))) * _U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> _U(27))) * _U(0x94D049BB133111EB)
    return z ^ (z >> _U(31))


@rule
def hash64(key: Scalar, entity: Scalar, k: Scalar) -> Scalar:
    """64 hashed bits of (key, entity id, k); ``key`` stands for (seed, stream, day), see `sim.core.draws.day_key`."""
    counter = _U(entity) + (_U(k) << _U(40))
    return mix64(mix64(key + counter * _U(0x9E3779B97F4A7C15)) ^ key)


@rule
def unit64(h: Scalar) -> Scalar:
    """Uniform on (0, 1) with 52 bits, float64, never 0 or 1."""
    return _u64_as_f64((h >> _U(12)) | _U(0x3FF0000000000000)) - (1.0 - 2.0**-53)


@rule
def unit32(h: Scalar) -> Scalar:
    """Uniform on (0, 1) with 23 bits, float32, of the 32 bits ``h``; never 0 or 1."""
    return _u32_as_f32((h >> _U4(9)) | _U4(0x3F800000)) - _F(1.0 - 2.0**-24)


@rule
def high_half(h: Scalar) -> Scalar:
    """Upper 32 bits of a hash."""
    return _U4(h >> _U(32))


@rule
def low_half(h: Scalar) -> Scalar:
    """Lower 32 bits of a hash."""
    return _U4(h & _U(0xFFFFFFFF))


# ------------------------------------------------------------------------------------------- elementary functions


@rule
def exp64(x: Scalar) -> Scalar:
    """exp(x) for |x| < 700, relative error below 1e-9, without libm."""
    n = floor(x * 1.4426950408889634 + 0.5)
    r = x - n * 0.6931471805599453
    p = 1 / 5040 + r * (1 / 40320 + r * (1 / 362880))
    p = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * p))))))
    return p * _u64_as_f64(_U(np.int64(n) + np.int64(1023)) << _U(52))


@rule
def log64(x: Scalar) -> Scalar:
    """Natural logarithm of a normal positive x, absolute error below 1e-9, without libm."""
    b = _f64_as_u64(x) - _U(0x3FE6A09E667F3BCD)
    e = np.int64(b) >> np.int64(52)
    m = _u64_as_f64((b & _U(0x000FFFFFFFFFFFFF)) + _U(0x3FE6A09E667F3BCD))
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    tail = 1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13)))
    return 0.6931471805599453 * e + 2.0 * s * (1.0 + q * (1 / 3 + q * (1 / 5 + q * tail)))


@rule
def exp32(x: Scalar) -> Scalar:
    """exp(x) in float32 for |x| < 80, relative error below 1e-6, without libm."""
    n = _F(floor(x * _F(1.44269504) + _F(0.5)))
    r = (x - n * _F(0.693359375)) + n * _F(2.12194440e-4)
    p = _F(1 / 24) + r * (_F(1 / 120) + r * _F(1 / 720))
    p = _F(1) + r * (_F(1) + r * (_F(1 / 2) + r * (_F(1 / 6) + r * p)))
    return p * _u32_as_f32(_U4(np.int32(n) + np.int32(127)) << _U4(23))


@rule
def log32(x: Scalar) -> Scalar:
    """Natural logarithm of a normal positive float32, relative error below 1e-6, without libm."""
    b = _f32_as_u32(x) - _U4(0x3F3504F3)
    e = np.int32(b) >> np.int32(23)
    m = _u32_as_f32((b & _U4(0x007FFFFF)) + _U4(0x3F3504F3))
    s = (m - _F(1)) / (m + _F(1))
    q = s * s
    return _F(0.69314718) * _F(e) + s * (_F(2) + q * (_F(2 / 3) + q * (_F(2 / 5) + q * (_F(2 / 7) + q * _F(2 / 9)))))


@rule
def _sine_of_turns(v: Scalar) -> Scalar:
    """sin(2 pi v) for |v| <= 1/4, float32."""
    t = v * _F(6.2831855)
    q = t * t
    return t * (_F(1) - q * (_F(1 / 6) - q * (_F(1 / 120) - q * (_F(1 / 5040) - q * _F(1 / 362880)))))


@rule
def normal_pair_of(high: Scalar, low: Scalar) -> Scalar:
    """Two independent standard normals, float32, of two times 32 hashed bits (Box and Muller 1958)."""
    radius = _F(math.sqrt(_F(-2) * log32(unit32(high))))
    a = unit32(low) - _F(0.5)
    b = _F(0.25) - abs(a)
    c = a if b > _F(0) else (_F(0.5) if a > _F(0) else _F(-0.5)) - a
    return radius * _sine_of_turns(b), radius * _sine_of_turns(c)


@rule
def normal_pair(h: Scalar) -> Scalar:
    """Two independent standard normals, float32, of one 64-bit hash."""
    return normal_pair_of(high_half(h), low_half(h))


@rule
def normal64(h1: Scalar, h2: Scalar) -> Scalar:
    """One standard normal, float64, of two hashes (Box and Muller 1958); for draws made once, not daily."""
    radius = math.sqrt(-2.0 * log64(unit64(h1)))
    a = unit64(h2) - 0.5
    t = (0.25 - abs(a)) * 6.283185307179586
    q = t * t
    s = 1 / 5040 - q * (1 / 362880 - q * (1 / 39916800 - q * (1 / 6227020800)))
    return radius * t * (1.0 - q * (1 / 6 - q * (1 / 120 - q * s)))


# ------------------------------------------------------------------------------------------------ counts and chains

_SMALL_MEAN, _TERMS = 6.0, 20
_FIRST_TERMS = 10  # enough for all but a few in a thousand


@rule
def _few(mean: Scalar, u: Scalar, terms: Scalar) -> Scalar:
    """Count by inverse CDF of ``u``, for a mean of at most 6, over so many terms: at most ``terms``."""
    small = mean if mean < _F(_SMALL_MEAN) else _F(_SMALL_MEAN)
    p = exp32(-small)
    cdf = p
    count = _F(0)
    for term in range(1, terms + 1):
        count += _F(1) if u > cdf else _F(0)
        p *= small * _F(1.0 / term)
        cdf += p
    return count


@rule
def poisson_below(mean: Scalar, u: Scalar, z: Scalar) -> Scalar:
    """`poisson` at half its price: the same count, unless it `is_unsure`; then it may be more."""
    count = _few(mean, u, _FIRST_TERMS)
    wide = _wide(mean, z)
    return count if mean < _F(_SMALL_MEAN) else wide


@rule
def is_unsure(mean: Scalar, count: Scalar) -> Scalar:
    """Whether a count of `poisson_below` is too large to be sure of."""
    return count == _F(_FIRST_TERMS) and mean < _F(_SMALL_MEAN)


@rule
def _wide(mean: Scalar, z: Scalar) -> Scalar:
    """Count by a Cornish-Fisher normal, for a large mean."""
    count = _F(floor(mean + _F(math.sqrt(mean)) * z + (z * z - _F(1)) * _F(1 / 6) + _F(0.5)))
    return count if count > _F(0) else _F(0)


@rule
def poisson(mean: Scalar, u: Scalar, z: Scalar) -> Scalar:
    """A count with the given mean, float32: inverse CDF of ``u`` below a mean of 6, else a Cornish-Fisher normal.

    Parameters
    ----------
    mean : float32
        Expected count, at least 0.
    u : float32
        Uniform on (0, 1), used when the mean is small; the CDF is summed over a fixed number of terms, which leaves
        out less than 1e-5 of the mass.
    z : float32
        Standard normal, used when the mean is large: ``mean + sqrt(mean) z + (z^2 - 1)/6``, rounded, at least 0.
    """
    count = _few(mean, u, _TERMS)
    wide = _wide(mean, z)
    return count if mean < _F(_SMALL_MEAN) else wide


@rule
def leave_stage(amount: Scalar, share: Scalar) -> Scalar:
    """Whole fen that leave a stage of a chain today: the share, rounded down; all of it once below one yuan.

    A chain of K stages that each pass on ``share`` a day holds a yuan for K/share days on average.
    """
    out = floor(amount * share)
    return amount if amount < 100.0 else out


@kernel
def fill_uniform(key: Any, ids: Any, k: Any, out: Any) -> None:
    """Uniforms on (0, 1) for the entity ids; writes ``out`` (n,) float64."""
    for j in range(ids.size):
        out[j] = unit64(hash64(key, ids[j], k))


@kernel
def fill_normal(key: Any, ids: Any, k: Any, out: Any) -> None:
    """Standard normals for the entity ids, of draws 2k and 2k+1; writes ``out`` (n,) float64."""
    for j in range(ids.size):
        out[j] = normal64(hash64(key, ids[j], 2 * k), hash64(key, ids[j], 2 * k + 1))


@kernel
def fill_exp(x: Any, out: Any) -> None:
    """exp of every element without libm; writes ``out`` (n,) float64."""
    for j in range(x.size):
        out[j] = exp64(x[j])


@kernel
def fill_log(x: Any, out: Any) -> None:
    """Natural logarithm of every element without libm; writes ``out`` (n,) float64."""
    for j in range(x.size):
        out[j] = log64(x[j])
