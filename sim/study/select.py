"""The best of several lenders: chosen by one measure, with a stated probability that the choice is correct.

The lenders live through the same worlds, so that their means hang together and procedures for independent samples do
not apply. Selection follows G. M. Clark and W.-N. Yang, A Bonferroni selection procedure when using common random
numbers with unknown variances, Proceedings of the 1986 Winter Simulation Conference. After a first stage of n0 worlds,
with S_il the standard deviation of the difference between arms i and l and t the quantile ``1 - alpha / (k - 1)`` of
Student's t with n0 - 1 degrees of freedom,

    N = max(n0, max over i, l of ceil((t S_il / zone)^2))

worlds are run in all and the arm with the best mean is taken. Where the best arm is better than every other by the
*indifference zone* or more, it is taken with a probability of at least 1 - alpha; where another is within the zone of
it, either will do. The procedure supposes normal differences and nothing else. B. L. Nelson and F. J. Matejcik
(Management Science 41, 1995) ask for fewer worlds, but suppose that all differences vary alike, and a cautious and a
loose lender do not.

Whatever was run is also judged after the fact: by how much the best may exceed the chosen arm (multiple comparisons
with the best, J. C. Hsu, Annals of Statistics 12, 1984, by Bonferroni), how probable it is that the choice is the best
given what was seen, and in which share of resampled sets of worlds each arm comes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sim.errors import LendsimError
from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.bootstrap import LEAST_WORLDS, resampled_sums
from sim.study.stats import LEVEL, Value, pair, student, summarise

Columns = Mapping[str, Sequence[Value]]
LEAST_FIRST = 10
# Of the measures of default these are good news; of all others one more is better, but for those of _LESS.
_MORE_IS_BETTER = frozenset({"recovery_rate", "coverage", "allowance_ratio"})
_LESS = frozenset(
    {
        "merchant_exits", "rejected_for_funds", "cost_of_funds", "cost_of_funds_on_assets", "cost_of_funds_all",
        "operating_cost", "cost_per_loan", "cost_income", "leverage", "late_days_mean", "roll_1_30", "roll_31_60",
        "redefault_rate", "relief_unheard", "relief_given_up", "complaints", "collection_cost", "people_cost",
        "cost_to_collect", "platform_income_lost", "shops_shut", "decision_days",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The arm chosen as the best, and how far to trust that.

    Attributes
    ----------
    measure, is_less_better
        What was chosen by, and whether the smallest mean is the best.
    best, means
        The arm with the best mean over the worlds in which all arms have a value, and the means of all.
    left_out
        Arms that have no value in any world.
    n
        Worlds in which all arms have a value.
    confidence
        The probability that ``shortfall`` and ``n_needed`` are stated with.
    shortfall
        With that confidence no arm is better than the chosen one by more than this, in the measure's unit; 0 when the
        chosen one is the best. None for a single world.
    probability
        A lower estimate of the probability that the chosen arm is the best, given what was seen: one less the sum over
        the other arms of the t probability that they are better (Bonferroni; a flat prior). None for a single world.
    shares
        The share of resampled sets of worlds in which each arm has the best mean, ties shared out; empty for fewer
        than eight worlds, where resampling is too sure of itself.
    zone, n_needed
        The indifference zone, if one was asked for, and the worlds that Clark and Yang's procedure asks for.
    """

    measure: str
    is_less_better: bool
    best: str
    means: Mapping[str, float]
    left_out: tuple[str, ...]
    n: int
    confidence: float
    shortfall: float | None
    probability: float | None
    shares: Mapping[str, float]
    zone: float | None = None
    n_needed: int | None = None

    @property
    def is_guaranteed(self) -> bool:
        """True when as many worlds were run as the procedure asks for: the stated probability holds."""
        return self.n_needed is not None and self.n >= self.n_needed

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "measure": self.measure,
            "less_is_better": self.is_less_better,
            "best": self.best,
            "means": dict(self.means),
            "left_out": list(self.left_out),
            "n_seeds": self.n,
            "confidence": self.confidence,
            "shortfall": self.shortfall,
            "probability": self.probability,
            "shares": dict(self.shares),
            "zone": self.zone,
            "n_seeds_needed": self.n_needed,
            "guaranteed": self.is_guaranteed,
        }


def is_less_better(measure: Measure) -> bool:
    """Say whether less of a measure is better for the lender (of the merchants' measures: for the merchants)."""
    return measure.name in _LESS or (measure.group == "default" and measure.name not in _MORE_IS_BETTER)


def worlds_needed(columns: Columns, zone: float, *, confidence: float = LEVEL) -> int:
    """Return how many worlds a correct selection takes in all, judged by a first stage (Clark and Yang's N).

    Raises
    ------
    ValueError
        When the zone is not above zero, the confidence not within 0 and 1, there are fewer than two arms, or fewer than
        two worlds in which all have a value.
    """
    if not (zone > 0 and math.isfinite(zone)):
        raise ValueError(f"an indifference zone of {zone}; it is a number above zero")
    _refuse_confidence(confidence)
    rows = _complete(columns)
    n = len(rows)
    if len(columns) < 2 or n < 2:
        raise ValueError(f"{len(columns)} arms over {n} worlds; a selection needs two of each")
    quantile = student(1 - (1 - confidence) / (len(columns) - 1), n - 1)
    widest = max(_deviation(rows, i, j) for i, j in combinations(range(len(columns)), 2))
    return max(n, math.ceil((quantile * widest / zone) ** 2))


