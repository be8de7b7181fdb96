"""Unit economics: what one loan of a product earns, costs and loses, and what it can bear (facts C.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.money import FEN_PER_YUAN, PPM
from sim.results.economics.loss import (
    LEAST_DEFAULTS,
    LGD_ASSUMED,
    LossGivenDefault,
    defaulted,
    loss_given_default,
    outcome_known,
)
from sim.results.economics.returns import LoanReturns, pooled_irr, returns_of
from sim.results.ledger import DAYS_IN_YEAR, Ledger, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

    Amounts = NDArray[np.floating[Any]] | NDArray[np.signedinteger[Any]]
Value = float | int | None


def loan_profit(
    principal: float, days: float, rate: float, funding: float, default: float, lgd: float, cost: float
) -> float:
    """Expected profit of one loan: ``(1 - p) L r d - p LGD L - L f d - c``, in the unit of ``principal`` and ``cost``.

    Parameters
    ----------
    principal, days
        What is lent, L, and for how long, d.
    rate, funding
        Shares of the principal a day that it earns, r, and that money costs, f.
    default, lgd
        Probability of default, p, and share of the principal lost then.
    cost
        Cost of a loan, c.
    """
    return principal * ((1.0 - default) * rate * days - default * lgd - funding * days) - cost


def break_even_default_rate(
    principal: float, days: float, rate: float, funding: float, lgd: float, cost: float
) -> float | None:
    """Probability of default at which a loan earns nothing: ``(L d (r - f) - c) / (L (LGD + r d))``.

    Parameters as in `loan_profit`. None if the loan loses even where all repay.
    """
    spare = ratio(principal * days * (rate - funding) - cost, principal * (lgd + rate * days))
    return None if spare is None or spare < 0 else spare


def break_even_rate(
    principal: float, days: float, funding: float, default: float, lgd: float, cost: float
) -> float | None:
    """Rate a day at which a loan earns nothing: ``(p LGD / d + f + c / (L d)) / (1 - p)``.

    Parameters as in `loan_profit`. None if no rate does: all default, or the loan lives no time.
    """
    if principal <= 0 or days <= 0 or default >= 1:
        return None
    return (default * lgd / days + funding + cost / (principal * days)) / (1.0 - default)


class LenderBook:
    """What the products of a lender share: its ledger, the returns of its loans, its money, its cost of a loan."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @cached_property
    def returns(self) -> LoanReturns:
        """Returns of all its loans."""
        return returns_of(self.ledger)

    @cached_property
    def lgd(self) -> LossGivenDefault:
        """Loss given default, seen or assumed."""
        return loss_given_default(self.ledger)

    @cached_property
    def funding_a_day(self) -> float:
        """Interest on funds over the window for a yuan of balance and day; own money costs nothing."""
        return ratio(self.ledger.total("funding_cost_fen"), self.ledger.total("balance_fen")) or 0.0

    @cached_property
    def cost_of_a_loan(self) -> float:
        """Operating cost over the window for a loan opened in it, fen."""
        return ratio(self.ledger.total("operating_cost_fen"), self.ledger.total("n_loans")) or 0.0


