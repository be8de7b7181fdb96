"""Offers to borrowers in difficulty that are learnt: one for each group of borrowers, found by trying in many worlds.

`ByGroup` is a policy whose table of offers is a parameter. `learn` begins with one offer for all and changes it for one
group after the other, as long as the lender's mean result over some worlds rises. Run as ``python
experiments/learned_offers.py``: it prints what it learns, and compares that with the built-in policies in worlds that
were not used to learn. In a scenario: ``negotiation: {policy: "learned_offers:ByGroup"}``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.schedules import TREATMENTS
from sim.lenders.policy import parameter

if TYPE_CHECKING:
    from sim.core.merchants import View
    from sim.lenders.policy import Context

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "negotiation" / "hard_times.yaml"
TRIED = ("extension", "re_amortisation", "rate_cut", "forgiveness", "moratorium")
BURDENS = (0.1, 0.4)  # balance over sales of 90 days: edges of the groups
PACE = 0.6  # sales of 30 days over those of 90: below it they have fallen
GROUPS = tuple(
    f"{burden} burden, sales {pace}" for burden in ("small", "middle", "large") for pace in ("fallen", "kept")
)
LEARNT = ("extension",) * len(GROUPS)


@dataclass(frozen=True)
class ByGroup:
    """One offer for each group of borrowers: by burden, and by whether sales have fallen."""

    kind: ClassVar[str] = "negotiation"
    needs: ClassVar[tuple[str, ...]] = ("sales_mean_30d", "sales_mean_90d", "balance_fen")

    response: int = parameter(
        "1 day", unit="days", low="0 days", high="180 days", source="assumption", doc="Time until an answer."
    )
    openness: float = parameter(
        0.8, unit="share", low=0, high=1, source="assumption", doc="Share of those in difficulty who can ask."
    )
    offers: tuple[str, ...] = parameter(
        LEARNT, unit="name", source="learnt by this script", doc="Offers by group.", choices=TREATMENTS[1:7]
    )

    def __post_init__(self) -> None:
        """Refuse a table of another size."""
        if len(self.offers) != len(GROUPS):
            raise ValueError(f"offers: {len(self.offers)} offers for {len(GROUPS)} groups")

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Give treatments, int8 (n,)."""
        before = np.maximum(view.sales_mean_90d, 1.0)
        burden = np.searchsorted(BURDENS, view.balance_fen / (90.0 * before))
        group = 2 * burden + (view.sales_mean_30d >= PACE * before)
        return np.array([TREATMENTS.index(name) for name in self.offers], np.int8)[group]


def result_of(offers: tuple[str, ...], seeds: range, merchants: int) -> float:
    """Mean result of the lender over some worlds, yuan."""
    import sim

    policy = {"policy": "learned_offers:ByGroup", "offers": list(offers)}
    own = {"lenders.ali.negotiation": policy, "merchants.number": merchants}
    plan = sim.load(SCENARIO, own, folder=ROOT / "experiments")
    return float(np.mean([sim.simulate(plan, seed=seed).summary["profit"] or 0.0 for seed in seeds]))


def learn(seeds: range, merchants: int) -> tuple[str, ...]:
    """Find a table of offers, group by group."""
    best = max(((name,) * len(GROUPS) for name in TRIED), key=lambda offers: result_of(offers, seeds, merchants))
    most = result_of(best, seeds, merchants)
    print(f"{best[0]} to all: {most:,.0f} yuan", flush=True)
    for place, group in enumerate(GROUPS):
        for name in TRIED:
            offers = (*best[:place], name, *best[place + 1 :])
            found = result_of(offers, seeds, merchants) if name != best[place] else most
            if found > most:
                best, most = offers, found
        print(f"{group}: {best[place]} ({most:,.0f} yuan)", flush=True)
    return best


def main() -> int:
    """Learn, and compare in other worlds."""
    import sim

    words = argparse.ArgumentParser(description="Learn offers for borrowers in difficulty, and compare them.")
    words.add_argument("--seeds", type=int, default=8)
    words.add_argument("--merchants", type=int, default=3000)
    given = words.parse_args()
    learnt = learn(range(101, 101 + given.seeds), given.merchants)
    arms = {}
    for name, policy in {
        "fast": {"policy": "fast"},
        "personalised": {"policy": "personalised"},
        "learnt": {"policy": "learned_offers:ByGroup", "offers": list(learnt)},
    }.items():
        own = {"lenders.ali.negotiation": policy, "merchants.number": given.merchants}
        arms[name] = sim.load(SCENARIO, own, folder=ROOT / "experiments")
    print(sim.compare(arms, seeds=2 * given.seeds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
