"""What all that happens after the payout costs: monitoring, collection and negotiation, all of them on.

CPU nanoseconds per merchant-day in the base market of 100,000 merchants, beside what the rest of the day costs there,
since machines differ. Run as ``python -m sim.app.bench.after [MERCHANTS]``.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from sim.app.bench.measure import PER, SCENARIO

MERCHANTS, WARM_UP, DAYS = 100_000, 60, 60
PARTS = ("monitor", "collect", "negotiate")
ALL_ON = {
    "lenders.ali.monitoring": {"policy": "signals", "every": "7 days"},
    "lenders.ali.negotiation": {"policy": "early"},
    "lenders.ali.collection.steps": {
        "call": {"action": "call", "after": "3 days", "every": "7 days"},
        "help": {"action": "help", "after": "10 days", "share": 0.1},
        "suspend": {"action": "suspend", "after": "15 days"},
        "legal": {"action": "legal", "after": "60 days"},
    },
}


def measure_after(merchants: int = MERCHANTS) -> dict[str, float]:
    """CPU nanoseconds per merchant-day of each part, and of ``the rest of the day``."""
    import numba

    import sim
    from sim.engine import market as engine

    spent = dict.fromkeys(PARTS, 0.0)

    def timed(name: str) -> None:
        part = getattr(engine, name)

        def call(*given: Any) -> None:
            began = time.process_time()
            part(*given)
            spent[name] += time.process_time() - began

        setattr(engine, name, call)

    for name in PARTS:
        timed(name)
    numba.set_num_threads(1)
    number = sim.load(SCENARIO).n_merchants
    plan = sim.load(SCENARIO, {"scale": merchants / number, "calendar.days": WARM_UP + DAYS, **ALL_ON})
    market = engine.Market(plan, rng=1)
    market.run_days(WARM_UP)
    spent.update(dict.fromkeys(PARTS, 0.0))
    began = time.process_time()
    market.run_days(DAYS)
    rest = time.process_time() - began - sum(spent.values())
    return {name: PER * seconds / merchants / DAYS for name, seconds in {**spent, "the rest of the day": rest}.items()}


if __name__ == "__main__":
    found = measure_after(*(int(word) for word in sys.argv[1:2]))
    for part, ns in found.items():
        print(f"{part}: {ns:.1f} ns per merchant-day")
    print(f"after the payout: {sum(found[name] for name in PARTS):.1f} ns per merchant-day")