class ProductBook:
    """The loans of one product: those opened in the window, and those of the run whose outcome is known.

    A loan's outcome is known 90 days after its due date, whatever became of it. Loans from before the window count too:
    of long loans there may be no others.
    """

    def __init__(self, lender: LenderBook, product: str) -> None:
        self.lender, book = lender, lender.ledger
        self.ledger = book
        self.is_own = book.product_codes == book.product_names.index(product)
        opened = book.all_loans("opened")
        self.is_in_window = self.is_own & (opened >= book.first) & (opened <= book.last)
        self.is_matured = self.is_own & (opened <= book.last) & outcome_known(book, book.observed)

    @property
    def n_loans(self) -> int:
        """Loans opened in the window."""
        return int(self.is_in_window.sum())

    @property
    def n_matured(self) -> int:
        """Loans whose outcome is known."""
        return int(self.is_matured.sum())

    def a_loan(self, fen: Amounts) -> float | None:
        """Return the mean of amounts of the tape, (n,) fen, over the loans with a known outcome, yuan."""
        return ratio(float(fen[self.is_matured].sum()), self.n_matured * FEN_PER_YUAN) if self.n_matured else None

    @property
    def principal(self) -> float | None:
        """Mean principal, yuan."""
        return self.a_loan(self.ledger.all_loans("principal_fen"))

    @property
    def life(self) -> float | None:
        """Money-weighted days."""
        return self._share(self.lender.returns.fen_days, self.ledger.all_loans("principal_fen"), self.is_matured)

    @property
    def rate_ppm_year(self) -> float | None:
        """Contract rate weighted with fen-days."""
        out = self.lender.returns.fen_days
        return self._share(out * self.ledger.all_loans("rate_ppm_year"), out, self.is_matured)

    @property
    def income(self) -> float | None:
        """Interest, penalties and fees paid less refunds, a loan, yuan."""
        return self.a_loan(self.lender.returns.cost_fen)

    @property
    def funding_cost(self) -> float | None:
        """Interest on funds a loan, yuan."""
        return self.a_loan(self.lender.returns.fen_days * self.lender.funding_a_day)

    @property
    def operating_cost(self) -> float | None:
        """Operating cost a loan, yuan; alike for all products."""
        return self.lender.cost_of_a_loan / FEN_PER_YUAN if self.n_matured else None

    @property
    def loss(self) -> float | None:
        """Principal lost a loan, yuan."""
        book = self.ledger
        lost = book.all_loans("written_off_fen") - book.all_loans("recovered_fen")
        return self.a_loan(lost + self.lender.lgd.share * book.all_loans("balance_fen"))

    @property
    def profit(self) -> float | None:
        """Profit a loan, yuan."""
        income, costs = self.income, (self.funding_cost, self.operating_cost, self.loss)
        return None if income is None else income - sum(cost for cost in costs if cost is not None)

    @property
    def default_rate(self) -> float | None:
        """Share of the principal that ever was in default."""
        principal = self.ledger.all_loans("principal_fen")
        return self._share(principal * defaulted(self.ledger), principal, self.is_matured)

    @property
    def bearable_default_rate(self) -> float | None:
        """Break-even default rate at the contract rate."""
        principal, life, rate = self.principal, self.life, self.rate_ppm_year
        if principal is None or life is None or rate is None:
            return None
        a_day = rate / PPM / DAYS_IN_YEAR
        cost = self.lender.cost_of_a_loan / FEN_PER_YUAN
        return break_even_default_rate(principal, life, a_day, self.lender.funding_a_day, self.lender.lgd.share, cost)

    @property
    def bearing_rate(self) -> float | None:
        """Break-even rate at the default rate that was seen, ppm a year."""
        principal, life, default = self.principal, self.life, self.default_rate
        if principal is None or life is None or default is None:
            return None
        cost = self.lender.cost_of_a_loan / FEN_PER_YUAN
        a_day = break_even_rate(principal, life, self.lender.funding_a_day, default, self.lender.lgd.share, cost)
        return None if a_day is None else a_day * DAYS_IN_YEAR * PPM

    @property
    def apr(self) -> float | None:
        """Cost to borrowers that repaid, a year."""
        repaid = self.is_matured & self.lender.returns.is_repaid
        return self._share(self.lender.returns.cost_fen * float(DAYS_IN_YEAR), self.lender.returns.fen_days, repaid)

    def mean_of(self, rates: NDArray[np.float64]) -> float | None:
        """Return the plain mean of rates of loans, (n,), over those with a known outcome and a defined rate."""
        defined = rates[self.is_matured & ~np.isnan(rates)]
        return float(defined.mean()) if defined.size else None

    @property
    def irr(self) -> float | None:
        """Internal rate of all cash flows together."""
        if not self.n_matured:
            return None
        return pooled_irr(self.ledger, self.lender.returns, self.is_matured, self.lender.lgd.share)

    def _share(self, part: Amounts, whole: Amounts, loans: NDArray[np.bool_]) -> float | None:
        return ratio(float(part[loans].sum()), float(whole[loans].sum()))


@dataclass(frozen=True)
class ProductMeasure:
    """One quantity of a product's loans: what it is called, what it means and how it is computed."""

    name: str
    label: str
    unit: str
    group: str
    formula: str
    source: str
    function: Callable[[ProductBook], Value]

    def __call__(self, book: ProductBook) -> Value:
        """Return the quantity; None if it is undefined."""
        return self.function(book)


