"""What a fit gives: an estimate for each parameter it sets, and what it cannot know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.study.fit.common import Common
from sim.study.fit.holidays import Holiday
from sim.study.fit.judged import Judged
from sim.study.fit.read import Observed
from sim.study.moments.shop_days import ShopDays

DIRECT, SIMULATED, PATH, ASSUMED = "direct", "simulated moments", "common path", "assumed"


@dataclass(frozen=True)
class Estimate:
    """One parameter: its key below ``merchants``, its value, how it was set, and its standard error (NaN for none)."""

    key: str
    value: float
    error: float
    method: str
    says: str
    unit: str = ""

    def written(self) -> Any:
        """The value as a scenario file writes it."""
        if self.unit == " yuan":
            return f"{self.value:.2f} yuan"
        if self.unit == " days":
            return f"{max(round(self.value), 1)} days"
        return rounded(self.value)

    def comment(self) -> str:
        """How it was set, and its standard error."""
        error = f"; s.e. {rounded(self.error):g}{self.unit}" if math.isfinite(self.error) else ""
        return f"{self.method}: {self.says}{error}"


def rounded(value: float) -> float:
    """A number to four significant digits."""
    return float(f"{value:.4g}")


@dataclass(frozen=True)
class Fit:
    """A fit to a user's own orders.

    Parameters
    ----------
    observed
        The data, cleaned.
    estimates
        A line for every parameter that the scenario sets.
    left
        Parameters that orders do not identify, with the reason, by key or group.
    common
        What all shops share.
    holidays
        What days off of everybody mean to shops.
    plan
        Overrides of the base scenario, by dotted key, as a file writes them.
    judged
        Moments of the data and of the fitted market.
    gaps
        Of each moment that set a parameter: what it is, real, simulated, standard error.
    path
        Largest gap in standard errors after each improvement of the search.
    simulated
        The shops of the fitted market.
    series
        Figures for pictures: real and simulated, by name of the picture.
    seed, n_simulated
        Luck and merchants of the simulated market.
    notes
        What people should know.
    """

    observed: Observed
    estimates: tuple[Estimate, ...]
    left: Mapping[str, str]
    common: Common
    holidays: tuple[Holiday, ...]
    plan: Mapping[str, Any]
    judged: tuple[Judged, ...]
    gaps: tuple[tuple[str, str, float, float, float], ...]
    path: tuple[float, ...]
    simulated: ShopDays
    seed: int
    n_simulated: int
    notes: tuple[str, ...]

    @property
    def is_converged(self) -> bool:
        """Whether every simulated moment came within one standard error of its real one."""
        return all(abs(simulated - real) <= error for _, _, real, simulated, error in self.gaps)

    @property
    def n_met(self) -> int:
        """Judged moments that are met."""
        return sum(one.is_met for one in self.judged)


UNKNOWN: Mapping[str, str] = {
    "trade.margin, trade.fixed_cost_share": "costs are not in orders",
    "trade.lead, trade.cover, trade.spread": "stock is not in orders, and sales are seen, not demand",
    "trade.off_platform": "sales outside the platform are not in the file; the orders given are taken as all",
    "trade.advertising, cash.*": "money of the shop is not in orders",
    "borrowing.*, repayment.*": "loans are not in orders",
    "character.*": "who is honest, and which orders are faked, is not to be told from counts",
    "entry.tenure": "the age of a shop at the first day of the data is not known",
    "exits.youth, exits.ruin_*": "not told apart from leaving at large",
    "demand.category_shock": "no trades of the merchants are given: all are one category and share one market shock",
    "demand.common_autocorrelation": "one path is too short to give both its size and its pace",
    "demand.business_stealing": "needs to be seen who was out of stock",
    "demand.promotion_fit_sigma": "not estimated",
    "demand.jumps": "how often and how large jumps are is not told apart",
    "spells.youth_days": "not estimated",
    "season.festival_before, season.festival_after": "the shape of the dip is the model's; its depth is fitted",
    "promotions.*, advertising.*, entrants.*": "what shops give up or spend to sell more is not in orders",
}
"""What orders do not identify, and why: these keep the values of the base scenario."""
