"""Figures of a run that targets name beside the measures of its summary: of a day, of a customer, of a product.

Each takes a `Ledger` and gives a number in its unit, a date, or None where it is undefined. Full scale means that money
and counts of the whole market are divided by the run's `scale` before they are judged (`sim.study.targets`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.core.money import FEN_PER_YUAN
from sim.institutions.dated_rules import ceiling
from sim.results.ledger import DAYS_IN_YEAR, Ledger, ratio

Value = float | int | date | None
EPOCH = date(1970, 1, 1)
ORDER, LINE = "order_loan", "revolving_line"
_FAR = 1 << 20  # days since 1970: a loan that has not ended
_WEEK, _FIFTH = 7, 0.2


@dataclass(frozen=True)
class Figure:
    """One figure: its unit, whether it grows with the market, its formula, and the function that computes it."""

    name: str
    unit: str
    scales: bool
    formula: str
    function: Callable[[Ledger], Value]


def _interest_a_day(book: Ledger) -> float | None:
    return ratio(book.interest_income / FEN_PER_YUAN, book.n_days)


def first_day_of_interest(book: Ledger, yuan: float) -> date | None:
    """The first day of the whole run on which ``yuan`` of interest accrue, None if there is none."""
    earned = book.every_day("interest_fen") / FEN_PER_YUAN
    found = np.flatnonzero(earned >= yuan)
    return EPOCH + timedelta(days=int(book.start + found[0])) if found.size else None


def _best_week(book: Ledger) -> float | None:
    loans = book.day("n_loans").astype(np.float64)
    if loans.size < _WEEK:
        return None
    return float(np.convolve(loans, np.ones(_WEEK) / _WEEK, mode="valid").max())


def _rate_a_day(book: Ledger) -> float | None:
    return ratio(book.interest_income, book.total("balance_fen"))


def _share_at_order_price(book: Ledger) -> float | None:
    """Of the balance at month ends: what is lent at 0.05 % a day."""
    ends = book.month_ends
    at = book.all_loans("rate_ppm_year")[ends.loan] == 182_500
    return ratio(int(ends.balance_fen[at].sum()), int(ends.balance_fen.sum()))


def _days_in_debt(book: Ledger) -> tuple[int, int]:
    """Customer-days in debt within the window, overlapping loans counted once; customers who had some."""
    opened = np.maximum(book.all_loans("opened") + 1, book.first)
    ended = np.minimum(_ends(book), book.last)
    merchant = book.all_loans("merchant_id")
    here = ended >= opened
    opened, ended, merchant = opened[here], ended[here], merchant[here]
    order = np.lexsort((opened, merchant))
    opened, ended, merchant = opened[order], ended[order], merchant[order]
    if not merchant.size:
        return 0, 0
    # spans of one customer are told apart by a shift; the latest end so far is then a running maximum
    step = 10_000
    base = np.unique(merchant, return_inverse=True)[1].astype(np.int64) * step - book.first
    begin, end = opened + base, ended + base
    latest = np.maximum.accumulate(end)
    before = np.append(np.int64(-1), latest[:-1])
    days = np.maximum(end - np.maximum(begin, before + 1) + 1, 0)
    return int(days.sum()), int(np.unique(merchant).size)


def _ends(book: Ledger) -> npt.NDArray[np.int64]:
    """Day on which each loan of the tape ended, far away for those that run."""
    closed = book.all_loans("closed")
    return np.asarray(np.where((closed <= 0) | (closed > _FAR), _FAR, closed))


def _in_debt_a_year(book: Ledger, customers: int) -> float | None:
    days, _ = _days_in_debt(book)
    return ratio(days * DAYS_IN_YEAR, customers * book.n_days)


def _balance_in_debt(book: Ledger) -> float | None:
    return ratio(book.total("balance_fen") / FEN_PER_YUAN, _days_in_debt(book)[0])


def _paid_of_used(book: Ledger) -> float | None:
    """Interest over principal in use, a customer-year: the daily rate times the days in debt of an active customer."""
    rate, days = _rate_a_day(book), _in_debt_a_year(book, _days_in_debt(book)[1])
    return None if rate is None or days is None else rate * days


def _lives(book: Ledger, product: str) -> npt.NDArray[np.int64]:
    """Days from payout to the end of the loans of a product that were opened in the window and are paid off."""
    own = (book.products == product) & (book.loan("closed") > 0) & (book.loan("closed") < _FAR)
    return np.asarray((book.loan("closed") - book.loan("opened"))[own])


def _life(book: Ledger, product: str, of: Callable[..., np.floating]) -> float | None:
    days = _lives(book, product)
    return float(of(days)) if days.size else None


def _share(part: npt.NDArray[np.bool_]) -> float | None:
    return float(part.mean()) if part.size else None


def _loans_a_customer(book: Ledger) -> float | None:
    customers = np.unique(book.all_loans("merchant_id")[book.all_loans("opened") <= book.last]).size
    return ratio(book.loan("loan_id").size, customers)


def _top_fifth(book: Ledger) -> float | None:
    """Share of the window's loans that go to the fifth of all customers so far with the most of them."""
    ever = np.unique(book.all_loans("merchant_id")[book.all_loans("opened") <= book.last])
    _, counts = np.unique(book.loan("merchant_id"), return_counts=True)
    top = np.sort(counts)[::-1][: round(_FIFTH * ever.size)]
    return ratio(int(top.sum()), int(counts.sum()))


