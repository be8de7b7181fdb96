"""Paying out: new loans in the book, with their schedules; pledges taken, wallets filled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import add_months, day_number, working_day
from sim.core.kernels import floor, kernel
from sim.core.loanbook import LOANS_A_MERCHANT, ORDER_LOAN, PRODUCTS, REVOLVING_LINE, SECURED, LoanBook
from sim.core.merchants import STAGES, Merchants
from sim.core.schedules import Schedules
from sim.engine.day.plan_of_loan import BY_MONTH, KIND, lay_out
from sim.engine.lend import Ints, Requests, Rows
from sim.lenders.lender import Decisions, Lender
from sim.lenders.parameters import LenderSpec
from sim.lenders.product_terms import AnyProduct, Instalments, SalesShare, Warehouse

_MONTH = 28  # days of the shortest month
_RELEASES = 40  # payments for stock sold that are kept apart; later ones count as one


def most_unpaid(specs: Iterable[LenderSpec]) -> int:
    """How many instalments of one loan can be unpaid before it is written off, over all that lenders ever offer."""
    specs = list(specs)
    longest = max((spec.write_off_after for spec in specs), default=0)
    found = 1
    for spec in specs:
        if spec.negotiation.policy != "none":  # new terms may be instalments
            found = max(found, min(spec.negotiation.months, longest // _MONTH + 2))
        for _, terms in spec.products.offered():
            if isinstance(terms, Instalments):
                found = max(found, min(terms.term.count, longest // _MONTH + 2))
            elif isinstance(terms, SalesShare):
                found = max(found, longest // terms.minimum_every + 2)
            elif isinstance(terms, Warehouse):
                found = max(found, _RELEASES)
    return found


def disburse(
    lender: Lender,
    m: Merchants,
    book: LoanBook,
    requests: Requests,
    decided: Decisions,
    takes: npt.NDArray[np.bool_],
    group: Ints,
    today: date,
) -> tuple[int, int]:
    """Pay out: new loans in the book, pledges taken, wallets filled. Returns the fen lent and the fees taken of it.

    ``takes`` (n,) says which of the requests are accepted, ``group`` (n,) the group that answers for each, or 0.
    """
    rows, product = requests.rows[takes], requests.product[takes]
    amount = decided.granted_fen[takes]
    if rows.size == 0:
        return 0, 0
    number, own, index = day_number(today), m.lender, lender.index
    rolls = lender.spec.holidays == "next_day"
    by_name = {PRODUCTS.index(name): terms for name, terms in lender.terms.items()}
    due_day = np.zeros(len(PRODUCTS), np.int64)
    basis = np.full(len(PRODUCTS), 365, np.int64)
    advance, grace = np.zeros(len(PRODUCTS)), np.zeros(len(PRODUCTS), np.int8)
    for code, terms in by_name.items():
        due = terms.term.due(today)
        due_day[code] = day_number(working_day(due) if rolls else due)
        basis[code], grace[code] = terms.rate.days_in_year, terms.grace
        advance[code] = 1.0 - terms.haircut if isinstance(terms, Warehouse) else getattr(terms, "advance", 0.0)

    rate = decided.rate_ppm_year[takes]
    schedule, fee, at_once = np.zeros(rows.size, np.int32), np.zeros(rows.size, np.int64), np.zeros(len(PRODUCTS))
    for code, terms in by_name.items():
        at_once[code] = terms.payout_fee
        mine = np.flatnonzero(product == code)
        if mine.size and code > REVOLVING_LINE:
            last = int(due_day[code])
            schedule[mine] = 1 + _agree(book.schedules, terms, code, amount[mine], rate[mine], today, last, rolls=rolls)
            book.schedules.records["group"][schedule[mine] - 1] = group[takes][mine]
            if isinstance(terms, SalesShare):
                fee[mine] = _share_of(amount[mine], terms.fee)
    units_per_fen = np.where(BY_MONTH[product], 360, basis[product]) * 1_000_000
    taken = _share_of(amount, at_once[product])
    pledged = _pledge(m, rows, product, amount, advance[product])
    m.n_loans[rows] += 1
    is_first = own["first_loan_day"][index, rows] == 0
    book.append(
        loan_id=m.merchant_id[rows].astype(np.int64) * LOANS_A_MERCHANT + m.n_loans[rows],
        row=rows,
        lender=np.full(rows.size, index),
        product=product,
        opened=np.full(rows.size, number),
        due=due_day[product],
        principal=amount,
        balance=amount,
        rate=rate,
        units_per_fen=units_per_fen,
        suspended=fee * units_per_fen,
        fee_paid=taken,
        grace=grace[product],
        schedule=schedule,
        pledged=pledged,
        advance=advance[product],
        is_first=is_first,
        score=decided.score[takes],
    )
    m.wallet[rows] += amount - taken
    m.last_loan_day[rows] = number
    on_line = ~np.isin(product, SECURED)
    own["exposure_fen"][index, rows] += amount
    own["line_fen"][index, rows[on_line]] += amount[on_line]
    own["n_open"][index, rows] += 1
    own["first_loan_day"][index, rows[is_first]] = number
    return int(amount.sum()), int(taken.sum())


def _pledge(m: Merchants, rows: Rows, product: npt.NDArray[np.int8], amount: Ints, advance: Any) -> Any:
    """Move pledged orders out of the merchant's own chain: as many as the loan needs, from every stage alike."""
    pledged = np.zeros((rows.size, STAGES))
    _take_pledges(m.shipped, rows, product, amount, advance, pledged)
    return pledged


