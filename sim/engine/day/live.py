"""One day of all merchants: its money is counted, then each trades, then its loans are served, then it plans.

A tile of merchants goes through all of it before the next begins, so that it comes from memory once. Chunks of tiles
are spread over threads; every chunk sums whole fen, and sums of whole fen do not depend on their order, so that any
number of threads and any cut into tiles and chunks gives the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from sim.core.kernels import parallel_kernel
from sim.engine.day.count import count_loans, count_money, mark_late
from sim.engine.day.plan import plan
from sim.engine.day.repay import repay
from sim.engine.day.trade import RECORDED, SCRATCH, trade


class Loans(NamedTuple):
    """The loan book of the day."""

    records: Any  # (n,) of LOAN
    order: Any  # (n,) of int32: positions by merchant row, oldest loan first
    starts: Any  # (n_tiles + 1,) of int64: where the loans of a tile begin in the order
    closings: Any  # (n,) of int32, written: positions of loans paid off today, from the start of each chunk's loans on
    noticed: Any  # (n,) of int32, written alike: loans that are late or soon due, for the evening
    schedules: Any  # (k,) of SCHEDULE: of the loans that are repaid by instalments
    unpaid: Any  # (k, most) of UNPAID: their unpaid instalments


class Totals(NamedTuple):
    """Totals of the day by chunk, int64, written."""

    money: Any  # (n_chunks, len(MONEY)): as the day begins
    lent: Any  # (n_chunks, n_lenders, len(LENT)): as the day begins
    trade: Any  # (n_chunks, len(TRADE_TOTALS))
    by_category: Any  # (n_chunks, 2, n_categories): fen of demand lost and served
    repay: Any  # (n_chunks, n_lenders, n_products, len(REPAY_TOTALS))
    plan: Any  # (n_chunks, len(PLAN_TOTALS))
    n_closed: Any  # (n_chunks,): loans paid off
    n_noticed: Any  # (n_chunks,): loans that are late or soon due


@parallel_kernel
def live(
    n: Any, tile: Any, chunk: Any, money_columns: Any, trade_columns: Any, borrowers: Any, records: Any,
    plan_columns: Any, demand: Any, ahead: Any, commission: Any, observed: Any, own: Any, trade_rules: Any,
    repay_rules: Any, plan_rules: Any, terms: Any, loans: Any, money: Any, lent: Any, traded: Any, by_category: Any,
    repaid: Any, planned: Any, n_closed: Any, n_noticed: Any,
) -> None:  # fmt: skip
    """Live one day.

    Parameters
    ----------
    n : int
        Merchants.
    tile, chunk : int
        Merchants of a tile, and of a chunk, which is whole tiles.
    money_columns, trade_columns, borrowers : MoneyColumns, TradeColumns, Borrowers
    records, plan_columns : Records, PlanColumns
        What the parts of the day read and write.
    demand : ndarray (4, n_categories) of float32
        Season with common shocks, the demand that comes over from rivals out of stock, the lift of promotions, what
        is advertised more for those to come.
    ahead : ndarray (5, n_categories) of float32
        Mean season of the weeks ahead, promotions to stock for, lift - 1 of the largest one in sight and of one that
        begins tomorrow, share of its value that stock loses a day.
    commission : ndarray (n_platforms,) of float32
        The platform's share of confirmed sales.
    observed : ndarray (n,) of float32
        Orders wanted as a file tells them, in a replay; else empty.
    own : ndarray (n,) of float32
        Factor on demand of each shop's own day; empty where there is none.
    trade_rules, repay_rules, plan_rules, terms : TradeRules, RepayRules, PlanRules, LenderTerms
    loans : Loans
    money, lent, traded, by_category, repaid, planned, n_closed, n_noticed : ndarray of int64
        Written: the arrays of Totals. A parallel loop must not write to arrays in a tuple, which numba drops.
    """
    for part in prange(n_closed.size):
        bits, x = np.empty((2, tile), np.uint32), np.empty((SCRATCH, tile), np.float32)
        fen, distress, late = np.empty((2, tile), np.int64), np.empty(tile, np.uint8), np.empty(tile, np.uint8)
        debt, due_soon, on_stock = np.zeros(tile), np.zeros(tile), np.zeros(tile)
        money[part] = 0
        lent[part] = 0
        traded[part] = 0
        by_category[part] = 0
        repaid[part] = 0
        planned[part] = 0
        begin, closed, seen = loans.starts[part * chunk // tile], np.int64(0), np.int64(0)
        for a in range(part * chunk, min(n, part * chunk + chunk), tile):
            b, place = min(n, a + tile), a // tile
            by_row = loans.order[loans.starts[place] : loans.starts[place + 1]]
            count_money(money_columns, a, b, money[part])
            count_loans(loans.records, by_row, lent[part], money[part])
            trade(
                trade_columns, a, b, observed, own, demand, commission, trade_rules, bits, x, fen, traded[part],
                by_category[part],
            )  # fmt: skip
            more_closed, more_seen = repay(
                loans.records, by_row, a, borrowers, records, terms, repay_rules, commission, debt, due_soon,
                loans.closings[begin + closed :], loans.noticed[begin + seen :], repaid[part], loans.schedules,
                loans.unpaid, x[RECORDED], on_stock,
            )  # fmt: skip
            closed += more_closed
            seen += more_seen
            mark_late(loans.records, by_row, a, late)
            plan(plan_columns, a, b, ahead, plan_rules, debt, due_soon, late, bits, x, distress, planned[part])
        n_closed[part] = closed
        n_noticed[part] = seen
