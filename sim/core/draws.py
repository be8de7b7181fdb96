"""All the randomness there is: pure functions of (seed, stream, day, entity id, k).

Nothing is consumed and nothing has a state, so that a draw does not depend on who else draws, in which order, on how
many merchants there are or on how many threads work. A merchant's luck is the same under every lender.

A *stream* is a name in the one table below. A *day* is `sim.core.clock.Day.number`; draws made once for all days (the
traits of birth) use day `ONCE`. An *entity* is a merchant id, a loan id or a category code. *k* numbers several draws
of one entity on one day.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import kernels

ONCE = 0  # the "day" of draws that are made once; runs begin after day number 0

# The one table of streams. A number is for ever: one that is retired (21, 31) is not given again.
# `attention` holds two draws of a merchant's day: the upper half of its hash for the thought of borrowing, the lower
# half for leaving (its low end) and for spells (its high end).
_STREAM_NUMBERS: tuple[tuple[str, int], ...] = (
    ("birth.entry", 1),
    ("birth.kind", 2),
    ("birth.size", 3),
    ("birth.trade", 4),
    ("birth.character", 5),
    ("birth.state", 6),
    ("birth.rhythm", 7),
    ("sales.shock", 10),
    ("sales.orders", 11),
    ("shock.market", 12),
    ("shock.category", 13),
    ("signal.parcels", 14),
    ("signal.traced", 15),
    ("signal.off_platform", 16),
    ("signal.bought", 17),
    ("sales.value", 19),
    ("attention", 20),
    ("exit.return", 22),
    ("spell.proneness", 23),
    ("spell.height", 24),
    ("spell.day_off", 25),
    ("sales.jump", 26),
    ("repay.forget", 30),
    ("borrow.divert", 32),
    ("wash.review", 33),
    ("lender.visible", 40),
    ("lender.queue", 41),
    ("policy.coin", 42),
    ("lender.channel", 43),
    ("lender.split", 44),
    ("platform.outage", 50),
    ("event.holiday", 51),
    ("desk.service", 60),
    ("desk.patience", 61),
    ("desk.bot", 62),
    ("desk.arrival", 63),
    ("desk.review", 64),
    ("collect.call", 70),
    ("collect.evades", 71),
    ("negotiate.ask", 72),
    ("negotiate.wait", 73),
    ("fit.resample", 80),
    ("study.resample", 81),
)


def _table(numbers: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """Stream name to number; a name or a number that stands twice raises ValueError."""
    table = dict(numbers)
    if len(table) != len(numbers) or len(set(table.values())) != len(numbers):
        raise ValueError("two streams share a name or a number")
    return table


STREAMS = _table(_STREAM_NUMBERS)

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def day_key(seed: int, stream: str, day: int) -> np.uint64:
    """The 64-bit key of (seed, stream, day) that kernels hash with an entity id and k.

    Raises
    ------
    KeyError
        If the stream is not in the table.
    """
    base = _mix((_mix(seed & _MASK) + _GOLDEN) & _MASK)
    return np.uint64(_mix(base ^ _mix(((STREAMS[stream] << 40) + day + _GOLDEN) & _MASK)))


def uniform(seed: int, stream: str, day: int, ids: npt.ArrayLike, k: int = 0) -> npt.NDArray[np.float64]:
    """Uniforms on (0, 1), (n,), one an entity of ``ids`` (n,)."""
    entities = np.ascontiguousarray(ids, dtype=np.int64).reshape(-1)
    out = np.empty(entities.shape)
    kernels.fill_uniform(day_key(seed, stream, day), entities, k, out)
    return out


def normal(seed: int, stream: str, day: int, ids: npt.ArrayLike, k: int = 0) -> npt.NDArray[np.float64]:
    """Standard normals, (n,), one an entity of ``ids`` (n,)."""
    entities = np.ascontiguousarray(ids, dtype=np.int64).reshape(-1)
    out = np.empty(entities.shape)
    kernels.fill_normal(day_key(seed, stream, day), entities, k, out)
    return out


def choice(
    seed: int, stream: str, day: int, ids: npt.ArrayLike, weights: npt.ArrayLike, k: int = 0
) -> npt.NDArray[np.int64]:
    """An index into ``weights`` for every entity, with probability proportional to its weight."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    found = np.searchsorted(edges / edges[-1], uniform(seed, stream, day, ids, k), side="right")
    return np.minimum(found, edges.size - 1)


def replication_seeds(base: int, n: int) -> tuple[int, ...]:
    """``n`` distinct seeds for replications: base, base + 1, ... (the hash makes neighbours independent)."""
    return tuple(range(base, base + n))


def exp(x: Any) -> npt.NDArray[np.float64]:
    """exp without libm, same shape, for decisions and births (NumPy's own differs between processors).

    Arguments are held within -700 and 700, where the result is still an ordinary number.
    """
    values = np.clip(np.array(x, dtype=np.float64, order="C"), -700.0, 700.0)
    out = np.empty_like(values)
    kernels.fill_exp(values.reshape(-1), out.reshape(-1))
    return out


def log(x: Any) -> npt.NDArray[np.float64]:
    """Natural logarithm without libm, same shape, for decisions and births."""
    values = np.array(x, dtype=np.float64, order="C")
    out = np.empty_like(values)
    kernels.fill_log(values.reshape(-1), out.reshape(-1))
    return out
