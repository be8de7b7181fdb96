"""Joint liability: groups of borrowers who answer for each other (facts A.1.1: three or more, no collateral).

A group forms among those who are granted such a loan on one day: neighbours, or those who choose each other. What a
member owes and has not paid, the others pay in equal parts in the evening, as far as they can and would: a member's
trouble is a charge on all. If they do not, none of them gets credit while it lasts: that the next loan is at stake
makes some pay for another, and once it is gone makes some pay less (Besley and Coate: pay both, or none).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import Day
from sim.core.kernels import floor, kernel, least, most
from sim.core.loanbook import ACTIVE, JOINT_LIABILITY
from sim.core.merchants import Merchants
from sim.engine import rules
from sim.engine.day.borrower import means_to_pay, sanction_on
from sim.engine.day.loan import T_WALLET, take_from_bucket
from sim.engine.day.scheduled import due_of, pay
from sim.engine.lend import ASK_AGAIN
from sim.lenders.lender import Lender
from sim.lenders.product_terms import JointLiability
from sim.world.birth import NEVER
from sim.world.peers import chance_to_succeed

if TYPE_CHECKING:
    from sim.engine.market import Market

HELD_FOR = ASK_AGAIN + 1  # days: longer than a refusal, so that a review leaves the limit at nothing

def offers_groups(lender: Lender) -> bool:
    """Whether a lender makes group loans now."""
    return "joint_liability" in lender.terms


def form_groups(
    lender: Lender, m: Merchants, rows: npt.NDArray[np.intp], product: npt.NDArray[np.int8], takes: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Put those who take a group loan into groups; 0 for whoever is in none, else the group's number.

    Neighbours join as they live; where members choose each other, the safe join the safe (`sim.world.peers`). Groups
    hold as many as the product asks for, and the last one those that are left over; with fewer than that in all, there
    is no group today. The number is the id of the group's first merchant, so that no counter is needed.
    """
    group = np.zeros(rows.size, np.int64)
    terms = lender.terms.get("joint_liability")
    joint = np.flatnonzero(takes & (product == JOINT_LIABILITY))
    if not isinstance(terms, JointLiability) or joint.size < terms.members:
        return group
    first = -chance_to_succeed(m, rows[joint]) if terms.matching == "chosen" else m.region[rows[joint]]
    near = joint[np.lexsort((m.merchant_id[rows[joint]], first))]
    place = np.minimum(np.arange(joint.size) // terms.members, joint.size // terms.members - 1)
    firsts = near[np.searchsorted(place, np.arange(place[-1] + 1))]
    group[near] = m.merchant_id[rows[firsts]][place]
    return group


def stand_in(market: Market, day: Day) -> None:
    """Let the members of groups pay for those who are late; what they pay is added to the day's repayments."""
    book, plans = market.book, market.book.schedules
    if plans.records.size == 0 or not (book["product"] == JOINT_LIABILITY).any():
        return
    own = np.flatnonzero((book["product"] == JOINT_LIABILITY) & (book["status"] == ACTIVE))
    # a merchant may be in several groups over time: its group's number and the day together are one group
    number, opened = plans.records["group"][book["schedule"][own] - 1], book["opened"][own]
    order = np.lexsort((book["loan_id"][own], number, opened, book["lender"][own]))
    own, number, opened = own[order], number[order], opened[order]
    is_new = np.ones(own.size, np.bool_)
    is_new[1:] = (np.diff(number) != 0) | (np.diff(opened) != 0) | (np.diff(book["lender"][own]) != 0)
    edges = np.append(np.flatnonzero(is_new), own.size)
    sums = market.room.sums.repay[0, :, JOINT_LIABILITY]
    repay_rules = rules.repay_rules(market.plan_of_run.merchants, market.seed_number, day)
    _, _, borrowers, records, _ = market.room.columns
    pay_for_each_other(
        book.records, plans.records, plans.unpaid, own, edges, borrowers, records, market.terms, repay_rules, sums
    )
    _hold_credit(market, day, own, edges)


def _hold_after(lender: Lender) -> int:
    terms = lender.terms.get("joint_liability")
    return terms.hold_after if isinstance(terms, JointLiability) else NEVER


def _hold_credit(market: Market, day: Day, own: npt.NDArray[np.int64], edges: npt.NDArray[np.int64]) -> None:
    """No member of a group gets credit while one of it is late beyond the days that its lender allows.

    It holds from day to day; a loan that is written off or sold ends it.
    """
    book, columns = market.book, market.merchants.lender
    lenders, rows = book["lender"][own], book["row"][own]
    worst = np.maximum.reduceat(book["dpd"][own], edges[:-1])
    allowed = np.array([_hold_after(lender) for lender in market.lenders])
    held = np.repeat(worst, np.diff(edges)) >= allowed[lenders]
    columns["limit_fen"][lenders[held], rows[held]] = 0
    columns["offer_until"][lenders[held], rows[held]] = 0
    until = columns["refused_until"]
    until[lenders[held], rows[held]] = np.maximum(until[lenders[held], rows[held]], day.number + HELD_FOR)


@kernel
def pay_for_each_other(
    loans: Any, schedules: Any, unpaid: Any, members: Any, edges: Any, m: Any, lenders: Any, terms: Any, r: Any,
    sums: Any,
) -> None:  # fmt: skip
    """In every group, those who are not late pay the dues of those who are.

    ``members`` (n,) are positions in the book, group by group from ``edges`` (groups + 1,); ``sums`` (n_lenders,
    len(REPAY_TOTALS)) of int64 are added to.
    """
    for group in range(edges.size - 1):
        begin, end = edges[group], edges[group + 1]
        sound = 0
        for k in range(begin, end):
            sound += 1 if loans[members[k]].dpd == 0 else 0
        if sound == 0:
            continue
        for k in range(begin, end):
            loan = loans[members[k]]
            if loan.dpd == 0:
                continue
            plan, late_ones = schedules[loan.schedule - 1], unpaid[loan.schedule - 1]
            lender = np.uint64(loan.lender)
            part = (due_of(loan, plan, late_ones) + sound - 1) // sound
            for other in range(begin, end):
                peer = loans[members[other]]
                row = np.uint64(peer.row)
                claim = least(part, due_of(loan, plan, late_ones))
                if peer.dpd > 0 or claim == 0 or r.today >= m.bust_day[row]:
                    continue
                at_stake = lenders.limit_fen[lender, row] if terms.holds[lender] else 0
                if not means_to_pay(m, row, False, claim, at_stake, lender, terms, r, sanction_on(peer, terms)):
                    continue
                paid = least(claim, np.int64(floor(m.wallet[row])))
                if paid <= 0:
                    continue
                before = loan.balance
                pay(loan, plan, late_ones, paid, terms.allocation[lender], terms.by_instalment[lender], sums[lender])
                m.wallet[row] -= paid
                sums[lender, T_WALLET] += paid
                gone = before - loan.balance
                take_from_bucket(loan, np.int64(most(loan.dpd, loan.inherited_dpd)), gone, sums[lender])
                lenders.exposure_fen[lender, np.uint64(loan.row)] -= gone
                lenders.line_fen[lender, np.uint64(loan.row)] -= gone
