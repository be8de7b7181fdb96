"""The merchants' day as one compiled call: what goes into it, and what comes out of it into the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import Day
from sim.core.loanbook import PRODUCTS
from sim.engine import lend, rules, settle
from sim.engine.day.borrower import Borrowers, Records
from sim.engine.day.count import LENT, MONEY, MoneyColumns
from sim.engine.day.live import Loans, Totals, live
from sim.engine.day.loan import REPAY_TOTALS
from sim.engine.day.plan import PLAN_TOTALS, PlanColumns
from sim.engine.day.tiles import columns_of
from sim.engine.day.trade import TRADE_TOTALS, TradeColumns
from sim.engine.groups import stand_in
from sim.engine.happenings import holidays_of
from sim.world.own_days import OwnDays
from sim.world.shocks import jump
from sim.world.wash import dress_up

if TYPE_CHECKING:
    from sim.engine.market import Market

_F = np.float32


@dataclass(frozen=True)
class Lived:
    """What the merchants' day came to, whole fen and counts by name: of all merchants, and of each lender's loans."""

    traded: dict[str, int]
    repaid: dict[str, dict[str, int]]
    planned: dict[str, int]


@dataclass(frozen=True)
class Room:
    """Arguments of the compiled day that stay the same arrays all along."""

    columns: tuple[Any, ...]  # MoneyColumns, TradeColumns, Borrowers, Records, PlanColumns
    sums: Totals
    edges: npt.NDArray[np.int64]  # first rows of the tiles
    decay: npt.NDArray[np.float32]  # share of its value that stock loses a day, by category
    commission: npt.NDArray[np.float32]  # by platform
    own_days: OwnDays


def lay_out(market: Market) -> Room:
    """Lay out the room for a market's days."""
    m, p, chunks = market.merchants, market.plan_of_run.merchants, market.cut.n_chunks(market.merchants.n)
    records = Records(*(m.lender[name] for name in Records._fields))
    return Room(
        (
            columns_of(MoneyColumns, m),
            columns_of(TradeColumns, m),
            columns_of(Borrowers, m),
            records,
            columns_of(PlanColumns, m),
        ),
        Totals(
            np.zeros((chunks, len(MONEY)), np.int64),
            np.zeros((chunks, len(market.lenders), len(LENT)), np.int64),
            np.zeros((chunks, len(TRADE_TOTALS)), np.int64),
            np.zeros((chunks, 2, len(p.categories)), np.int64),
            np.zeros((chunks, len(market.lenders), len(PRODUCTS), len(REPAY_TOTALS)), np.int64),
            np.zeros((chunks, len(PLAN_TOTALS)), np.int64),
            np.zeros(chunks, np.int64),
            np.zeros(chunks, np.int64),
        ),
        market.cut.edges(m.n),
        rules.stock_decay(p),
        market.platform.commission(),
        OwnDays(p, market.seed_number, np.arange(1, m.n + 1), holidays_of(market.plan_of_run)),
    )


def live_day(market: Market, day: Day) -> npt.NDArray[np.int64]:
    """Live one day of every merchant; gives the positions of the late loans that the lenders' people look at tonight.

    What the day moved is counted in the market's room, and stays there until `enter_day` enters it in the books.
    """
    book, room = market.book, market.room
    starts = np.searchsorted(book.rows, room.edges)
    plans = book.schedules
    closings, noticed = np.empty(book.n, np.int32), np.empty(book.n, np.int32)
    loans = Loans(book.records[: book.n], book.order, starts, closings, noticed, plans.records, plans.unpaid)
    demand = market.plan_of_run.merchants.demand
    if market.replay is None:
        jump(market.merchants, demand, rules.daily_carry(demand.weekly_autocorrelation), market.seed_number, day.number)
    given = *room.columns, *_factors(market, day), *_rules(market, day)
    live(market.merchants.n, *market.cut, *given, loans, *room.sums)
    # the kernel counted before it moved anything, and nothing of today is booked yet: so the last day closed
    last = day.date - timedelta(days=1 if day.index else 0)
    money, lent = room.sums.money.sum(axis=0), room.sums.lent.astype(object).sum(axis=0)  # units may pass 64 bits
    market.books.check(str(last), settle.counted(money, lent, market.lenders, market.held()))
    market.find_rare()
    _note_closings(market, loans, day)
    stand_in(market, day)
    return _listed(market, loans, loans.noticed, market.room.sums.n_noticed).astype(np.int64)


