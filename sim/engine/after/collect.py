"""The evening's collection: steps of the ladder that people take, or that strike the shop (facts A.1.3, B.3).

Reminders, sweeps and sanctions have acted in the day of the loan, `sim.engine.day.ladder`. Here are calls, the end of
new credit, the closing of the shop, the blacklist, help for shops in trouble, the lawsuit and the sale of the debt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.kernels import kernel
from sim.core.loanbook import ACTIVE, EVADED, HELD, LISTED, SUED, SUSPENDED
from sim.core.merchants import OPEN
from sim.engine.after.cases import AT_DESK, count_contacts, desk_cases, distinct, joined
from sim.engine.after.new_terms import sell
from sim.engine.after.people import CALL, call_now, has_people_for
from sim.engine.day import ladder
from sim.engine.day.loan import T_LADDER, claim_of
from sim.engine.day.scheduled import due_of

if TYPE_CHECKING:
    from sim.engine.market import Market

Positions = npt.NDArray[np.int64]
NEVER_AGAIN = 32_000  # day number: no new credit, ever
NO_CREDIT = 365  # days without new credit after a suspension; assumption


def collect(market: Market, day: Day, noticed: Positions) -> None:
    """Take the steps of today about the late loans at ``noticed`` (k,), in the order of the ladders."""
    if noticed.size == 0:
        return
    book, m, terms = market.book, market.merchants, market.terms
    sums = market.room.sums.repay[0]
    taken = np.empty((noticed.size * max(terms.steps.shape[1], 1), 2), np.int64)
    n = steps_of(
        book.records, book.schedules.records, book.schedules.unpaid, noticed, m.platform, m.status, terms.n_steps,
        terms.steps, sums, taken,
    )  # fmt: skip
    if n == 0:
        return
    positions, steps = taken[:n].T
    lenders = book.records["lender"][positions]
    action, share = (terms.steps[name][lenders, steps] for name in ("action", "share"))
    for code in sorted(set(action.tolist())):
        mine = action == code
        detail = _DO[code](market, day, positions[mine], share[mine])
        market.note_action(day, ladder.ACTIONS[code], positions[mine], detail)


@kernel
def steps_of(
    loans: Any, plans: Any, unpaid: Any, noticed: Any, platform: Any, status: Any, n_steps: Any, steps: Any, sums: Any,
    taken: Any,
) -> Any:  # fmt: skip
    """Find the steps to be taken tonight, and count what they cost.

    Writes position and step of each to ``taken`` (most, 2); returns how many there are.
    """
    found = 0
    for position in noticed:
        loan = loans[position]
        if loan.status != ACTIVE or loan.unpaid_since == 0 or (loan.pressure & HELD) != 0:
            continue  # paid, or written off, since it was noticed; or left in peace while it is talked about
        lender, late = np.uint64(loan.lender), np.int64(loan.dpd)
        if loan.schedule > 0:
            claim = due_of(loan, plans[loan.schedule - 1], unpaid[loan.schedule - 1])
        else:
            claim = claim_of(loan)
        if claim == 0:
            continue  # its group has paid for it
        for k in range(n_steps[lender]):
            step = steps[lender, k]
            if not ladder.is_for_people(step) or not ladder.is_time(step, loan, late, status[loan.row] == OPEN):
                continue
            if not ladder.holds(step, loan, late, claim, platform[loan.row]):
                continue
            taken[found, 0] = position
            taken[found, 1] = k
            found += 1
            sums[lender, np.uint64(loan.product), T_LADDER] += step.cost
    return found


def _call(market: Market, day: Day, positions: Positions, share: Any) -> None:
    """Call at once, or, where a lender has people for it, have them call as they come to it."""
    positions = distinct(positions)  # two steps of one evening are one call
    waiting = market.cases["loan_id"][market.cases["kind"] == AT_DESK + CALL]
    if waiting.size:  # who waits to be called is not put on the list once more
        positions = positions[~np.isin(market.book["loan_id"][positions], waiting)]
    count_contacts(market.book.records, positions, market.room.sums.repay[0])
    lenders = market.book["lender"][positions]
    for lender in market.lenders:
        own = positions[lenders == lender.index]
        if own.size == 0:
            continue
        if has_people_for(lender, CALL):
            rows, loans = market.book["row"][own], market.book["loan_id"][own]
            new = desk_cases(market.seed_number, day.number, CALL, lender.index, rows, loans)
            market.cases = joined([market.cases, new])
        else:
            call_now(market, day, own)


def _suspend(market: Market, day: Day, positions: Positions, share: Any) -> None:
    _stop_credit(market, positions, day.number + NO_CREDIT)
    market.book["pressure"][positions] |= SUSPENDED


def _stop_credit(market: Market, positions: Positions, until: int) -> None:
    own, rows, lenders = market.merchants.lender, market.book["row"][positions], market.book["lender"][positions]
    own["limit_fen"][lenders, rows] = 0
    own["offer_until"][lenders, rows] = 0
    own["refused_until"][lenders, rows] = np.maximum(own["refused_until"][lenders, rows], until)


def _close_shop(market: Market, day: Day, positions: Positions, share: Any) -> Positions:
    """Close the shop on the platform: it sells nothing any more.

    Returns what the platform will not earn from it in a year, commission and advertising, fen.
    """
    m, rows = market.merchants, market.book["row"][positions].astype(np.int64)
    is_open = m.status[rows] == OPEN
    market.shut(np.unique(rows[is_open]))
    part = market.room.commission[m.platform[rows]] + m.advertising[rows]
    is_open &= np.isin(np.arange(rows.size), np.unique(rows, return_index=True)[1])  # a shop is lost once
    return np.where(is_open, np.rint(365.0 * m.sales_mean_90d[rows] * part), 0).astype(np.int64)


def _blacklist(market: Market, day: Day, positions: Positions, share: Any) -> None:
    """Publish the debtor: no more credit, here and with all who read the list.

    Where borrowers are not identified, some come back under another name, without their record.
    """
    book, m = market.book, market.merchants
    rows, lenders = book["row"][positions], book["lender"][positions]
    is_known = np.array([lender.spec.collection.identity for lender in market.lenders])[lenders]
    coin = draws.uniform(market.seed_number, "collect.evades", draws.ONCE, m.merchant_id[rows])
    is_known |= coin >= market.plan_of_run.merchants.repayment.evades
    _stop_credit(market, positions[is_known], NEVER_AGAIN)
    for reader in market.lenders:
        if reader.spec.bureau != "none":
            m.lender["refused_until"][reader.index, rows[is_known]] = NEVER_AGAIN
    book["pressure"][positions] |= LISTED
    book["pressure"][positions[~is_known]] |= EVADED
    for name in ("dpd", "worst_dpd", "n_repaid"):
        m.lender[name][lenders[~is_known], rows[~is_known]] = 0


def _help(market: Market, day: Day, positions: Positions, share: npt.NDArray[np.float64]) -> None:
    """Show the shop in a better place: its rating rises, and drifts back in some months (facts A.1.3)."""
    m, rows = market.merchants, market.book["row"][positions]
    m.reputation[rows] *= (1.0 + share).astype(np.float32)


def _sue(market: Market, day: Day, positions: Positions, share: Any) -> None:
    market.book["pressure"][positions] |= SUED


def _sell(market: Market, day: Day, positions: Positions, share: npt.NDArray[np.float64]) -> None:
    _, _, _, records, _ = market.room.columns
    sell(market.book.records, positions, share, day.number, records, market.room.sums.repay[0])


_DO = {
    ladder.CALL: _call,
    ladder.SUSPEND: _suspend,
    ladder.CLOSE_SHOP: _close_shop,
    ladder.BLACKLIST: _blacklist,
    ladder.HELP: _help,
    ladder.LEGAL: _sue,
    ladder.SELL: _sell,
}