_KNOWN = ", of the run's loans due at least 90 days before its end"
_p = ProductMeasure
# fmt: off
#: All quantities of a product, in the order of tables.
PRODUCT_MEASURES: tuple[ProductMeasure, ...] = (
    _p("n_loans", "Loans in the window", "loans", "loans", "count of loans opened in the window", "facts C.11",
       lambda b: b.n_loans),
    _p("n_matured", "Loans whose outcome is known", "loans", "loans",
       "count of loans opened until the window's end, before it too, and due at least 90 days before the run's end; "
       "all that follows is of these", "facts C.6", lambda b: b.n_matured),
    _p("principal_mean", "Mean loan", "yuan", "loans", "principal / loans" + _KNOWN, "facts C.9 (L)",
       lambda b: b.principal),
    _p("life_mean_days", "Mean life of a yuan lent", "days", "loans",
       "principal x days out / principal; days out told by the interest paid", "facts C.9 (d), A.3 item 3",
       lambda b: b.life),
    _p("rate_mean_ppm_year", "Mean contract rate, a year", "ppm a year", "loans",
       "contract rates weighted with principal x days out", "facts C.9 (r)", lambda b: b.rate_ppm_year),
    _p("default_rate", "Went into default", "share", "loans",
       "principal of loans ever 90 days past due or written off / principal" + _KNOWN, "facts C.6, C.9 (p)",
       lambda b: b.default_rate),
    _p("income_per_loan", "Interest, penalties, fees", "yuan", "one loan",
       "interest (and the fee of a share of sales) + penalties + fees - refunds, all as paid / loans", "facts C.9",
       lambda b: b.income),
    _p("funding_cost_per_loan", "Interest on funds", "yuan", "one loan",
       "principal x days out x (interest on bank debt / sum over days of balance, in the window) / loans; own money "
       "costs nothing", "facts C.9 (f)", lambda b: b.funding_cost),
    _p("operating_cost_per_loan", "Operating cost", "yuan", "one loan",
       "operating cost of the lender in the window / its loans then (cost_per_loan); the books do not tell it apart by "
       "product", "facts C.9 (c)", lambda b: b.operating_cost),
    _p("loss_per_loan", "Loss", "yuan", "one loan",
       "(written off - recovered + LGD x what is still unpaid) / loans; LGD is the run's own, or "
       f"{LGD_ASSUMED:.0%} where it has seen fewer than {LEAST_DEFAULTS} defaults to their end",
       "facts C.7, C.9; A.3 item 13", lambda b: b.loss),
    _p("profit_per_loan", "Profit", "yuan", "one loan", "income - funding cost - operating cost - loss, a loan",
       "facts C.9", lambda b: b.profit),
    _p("break_even_default_rate", "Default rate it can bear", "share", "what it can bear",
       "(L d (r - f) - c) / (L (LGD + r d)); undefined if it loses even where all repay", "facts C.9; A.3 item 13",
       lambda b: b.bearable_default_rate),
    _p("break_even_rate_ppm_year", "Contract rate it needs, a year", "ppm a year", "what it can bear",
       "(p LGD / d + f + c / (L d)) / (1 - p) x 365, p the default_rate; too high where part of a loan was paid back "
       "before it went into default, since LGD is taken on all of it", "facts C.9", lambda b: b.bearing_rate),
    _p("apr_borrower", "Cost to the borrower, APR", "share a year", "a year",
       "(interest + penalties - refunds) / (principal x days out) x 365, of repaid loans; not compounded", "facts C.5",
       lambda b: b.apr),
    _p("irr_borrower", "The same, effective (IRR)", "share a year", "a year",
       "mean over repaid loans of ((paid / principal) ^ (365 / life) - 1): each as if paid at once after its "
       "money-weighted life; approximate for loans paid in parts", "facts C.5",
       lambda b: b.mean_of(b.lender.returns.irr_borrower)),
    _p("irr_lender", "Return to the lender, mean of loans (IRR)", "share a year", "a year",
       "the same over repaid and written-off loans, lost and recovered money in it; a total loss is -100 %; before "
       "costs; approximate", "facts C.5", lambda b: b.mean_of(b.lender.returns.irr_lender)),
    _p("irr_pooled", "Return to the lender, all loans as one (IRR)", "share a year", "a year",
       "rate at which the cash flows of all loans together are worth nothing, those of a loan paid at once after its "
       "life, what is unpaid at (1 - LGD) on the run's last day; before costs; approximate", "facts C.5",
       lambda b: b.irr),
)
# fmt: on


def unit_economics(run: Run, lender: str) -> dict[str, dict[str, Value]]:
    """Return by product of a lender's tape every quantity of `PRODUCT_MEASURES` by name; undefined is None."""
    book = LenderBook(Ledger(run, lender))
    products = {name: ProductBook(book, name) for name in book.ledger.product_names}
    return {name: {one.name: one(product) for one in PRODUCT_MEASURES} for name, product in products.items()}
