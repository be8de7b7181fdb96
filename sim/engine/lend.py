"""From a wish to a decision: choice of offer, rationing, acceptance. Sparse: only those who ask are touched.

The functions compute and return; `sim.engine.payout` commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.kernels import kernel, most
from sim.core.loanbook import (
    ACTIVE,
    FIXED_LOAN,
    ORDER_LOAN,
    PRODUCTS,
    PURCHASE_ORDER,
    REVOLVING_LINE,
    SALES_SHARE,
    SECURED,
    WAREHOUSE,
    LoanBook,
)
from sim.core.merchants import Merchants
from sim.engine.day.flags import PRESSED
from sim.engine.day.loan import add_to_bucket, take_from_bucket
from sim.lenders.lender import NO_FUNDS, STEP, Decisions, Lender
from sim.lenders.policies.funding import filled, ranks, served, shared
from sim.lenders.product_terms import AnyProduct, FixedLoan, SalesShare, Warehouse

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

# Days over which a merchant weighs what a loan gains against its price and bother: one turn of its stock. Assumption.
DAYS_OF_USE = 10.0
ASK_AGAIN = 30  # days a refused merchant waits before it asks the same lender again; assumption
APPROVED, DECLINED, SHORT_OF_FUNDS = range(3)


@dataclass(frozen=True)
class Wishes:
    """Merchants who would borrow today; every array is (n,)."""

    rows: Rows
    amount_fen: Ints  # rounded up to 100 yuan
    worth: npt.NDArray[np.float64]  # gain per yuan and day
    is_pressed: npt.NDArray[np.bool_]  # in distress, or a fraudster who strikes: the price does not matter


@dataclass(frozen=True)
class Requests:
    """What the merchants ask of one lender; every array is (n,)."""

    rows: Rows
    product: npt.NDArray[np.int8]
    asked_fen: Ints
    wish: Rows  # position in the wishes


def gather_wishes(m: Merchants, rows: Rows, today: int, most_fen: int) -> Wishes:
    """What those of ``rows`` who see a lender ask for; fraudsters who strike want all they can get."""
    rows = rows[np.any([own[rows] for own in m.lender["is_visible"]], axis=0)] if m.n_lenders else rows[:0]
    strikes = today >= m.bust_day[rows]
    amount = np.ceil(m.shortage[rows].astype(np.float64) / STEP).astype(np.int64) * STEP
    pressed = (m.flags[rows] & PRESSED) != 0
    return Wishes(rows, np.where(strikes, most_fen, amount), m.gain[rows].astype(np.float64), pressed)


def choose_offers(
    m: Merchants,
    book: LoanBook,
    wishes: Wishes,
    lenders: list[Lender],
    reaches: Mapping[int, npt.NDArray[np.bool_]],
    today: int,
    bothers: Mapping[int, float] | None = None,
    special: Mapping[int, npt.NDArray[np.bool_]] | None = None,
) -> dict[int, Requests]:
    """Every merchant's best request over all lenders and products, by lender index.

    The gain of a request is (worth - price x sensitivity) x amount x days of use - bother; a pressed merchant looks
    for the largest amount, then the lowest price. A merchant with an offer asks within it; one without asks for what
    it wants and lets the lender decide. ``reaches`` tells, by lender index, who gets through to its entry, (n,), and
    ``bothers`` how much more trouble than usual a loan of it is, if that differs; ``special`` for whom it raises the
    limit tonight, (n,).
    """
    rows, n = wishes.rows, wishes.rows.size
    best = np.zeros(n)
    who, what, asks = np.full(n, -1), np.zeros(n, np.int8), np.zeros(n, np.int64)
    sensitivity, bother = (column.take(rows).astype(np.float64) for column in (m.price_sensitivity, m.bother))
    pledgeable = sum(stage.take(rows) for stage in m.shipped)
    owed_on = _owed_on(m, book, lenders)
    for lender in lenders:
        own = {name: m.lender[name][lender.index].take(rows) for name in _OFFER_COLUMNS}
        open_to = reaches[lender.index] & own["is_visible"] & ~own["is_pending"]
        open_to &= (own["refused_until"] < today) & (own["dpd"] == 0)
        room = lender.spec.joint_cap - own["exposure_fen"]
        has_offer = own["offer_until"] >= today
        limit = own["limit_fen"]
        if special is not None:
            limit = lender.raised(limit, special[lender.index])
        for name, terms in lender.terms.items():
            product = PRODUCTS.index(name)
            if product == ORDER_LOAN:
                bound = np.floor(getattr(terms, "advance", 0.0) * pledgeable).astype(np.int64)
            elif product in SECURED:
                bound = _cover(m, rows, terms) - owed_on[product].take(rows)
            else:
                bound = np.where(has_offer, limit - own["line_fen"], wishes.amount_fen)
            amount = np.minimum(np.minimum(wishes.amount_fen, bound), np.minimum(room, terms.maximum))
            amount = amount // STEP * STEP
            if isinstance(terms, FixedLoan):  # a lump, not the small part of a grant
                amount = np.where(has_offer & (amount < terms.least_share * limit), 0, amount)
            if product == REVOLVING_LINE and getattr(lender.terms.get("fixed_loan"), "bundle", False):
                amount = np.where(_has_fixed_loan(book, lender.index, m.n)[rows], amount, 0)
            price: Any = lender.price_of(name) / (1e6 * terms.rate.days_in_year)
            if isinstance(terms, SalesShare):
                price = fee_a_day(terms, m.sales_mean_30d.take(rows), amount)
            price = price + terms.payout_fee / DAYS_OF_USE
            gain = (wishes.worth - price * sensitivity) * amount * DAYS_OF_USE
            gain = gain - (bother if bothers is None else bother * bothers[lender.index])
            gain = np.where(wishes.is_pressed, amount * (1.0 - price), gain)
            better = open_to & (amount >= max(terms.minimum, STEP)) & (gain > best)
            best = np.where(better, gain, best)
            who, what, asks = (
                np.where(better, lender.index, who),
                np.where(better, np.int8(product), what),
                np.where(better, amount, asks),
            )
    found: dict[int, Requests] = {}
    for lender in lenders:
        wish = np.flatnonzero(who == lender.index)
        found[lender.index] = Requests(rows[wish], what[wish], asks[wish], wish)
    return found


def _owed_on(m: Merchants, book: LoanBook, lenders: list[Lender]) -> dict[int, Ints]:
    """Fen that every merchant owes to anybody on its stock, and on its orders, (n,), for those products on offer.

    What one loan rests on cannot bear another.
    """
    found: dict[int, Ints] = {}
    for product in (PURCHASE_ORDER, WAREHOUSE):
        if any(PRODUCTS[product] in lender.terms for lender in lenders):
            own = (book["product"] == product) & (book["status"] == ACTIVE)
            owed = np.bincount(book["row"][own], book["balance"][own].astype(np.float64), m.n)
            found[product] = owed.astype(np.int64)
    return found


def _has_fixed_loan(book: LoanBook, lender: int, n: int) -> npt.NDArray[np.bool_]:
    """Which of ``n`` merchants have a fixed loan of a lender."""
    own = (book["product"] == FIXED_LOAN) & (book["status"] == ACTIVE) & (book["lender"] == lender)
    found = np.zeros(n, np.bool_)
    found[book["row"][own]] = True
    return found


def _cover(m: Merchants, rows: Rows, terms: AnyProduct) -> Ints:
    """Fen that may be lent on the stock of a shop, or on the orders of its lead time, (n,)."""
    value = m.order_value.take(rows).astype(np.float64)
    if isinstance(terms, Warehouse):
        cost = value * (1.0 - m.margin.take(rows))
        return np.asarray(np.floor((1.0 - terms.haircut) * m.stock.take(rows) * cost), np.int64)
    orders = m.demand_mean.take(rows).astype(np.float64) * m.lead_days.take(rows)
    return np.asarray(np.floor(getattr(terms, "advance", 0.0) * orders * value), np.int64)


def fee_a_day(terms: SalesShare, daily_sales_fen: npt.NDArray[np.float32], amount: Ints) -> npt.NDArray[np.float64]:
    """What a share of sales costs per yuan and day, (n,): its fee over the days in which the shop's sales pay it.

    ``P (1 + fee) / (share x daily sales)`` days (facts C.2): a short life makes a fixed fee dear.
    """
    days = amount * (1.0 + terms.fee) / np.maximum(terms.share * daily_sales_fen.astype(np.float64), 1.0)
    return np.asarray(terms.fee / np.maximum(days, 1.0))


_OFFER_COLUMNS = (
    "is_visible", "is_pending", "refused_until", "dpd", "exposure_fen", "line_fen", "limit_fen", "offer_until",
)  # fmt: skip


def is_taken_up(
    lender: Lender, m: Merchants, wishes: Wishes, requests: Requests, decided: Decisions
) -> npt.NDArray[np.bool_]:
    """Who accepts what was granted, (n,): it must still pay at the price and the amount that came out."""
    rows = requests.rows
    days = np.full(len(PRODUCTS), 365)
    for name, terms in lender.terms.items():
        days[PRODUCTS.index(name)] = terms.rate.days_in_year
    price = decided.rate_ppm_year / (1e6 * days[requests.product])
    share = lender.terms.get("sales_share")
    if isinstance(share, SalesShare):
        fee = fee_a_day(share, m.sales_mean_30d[rows], decided.granted_fen)
        price = np.where(requests.product == SALES_SHARE, fee, price)
    fees = np.zeros(len(PRODUCTS))
    for name, terms in lender.terms.items():
        fees[PRODUCTS.index(name)] = terms.payout_fee
    price = price + fees[requests.product] / DAYS_OF_USE
    gain = (wishes.worth[requests.wish] - price * m.price_sensitivity[rows]) * decided.granted_fen * DAYS_OF_USE
    pays: npt.NDArray[np.bool_] = wishes.is_pressed[requests.wish] | (gain > m.bother[rows])
    return (decided.granted_fen > 0) & pays


def refuse(decided: Decisions, who: npt.NDArray[np.bool_], reason: int) -> Decisions:
    """Decline what was granted to ``who`` (n,) for a reason of the lender's own."""
    reasons = decided.reasons.copy()
    reasons[who & (decided.granted_fen > 0), 0] = reason
    return replace(decided, granted_fen=np.where(who, 0, decided.granted_fen), reasons=reasons)


