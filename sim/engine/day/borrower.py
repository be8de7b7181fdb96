"""The borrower's side of a loan's day: would it pay, can it pay, does it think of it, does it pay early.

The rules of one merchant stand in `sim.world.repayment`; here they meet the merchant's columns and the lender's terms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import Scalar, floor, hash64, least, most, rule, unit64
from sim.core.loanbook import ACTIVE, ADVISED, EVADED, HELD, JOINT_LIABILITY, ORDER_LOAN, PAID_OFF, PROMISED, SUED
from sim.core.merchants import OPEN, STAGES
from sim.engine.day.ladder import pressed
from sim.engine.day.loan import (
    T_BUYERS,
    T_COMMISSION,
    T_CONTACTS,
    T_LADDER,
    T_LATE,
    confirm_pledged,
    put_in_bucket,
)
from sim.world.repayment import (
    FORGOT,
    FRAUD,
    UNABLE,
    UNWILLING,
    days_forgotten,
    forgets,
    is_still_forgotten,
    is_willing,
    shop_worth,
)

_F = np.float32
SMALLEST_PREPAYMENT = 10_000  # fen; nobody repays less than 100 yuan early, unless it settles the loan


class RepayRules(NamedTuple):
    """Scalars of the merchants' side of one day's repayments."""

    key_forget: np.uint64
    today: int
    first_share: float  # of shipped orders that move on from the first stage; and from each of the others
    stage_share: float
    restocked: float
    shop_days: float
    credit_value: float
    sanction: float
    forget: float
    reminded: float
    log_keep: float
    idle_days: float
    repay_ahead: int
    hardship: float
    recovered_unable: float
    recovered_unwilling: float
    horizon: int
    encouraged: float
    threatened: float
    shamed: float
    close_ties: float
    sued: float


class LenderTerms(NamedTuple):
    """What the lenders do after the payout, one element a lender, (n_lenders,) unless said."""

    penalty_permille: Any  # int64: penalty rate over contract rate, thousandths
    allocation: Any  # int64 (n_lenders, 4): codes in the order they are paid
    compounds: Any  # int64: 1 if overdue interest bears the penalty rate too
    by_instalment: Any  # int64: 1 if the oldest instalment is paid first, 0 if one bucket of all after the other
    late_fee: Any  # int64: fen for every due date that is missed
    remind_before: Any  # int64: days before due of the first reminder, 0 for none
    n_steps: Any  # int64: steps of the ladder past due
    steps: Any  # STEP (n_lenders, most steps): the ladder past due
    closes: Any  # int64: bits of the platforms on which not paying may cost the shop
    remembers: Any  # float64: share of the worth of credit that not paying costs
    ahead: Any  # int64: days before due at which the lender looks by itself, 0 for never
    observed_for: Any  # int64: days for which a loan with new terms stays in its bucket
    non_accrual_after: Any  # int64: DPD at which interest leaves income
    write_off_after: Any  # int64: DPD
    refund_days: Any  # int64: days of the first-time borrower's interest refund
    sell_after: Any  # int64: DPD at which stock pledged in a warehouse is sold
    sale_share: Any  # float64: share of its cost that it brings
    peer_sanction: Any  # float64: fen that not paying costs a member of a group with its peers
    holds: Any  # int64: 1 if members of a group lose their credit while one is late


class Borrowers(NamedTuple):
    """The merchant columns that repayments read and write."""

    platform: Any
    status: Any
    integrity: Any
    bust_day: Any
    kappa: Any
    margin: Any
    off_platform: Any
    return_rate: Any
    order_value: Any
    sales_mean_30d: Any
    returns_mean_30d: Any
    shortage: Any
    fixed_cost: Any
    stock: Any
    shipped: Any
    wallet: Any
    days_in_debt: Any


class Records(NamedTuple):
    """The lender columns that repayments read and write, (n_lenders, n)."""

    limit_fen: Any
    exposure_fen: Any
    line_fen: Any
    n_open: Any
    n_repaid: Any
    dpd: Any
    worst_dpd: Any


@rule
def means_to_pay(
    m: Any, row: Scalar, struck: bool, due: Scalar, limit: Scalar, lender: Scalar, terms: Any, r: Any, sanction: Scalar
) -> Scalar:
    """Whether the merchant of ``row`` would pay ``due`` fen if it could.

    ``limit`` is what this lender offers it, ``sanction`` the fen that not paying costs it beyond shop and credit. The
    shop is at stake only with a lender that closes shops, and credit as far as the lender will know it again.
    """
    shop = shop_worth(
        m.kappa[row], m.margin[row], m.sales_mean_30d[row], m.off_platform[row], r.shop_days, m.status[row] == OPEN
    )
    return is_willing(
        m.integrity[row], struck, due, shop if (terms.closes[lender] >> m.platform[row]) & 1 else 0.0, limit,
        r.credit_value * terms.remembers[lender], r.sanction + sanction,
    )  # fmt: skip


@rule
def early_payment(owed: Scalar, days: Scalar, is_near: Scalar, idle: Scalar, money: Scalar) -> Scalar:
    """Fen that a borrower repays early, ``days`` before the due date: idle money, and near the date a daily part.

    ``is_near`` is whether it sets money aside for the due date; ``money`` is what it has above today's costs, fen.
    """
    paid = least(owed, idle)
    if is_near:
        part = least(most(owed // days + 1, SMALLEST_PREPAYMENT), owed)
        paid = most(paid, least(part, money))
    return paid if paid >= SMALLEST_PREPAYMENT or paid == owed else np.int64(0)


@rule
def take_back(m: Any, row: Scalar, refund: Scalar, restocked: Scalar) -> None:
    """Goods of returned orders go back to the shelves, as far as they can be sold again, and are remembered."""
    m.stock[row] += _F(refund / m.order_value[row] * restocked)
    m.returns_mean_30d[row] += _F(refund / 30.0)


@rule
def proceeds(loan: Any, m: Any, row: Scalar, struck: bool, r: Any, commission: Any, sums: Any) -> Scalar:
    """Fen that the pledged orders of a loan bring today, less returns and commission; and the fen of the returns."""
    out = confirm_pledged(loan, r.first_share, r.stage_share)
    refund = out if struck else floor(out * m.return_rate[row])
    fee = floor((out - refund) * commission[np.uint64(m.platform[row])])
    take_back(m, row, refund, r.restocked)
    sums[T_BUYERS] += np.int64(refund)
    sums[T_COMMISSION] += np.int64(fee)
    return np.int64(out - refund - fee), refund


@rule
def free_pledge(loan: Any, m: Any, row: Scalar) -> None:
    """Orders pledged for a loan that has ended are the shop's own again."""
    for stage in range(STAGES):
        m.shipped[stage, row] += loan.pledged[stage]
        loan.pledged[stage] = 0.0