def choose(
    columns: Columns,
    measure: str,
    *,
    zone: float | None = None,
    n_needed: int | None = None,
    confidence: float = LEVEL,
) -> Choice | None:
    """Choose the arm with the best mean and say how sure the choice is.

    Parameters
    ----------
    columns
        The measure of each arm, world after world; None, NaN and infinite values are undefined.
    zone, n_needed
        The indifference zone and what :func:`worlds_needed` made of the first stage, if that was asked.

    Returns
    -------
    Choice
        None when fewer than two arms have a value in a common world.

    Raises
    ------
    ValueError
        When the columns are not of one length, or the confidence is not within 0 and 1.
    """
    _refuse_confidence(confidence)
    defined = {name: column for name, column in columns.items() if summarise(column).n}
    rows = sorted(_complete(defined))
    if len(defined) < 2 or not rows:
        return None
    names, n = tuple(defined), len(rows)
    is_less = is_less_better(BY_NAME[measure])
    sign = -1.0 if is_less else 1.0
    means = [summarise([row[i] for row in rows]).mean or 0.0 for i in range(len(names))]
    best = max(range(len(names)), key=lambda i: (sign * means[i], -i))
    shortfall, probability = _after_the_fact(rows, best, sign, confidence)
    return Choice(
        measure=measure,
        is_less_better=is_less,
        best=names[best],
        means=dict(zip(names, means, strict=True)),
        left_out=tuple(name for name in columns if name not in defined),
        n=n,
        confidence=confidence,
        shortfall=shortfall,
        probability=probability,
        shares=dict(zip(names, _shares(rows, sign), strict=True)) if n >= LEAST_WORLDS else {},
        zone=zone,
        n_needed=n_needed,
    )


def replicate_for_best(
    observe: Callable[[Sequence[int]], Columns],
    seeds: Sequence[int],
    zone_of: Callable[[Columns], float],
    *,
    first: int,
    confidence: float = LEVEL,
) -> tuple[int, int | None, float | None]:
    """Run the two stages of the procedure, as far as the seeds reach.

    Parameters
    ----------
    observe
        Runs every arm in further worlds and returns the measure over all worlds so far, world after world.
    seeds
        All the worlds there may be, in order: the budget.
    zone_of
        The indifference zone in the measure's unit, once the first stage is there (per cent need a mean).
    first
        Worlds of the first stage; brought between ``LEAST_FIRST`` and the budget.

    Returns
    -------
    tuple
        The worlds that were run, those the procedure asks for, and the zone; the latter two are None when fewer than
        two arms have a value in two common worlds.
    """
    n = min(len(seeds), max(first, LEAST_FIRST))
    columns = observe(seeds[:n])
    defined = {name: column for name, column in columns.items() if summarise(column).n}
    complete = len(_complete(defined))
    if len(defined) < 2 or complete < 2:
        return n, None, None
    zone = zone_of(defined)
    needed = worlds_needed(defined, zone, confidence=confidence)
    wanted = min(len(seeds), math.ceil(needed * n / complete))  # some worlds may have no value
    if wanted > n:
        observe(seeds[n:wanted])
    return max(n, wanted), needed, zone


def _refuse_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence}; it lies between 0 and 1, such as 0.95")


def _complete(columns: Columns) -> list[tuple[float, ...]]:
    """Return the worlds, a row each, in which every arm has a value."""
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("the arms have different numbers of worlds; they must live through the same ones")
    rows = zip(*columns.values(), strict=True)
    return [
        tuple(float(value) for value in row if value is not None)
        for row in rows
        if all(value is not None and math.isfinite(value) for value in row)
    ]


def _deviation(rows: Sequence[tuple[float, ...]], i: int, j: int) -> float:
    """Return the standard deviation of the difference between two arms."""
    error = pair([row[i] for row in rows], [row[j] for row in rows]).standard_error or 0.0
    return error * math.sqrt(len(rows))


def _after_the_fact(
    rows: Sequence[tuple[float, ...]], best: int, sign: float, confidence: float
) -> tuple[float | None, float | None]:
    """Return the most by which another arm may be better, and the least probability that none is."""
    from scipy.special import stdtr

    n, k = len(rows), len(rows[0])
    if n < 2:
        return None, None
    quantile = student(1 - (1 - confidence) / (k - 1), n - 1)
    shortfall, doubt = 0.0, 0.0
    for other in (i for i in range(k) if i != best):
        paired = pair([row[other] for row in rows], [row[best] for row in rows])
        if paired.difference is None or paired.standard_error is None:
            raise LendsimError("a difference of defined values is not defined; this is a mistake of lendsim")
        lead, error = sign * paired.difference, paired.standard_error
        shortfall = max(shortfall, quantile * error - lead)
        if error == 0:
            doubt += 0.5 if lead == 0 else 0.0
        else:
            doubt += float(stdtr(n - 1, -lead / error))
    return shortfall, max(0.0, 1 - doubt)


def _shares(rows: Sequence[tuple[float, ...]], sign: float) -> list[float]:
    """Return the share of resamples in which each arm comes first; arms that tie share a resample."""
    import numpy as np

    sums = np.stack([sign * resampled_sums([row[i] for row in rows]) for i in range(len(rows[0]))])
    is_first = sums == sums.max(axis=0)
    return [float(share) for share in (is_first / is_first.sum(axis=0)).mean(axis=1)]