def prepare_for_reviews(market: Market, day: Day) -> None:
    """Some who fake sales fake more as the next review of a lender that they see draws near."""
    p, every = market.plan_of_run.merchants, [lender.spec.review.every for lender in market.lenders]
    left = np.array([days - day.index % days for days in every], np.int64)
    dress_up(market.merchants, left, market.seed_number, p.washing, float(p.borrowing.smallest))


def enter_day(market: Market) -> Lived:
    """Enter what the day has counted in the books, the evening's work on late loans included."""
    return Lived(_sum_trade(market), _sum_repayments(market), _sum_plans(market))


def _factors(market: Market, day: Day) -> tuple[npt.NDArray[np.float32], ...]:
    """Factors of the day by category and platform, the orders of a replay, and the factors of shops' own days."""
    outlook, i = market.outlook, day.index
    return (
        np.stack([outlook.demand[i], market.rush, outlook.lift[i], outlook.run_up[i]]),
        np.stack([*(table[i] for table in outlook.ahead), market.room.decay]),
        market.room.commission,
        market.replay.orders_of(day.number) if market.replay else np.zeros(0, _F),
        np.zeros(0, _F) if market.replay else market.room.own_days.factors(day.date, market.merchants),
    )


def _rules(market: Market, day: Day) -> tuple[Any, ...]:
    """Scalars of the day's trade, repayments and plans, and the lenders' terms."""
    p, seed = market.plan_of_run.merchants, market.seed_number
    outside = market.plan_of_run.institutions.outside_money
    outlook, i, replays = market.outlook, day.index, market.replay is not None
    lowest = min((product.rate_ppm_year for lender in market.lenders for product in lender.products), default=0)
    return (
        rules.trade_rules(
            p, outside, seed, day, replays=replays, rival=float(outlook.rival[i]), margin=float(outlook.margin[i])
        ),
        rules.repay_rules(p, seed, day),
        rules.plan_rules(
            p, outside, seed, day, lowest, is_promoted=bool(outlook.largest_ahead[i].any()), replays=replays,
            trust=float(outlook.trust[i]),
        ),
        market.terms,
    )  # fmt: skip


def _note_closings(market: Market, loans: Loans, day: Day) -> None:
    """Loans that were paid off: those that paid them off with a new loan are marked."""
    closed = _listed(market, loans, loans.closings, market.room.sums.n_closed)
    market.book.n_closed += closed.size
    sums = market.room.sums.repay[0]
    lend.mark_refinancing(market.book, market.merchants.last_loan_day, closed, day.number, sums)


def _listed(
    market: Market, loans: Loans, listed: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """Positions that the chunks have written, each from the start of its own loans on, as one list."""
    begins = loans.starts[: -1 : market.cut.chunk // market.cut.tile]
    before = np.cumsum(counts) - counts
    return np.asarray(listed[np.repeat(begins - before, counts) + np.arange(counts.sum())])


def _sum_trade(market: Market) -> dict[str, int]:
    """Demand, sales, wash trades, confirmations, costs."""
    sums = market.room.sums
    # a share of what could not be served looks elsewhere in the category tomorrow (design rule 3)
    lost, served = sums.by_category.sum(axis=0)
    stealing = market.plan_of_run.merchants.demand.business_stealing
    market.rush = (1.0 + stealing * lost / np.maximum(served, 1)).clip(1.0, 2.0).astype(_F)
    totals = dict(zip(TRADE_TOTALS, sums.trade.sum(axis=0).tolist(), strict=True))
    totals["sales"] = int(served.sum())
    settle.book_trade(market.books, totals)
    return totals


def _sum_repayments(market: Market) -> dict[str, dict[str, int]]:
    """Pledged proceeds, what was due, prepayments, ages, write-offs, recoveries; by lender."""
    by_product = market.room.sums.repay.sum(axis=0)
    found: dict[str, dict[str, int]] = {}
    for lender in market.lenders:
        rows = by_product[lender.index]
        totals = dict(zip(REPAY_TOTALS, rows.sum(axis=0).tolist(), strict=True))
        settle.book_repayments(market.books, lender.lender_id, totals)
        if sharing := market.sharing.get(lender.lender_id):
            sharing.repay(market.books, lender, rows.tolist())
        found[lender.lender_id] = totals
    return found


def _sum_plans(market: Market) -> dict[str, int]:
    """Stock, outside money, owners."""
    totals = dict(zip(PLAN_TOTALS, market.room.sums.plan.sum(axis=0).tolist(), strict=True))
    settle.book_plans(market.books, totals)
    return totals