def ration(
    lender: Lender, m: Merchants, requests: Requests, decided: Decisions, free_fen: int, seed: int, today: int
) -> Ints:
    """Fen that the money reaches for, (n,): all that was granted, or less when it is short (design rule 10)."""
    wanted = decided.granted_fen
    if int(wanted.sum()) <= free_fen:
        return wanted
    if lender.spec.funding.order == "pro_rata":
        part = shared(wanted, free_fen, STEP)
        return np.where(part >= np.maximum(lender.minimum[requests.product], STEP), part, 0)
    ids = m.merchant_id[requests.rows]
    coin = draws.uniform(seed, "lender.queue", today, ids, lender.luck_key)
    order = ranks(lender.spec.funding.order, coin, decided.score, decided.rate_ppm_year)
    order = order[wanted[order] > 0]
    serve = filled if lender.spec.funding.order == "profit" else served
    return np.where(serve(order, wanted, max(free_fen, 0)), wanted, 0)


def note_decisions(
    lender: Lender, m: Merchants, requests: Requests, decided: Decisions, paid: npt.NDArray[np.bool_], today: int
) -> npt.NDArray[np.int8]:
    """Remember scores, limits, offers and refusals; returns the decision codes of the applications."""
    own, rows, index = m.lender, requests.rows, lender.index
    approved = decided.granted_fen > 0
    on_line = ~np.isin(requests.product, SECURED)
    keep = rows[approved & on_line]
    own["limit_fen"][index, keep] = decided.standing_fen[approved & on_line]
    own["offer_until"][index, keep] = today + lender.spec.offer_validity
    own["refused_until"][index, rows[~approved]] = today + ASK_AGAIN
    decided.reasons[approved & ~paid, 0] = NO_FUNDS
    return np.where(approved, np.where(paid, APPROVED, SHORT_OF_FUNDS), DECLINED).astype(np.int8)


