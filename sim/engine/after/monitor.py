"""The look at borrowers after the payout, and what follows from a warning (facts A.1.3, A.1.2, C.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import Day
from sim.core.kernels import allocating_kernel, least, most
from sim.core.loanbook import ACTIVE, ADVISED, SECURED
from sim.engine.after.cases import count_borrowers
from sim.engine.day.plan_of_loan import AT_END, SETTLEMENT
from sim.lenders.lender import Lender
from sim.lenders.policy import WARNINGS
from sim.world.diversion import traced_share
from sim.world.wash import lie_low

if TYPE_CHECKING:
    from sim.engine.market import Market

_ADVISE, _CUT, _RECALL, _MISUSE, _WASH = range(1, len(WARNINGS))
Ints = npt.NDArray[np.int64]


def monitor(market: Market, day: Day) -> None:
    """Look at the borrowers of every lender that looks today, and act on the warnings."""
    for lender in market.lenders:
        terms = lender.spec.monitoring
        if terms.policy != "none" and day.index % terms.every == 0:
            _look(market, lender, day)


def _look(market: Market, lender: Lender, day: Day) -> None:
    book, m, index = market.book, market.merchants, lender.index
    own, place, rows, days, latest = _borrowers(book.records[: book.n], book.order, book.rows, index, day.number)
    if rows.size == 0:
        return
    columns = market.observer.columns(
        lender.policies["monitoring"].needs, rows, index, lender.spec.bureau, day.index, day.number
    )
    columns["loan_days"] = days
    habits, ids = market.plan_of_run.merchants.borrowing, m.merchant_id[rows]
    columns["traced_share"] = traced_share(ids, latest, habits, market.seed_number)
    columns["balance_fen"] = m.lender["line_fen"][index, rows].astype(np.int64)
    context = lender.context(day.date, day.number, lender.cash_fen, explain=False)
    warning = lender.judge("monitoring", columns, ids.astype(np.int64), market.seed_number, context)
    said = warning[place]
    is_told = said > 0
    _stop_credit(market, lender, day, rows, warning)
    _tell(market, lender, day, own[is_told], said[is_told])


@allocating_kernel
def _borrowers(loans: Any, order: Any, by_row: Any, lender: Any, today: Any) -> Any:
    """The borrowers of a lender who had a loan before today; the advice of the last look is taken back.

    ``order`` (n,) are the positions of ``loans`` by merchant row, ``by_row`` (n,) those rows. Returns the positions of
    the lender's active loans, (k,), and the place of each one's borrower; the rows of the borrowers, (b,), the days
    since their oldest loan on the limit was paid out, -1 for none, and the id of the latest, 0 for none.
    """
    # first as they lie in memory, then by merchant: to jump from one loan to another costs more than to read it
    age, ids, found = np.empty(loans.size, np.int16), np.empty(loans.size, np.int64), 0
    for position in range(loans.size):
        loan = loans[position]
        is_on_limit = loan.product not in SECURED
        if loan.lender != lender or loan.status != ACTIVE or loan.opened >= today:
            age[position] = -2
            continue
        found += 1
        ids[position] = loan.loan_id if is_on_limit else 0
        age[position] = today - loan.opened if is_on_limit else -1
        if (loan.pressure & ADVISED) != 0:
            loan.pressure &= ~np.uint8(ADVISED)
    own, place, rows = np.empty(found, np.int64), np.empty(found, np.int64), np.empty(found, np.int64)
    days, latest = np.empty(found, np.int64), np.empty(found, np.int64)
    n, b, last = 0, 0, -1
    for k in range(order.size):
        position = order[k]
        if age[position] == -2:
            continue
        if by_row[k] != last:
            last = by_row[k]
            rows[b], days[b], latest[b] = last, -1, 0
            b += 1
        own[n], place[n] = position, b - 1
        n += 1
        days[b - 1] = most(days[b - 1], np.int64(age[position]))
        latest[b - 1] = most(latest[b - 1], ids[position])
    return own, place, rows[:b], days[:b], latest[:b]


def _stop_credit(market: Market, lender: Lender, day: Day, rows: Ints, warning: npt.NDArray[np.int8]) -> None:
    """Cut the limits of borrowers warned of, and their credit for a time; ``rows`` and ``warning`` are (b,)."""
    m, terms, index = market.merchants, lender.spec.monitoring, lender.index
    limits, refused = m.lender["limit_fen"][index], m.lender["refused_until"][index]
    stop = rows[warning >= _CUT]
    limits[stop] = (limits[stop] * (1.0 - terms.limit_cut)).astype(np.int32)
    m.lender["cut_until"][index, stop] = day.number + terms.limit_cut_for
    refused[stop] = np.maximum(refused[stop], day.number + terms.no_credit_for)
    wash = rows[warning == _WASH]
    limits[wash] = 0
    m.lender["is_flagged"][index, wash] = True
    refused[wash] = np.maximum(refused[wash], day.number + terms.wash_no_credit_for)
    m.reputation[wash] *= np.float32(1.0 - terms.wash_rating_loss)
    lie_low(m, wash, market.plan_of_run.merchants.washing)  # who is found out stops, and others hear of it


def _tell(market: Market, lender: Lender, day: Day, own: Ints, said: npt.NDArray[np.int8]) -> None:
    """Advise borrowers, or call their loans: ``own`` are the positions of loans, (k,), ``said`` the warning of each."""
    book, terms = market.book, lender.spec.monitoring
    book["pressure"][own[said == _ADVISE]] |= ADVISED
    is_called = (said == _RECALL) | (said == _MISUSE)
    called = own[is_called]
    surcharge = np.where(said[is_called] == _MISUSE, round(100 * terms.misuse_multiple), 0)
    last = day.number + terms.notice
    _give_plans(market, called, day.number, last)
    is_new = call(book.records, book.schedules.records, called, surcharge, last).astype(np.bool_)
    for code in range(_ADVISE, len(WARNINGS)):
        told = own[said == code] if code not in (_RECALL, _MISUSE) else called[is_new & (said[is_called] == code)]
        if told.size == 0:
            continue
        count_borrowers(book.records, told, market.room.sums.repay[0])  # one word to a borrower, not one a loan
        market.note_action(day, WARNINGS[code], told)


def _give_plans(market: Market, called: Ints, today: int, last: int) -> None:
    """Give called loans that are due as a whole a plan, so that the date they were agreed for stays with them."""
    book = market.book
    new = _without_plan(book.records, called, last)
    if new.size:
        places = book.schedules.add(
            next_due=book["due"][new], kind=AT_END, start=today, begin=today, number=1, periods=1, is_odd=True,
            grace=book["grace"][new],
        )  # fmt: skip
        book["schedule"][new] = places + 1


@allocating_kernel
def _without_plan(loans: Any, called: Any, last: Any) -> Any:
    """Those of the loans at ``called`` (k,) that are due as a whole after day ``last``."""
    found, n = np.empty(called.size, np.int64), 0
    for position in called:
        loan = loans[position]
        if loan.schedule == 0 and loan.product not in SECURED and loan.unpaid_since == 0 and loan.due > last:
            found[n] = position
            n += 1
    return found[:n]


@allocating_kernel
def call(loans: Any, plans: Any, called: Any, surcharge: Any, last: Any) -> Any:
    """Call the loans at ``called`` (k,): all that is owed falls due by day ``last``; returns which are called anew.

    ``surcharge`` (k,) is the per cent of its own rate that misused money costs, 0 for none. What rests on orders is
    swept as they confirm, and is not called.
    """
    is_new = np.zeros(called.size, np.uint8)
    for k in range(called.size):
        loan = loans[called[k]]
        if loan.product in SECURED:
            continue
        if loan.schedule > 0:
            plan = plans[loan.schedule - 1]
            if plan.kind == SETTLEMENT and plan.number < plan.periods:
                continue  # what was agreed is agreed
            if plan.number <= plan.periods and (plan.number < plan.periods or plan.next_due > last):
                plan.periods = plan.number
                plan.is_odd = plan.is_odd or plan.next_due > last
                plan.next_due = least(plan.next_due, last)
                is_new[k] = 1
        if loan.surcharge != surcharge[k] and surcharge[k] > 0:
            loan.surcharge = surcharge[k]
            is_new[k] = 1
    return is_new

