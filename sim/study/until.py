"""Worlds until an interval is narrow enough, or a budget of worlds ends.

A goal is written ``npl90 ± 0.1 pp``: half the width of the 95 % interval of the difference. Worlds are run in batches.
After each the half-width is looked at; as long as it is too wide, the next batch is what the spread seen so far makes
probable, though never more than as many as there are already.

Looking again and again has a price. The run stops when the spread *happens* to look small, so that the interval it
stops with is a little too narrow; only in the limit of narrow intervals is its coverage right (Y. S. Chow and H.
Robbins, Annals of Mathematical Statistics 36, 1965). This loop, with normal differences, covered the truth by a 95 %
interval in these shares of 6,000 trials (errors of 0.3 points), "needed" being the worlds the true spread calls for:

    worlds needed                 12-16       20-25       35      60-100
    first batch of 10         94.2, 93.7   93.9, 93.3    94.2   94.9, 94.7
    first batch of 20                      94.4, 95.0    94.1   94.3, 94.6
    first batch of 2 (refused)    88.5        89.9

where a number of worlds fixed beforehand covers 95.0 %. The price is thus one to two points in a hundred. That is why
no first batch is smaller than ``LEAST_FIRST`` (unless the whole budget is), and why batches are few. Who needs the full
95 % repeats the comparison with other seeds, as many as the run stopped with.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sim.core.money import FEN_PER_YUAN, parse_money
from sim.engine.inputs.text import near
from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.stats import LEVEL, Paired, student

LEAST_FIRST = 10
_LEAST_BATCH = 4
_SIGNS = re.compile(r"±|\+/-|\+-|\+/−|\+−")
_WRITTEN = "MEASURE ± WIDTH, such as npl90 ± 0.1 pp, disbursed ± 2 %, disbursed ± 1 m yuan"
_POINTS = ("pp", "points", "point", "percentage points")


@dataclass(frozen=True)
class Goal:
    """How narrow the interval of which measure must become.

    Attributes
    ----------
    text
        As it was written, with one space around the sign.
    width
        Half the width of the interval in the measure's unit, or as a share of A's mean.
    is_of_mean
        True when ``width`` is a share of A's mean.
    """

    text: str
    measure: str
    width: float
    is_of_mean: bool = False

    def half_width(self, mean_a: float | None) -> float | None:
        """Return the half-width in the measure's unit; None where A's mean is nothing to be measured by."""
        if not self.is_of_mean:
            return self.width
        return abs(mean_a) * self.width if mean_a else None

    def say(self, half: float, mean_a: float | None) -> str:
        """Return a half-width in the goal's own unit, such as ``±0.12 pp``."""
        whole = self.half_width(mean_a)
        number, unit = _parts(self.text.partition("± ")[2])
        if not whole:
            return f"±{half:.3g}"
        return f"±{half / whole * number:.3g}{unit}"


@dataclass(frozen=True)
class Look:
    """What the intervals look like after so many worlds.

    ``half_width`` and ``wanted`` are those of the interval that is furthest from its goal, in the measure's unit, and
    ``needed`` the worlds that will probably do, all in all. All are None where nothing can be said yet.
    """

    n: int
    half_width: float | None
    wanted: float | None
    needed: int | None
    mean_a: float | None = None

    @property
    def is_narrow(self) -> bool:
        """True when every interval is narrow enough."""
        return self.half_width is not None and self.wanted is not None and self.half_width <= self.wanted


@dataclass(frozen=True)
class Ending:
    """Why no more worlds were run: ``narrow``, ``budget`` or ``undefined``, and every look on the way."""

    goal: Goal
    reason: str
    looks: tuple[Look, ...]
    budget: int

    @property
    def told(self) -> str:
        """The ending in a sentence or two."""
        last = self.looks[-1]
        worlds = f"{last.n} worlds"
        if last.half_width is None or last.wanted is None:
            why = "it is not defined on both sides" if last.wanted is None else "there are too few pairs"
            return f"Stopped after {worlds}: {self.goal.measure} has no interval, because {why}."
        if last.half_width == 0:
            return f"Stopped after {worlds}: the difference in {self.goal.measure} is the same in every world."
        said = f"the interval of {self.goal.measure} is {self.goal.say(last.half_width, last.mean_a)}"
        asked = f"±{self.goal.text.partition('± ')[2]} was asked for"
        if self.reason == "narrow":
            return f"Stopped after {worlds}: {said}, and {asked}."
        more = "" if last.needed is None else f" About {last.needed:,} worlds would probably do."
        return f"The budget of {self.budget:,} worlds has ended: {said}, and {asked}.{more}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        last = self.looks[-1]
        return {
            "goal": self.goal.text,
            "reason": self.reason,
            "half_width": last.half_width,
            "wanted": last.wanted,
            "n_seeds": last.n,
            "n_seeds_needed": last.needed,
            "budget": self.budget,
            "looks": [{"n_seeds": look.n, "half_width": look.half_width} for look in self.looks],
        }


def read_goal(text: str, known: Sequence[str] = tuple(BY_NAME), *, option: str = "--until") -> Goal:
    """Read ``npl90 ± 0.1 pp``; the sign may be written ``+-`` or ``+/-``.

    Units are ``pp`` or ``points`` (of a share or a yearly rate), ``%`` (of A's mean), ``yuan`` (``1 m yuan`` too), or
    none, which is the measure's own unit.

    Raises
    ------
    ValueError
        When it is not written so, there is no such measure, or the unit does not go with it.
    """
    name, *rest = (part.strip() for part in _SIGNS.split(text))
    if len(rest) != 1 or not name or not rest[0]:
        raise ValueError(f"{option} {text!r}: written {_WRITTEN}")
    measure = measure_named(name, known, option=option)
    width, is_of_mean = _width(rest[0], measure, f"{option} {text!r}")
    return Goal(f"{name} ± {' '.join(rest[0].split())}", name, width, is_of_mean)


