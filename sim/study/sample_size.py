"""How many merchants a trial needs to show a difference of two rates, and what so many can show.

Two arms, one rate each (bad, applied, took up), the merchant as the unit: facts C.11,

    n = 2 (z_alpha + z_beta)^2 p (1 - p) / difference^2        merchants of each arm, p the mean of the two rates

It is the usual approximation for a test of two proportions, good where each arm has at least five or so of what is
counted and of what is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sim.study.intervals import normal_quantile

ALPHA, POWER = 0.05, 0.8
_LEAST_CASES = 5  # below so many expected cases of an arm the normal approximation is poor (Cochran 1954)


@dataclass(frozen=True)
class Design:
    """What a trial is meant to show, and how sure it shall be.

    Attributes
    ----------
    rate
        The rate under the champion, 0 to 1.
    alpha
        Chance of finding a difference where there is none.
    power
        Chance of finding the difference where it is there.
    one_sided
        Whether only a difference in one direction counts.
    share
        Share of the merchants that the challenger gets.
    seen
        Share of an arm's merchants in whom the outcome can be seen: of a bad rate, those who borrow.
    loans, alike
        Outcomes counted of one merchant, and their correlation within a merchant: with several loans of one merchant
        counted as if each were another, the sample is too small by ``1 + (loans - 1) alike``.

    Raises
    ------
    ValueError
        With the name of what is out of bounds, and what is allowed.
    """

    rate: float
    alpha: float = ALPHA
    power: float = POWER
    one_sided: bool = False
    share: float = 0.5
    seen: float = 1.0
    loans: float = 1.0
    alike: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rate", "alpha", "power", "share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} {getattr(self, name):g} is out of bounds; allowed: between 0 and 1")
        if not 0.0 < self.seen <= 1.0:
            raise ValueError(f"seen {self.seen:g} is out of bounds; allowed: above 0, up to 1")
        if self.loans < 1.0:
            raise ValueError(f"loans {self.loans:g} is out of bounds; allowed: at least 1")
        if not 0.0 <= self.alike <= 1.0:
            raise ValueError(f"alike {self.alike:g} is out of bounds; allowed: 0 to 1")

    @property
    def z_squared(self) -> float:
        """``(z_alpha + z_beta)^2``: 7.849 for 5 % on both sides and a power of 80 %."""
        tail = self.alpha if self.one_sided else self.alpha / 2
        return (normal_quantile(1 - tail) + normal_quantile(self.power)) ** 2

    @property
    def design_effect(self) -> float:
        """How many outcomes of merchants with several are worth one: ``1 + (loans - 1) alike`` (Kish 1965)."""
        return 1.0 + (self.loans - 1.0) * self.alike


@dataclass(frozen=True)
class SampleSize:
    """How many merchants show a difference.

    Attributes
    ----------
    n_arm
        By the formula, of each of two equal arms, all of them with an outcome.
    n_champion, n_challenger
        Merchants in the arms as they are designed: unequal ones, of whom some have no outcome.
    notes
        What a reader should know besides.
    """

    design: Design
    difference: float
    n_arm: int
    n_champion: int
    n_challenger: int
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Merchants in all."""
        return self.n_champion + self.n_challenger


def sample_size(design: Design, difference: float) -> SampleSize:
    """Return how many merchants are needed to show that the challenger's rate differs by ``difference``.

    Unequal arms with shares 1 - s and s are worth ``2 s (1 - s)`` of their sum in each of two equal arms: the variances
    of the two rates add up.

    Raises
    ------
    ValueError
        If the challenger's rate would not lie between 0 and 1, or the difference is nothing.
    """
    other = design.rate + difference
    if difference == 0 or not 0.0 <= other <= 1.0:
        problem = "is no difference" if difference == 0 else f"makes the rate {other:g}"
        allowed = f"allowed: {-design.rate:g} to {1 - design.rate:g}, not 0"
        raise ValueError(f"difference {difference:g} {problem}; {allowed}")
    mean = design.rate + difference / 2
    n = 2.0 * design.z_squared * mean * (1.0 - mean) / difference**2
    outcomes = n * design.design_effect / design.loans
    total = outcomes / (2.0 * design.share * (1.0 - design.share)) / design.seen
    smaller = min(design.share, 1.0 - design.share) * total * design.seen * min(design.rate, other)
    return SampleSize(
        design,
        difference,
        math.ceil(n),
        math.ceil((1.0 - design.share) * total),
        math.ceil(design.share * total),
        tuple(_notes(design, smaller)),
    )


def differences_shown(design: Design, n_champion: int, n_challenger: int) -> tuple[float | None, float | None]:
    """Return the least fall and the least rise of the rate that arms of so many merchants show: the formula's inverse.

    With ``m = 2 n_a n_b / (n_a + n_b)`` outcomes an arm, z as in `Design`, the difference d solves
    ``(m + z^2/2) d^2 - z^2 (1 - 2 rate) d - 2 z^2 rate (1 - rate) = 0``; a root that would take the rate out of 0 to 1
    is None: nothing so small can be shown.

    Raises
    ------
    ValueError
        If an arm has nobody.
    """
    if min(n_champion, n_challenger) < 1:
        raise ValueError(f"arms of {n_champion:,} and {n_challenger:,} merchants; each needs at least 1")
    z2, p = design.z_squared, design.rate
    equal = 2.0 * n_champion * n_challenger / (n_champion + n_challenger)
    m = equal * design.seen * design.loans / design.design_effect
    a, b, c = m + z2 / 2, -z2 * (1.0 - 2.0 * p), -2.0 * z2 * p * (1.0 - p)
    root = math.sqrt(b * b - 4 * a * c)
    fall, rise = (-b - root) / (2 * a), (-b + root) / (2 * a)
    return (fall if p + fall >= 0 else None), (rise if p + rise <= 1 else None)


def as_dict(found: SampleSize) -> dict[str, Any]:
    """Return plain values for JSON."""
    design = found.design
    return {
        "bad_rate": design.rate,
        "difference": found.difference,
        "alpha": design.alpha,
        "power": design.power,
        "one_sided": design.one_sided,
        "challenger_share": design.share,
        "n_arm": found.n_arm,
        "n_champion": found.n_champion,
        "n_challenger": found.n_challenger,
        "n": found.n,
        "notes": list(found.notes),
    }


def _notes(design: Design, cases: float) -> list[str]:
    notes = ["The outcome must have time to show itself: the trial lasts from the first loan until the last one's term "
             "and the days past due that make it bad are over."]  # fmt: skip
    if design.seen < 1.0:
        notes.append("Who borrows is chosen by the strategies: a rate of borrowers is not the effect on all.")
    if design.loans > 1.0 and design.alike == 0.0:
        notes.append("Loans of one merchant are counted as if each were another merchant; say how alike they are.")
    if cases < _LEAST_CASES:
        notes.append(f"An arm would see {cases:.1f} cases: too few for the formula; aim at a larger sample.")
    return notes
