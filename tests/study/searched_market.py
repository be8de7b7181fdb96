"""A market of three formulas that answers at once: what searches find in it is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from sim.study.factors import Factor
from sim.study.targets import Targets

SIZE = Factor("size", "merchants.size.median_daily_sales", "world", low=100.0, high=900.0, unit=" yuan")
HABIT = Factor("habit", "merchants.borrowing.habit_mean", "world", low=0.1, high=0.9)
IDLE = Factor("idle", "merchants.trade.growth", "world", low=0.0, high=1.0)
PRICE = Factor("price", "lenders.ali.products.order_loan.rate", "lever", low=0.02, high=0.08, unit=" %/day")
CUTOFF = Factor("cutoff", "lenders.ali.scoring.cutoff", "lever", low=0.5, high=0.95)

Row = Mapping[str, float | None] | None


def number(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(str(value).split(" ")[0])


def luck(seed: int, what: str, size: float) -> float:
    """Of a world alone: the same for all points."""
    return Random(f"{seed} {what}").gauss(0, size)


class Market:
    """Counts what it is asked, so that tests see whether a point is run twice."""

    def __init__(self, formula: Callable[[Mapping[str, Any], int], Row]) -> None:
        self.formula, self.asked = formula, list[tuple[str, int]]()

    def __call__(self, points: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> list[list[Row]]:
        self.asked += [(repr(sorted(point.items())), seed) for point in points for seed in seeds]
        return [[self.formula(point, seed) for seed in seeds] for point in points]


def figures(point: Mapping[str, Any], seed: int) -> Row:
    """Figures of targets by id: T1 tells the size, T2 the habit, nothing the idle one."""
    size, habit = number(point.get(SIZE.key), 200.0), number(point.get(HABIT.key), 0.3)
    return {
        "T1": 1000.0 * size * (1 + luck(seed, "T1", 0.02)),
        "T2": habit * (1 + luck(seed, "T2", 0.02)),
    }


def product(point: Mapping[str, Any], seed: int) -> Row:
    """The targets tell only size times habit: a ridge."""
    size, habit = number(point.get(SIZE.key), 200.0), number(point.get(HABIT.key), 0.3)
    return {"T1": 1000.0 * size * habit * (1 + luck(seed, "T1", 0.02)), "T2": 0.5}


def bands(size: float = 500.0, habit: float = 0.5, width: float = 0.05) -> Targets:
    """Targets that a market of this size and habit meets."""
    t1, t2 = 1000.0 * size, habit
    return Targets.model_validate(
        {
            "targets": {
                "T1": {"figure": "disbursed", "low": t1 * (1 - width), "high": t1 * (1 + width), "kind": "hard"},
                "T2": {"figure": "approval_rate", "low": t2 * (1 - width), "high": t2 * (1 + width)},
            }
        }
    )


def lending(point: Mapping[str, Any], seed: int) -> Row:
    """A lender: lending falls with price and cut-off, the yield is best at 0.05 %/day, cut-offs keep bad loans out."""
    price, cutoff = number(point.get(PRICE.key), 0.03), number(point.get(CUTOFF.key), 0.7)
    world, own = 1 + luck(seed, "world", 0.2), luck(seed, f"{price:.5f} {cutoff:.5f}", 0.01)
    return {
        "disbursed": 1e8 * (1.2 - cutoff) * (1 - 5 * price) * world * (1 + own),
        "yield_risk_adjusted": (0.2 - 40 * (price - 0.05) ** 2) * (0.5 + 0.5 * world) + 0.1 * own,
        "ever90": 0.05 * (1.05 - cutoff) ** 2 * world * (1 + own),
    }


def nothing_helps(point: Mapping[str, Any], seed: int) -> Row:
    """Levers that do nothing: what differs between points is luck of each point and world."""
    return {"disbursed": 1e8 * (1 + luck(seed, "world", 0.2) + luck(seed, repr(sorted(point.items())), 0.05))}