def measure_named(name: str, known: Sequence[str] = tuple(BY_NAME), *, option: str) -> Measure:
    """Return the measure of a name.

    Raises
    ------
    ValueError
        With the nearest name when there is none.
    """
    if name not in known:
        hint = near(name, known) or f"such as {', '.join(known[:4])}"
        raise ValueError(f"{option}: there is no measure {name!r}; {hint}")
    return BY_NAME[name]


def look(goal: Goal, contrasts: Sequence[Paired], n: int) -> Look:
    """Say how narrow the intervals of the goal's measure are after ``n`` worlds, and how many will probably do.

    With several compared arms all must be narrow enough, and the one furthest from its goal is told. From the standard
    deviation s of the differences the worlds needed are the least m with ``t(0.975, m - 1) s / sqrt(m) <= goal``,
    brought up by the share of worlds in which the measure is undefined.
    """
    seen: list[tuple[float, Look]] = []
    for paired in (one for one in contrasts if one.n):
        wanted = goal.half_width(paired.mean_a)
        if wanted is None or paired.standard_error is None:
            blind = Look(n, None, wanted, None, paired.mean_a)
            seen.append((math.inf, blind))
            continue
        half = student((1 + LEVEL) / 2, paired.n - 1) * paired.standard_error
        needed = math.ceil(_needed(paired.standard_error * math.sqrt(paired.n), wanted) * n / paired.n)
        seen.append((half / wanted, Look(n, half, wanted, max(needed, n) if half <= wanted else max(needed, n + 1),
                                         paired.mean_a)))  # fmt: skip
    if not seen:
        return Look(n, None, None, None)
    return max(seen, key=lambda one: one[0])[1]


def replicate_until(
    goal: Goal, observe: Callable[[Sequence[int]], Sequence[Paired]], seeds: Sequence[int], *, first: int
) -> Ending:
    """Ask for batches of worlds until the intervals are narrow enough, or the seeds are used up.

    Parameters
    ----------
    observe
        Runs every arm in further worlds and returns the goal's measure, paired, over all worlds so far, one for each
        arm after the first.
    seeds
        All the worlds there may be, in order: their number is the budget.
    first
        Worlds of the first batch; brought between ``LEAST_FIRST`` and the budget.

    Raises
    ------
    ValueError
        When the budget has fewer than two worlds.
    """
    budget = len(seeds)
    if budget < 2:
        raise ValueError(f"a budget of {budget} worlds; an interval needs at least 2")
    looks: list[Look] = []
    n, wanted = 0, min(budget, max(first, LEAST_FIRST))
    while True:
        seen = look(goal, observe(seeds[n:wanted]), wanted)
        looks.append(seen)
        n = wanted
        if seen.is_narrow:
            return Ending(goal, "narrow", tuple(looks), budget)
        if seen.wanted is None:  # more worlds of the same kind would not define it
            return Ending(goal, "undefined", tuple(looks), budget)
        if n == budget:
            return Ending(goal, "undefined" if seen.half_width is None else "budget", tuple(looks), budget)
        more = n if seen.needed is None else min(n, max(_LEAST_BATCH, seen.needed - n))
        wanted = min(budget, n + more)


def _needed(deviation: float, wanted: float) -> int:
    """Return the least m of 2 or more with t(0.975, m - 1) * deviation / sqrt(m) <= wanted."""

    def is_enough(m: int) -> bool:
        return student((1 + LEVEL) / 2, m - 1) * deviation <= wanted * math.sqrt(m)

    low, high = 1, 2
    while not is_enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _parts(text: str) -> tuple[float, str]:
    """Split ``0.1 pp`` into its number and the rest, which keeps its space."""
    match = re.match(r"[\d.,]+(?:[eE][-+]?\d+)?", text)
    assert match is not None
    return float(match[0].replace(",", "")), text[match.end() :]


def _width(text: str, measure: Measure, where: str) -> tuple[float, bool]:
    """Return the half-width in the measure's unit, and whether it is a share of A's mean instead."""
    match = re.fullmatch(r"(?P<number>(?:\d[\d,]*)?\.?\d+(?:[eE][-+]?\d+)?)\s*(?P<unit>\D*)", text)
    if match is None:
        raise ValueError(f"{where}: {text!r} is no width; written {_WRITTEN}")
    number = float(match["number"].replace(",", ""))
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{where}: a width is above zero")
    unit = " ".join(match["unit"].split()).removesuffix(" a year")
    is_share, is_rate = measure.unit.startswith("share"), measure.unit == "ppm a year"
    if unit == "%":
        return number / 100, True
    if unit in _POINTS and (is_share or is_rate):
        return (number / 100 if is_share else number * 1e4), False
    if unit.endswith("yuan") and measure.unit == "yuan":
        return parse_money(text) / FEN_PER_YUAN, False
    if unit in ("", measure.unit.removesuffix(" a year")):
        return number, False
    allowed = ["pp" if is_share or is_rate else measure.unit, "% of the first one's mean", "none"]
    raise ValueError(f"{where}: {measure.name} has no unit {unit!r}; allowed: {', '.join(allowed)}")