@kernel
def note_limits(rows: Any, limit: Any, last_day: Any, limits: Any, until: Any) -> Any:
    """Remember the limits (k,) of a review of ``rows`` (k,), offered to the last day; returns their sum, fen."""
    total = np.int64(0)
    for k in range(rows.size):
        limits[rows[k]] = limit[k]
        until[rows[k]] = last_day if limit[k] > 0 else 0
        total += limit[k]
    return total


def mark_refinancing(
    book: LoanBook, last_loan_day: npt.NDArray[np.int16], closed: npt.NDArray[np.int32], today: int,
    sums: npt.NDArray[np.int64],
) -> int:  # fmt: skip
    """Mark loans drawn within three days before another loan was paid off with them (design rule 9).

    The days past due of the loan paid off go with the new one. Loans swept out of pledged orders are no refinancing.
    ``closed`` are the positions of the loans paid off today, ``last_loan_day`` is by merchant; of ``sums`` (n_lenders,
    n_products, len(REPAY_TOTALS)) the balances by days past due are moved. Returns the number of loans marked.
    """
    return int(_mark_refinancing(book.records, book.order, book.rows, last_loan_day, closed, today, sums))


@kernel
def _mark_refinancing(
    records: Any, order: Any, rows: Any, last_loan_day: Any, closed: Any, today: Any, sums: Any
) -> Any:
    marked = 0
    for k in closed:
        old = records[k]
        drew = last_loan_day[old.row]
        if old.product == ORDER_LOAN or drew < today - 3 or drew <= old.opened:
            continue
        place = np.searchsorted(rows, old.row)
        while place < rows.size and rows[place] == old.row:
            new = records[order[place]]
            if new.opened >= today - 3 and new.status == ACTIVE:
                marked += 0 if new.is_refinancing else 1
                new.is_refinancing = True
                if old.dpd > new.inherited_dpd:
                    totals = sums[np.uint64(new.lender), np.uint64(new.product)]
                    take_from_bucket(new, np.int64(most(new.dpd, new.inherited_dpd)), new.balance, totals)
                    new.inherited_dpd = old.dpd
                    add_to_bucket(new, np.int64(most(new.dpd, new.inherited_dpd)), new.balance, totals)
            place += 1
    return marked
