"""What an arm of merchants is judged by: shares, money per merchant and yields, each a sum over a sum.

One half reads *as assigned*: over every merchant of the arm, whether it borrowed or not, which random assignment alone
makes comparable. The other half is *of borrowers*, whom the strategies themselves have chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.money import FEN_PER_YUAN
from sim.results.ledger import DAYS_IN_YEAR
from sim.study.accounts import BAD_AFTER, Accounts, accounts_with
from sim.study.intervals import NONE, Interval, of_copies, of_difference, of_share, resampled_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

ASSIGNED, BORROWERS = "as assigned", "of borrowers"


@dataclass(frozen=True)
class Side:
    """The merchants of an arm: their accounts with its lender, what they sold, and who has closed; (n,) each."""

    accounts: Accounts
    sales_fen: NDArray[np.int64]
    has_closed: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """How many merchants."""
        return self.accounts.n


@dataclass(frozen=True)
class Figure:
    """One figure: ``factor x sum(over) / sum(under)`` over the merchants of an arm.

    A ``share`` counts merchants on both sides of the fraction; of a ``yuan`` or a ``share a year`` the sums are money.
    """

    name: str
    label: str
    unit: str
    reading: str
    over: Callable[[Side], NDArray[Any]]
    under: Callable[[Side], NDArray[Any]]
    factor: float = 1.0


def _all(side: Side) -> NDArray[Any]:
    return np.ones(side.n, np.int64)


FIGURES = (
    Figure("borrower_share", "take-up: merchants who borrow", "share", ASSIGNED, lambda s: s.accounts.borrows, _all),
    Figure("bad_share", "merchants gone bad", "share", ASSIGNED, lambda s: s.accounts.is_bad, _all),
    Figure("lent_per_merchant", "lending per merchant", "yuan", ASSIGNED, lambda s: s.accounts.lent_fen, _all,
           1 / FEN_PER_YUAN),
    Figure("loss_per_merchant", "losses per merchant", "yuan", ASSIGNED, lambda s: s.accounts.loss_fen, _all,
           1 / FEN_PER_YUAN),
    Figure("profit_per_merchant", "profit per merchant", "yuan", ASSIGNED, lambda s: s.accounts.profit_fen, _all,
           1 / FEN_PER_YUAN),
    Figure("sales_per_merchant", "sales per merchant", "yuan", ASSIGNED, lambda s: s.sales_fen, _all, 1 / FEN_PER_YUAN),
    Figure("closed_share", "shops closed", "share", ASSIGNED, lambda s: s.has_closed, _all),
    Figure("bad_rate", "bad rate: borrowers gone bad", "share", BORROWERS, lambda s: s.accounts.is_bad,
           lambda s: s.accounts.is_known),
    Figure("lent_per_borrower", "lending per borrower", "yuan", BORROWERS, lambda s: s.accounts.lent_fen,
           lambda s: s.accounts.borrows, 1 / FEN_PER_YUAN),
    Figure("yield_after_losses", "yield after losses", "share a year", BORROWERS,
           lambda s: s.accounts.income_fen - s.accounts.loss_fen, lambda s: s.accounts.fen_days, DAYS_IN_YEAR),
)  # fmt: skip
BY_NAME = {figure.name: figure for figure in FIGURES}


@dataclass(frozen=True)
class Estimate:
    """A figure of two arms, and that of b less that of a, with 95 % intervals that take the merchant as the unit."""

    figure: Figure
    a: float | None
    b: float | None
    interval_a: Interval
    interval_b: Interval
    interval: Interval

    @property
    def difference(self) -> float | None:
        """What b has more than a."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def is_clear(self) -> bool:
        """True when the interval leaves zero out."""
        low, high = self.interval
        return low is not None and high is not None and (low > 0 or high < 0)