@rule
def sanction_on(loan: Any, terms: Any) -> Scalar:
    """Fen that a loan's borrower loses with its peers if it does not pay."""
    return terms.peer_sanction[np.uint64(loan.lender)] if loan.product == JOINT_LIABILITY else 0.0


@rule
def idle_from(m: Any, row: Scalar, r: Any) -> Scalar:
    """Fen in the wallet above which money is idle: some days of sales and costs, and the wish for stock."""
    return r.idle_days * (m.sales_mean_30d[row] + m.fixed_cost[row]) + m.shortage[row]


@rule
def has_forgotten(loan: Any, late: Scalar, has_reminder: Scalar, n_told: Scalar, r: Any) -> Scalar:
    """Whether the borrower has forgotten what fell due ``late`` days ago: three draws of the loan and its due date."""
    date = 4 * np.int64(loan.unpaid_since)
    if not forgets(unit64(hash64(r.key_forget, loan.loan_id, date)), r.forget, r.reminded, has_reminder):
        return False
    days = days_forgotten(unit64(hash64(r.key_forget, loan.loan_id, date + 1)), r.log_keep)
    return is_still_forgotten(late, days, unit64(hash64(r.key_forget, loan.loan_id, date + 2)), r.reminded, n_told)


@rule
def answer_claim(
    loan: Any, claim: Scalar, wallet: Scalar, row: Scalar, lender: Scalar, m: Any, lenders: Any, terms: Any, r: Any,
    sums: Any,
) -> Scalar:  # fmt: skip
    """Fen paid out of the wallet for ``claim`` fen that are due: willing and able, forgetful, unwilling, or swept.

    Returns them, and whether the loan is late, so that the evening looks at it.
    """
    struck = r.today >= m.bust_day[row]
    late = np.int64(r.today - loan.unpaid_since)
    n_told, share, worth = np.int64(0), 0.0, 0.0
    if late > 0 and (loan.pressure & HELD) == 0:
        n_told, share, worth = pressed(
            loan, late, claim, m.platform[row], lender, terms, r, sums, T_CONTACTS, T_LADDER
        )
    if loan.pressure & PROMISED:
        worth += r.encouraged * claim
    if loan.pressure & SUED:
        worth += r.sued * claim
    worth += sanction_on(loan, terms)
    willing = means_to_pay(m, row, struck, claim, lenders.limit_fen[lender, row], lender, terms, r, worth)
    # order loans are debited by the platform on their own; a promise is not forgotten, nor what is being talked about
    is_kept = loan.product == ORDER_LOAN or (loan.pressure & (PROMISED | ADVISED | HELD)) != 0
    forgotten = not is_kept and has_forgotten(loan, late, terms.remind_before[lender] > 0, n_told, r)
    if struck or not willing:
        loan.cause = FRAUD if struck else UNWILLING
    elif forgotten:
        loan.cause = FORGOT
    elif wallet < claim:
        loan.cause = UNABLE
    paid = np.int64(0)
    if willing and not forgotten:
        paid = claim if wallet >= claim else np.int64(floor(wallet * r.hardship))
    elif share > 0.0:
        paid = least(claim, np.int64(floor(wallet * share)))
    if late > 0:
        sums[T_LATE] += paid
    return paid, late > 0


@rule
def note_standing(
    loan: Any, row: Scalar, lender: Scalar, position: Scalar, lenders: Any, sums: Any, closings: Any, n_closed: Scalar
) -> Scalar:
    """Remember of a loan that was late, or has ended, what its lender will; returns how many have been paid off."""
    is_known = (loan.pressure & EVADED) == 0  # under another name nobody knows of it
    if is_known:
        lenders.worst_dpd[lender, row] = most(lenders.worst_dpd[lender, row], loan.max_dpd)
    if loan.status == PAID_OFF:
        closings[n_closed] = position
        n_closed += 1
    if loan.status == ACTIVE:
        late = np.int64(most(loan.dpd, loan.inherited_dpd))
        put_in_bucket(loan, late, sums)
        if is_known:
            lenders.dpd[lender, row] = most(lenders.dpd[lender, row], late)
            lenders.worst_dpd[lender, row] = most(lenders.worst_dpd[lender, row], late)
    else:
        lenders.n_open[lender, row] -= 1
    return n_closed