def _over_ceiling(book: Ledger) -> int:
    """Loans of the whole run that cost more than four times the benchmark rate of their day (facts C.14)."""
    opened, rate, due = (book.all_loans(name) for name in ("opened", "rate_ppm_year", "due"))
    found = 0
    for day in np.unique(opened).tolist():
        mine, when = opened == day, EPOCH + timedelta(days=day)
        for months, is_long in ((6, False), (12, True)):
            most = ceiling(when, months, "micro_loan_company")
            of_term = ((due - opened > 184) == is_long) & mine
            found += 0 if most is None else int((rate[of_term] > most).sum())
    return found


def _days_over(book: Ledger, more: str, less: str) -> int:
    return int((book.every_day(more) > book.every_day(less)).sum())


def _days_over_half(book: Ledger) -> int:
    """Days on which bank debt was more than half of the net capital of the evening before."""
    debt, equity = book.every_day("bank_debt_fen"), book.every_day("equity_fen")
    before = np.append(equity[:1], equity[:-1])
    return int((2 * debt > np.maximum(before, equity)).sum())


def _disbursed_before(book: Ledger) -> float:
    days = np.arange(book.start, book.start + book.every_day("disbursed_fen").size)
    return float(book.every_day("disbursed_fen")[days < book.first].sum()) / FEN_PER_YUAN


_ROWS: tuple[tuple[str, str, bool, str, Callable[[Ledger], Value]], ...] = (
    ("loans_a_day", "loans", True, "loans / days", lambda b: ratio(b.total("n_loans"), b.n_days)),
    ("loans_a_day_best_week", "loans", True, "highest mean of seven days running", _best_week),
    ("interest_a_day", "yuan", True, "interest income / days", _interest_a_day),
    ("rate_a_day", "share", False, "interest income / sum over days of balance", _rate_a_day),
    ("share_at_order_price", "share", False, "balance at 0.05 % a day / balance, at month ends", _share_at_order_price),
    ("days_in_debt_active", "days a year", False, "days in debt / customers in debt in the window x 365 / days",
     lambda b: _in_debt_a_year(b, _days_in_debt(b)[1])),
    ("days_in_debt_ever", "days a year", False, "days in debt / customers so far x 365 / days",
     lambda b: _in_debt_a_year(b, b.closing("customers"))),
    ("paid_of_used", "share a year", False, "rate_a_day x days_in_debt_active", _paid_of_used),
    ("balance_in_debt", "yuan", False, "sum over days of balance / customer-days in debt", _balance_in_debt),
    ("share_under_500k", "share", False, "loans below 500,000 yuan / loans",
     lambda b: _share(b.loan("principal_fen") < 500_000 * FEN_PER_YUAN)),
    ("largest_loan", "yuan", False, "of the window",
     lambda b: int(b.loan("principal_fen").max()) / FEN_PER_YUAN if b.loan("principal_fen").size else None),
    ("order_loan_life_median", "days", False, "payout to the end, of loans paid off",
     lambda b: _life(b, ORDER, np.median)),
    ("order_loan_life_mean", "days", False, "the same", lambda b: _life(b, ORDER, np.mean)),
    ("credit_loan_life_mean", "days", False, "the same", lambda b: _life(b, LINE, np.mean)),
    ("order_loans_under_10k", "share", False, "order loans below 10,000 yuan / order loans",
     lambda b: _share(b.loan("principal_fen")[b.products == ORDER] < 10_000 * FEN_PER_YUAN)),
    ("order_loan_share", "share", False, "order loans / loans", lambda b: _share(b.products == ORDER)),
    ("loans_a_customer", "loans", False, "loans of the window / customers so far", _loans_a_customer),
    ("top_fifth_share", "share", False, "loans of the fifth of customers with the most / loans", _top_fifth),
    ("days_over_funds", "days", False, "days with more balance than fundable money, whole run",
     lambda b: _days_over(b, "balance_fen", "funds_fen")),
    ("days_over_leverage", "days", False, "days with bank debt above half the net capital, whole run", _days_over_half),
    ("bank_debt_end", "yuan", True, "at the window's end", lambda b: b.closing("bank_debt_fen") / FEN_PER_YUAN),
    ("loans_over_ceiling", "loans", False, "loans dearer than four benchmarks, whole run", _over_ceiling),
    ("disbursed_before", "yuan", True, "before the window", _disbursed_before),
)  # fmt: skip
FIGURES: dict[str, Figure] = {row[0]: Figure(*row) for row in _ROWS}
FIRST_INTEREST = "first_day_of_interest"  # takes an amount: see `sim.study.targets`
