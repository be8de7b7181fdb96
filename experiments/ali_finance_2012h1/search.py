"""Look for sets of parameters with which the reference scenario meets the published figures, and keep them all.

    python experiments/ali_finance_2012h1/search.py --rounds 10          # goes on from what runs/search.csv holds
    python experiments/ali_finance_2012h1/search.py --rounds 10 --seeds 3

A first round, the star, begins at a start and moves one parameter at a time. Each later one moves on from the best
sets so far, by what the star and they say that each parameter does to the logarithm of each figure. Nothing is drawn:
candidates come from a Halton sequence. To the published figures one is added that they do not pin (facts A.4), a hard
one: by how much more is lent at prices a tenth lower, in the first seed's world. One seed a set at 1:20 leaves
figures of few events (T12, T21) noisy, and the best of many sets look better than they are: sets run with three seeds
or more, whose means meet all hard targets, are kept in ``plausible.csv``, with how many soft ones they meet.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent
SCENARIO, TARGETS = HERE.parents[1] / "scenarios" / "ali_finance_2012h1.yaml", HERE / "targets.yaml"
FOUND, KEPT = Path("runs/search.csv"), HERE / "plausible.csv"
FIRST_SEED, ENOUGH = 101, 3  # the first seed of a set, and with how many it can be kept
Floats = npt.NDArray[np.float64]


TRUST = 0.1  # in the star's slopes: squared moves of later sets that weigh as much
TOLD_BY_BALANCE = (1.78e9, 1.92e9)  # yuan on 30 June with which T6b is met
RESPONSE, WANTED = "response", (1.0, 3.0)
"""Minus the price elasticity of what is lent in the half year, and its band."""

UNSTEERED = ("T6b", "T21")  # a day, and few events: what some seeds say of a move is mostly luck


class Range(NamedTuple):
    """A parameter: the range in which it is plausible, where the search starts, and the unit behind its number."""

    low: float
    high: float
    start: float
    unit: str = ""


RANGES: Mapping[str, Range] = {
    "merchants.entry.present": Range(0.1, 0.65, 0.25),
    "merchants.entry.over": Range(500, 900, 820, " days"),
    "merchants.size.median_daily_sales": Range(300, 1200, 800, " yuan"),
    "merchants.borrowing.habit_mean": Range(0.10, 0.45, 0.26),
    "merchants.borrowing.habit_shape": Range(0.02, 0.2, 0.08),
    "merchants.borrowing.reliance": Range(0.3, 0.9, 0.75),
    "merchants.borrowing.price_sensitivity": Range(4, 25, 12),
    "merchants.borrowing.spread": Range(0.2, 0.8, 0.5),
    "merchants.borrowing.bother": Range(2, 40, 6, " yuan"),
    "merchants.borrowing.idle_buffer": Range(1, 12, 4, " days"),
    "merchants.cash.owner_take": Range(0.02, 0.12, 0.065),
    "merchants.trade.growth": Range(0.05, 0.5, 0.24),
    "lenders.ali.eligibility.min_monthly_sales": Range(3000, 15000, 6000, " yuan"),
    "lenders.ali.scoring.cutoff": Range(0.82, 0.94, 0.875),
    "lenders.ali.products.revolving_line.minimum": Range(2000, 20000, 5000, " yuan"),
    "lenders.ali.products.fixed_loan.minimum": Range(15000, 100000, 25000, " yuan"),
    "lenders.ali.products.fixed_loan.least_share": Range(0.05, 0.35, 0.18),
    "lenders.ali.limit.multiple": Range(0.2, 4.0, 1.9),
    "lenders.ali.write_off_after": Range(180, 360, 260, " days"),
    "invited_first": Range(0.15, 0.8, 0.4),
    "invited_last": Range(0.6, 1.0, 0.98),
    "advance_first": Range(0.3, 0.95, 0.68),
    "advance_last": Range(0.5, 0.95, 0.75),
}
NAMES = tuple(RANGES)
STEPS = ("2010-06-01", "2011-01-01", "2011-07-01", "2012-01-01", "2012-04-01", "2012-06-01")  # of what grows by dates


def settings(point: Mapping[str, float]) -> dict[str, Any]:
    """Overrides of the scenario for a set of parameters; what is ``_first`` and ``_last`` grows evenly by dates."""
    over: dict[str, Any] = {
        name: f"{point[name]:.0f}{one.unit}" if one.unit else round(point[name], 5)
        for name, one in RANGES.items()
        if "." in name
    }
    keys = {"invited": "eligibility.invited", "advance": "products.order_loan.advance"}
    changes: dict[str, Any] = {}
    for k, day in enumerate(STEPS):
        share = k / (len(STEPS) - 1)
        now = {
            key: round(point[f"{name}_first"] * (1 - share) + point[f"{name}_last"] * share, 3)
            for name, key in keys.items()
        }
        if k == 0:
            over |= {f"lenders.ali.{key}": value for key, value in now.items()}
        else:
            changes[f"growth_{day.replace('-', '_')}"] = {"date": day, "set": now}
    return over | {"lenders.ali.changes": changes}


def halton(n: int, skip: int = 0) -> Floats:
    """Points of the Halton sequence, (n, parameters), in (0, 1)."""
    primes = [p for p in range(2, 200) if all(p % q for q in range(2, int(p**0.5) + 1))][: len(NAMES)]
    found = np.zeros((n, len(NAMES)))
    for column, base in enumerate(primes):
        for row in range(n):
            k, part, value = row + skip + 1, 1.0 / base, 0.0
            while k:
                value += part * (k % base)
                k, part = k // base, part / base
            found[row, column] = value
    return found


def star() -> Floats:
    """The start, and from it one parameter at a time a quarter of its range up, or down from the upper half."""
    start = np.array([(one.start - one.low) / (one.high - one.low) for one in RANGES.values()])
    return np.vstack([start, start + np.diag(np.where(start > 0.6, -0.25, 0.25))])


def point_of(unit: Floats) -> dict[str, float]:
    """A set of parameters for a point of the unit cube."""
    return {name: one.low + float(unit[k]) * (one.high - one.low) for k, (name, one) in enumerate(RANGES.items())}


def cheaper(factor: float = 0.9) -> dict[str, Any]:
    """Overrides of the scenario under which all prices are so many times its own.

    Lower ones, as higher ones would be above the legal ceiling.
    """
    import sim

    lender = sim.load(SCENARIO).lenders["ali"]
    rates = {name: terms.rate.ppm_year / 3.65e6 for name, terms in lender.products.offered()}  # %/day
    return {f"lenders.ali.products.{name}.rate": f"{rate * factor:.5f} %/day" for name, rate in rates.items()}


def response(usual: float, cheap: float, factor: float = 0.9) -> float:
    """Minus the elasticity of what is lent, from two figures of it."""
    return -math.log(cheap / usual) / math.log(factor)


def snapped(units: Floats) -> Floats:
    """Points of the unit cube with days and yuan made whole, as a scenario has them, (..., parameters)."""
    low, width = (
        np.array([one.low for one in RANGES.values()]),
        np.array([one.high - one.low for one in RANGES.values()]),
    )
    is_whole = np.array([bool(one.unit) for one in RANGES.values()])
    return np.asarray(np.where(is_whole, (np.round(low + units * width) - low) / width, units))


def try_out(point: Mapping[str, float], seeds: Sequence[int]) -> dict[str, float]:
    """The figures of all targets for a set, means over the seeds, and its response to prices."""
    import sim
    from sim.study.targets import judge, read_targets

    runs = [sim.simulate(sim.load(SCENARIO, settings(point)), seed=seed) for seed in seeds]
    cheap = sim.simulate(sim.load(SCENARIO, settings(point) | cheaper()), seed=seeds[0])
    found = {RESPONSE: response(runs[0].summary["disbursed"], cheap.summary["disbursed"])}
    for row in judge(runs, read_targets(TARGETS)).rows:
        value = row.value
        found[row.id] = float(value.toordinal()) if hasattr(value, "toordinal") else float(value or 0.0)
    return found


def bands() -> dict[str, tuple[float, float, bool]]:
    """Low, high and whether it is hard, by target."""
    from sim.study.targets import read_targets

    def number(bound: Any, other: float) -> float:
        return other if bound is None else float(bound.toordinal() if hasattr(bound, "toordinal") else bound)

    published = {
        name: (number(one.low, -math.inf), number(one.high, math.inf), one.kind == "hard")
        for name, one in read_targets(TARGETS).targets.items()
    }
    return {**published, RESPONSE: (*WANTED, True)}


def read_found() -> tuple[Floats, list[dict[str, float]]]:
    """Points of the unit cube that were tried, and their figures."""
    if not FOUND.exists():
        return np.zeros((0, len(NAMES))), []
    with FOUND.open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    units = [[(row[name] - one.low) / (one.high - one.low) for name, one in RANGES.items()] for row in rows]
    return snapped(np.array(units).reshape(-1, len(NAMES))), [
        {name: value for name, value in row.items() if name not in RANGES} for row in rows
    ]


def note(point: Mapping[str, float], figures: Mapping[str, float]) -> None:
    """Write a set and its figures down."""
    row, is_new = {**point, **figures}, not FOUND.exists()
    with FOUND.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


class Scale:
    """Figures on the scale on which straight lines are fitted: logarithms; a first day in steps of five years."""

    UNTOLD = ("T13_most", "T19")  # the same for all sets

    def __init__(self) -> None:
        edges = bands()
        self.names = [n for n, (low, high, _) in edges.items() if not low == high == 0.0 and n not in self.UNTOLD]
        low, high = (np.array([edges[name][k] for name in self.names]) for k in (0, 1))
        self.weight = np.array([3.0 if edges[name][2] else 1.0 for name in self.names])
        self.is_day = np.array([name == "T6b" for name in self.names])
        self._first = np.where(self.is_day, low, 0.0)
        # one world's response may be near nothing by luck: less than this is no worse
        self._least = np.where([name == RESPONSE for name in self.names], 0.2, 1e-9)
        # bands are aimed at a sixth of their width inside their edges, those open at one side two per cent
        either = np.abs(np.where(np.isfinite(low), low, high))
        inner = np.where(np.isfinite(high - low), 0.15 * (high - low), 0.02 * either)
        self.bottom = np.where(np.isfinite(low), self(np.where(np.isfinite(low), low + inner, 1.0)), -np.inf)
        self.top = np.where(np.isfinite(high), self(np.where(np.isfinite(high), high - inner, 1.0)), np.inf)
        # a day jumps from move to move; the balance on 30 June tells when interest reaches a million a day
        end = self.names.index("T5b")
        self.bottom[end], self.top[end], self.weight[end] = *np.log(TOLD_BY_BALANCE), 3.0

    def __call__(self, values: Floats) -> Floats:
        days = np.where(values > 0.0, np.clip((values - self._first) / 1800.0, -0.3, 0.3), 0.3)  # 0: it never comes
        return np.asarray(np.where(self.is_day, days, np.log(np.maximum(values, self._least))))

    def cost(self, figures: Floats) -> Floats:
        """How far figures (..., targets) are outside of what is aimed at, weighted and summed, (...)."""
        outside = np.maximum(np.maximum(self.bottom - figures, figures - self.top), 0.0)
        return np.asarray((self.weight * np.minimum(outside, 0.5)).sum(axis=-1))


def propose(units: Floats, found: Sequence[Mapping[str, float]], n: int) -> Floats:
    """The ``n`` points near the best so far that should meet the most, and that lie apart, (n, parameters).

    What a move does is read off the star, whose sets share their seeds, and mended by what later sets have shown:
    figures move evenly on the scale.
    """
    scale = Scale()
    figures = scale(np.array([[one[name] for name in scale.names] for one in found]))
    k = len(NAMES) + 1
    slopes = (figures[1:k] - figures[0]) / np.diag(units[1:k] - units[0])[:, None]
    slopes[:, [scale.names.index(name) for name in UNSTEERED]] = 0.0
    moves = units - units[0]
    strayed = figures - figures[0] - moves @ slopes
    mended = np.linalg.solve(moves.T @ moves + TRUST * np.eye(len(NAMES)), moves.T @ strayed)
    slopes += np.where([name in UNSTEERED for name in scale.names], 0.0, mended)
    cost, seeds = scale.cost(figures), np.array([one["seeds"] for one in found])
    judged = np.where(seeds == seeds.max(), cost, np.inf)  # by as many seeds as any set
    spread, chosen = halton(20_000, 7 * len(units)) - 0.5, list[Floats]()
    best = np.argsort(judged, kind="stable")[: 2 * n]
    moved = [snapped(np.clip(units[one] + reach * spread, 0.0, 1.0)) for one in best for reach in (0.15, 0.25)]
    guess = [figures[best[j // 2]] + (to - units[best[j // 2]]) @ slopes for j, to in enumerate(moved)]
    candidates = np.vstack(moved)
    for j in np.argsort(scale.cost(np.vstack(guess)), kind="stable"):
        if all(np.abs(candidates[j] - other).max() > 0.05 for other in [*chosen, *units]):
            chosen.append(candidates[j])
        if len(chosen) == n:
            break
    return np.array(chosen)


def verdict(figures: Mapping[str, float]) -> tuple[int, int, list[str]]:
    """How many hard and soft targets a set meets, and those that it misses."""
    edges = bands()
    missed = [name for name, (low, high, _) in edges.items() if not low <= figures[name] <= high]
    met = [edges[name][2] for name in edges if name not in missed]
    return sum(met), len(met) - sum(met), missed


def report(found: Sequence[Mapping[str, float]]) -> None:
    """Print the best sets so far, and what they miss."""
    verdicts = [verdict(one) for one in found]
    for k in sorted(range(len(found)), key=lambda k: verdicts[k][:2], reverse=True)[:5]:
        hard, soft, missed = verdicts[k]
        words = " ".join(f"{name}={found[k][name]:.5g}" for name in missed)
        print(f"set {k}: {hard} hard and {soft} soft targets met; missed: {words}", flush=True)


def keep_plausible() -> None:
    """Write down the sets that were run with enough seeds and whose means meet all hard targets."""
    units, found = read_found()
    n_hard = sum(is_hard for _, _, is_hard in bands().values())
    kept = []
    for unit, figures in zip(units, found, strict=True):
        hard, soft, _ = verdict(figures)
        if figures["seeds"] >= ENOUGH and hard == n_hard:
            row = {name: f"{value:.5g}" for name, value in point_of(unit).items()}
            kept.append(row | {"soft_met": soft} | {name: f"{value:.5g}" for name, value in figures.items()})
    print(f"{len(kept)} plausible sets", flush=True)
    if kept:
        with KEPT.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, kept[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)


def kept() -> list[dict[str, float]]:
    """The plausible sets, to repeat a ranking over: ``settings`` makes overrides of the scenario of each."""
    with KEPT.open(encoding="utf-8") as file:
        return [{name: float(row[name]) for name in NAMES} for row in csv.DictReader(file)]


def main() -> None:
    """Go on with the search."""
    from sim.study.pool import Pool

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8, help="sets of each round but the first")
    parser.add_argument("--seeds", type=int, default=1, help="seeds a set; what is run with three or more can be kept")
    parser.add_argument("--workers", type=int, default=2)
    words = parser.parse_args()
    FOUND.parent.mkdir(exist_ok=True)
    seeds = range(FIRST_SEED, FIRST_SEED + words.seeds)
    with Pool(words.workers) as pool:
        for _ in range(words.rounds):
            units, found = read_found()
            fresh = star()[len(units) :]
            if not len(fresh):
                fresh = propose(units, found, words.batch)
            tasks = {pool.executor.submit(try_out, point_of(one), seeds): one for one in fresh}
            for task in tasks:  # in order, as the star is read off by its places
                note(point_of(tasks[task]), {"seeds": words.seeds} | task.result())
            report(read_found()[1])
            keep_plausible()


if __name__ == "__main__":
    import search  # by its name, so that the workers find it

    search.main()