def side_of(run: Run, lender: str, who: NDArray[np.bool_] | None = None, *, bad_after: int = BAD_AFTER) -> Side:
    """Return the merchants of a run, or those of the mask ``who`` (n,), with their accounts with a lender."""
    merchants = run.table("merchants", ["sales_fen", "closed"]).to_pandas()
    every = np.ones(len(merchants), bool) if who is None else who
    accounts = accounts_with(run, lender, bad_after=bad_after).of(every)
    return Side(accounts, merchants["sales_fen"].to_numpy()[every], merchants["closed"].notna().to_numpy()[every])


def figures_of(side: Side) -> dict[str, float | None]:
    """Return every figure of an arm by its name; None where nothing is there to divide by."""
    return {one.name: _ratio(one, float(one.over(side).sum()), float(one.under(side).sum())) for one in FIGURES}


def estimates(a: Side, b: Side, seed: int, *, copies: int | None = None) -> tuple[Estimate, ...]:
    """Compare two arms figure by figure: shares by their score, everything else by merchants drawn again."""
    drawn = [_drawn(side, seed, group, copies) for group, side in enumerate((a, b))]
    found_a, found_b = figures_of(a), figures_of(b)
    estimated = []
    for place, one in enumerate(FIGURES):
        if one.unit == "share":
            (n_a, of_a), (n_b, of_b) = ((int(one.over(side).sum()), int(one.under(side).sum())) for side in (a, b))
            intervals = of_share(n_a, of_a), of_share(n_b, of_b), of_difference(n_a, of_a, n_b, of_b)
        else:
            left, right = (values[:, place] for values in drawn)
            size = min(left.size, right.size)
            intervals = of_copies(left), of_copies(right), of_copies(right[:size] - left[:size])
        if found_a[one.name] is None or found_b[one.name] is None:
            intervals = (*intervals[:2], NONE)
        estimated.append(Estimate(one, found_a[one.name], found_b[one.name], *intervals))
    return tuple(estimated)


def _drawn(side: Side, seed: int, group: int, copies: int | None) -> NDArray[np.float64]:
    """Return every figure of resampled merchants, (copies, figures)."""
    columns = np.column_stack([values for one in FIGURES for values in (one.over(side), one.under(side))])
    sums = resampled_sums(columns, seed, group, copies)
    factors = np.array([one.factor for one in FIGURES])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(factors * sums[:, 0::2] / sums[:, 1::2])


def _ratio(figure: Figure, over: float, under: float) -> float | None:
    return figure.factor * over / under if under > 0 else None


def say(unit: str, value: float | None, *, signed: bool = False) -> str:
    """Return a value as a reader wants it: ``1.24 %``, ``+0.31 points``, ``812 yuan``; a dash where undefined."""
    if value is None:
        return "-"
    sign = "+" if signed else ""
    if unit == "yuan":
        digits = 0 if abs(value) >= 100 or value == 0 else 2
        return f"{value:{sign},.{digits}f} yuan"
    word = " points" if signed else " %"
    return f"{100 * value:{sign}.2f}{word}{unit.removeprefix('share')}"


def say_interval(unit: str, interval: Interval, *, signed: bool = False) -> str:
    """Return the ends of an interval in the unit of `say`, ``[-0.10, +0.52]``; empty where there is none."""
    if interval.low is None or interval.high is None:
        return ""
    sign, factor = "+" if signed else "", 1.0 if unit == "yuan" else 100.0
    digits = 0 if unit == "yuan" and max(map(abs, (interval.low, interval.high))) >= 100 else 2
    low, high = (f"{factor * end:{sign},.{digits}f}" for end in (interval.low, interval.high))
    return f"[{low}, {high}]"


def rows_of(found: Sequence[Estimate]) -> list[dict[str, Any]]:
    """Return one plain row a figure, for tables and JSON."""
    return [
        {
            "measure": one.figure.name,
            "reading": one.figure.reading,
            "unit": one.figure.unit,
            "value_a": one.a, "low_a": one.interval_a.low, "high_a": one.interval_a.high,
            "value_b": one.b, "low_b": one.interval_b.low, "high_b": one.interval_b.high,
            "difference": one.difference, "low": one.interval.low, "high": one.interval.high,
        }
        for one in found
    ]  # fmt: skip
