"""The benchmark as a whole: the engine at several sizes, the peer beside it, and what they say together."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sim.errors import LendsimError

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PEER_SIZES = (1_000, 10_000)  # beyond it an object a merchant takes minutes
WARM_UP, DAYS, PEER_DAYS = 30, 90, 20  # days before the measured ones, so that loans are about as many as later
REPEATS = 3
LEAST = 100  # merchants of the process that the memory of the smallest size is compared with
Row = dict[str, Any]
Say = Callable[[str], None]


@dataclass
class Benchmark:
    """What was measured; every time is CPU time, the median of the repeats, every memory a peak."""

    engine: list[Row] = field(default_factory=list)  # by size: merchants, cpu_ns_per_merchant_day, bytes_per_merchant..
    peer: list[Row] = field(default_factory=list)
    exponent: float | None = None  # of CPU time over merchants, from 10,000 merchants to the most
    compile_seconds: dict[str, float] = field(default_factory=dict)  # cold: nothing cached; cached
    bandwidth: dict[str, float] = field(default_factory=dict)  # bytes a second of a copy; share that the engine moves
    days: int = DAYS
    repeats: int = REPEATS

    def as_json(self) -> dict[str, Any]:
        """Everything as plain numbers."""
        return dict(vars(self))

    @property
    def times_cheaper(self) -> float | None:
        """How many times as much the peer costs, at the largest size that both have."""
        engine = {row["merchants"]: row["cpu_ns_per_merchant_day"] for row in self.engine}
        best = self.engine[-1]["cpu_ns_per_merchant_day"] if self.engine else None
        return self.peer[-1]["cpu_ns_per_merchant_day"] / best if self.peer and best and engine else None


def run_benchmark(sizes: Sequence[int], days: int, repeats: int, say: Say) -> Benchmark:
    """Measure everything, one process after the other; ``say`` is told what comes next.

    Raises
    ------
    LendsimError
        If a measurement fails.
    """
    found = Benchmark(days=days, repeats=repeats)
    say("kernels")
    _measure("compile")  # into the cache, so that nothing measured later compiles
    least = _measure("engine", LEAST, 2, 2)["bytes"]
    before: tuple[int, float] = (LEAST, least)
    for size in sorted(sizes):
        say(f"engine, {size:,} merchants")
        row = _median([_measure("engine", size, WARM_UP, days) for _ in range(repeats)])
        # a further merchant's memory: beyond the next smaller market
        row["bytes_per_merchant"] = (row["bytes"] - before[1]) / (size - before[0])
        before = (size, row["bytes"])
        found.engine.append(row)
    before = (LEAST, _measure("peer", LEAST, 2, 2)["bytes"])
    for size in (size for size in sorted(sizes) if size in PEER_SIZES):
        say(f"peer, {size:,} merchants")
        row = _median([_measure("peer", size, WARM_UP, PEER_DAYS) for _ in range(repeats if size < 10_000 else 1)])
        row["bytes_per_merchant"] = (row["bytes"] - before[1]) / (size - before[0])
        before = (size, row["bytes"])
        found.peer.append(row)
    found.exponent = exponent(found.engine)
    say("compile time")
    with TemporaryDirectory() as cache:
        for name in ("cold", "cached"):
            found.compile_seconds[name] = _measure("compile", cache=cache)["cpu_seconds"]
    say("memory bandwidth")
    found.bandwidth = _share_of_bandwidth(_measure("bandwidth"), found.engine)
    return found


def exponent(rows: Sequence[Row]) -> float | None:
    """Exponent of CPU time over merchants between the first size from 10,000 on and the last; None if there is one."""
    large = [row for row in rows if row["merchants"] >= 10_000]
    if len(large) < 2:
        return None
    cost = [row["merchants"] * row["cpu_ns_per_merchant_day"] for row in (large[0], large[-1])]
    return math.log(cost[1] / cost[0]) / math.log(large[-1]["merchants"] / large[0]["merchants"])


def _share_of_bandwidth(measured: dict[str, float], engine: Sequence[Row]) -> dict[str, float]:
    """What the merchants' columns need of the bandwidth of a copy while the merchants live their day."""
    day = next(ns for name, ns in engine[-1]["steps"].items() if name.startswith("merchants' day"))
    moved = measured["bytes_per_merchant_day"] / day * 1e9
    return {**measured, "moved_per_second": moved, "share": moved / measured["bytes_per_second"]}


def _median(rows: list[Row]) -> Row:
    """The medians of what is a number, and of the steps."""
    merged: Row = {}
    for name, first in rows[0].items():
        values = [row[name] for row in rows]
        merged[name] = _median(values) if isinstance(first, dict) else median(values)
    return merged


def _measure(kind: str, *numbers: int, cache: str | None = None) -> Row:
    """Make one measurement in a process of its own."""
    import os

    words = [sys.executable, "-m", "sim.app.bench.measure", kind, *map(str, numbers)]
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise LendsimError(f"measuring {kind} {' '.join(map(str, numbers))} failed: {last[0]}")
    found: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return found