@kernel
def _take_pledges(shipped: Any, rows: Any, product: Any, amount: Any, advance: Any, pledged: Any) -> None:
    """Move whole fen from ``shipped`` (STAGES, n) to ``pledged`` (k, STAGES) for the order loans of (k,) new ones."""
    for k in range(rows.size):
        if product[k] != ORDER_LOAN:
            continue
        chain = 0.0
        for stage in range(STAGES):
            chain += shipped[stage, rows[k]]
        share = min(amount[k] / (advance[k] * chain), 1.0)
        for stage in range(STAGES):
            taken = floor(shipped[stage, rows[k]] * share)
            shipped[stage, rows[k]] -= taken
            pledged[k, stage] = taken


def _agree(
    schedules: Schedules, terms: AnyProduct, code: int, amount: Ints, rate: Ints, today: date, last: int, *, rolls: bool
) -> npt.NDArray[np.int32]:
    """Make the schedules of new loans of one product, (k,), due as a whole by day ``last``; gives their places.

    With ``rolls`` a due date on a public holiday moves to the next working day.
    """
    number, shares, months = day_number(today), {}, {}
    instalment = np.zeros(amount.size, np.int64)
    if isinstance(terms, SalesShare):
        every = terms.minimum_every
        periods, first = -(-(last - number) // every), min(number + every, last)
        instalment[:] = np.floor((amount + _share_of(amount, terms.fee)) * terms.minimum_share).astype(np.int64)
        shares = {"every": every, "share": round(terms.share * 1_000_000)}
    elif isinstance(terms, Instalments):
        month = add_months(today, 1)
        periods, first = terms.term.count, day_number(working_day(month) if rolls else month)
        months = {"shrinks": terms.prepayment == "smaller", "rolls": rolls}
        product = np.full(amount.size, code)
        lay_out(product, amount, rate, np.full(amount.size, periods), instalment)
    else:
        periods, first = 1, last
        shares = {"share": round(getattr(terms, "sweep", 0.0) * 1_000_000)}
    return schedules.add(
        kind=np.full(amount.size, KIND[code]),
        start=np.full(amount.size, number),
        begin=np.full(amount.size, number),
        next_due=np.full(amount.size, first),
        number=1,
        periods=periods,
        grace=terms.grace,
        instalment=instalment,
        **shares,
        **months,
    )


def _share_of(amount: Ints, share: Any) -> Ints:
    """Fen of a share of each amount, rounded half up."""
    return np.asarray(np.floor(amount * share + 0.5), np.int64)
