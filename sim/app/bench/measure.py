"""One measurement, made in a process of its own so that its memory and its caches are nobody else's.

Run as ``python -m sim.app.bench.measure KIND ...``; prints one JSON object.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SCENARIO, PEER = ROOT / "scenarios" / "base.yaml", ROOT / "experiments" / "benchmark"
PER = 1e9  # nanoseconds a second

# The steps of `Market.step`, by method, in words.
STEPS = {
    "_welcome_entrants": "entrants",
    "live_day": "merchants' day: trade, loans, plans",
    "_review_merchants": "reviews",
    "lend_today": "applications and payouts",
    "_let_go": "leavers",
    "_settle": "settlement",
    "_close_books": "books, re-summed",
    "_record": "recorder",
    "take": "rows to the disk",
    "add_segment": "rows to the disk",
}


def plan_for(merchants: int, days: int) -> Any:
    """The base scenario with so many merchants, and a lender whose money grows with them."""
    import sim

    number = sim.load(SCENARIO).n_merchants
    return sim.load(SCENARIO, {"scale": merchants / number, "calendar.days": days})


def measure_engine(merchants: int, warm_up: int, days: int, threads: int = 1) -> dict[str, Any]:
    """Run the base scenario to a finished folder.

    Returns
    -------
    dict
        CPU nanoseconds per merchant-day of the ``days`` after the first ``warm_up``, all included, and by step; CPU
        seconds of the start and of the finish; loans in the book per merchant; peak resident memory in bytes.
    """
    from sim.engine import market as engine
    from sim.engine import run
    from sim.results.recorder import Recorder
    from sim.results.store import RunFolder

    spent = dict.fromkeys(STEPS, 0.0)
    clock: dict[str, float] = {"begun": time.process_time()}
    book = {"loans": 0}

    def timed(owner: Any, name: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        def outer(*given: Any, **named: Any) -> Any:
            before = time.process_time()
            found = inner(*given, **named)
            spent[name] += time.process_time() - before
            return found

        setattr(owner, name, outer)

    def each_day(day: int, n_days: int, _: int) -> None:
        if day == warm_up:
            clock["from"], clock["wall"] = time.process_time(), time.perf_counter()
            spent.update(dict.fromkeys(STEPS, 0.0))
        if day == n_days:
            clock["to"], clock["wall_to"] = time.process_time(), time.perf_counter()
            by_step.update(spent)

    by_step: dict[str, float] = {}
    owners: dict[str, Any] = {"live_day": engine, "lend_today": engine, "take": Recorder, "add_segment": RunFolder}
    for name in STEPS:
        timed(owners.get(name, engine.Market), name)
    settle = engine.Market._record

    def record(market: Any, *given: Any) -> Any:
        book["loans"] = int(market.book.n)
        return settle(market, *given)

    setattr(engine.Market, "_record", record)  # noqa: B010  (counts the loans of the last day)
    with TemporaryDirectory() as folder:
        plan = plan_for(merchants, warm_up + days)
        run.simulate(plan, seed=1, out=Path(folder) / "run", threads=threads, progress=each_day)
    unit = PER / merchants / days
    steps = dict.fromkeys(STEPS.values(), 0.0)
    for name, seconds in by_step.items():
        steps[STEPS[name]] += seconds * unit
    steps["everything else"] = (clock["to"] - clock["from"]) * unit - sum(steps.values())
    return {
        "merchants": merchants,
        "cpu_ns_per_merchant_day": (clock["to"] - clock["from"]) * unit,
        "wall_ns_per_merchant_day": (clock["wall_to"] - clock["wall"]) * unit,
        "steps": steps,
        "finish_cpu_seconds": time.process_time() - clock["to"],
        "loans_per_merchant": book["loans"] / merchants,
        "bytes": peak(),
    }


def measure_peer(merchants: int, warm_up: int, days: int) -> dict[str, Any]:
    """Run the peer in memory; it records nothing."""
    sys.path.insert(0, str(PEER))
    peer = importlib.import_module("peer").Peer(plan_for(merchants, warm_up + days), seed=1)
    for _ in range(warm_up):
        peer.step()
    before = time.process_time()
    for _ in range(days):
        peer.step()
    used = time.process_time() - before
    loans = sum(len(shop.loans) for shop in peer.agents if hasattr(shop, "loans"))
    return {
        "merchants": merchants,
        "cpu_ns_per_merchant_day": used * PER / merchants / days,
        "loans_per_merchant": loans / merchants,
        "bytes": peak(),
    }


def measure_start(merchants: int) -> dict[str, Any]:
    """CPU seconds from nothing to a market that is ready for its first day, kernels not counted."""
    from sim.engine.market import Market

    plan = plan_for(merchants, 2)
    Market(plan_for(1000, 2), rng=1).run_days(2)
    before = time.process_time()
    Market(plan, rng=1)
    return {"cpu_seconds": time.process_time() - before}


def measure_compile() -> dict[str, Any]:
    """CPU seconds to have every kernel ready; with an empty cache they are compiled, with a full one read."""
    before = time.process_time()
    from sim.engine.warm import warm

    warm()
    return {"cpu_seconds": time.process_time() - before}


def measure_bandwidth() -> dict[str, Any]:
    """Bytes a second that one core reads and writes while it copies memory, and what a merchant-day must move."""
    import numpy as np

    from sim.core.merchants import STATE, TRAITS
    from sim.engine.day.plan import PlanColumns
    from sim.engine.day.trade import TradeColumns

    a, b = np.ones(25_000_000), np.zeros(25_000_000)
    best = 0.0
    for _ in range(7):
        before = time.process_time()
        np.copyto(b, a)
        best = max(best, (a.nbytes + b.nbytes) / (time.process_time() - before))
    used = set(TradeColumns._fields) | set(PlanColumns._fields)
    size = {name: column.shape * np.dtype(column.dtype).itemsize for name, column in {**TRAITS, **STATE}.items()}
    moved = sum(size[name] * (2 if name in STATE else 1) for name in used)
    return {"bytes_per_second": best, "bytes_per_merchant_day": moved}


def peak() -> int:
    """Most memory that this process has had resident, bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "engine": measure_engine,
    "peer": measure_peer,
    "start": measure_start,
    "compile": measure_compile,
    "bandwidth": measure_bandwidth,
}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](*(int(word) for word in sys.argv[2:]))))
